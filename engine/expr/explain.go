package expr

import (
	"context"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// Part is a part of an expression and its value.
type Part struct {
	Expr  string `json:"expr"`  // as it was written
	Value string `json:"value"` // short, on one line
}

// Explain evaluates the expression and gives the value of each part that says
// something: variables with their fields, calls, and what is compared. Constants,
// the insides of loops and the whole are left out, except that for all(x, …) the
// items are named for which it does not hold. When the evaluation fails, the parts
// that have a value are given.
func (p *Program) Explain(ctx context.Context, v Values) []Part {
	values := p.track(ctx, v)
	x := &explainer{ctx: ctx, p: p, values: values, scope: values.input}
	x.visit(p.tree.Expr())
	return x.parts
}

// tracked are the values of the parts of an expression in one evaluation.
type tracked struct {
	details *cel.EvalDetails
	input   activation
	adapter types.Adapter
}

// track evaluates the expression and remembers the value of every part. Its own
// outcome does not matter.
func (p *Program) track(ctx context.Context, v Values) tracked {
	t := tracked{input: activation{v, new(int)}, adapter: p.env.cel.CELTypeAdapter()}
	program, err := p.tracked()
	if err != nil {
		return t
	}
	_, t.details, _ = program.ContextEval(ctx, t.input)
	return t
}

// value is the value of a part, nil when it was not evaluated or failed.
//
// A variable with fields has the value of its last field in CEL's records, so
// variables are looked up.
func (t tracked) value(e ast.Expr) ref.Val {
	if e.Kind() == ast.IdentKind {
		if v, ok := t.input.ResolveName(e.AsIdent()); ok {
			return t.adapter.NativeToValue(v)
		}
	}
	if t.details == nil || t.details.State() == nil {
		return nil
	}
	v, ok := t.details.State().Value(e.ID())
	if !ok || v == nil || types.IsUnknownOrError(v) {
		return nil
	}
	return v
}

// reached tells whether the evaluation came to a chain of fields at all.
func (t tracked) reached(e ast.Expr) bool {
	if t.details == nil || t.details.State() == nil {
		return false
	}
	for ; ; e = operandOf(e) {
		if v, ok := t.details.State().Value(e.ID()); ok && v != nil {
			return true
		}
		if !isLink(e) {
			return false
		}
	}
}

type explainer struct {
	ctx    context.Context
	p      *Program
	values tracked
	scope  interpreter.Activation // the input, and what cel.bind binds around us
	parts  []Part
	// stopped tells that the evaluation did not come to where we are, because
	// the other side of a comparison failed.
	stopped bool
}

// add gives the value of a part, once for each text.
func (x *explainer) add(e ast.Expr) bool {
	if e.ID() == x.p.tree.Expr().ID() {
		return false
	}
	v := x.values.value(e)
	if v == nil {
		return false
	}
	x.put(e, v)
	return true
}

func (x *explainer) put(e ast.Expr, v ref.Val) {
	text := x.p.textOf(e)
	if !slices.ContainsFunc(x.parts, func(p Part) bool { return p.Expr == text }) {
		x.parts = append(x.parts, Part{Expr: text, Value: short(v)})
	}
}

func (x *explainer) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind:
		x.add(e)
	case ast.SelectKind:
		x.chain(e)
	case ast.CallKind:
		x.call(e)
	case ast.ComprehensionKind:
		x.loop(e)
	case ast.ListKind:
		for _, item := range e.AsList().Elements() {
			x.visit(item)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			x.visit(entry.AsMapEntry().Value())
		}
	}
}

// chain explains a.b['c'].d as one part. When it has no value, because a field
// is missing, the longest piece of it that has one is given.
func (x *explainer) chain(e ast.Expr) {
	for link := e; isLink(link); link = operandOf(link) {
		if link.Kind() == ast.CallKind && link.AsCall().FunctionName() != operators.OptSelect {
			x.visit(link.AsCall().Args()[1])
		}
	}
	base := e
	for isLink(base) {
		base = operandOf(base)
	}
	if base.Kind() != ast.IdentKind {
		x.visit(base)
	}
	if !x.values.reached(e) {
		x.alone(e)
		return
	}
	for link := e; !x.add(link) && isLink(link); link = operandOf(link) {
		if link.ID() == x.p.tree.Expr().ID() && x.values.value(link) != nil {
			return
		}
	}
}

func operandOf(link ast.Expr) ast.Expr {
	if link.Kind() == ast.SelectKind {
		return link.AsSelect().Operand()
	}
	return link.AsCall().Args()[0]
}

func (x *explainer) call(e ast.Expr) {
	call := e.AsCall()
	if isLink(e) {
		x.chain(e)
		return
	}
	if call.IsMemberFunction() {
		x.visit(call.Target())
	}
	symbol, isOperator := operators.FindReverse(call.FunctionName())
	for i, arg := range call.Args() {
		before := x.stopped
		x.stopped = before || i > 0 && isOperator && compares(symbol) && x.values.value(call.Args()[0]) == nil &&
			call.Args()[0].Kind() != ast.LiteralKind
		x.visit(arg)
		x.stopped = before
	}
	if isOperator {
		x.operands(symbol, call.Args())
		return
	}
	if !constant(e) {
		x.add(e)
	}
}

// operands explains what a comparison compares, when that is computed: the a + b
// of a + b < 3.
func (x *explainer) operands(symbol string, args []ast.Expr) {
	if !compares(symbol) {
		return
	}
	for _, arg := range args {
		if arg.Kind() == ast.CallKind && !isLink(arg) && !constant(arg) {
			x.add(arg)
		}
	}
}

func compares(symbol string) bool {
	switch symbol {
	case "==", "!=", "<", "<=", ">", ">=", "in":
		return true
	}
	return false
}

// alone explains what was not evaluated because the other side of a comparison
// failed: what it should have been equal to is worth knowing.
func (x *explainer) alone(e ast.Expr) {
	if !x.stopped {
		return
	}
	program, err := x.p.subprogram(e)
	if err != nil {
		return
	}
	if out, _, err := program.ContextEval(x.ctx, x.scope); err == nil {
		x.put(e, out)
	}
}

// loop explains pods.all(p, …) by the list, the items that fail, and the outcome, and cel.bind by what
// it binds and where it is used.
func (x *explainer) loop(e ast.Expr) {
	loop := e.AsComprehension()
	if isBind(loop) {
		x.visit(loop.AccuInit())
		if identifier.MatchString(loop.AccuVar()) {
			x.bind(loop)
			return
		}
	} else {
		x.visit(loop.IterRange())
		x.exceptions(e)
	}
	x.add(e)
}

// bind explains what cel.bind is for, where the name is known.
func (x *explainer) bind(loop ast.ComprehensionExpr) {
	around := x.scope
	if v := x.values.value(loop.AccuInit()); v != nil {
		x.scope = &bound{around, loop.AccuVar(), v}
	}
	x.visit(loop.Result())
	x.scope = around
}

// isBind tells whether a loop is the expansion of cel.bind: it never turns.
func isBind(loop ast.ComprehensionExpr) bool {
	return loop.IterRange().Kind() == ast.ListKind && loop.IterRange().AsList().Size() == 0 &&
		loop.LoopCondition().Kind() == ast.LiteralKind
}

// constant tells whether an expression refers to no variable.
func constant(e ast.Expr) bool {
	found := false
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		found = found || e.Kind() == ast.IdentKind
	}))
	return !found
}
