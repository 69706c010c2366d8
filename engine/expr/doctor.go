package expr

import (
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/realspec/realspec/engine/diag"
)

// The codes of diagnostics of expressions.
const (
	codeSyntax = "cel-syntax" // it is not an expression
	codeName   = "cel-name"   // a name that is not known here
	codeType   = "cel-type"   // values that do not fit together
)

// doctor says what is wrong with one expression.
type doctor struct {
	env   *Env
	code  *code
	typed *ast.AST // of an expression with errors: types as far as they are known
	fixes []fix    // what has been set right in order to read on
	loops []loop   // of functions that are not there
	diags diag.List
}

// at adds an error about the text from one byte to another.
func (d *doctor) at(from, to int, format string, args ...any) *diag.Diagnostic {
	found := d.diags.Add(d.code.pos(from), codeType, format, args...)
	found.Width = d.code.width(from, min(to, len(d.code.text)))
	return found
}

// on adds an error about a token.
func (d *doctor) on(t token, code, format string, args ...any) *diag.Diagnostic {
	found := d.at(t.from, t.to, format, args...)
	found.Code = code
	return found
}

// sorted are the errors in the order of the text, each place once: what is said
// about a place first is nearest to the cause.
func (d *doctor) sorted() diag.List {
	slices.SortStableFunc(d.diags, func(a, b diag.Diagnostic) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Column - b.Pos.Column
	})
	return slices.CompactFunc(d.diags, func(a, b diag.Diagnostic) bool { return a.Pos == b.Pos && a.Code == b.Code })
}

// check parses and checks the expression. The AST is nil when that failed.
func (d *doctor) check(want Type) *cel.Ast {
	if !d.lint(want) {
		return nil
	}
	text := d.fixed()
	parsed, issues := d.env.cel.Parse(text)
	if issues.Err() != nil {
		d.syntax(issues.Errors())
		return nil
	}
	checked, issues := d.env.cel.Check(parsed)
	if issues.Err() != nil {
		d.typed = d.types(text)
		d.findLoops(issues.Errors())
		for _, e := range issues.Errors() {
			d.explain(e)
		}
		if len(d.diags) == 0 { // all of them were taken for consequences of each other
			d.at(0, len(d.code.text), "%s", plain(issues.Errors()[0].Message))
		}
		return nil
	}
	d.versions(checked)
	d.result(checked, want)
	return checked
}

// types gives the types of a faulty expression as far as they are known.
func (d *doctor) types(text string) *ast.AST {
	parsed, issues := d.env.cel.Parse(text)
	chk, err := d.env.checker()
	if issues.Err() != nil || err != nil {
		return nil
	}
	typed, _ := checker.Check(parsed.NativeRep(), parsed.Source(), chk)
	return typed
}

// result checks that the expression gives what its place wants.
func (d *doctor) result(checked *cel.Ast, want Type) {
	got := checked.OutputType()
	if isAny(got) || want.accepts(got) {
		return
	}
	first, last := d.code.token(0), d.code.token(len(d.code.tokens)-1)
	found := d.at(first.from, last.to, "this must be %s, but it is %s", want, typeWord(got.String()))
	switch {
	case want == Bool && got.Kind() == types.ListKind:
		found.Help = "say what must be true of the list: .size() > 0, .all(x, …), .exists(x, …)"
	case want == Bool:
		found.Help = "compare it with something: == != < <= > >="
	case want == Duration:
		found.Help = "write a duration with its unit: duration('30s')"
	case want == Number && got.Kind() == types.StringKind:
		found.Help = "double(…) makes a number of it"
	case want == String:
		found.Help = "string(…) makes a text of it"
	}
}

func isAny(t *types.Type) bool {
	switch t.Kind() {
	case types.DynKind, types.AnyKind, types.ErrorKind, types.TypeParamKind:
		return true
	}
	return false
}

// accepts tells whether a value of the type is right where w is wanted.
func (w Type) accepts(t *types.Type) bool {
	switch w {
	case Bool:
		return t.Kind() == types.BoolKind
	case Duration:
		return t.Kind() == types.DurationKind || t.Kind() == types.StringKind
	case Int:
		return t.Kind() == types.IntKind || t.Kind() == types.UintKind
	case String:
		return t.Kind() == types.StringKind
	case Number:
		return t.Kind() == types.IntKind || t.Kind() == types.UintKind || t.Kind() == types.DoubleKind
	}
	return true
}

// String is the type in words.
func (w Type) String() string {
	switch w {
	case Bool:
		return "true or false"
	case Duration:
		return "a duration"
	case Int:
		return "a whole number"
	case String:
		return "a string"
	case Number:
		return "a number"
	}
	return "a value"
}

// node is the expression with an id, nil when there is none.
func (d *doctor) node(id int64) ast.Expr {
	if d.typed == nil {
		return nil
	}
	var found ast.Expr
	ast.PostOrderVisit(d.typed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id {
			found = e
		}
	}))
	return found
}

// typeOf is the type of a part of the faulty expression; dyn when not known.
func (d *doctor) typeOf(e ast.Expr) *types.Type {
	if d.typed == nil || e == nil || d.typed.GetType(e.ID()) == nil {
		return types.DynType
	}
	return d.typed.GetType(e.ID())
}

// plain takes CEL's own marks off a message.
func plain(message string) string {
	message, _, _ = strings.Cut(message, " (in container")
	message = strings.TrimPrefix(message, "Syntax error: ")
	return strings.ReplaceAll(message, "'", `"`)
}
