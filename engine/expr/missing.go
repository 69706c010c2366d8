package expr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// MissingError says that something was asked for which is not there: a field, an
// item of a list, the value of a variable, or more than null. While waiting that means not yet.
type MissingError struct {
	Field string // the field, the number of the item, or the variable
	Part  string // the part of the expression that asked: object.status.readyReplicas
	item  bool
	null  bool   // it is there, and null
	why   string // in words, where it is more than not being there
}

// Error names the part and what it lacks.
func (e *MissingError) Error() string {
	switch {
	case e.null:
		return e.Part + " is null"
	case e.why != "":
		return e.Part + ": " + e.why
	case e.item:
		return fmt.Sprintf("%s: there is no item %s", e.Part, e.Field)
	case e.Part == e.Field:
		return fmt.Sprintf("%s: there is no value for it", e.Part)
	}
	return fmt.Sprintf("%s: there is no field %q", e.Part, e.Field)
}

// failure turns an error of CEL into one for people.
func (p *Program) failure(ctx context.Context, v Values, err error) error {
	switch {
	case errors.Is(err, interpreter.InterruptError{}):
		return fmt.Errorf("%s: interrupted: %w", p.text(), context.Cause(ctx))
	case errors.Is(err, errLoops):
		return fmt.Errorf("%s: given up after %d turns of its loops", p.text(), loopLimit)
	}
	var at int64
	if e, ok := err.(*types.Err); ok {
		at = e.NodeID()
	}
	message := err.Error()
	if key, ok := strings.CutPrefix(message, "no such key: "); ok {
		return p.missing(ctx, v, at, key, false)
	}
	if key, ok := strings.CutPrefix(message, "index out of bounds: "); ok {
		return p.missing(ctx, v, at, key, true)
	}
	if name, ok := strings.CutPrefix(message, "no such attribute(s): "); ok {
		name, _, _ = strings.Cut(name, ", ")
		return &MissingError{Field: name, Part: name}
	}
	if message == notJSON[typeResponse] || message == notJSON[typeResult] {
		missing := p.missing(ctx, v, at, "json", false)
		missing.why = message
		return missing
	}
	if name, ok := strings.CutPrefix(message, noOutput); ok {
		outputs, _ := v["outputs"].(map[string]any)
		absent, _ := outputs[name].(Absent)
		return &NoOutputError{Name: name, Part: p.missing(ctx, v, at, name, false).Part, Why: absent.Why}
	}
	if rest, ok := strings.CutPrefix(message, "index '"); ok && strings.Contains(rest, "out of range") {
		key, _, _ := strings.Cut(rest, "'")
		return p.missing(ctx, v, at, key, true)
	}
	if null := p.null(ctx, v, at, message); null != nil {
		return null
	}
	return p.runtime(ctx, v, at, message)
}

// missing finds the field or index that asked for what is not there. CEL knows
// only some place in the chain of fields that failed.
func (p *Program) missing(ctx context.Context, v Values, at int64, key string, item bool) *MissingError {
	var asking []ast.Expr // innermost first
	for _, link := range p.chainAround(at) {
		if asksFor(link, key) {
			asking = append(asking, link)
		}
	}
	if len(asking) > 1 { // a.spec.b.spec: the first one that has no value
		values := p.track(ctx, v)
		asking = slices.DeleteFunc(asking, func(e ast.Expr) bool { return values.value(e) != nil })
	}
	if len(asking) == 0 {
		return &MissingError{Field: key, Part: p.partOf(at), item: item}
	}
	return &MissingError{Field: key, Part: p.textOf(asking[0]), item: item}
}

// chainAround is the chain of fields and indexes that an expression belongs to,
// innermost first.
func (p *Program) chainAround(at int64) []ast.Expr {
	top := p.find(at)
	if top == nil {
		return nil
	}
	for parent := p.parents()[top.ID()]; parent != nil; parent = p.parents()[top.ID()] {
		top = parent
	}
	var chain []ast.Expr
	for ; isLink(top); top = operandOf(top) {
		chain = append(chain, top)
	}
	slices.Reverse(chain)
	return chain
}

// asksFor tells whether an expression selects a field or item by the key.
func asksFor(e ast.Expr, key string) bool {
	if e.Kind() == ast.SelectKind {
		return e.AsSelect().FieldName() == key && !e.AsSelect().IsTestOnly()
	}
	if e.Kind() != ast.CallKind || !isIndex(e.AsCall().FunctionName()) {
		return false
	}
	index := e.AsCall().Args()[1]
	return index.Kind() != ast.LiteralKind || fmt.Sprint(index.AsLiteral().Value()) == key
}

func isIndex(function string) bool {
	return function == operators.Index || function == operators.OptIndex || function == operators.OptSelect
}

// isLink tells whether an expression is one of a chain such as a.b['c'].d.
func isLink(e ast.Expr) bool {
	return e.Kind() == ast.SelectKind || e.Kind() == ast.CallKind && isIndex(e.AsCall().FunctionName())
}

func (p *Program) find(id int64) ast.Expr {
	var found ast.Expr
	ast.PostOrderVisit(p.tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id {
			found = e
		}
	}))
	return found
}

// findParents gives the chain link or call around each expression.
func (p *Program) findParents() map[int64]ast.Expr {
	parents := map[int64]ast.Expr{}
	ast.PostOrderVisit(p.tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.SelectKind:
			parents[e.AsSelect().Operand().ID()] = e
		case ast.CallKind:
			if isIndex(e.AsCall().FunctionName()) {
				parents[e.AsCall().Args()[0].ID()] = e
			}
		}
	}))
	return parents
}

// partOf is the text of the expression with an id, or the whole.
func (p *Program) partOf(id int64) string {
	if e := p.find(id); e != nil {
		return p.textOf(e)
	}
	return p.text()
}

// runtime reports an error that is not about something missing.
func (p *Program) runtime(ctx context.Context, v Values, at int64, message string) error {
	part := p.partOf(at)
	switch {
	case isNoLoop(message):
		return p.noLoop(ctx, v)
	case message == "division by zero", message == "modulus by zero":
		return fmt.Errorf("%s: this divides by zero", part)
	case message == "no such overload", strings.HasPrefix(message, "no such overload:"):
		return p.noOverload(ctx, v, at)
	case strings.HasSuffix(message, "overflow"):
		return fmt.Errorf("%s: the result is too large%s", part, p.unreached(ctx, v, at))
	case strings.HasPrefix(message, "type conversion error from "):
		quotes := strings.Split(message, "'")
		if len(quotes) >= 4 {
			return fmt.Errorf("%s: %s cannot be turned into %s%s", part, typeWord(quotes[1]), typeWord(quotes[3]), p.argument(ctx, v, at))
		}
	}
	for _, known := range []struct{ start, plain string }{
		{"invalid RFC 3339 timestamp", "this is not a point in time, which is written as 2026-01-31T12:00:00Z"},
		{"quantities must match", "this is not a quantity, which is written as 4, 500m or 8Gi"},
		{"unable to parse quantity's suffix", "this is not a quantity, which is written as 4, 500m or 8Gi"},
		{"error parsing regexp: ", "this is not a regular expression"},
		{"max called on empty list", "the list is empty"},
		{"min called on empty list", "the list is empty"},
	} {
		if strings.HasPrefix(message, known.start) {
			return fmt.Errorf("%s: %s%s", part, known.plain, p.argument(ctx, v, at))
		}
	}
	return fmt.Errorf("%s: %s%s", part, plain(message), p.argument(ctx, v, at))
}

// noOverload names the values that an operator or function could not take.
func (p *Program) noOverload(ctx context.Context, v Values, at int64) error {
	e := p.find(at)
	if e == nil || e.Kind() != ast.CallKind {
		return fmt.Errorf("%s: it cannot be evaluated with these values", p.partOf(at))
	}
	values := p.track(ctx, v)
	call := e.AsCall()
	operands := call.Args()
	if call.IsMemberFunction() {
		operands = append([]ast.Expr{call.Target()}, operands...)
	}
	var said []string
	for _, o := range operands {
		if val := p.operand(values, o); val != nil {
			said = append(said, fmt.Sprintf("%s (%s)", typeWord(val.Type().TypeName()), short(val)))
		}
	}
	name := call.FunctionName()
	if symbol, ok := operators.FindReverse(name); ok && symbol != "" {
		name = symbol
	}
	return fmt.Errorf("%s: %q does not work on %s", p.textOf(e), name, words(said))
}

// operand is the value of an operand, a literal included.
func (p *Program) operand(values tracked, e ast.Expr) ref.Val {
	if e.Kind() == ast.LiteralKind {
		return e.AsLiteral()
	}
	return values.value(e)
}

// argument adds the value that a function got, when that can be known.
func (p *Program) argument(ctx context.Context, v Values, at int64) string {
	e := p.find(at)
	if e == nil || e.Kind() != ast.CallKind || len(e.AsCall().Args()) == 0 {
		return ""
	}
	arg := e.AsCall().Args()[0]
	if e.AsCall().IsMemberFunction() {
		arg = e.AsCall().Target()
	}
	if arg.Kind() == ast.LiteralKind {
		return ""
	}
	val := p.track(ctx, v).value(arg)
	if val == nil {
		return ""
	}
	return "; " + p.textOf(arg) + " is " + short(val)
}
