package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/traits"
)

// exceptions names the items for which the condition of list.all(x, condition)
// does not hold: that all() was false is what the reader knows already.
func (x *explainer) exceptions(e ast.Expr) {
	loop := e.AsComprehension()
	items, ok := x.values.value(loop.IterRange()).(traits.Lister)
	condition := conditionOfAll(loop)
	if !ok || condition == nil || x.values.value(e) == types.True {
		return
	}
	program, err := x.p.subprogram(condition)
	if err != nil {
		return
	}
	var broken, unknown []string
	total := size(items)
	for it := items.Iterator(); it.HasNext() == types.True && x.ctx.Err() == nil; {
		item := it.Next()
		out, _, err := program.ContextEval(x.ctx, &bound{x.scope, loop.IterVar(), item})
		switch {
		case err != nil:
			unknown = append(unknown, render(item, shortest/2))
		case out == types.False:
			broken = append(broken, render(item, shortest/2))
		}
	}
	var said []string
	if len(broken) > 0 {
		said = append(said, fill(fmt.Sprintf("false for %d of %d: ", len(broken), total), slices.Values(broken), "", shortest))
	}
	if len(unknown) > 0 {
		said = append(said, fill(fmt.Sprintf("no value for %d of %d: ", len(unknown), total), slices.Values(unknown), "", shortest))
	}
	if len(said) > 0 {
		x.parts = append(x.parts, Part{Expr: x.p.textOf(condition), Value: strings.Join(said, "; ")})
	}
}

// conditionOfAll is the condition of all(x, condition), which cel-go expands to
// a loop whose step is @result && condition; nil for other loops.
func conditionOfAll(loop ast.ComprehensionExpr) ast.Expr {
	step := loop.LoopStep()
	if loop.HasIterVar2() || step.Kind() != ast.CallKind || step.AsCall().FunctionName() != operators.LogicalAnd {
		return nil
	}
	if args := step.AsCall().Args(); len(args) == 2 && args[0].Kind() == ast.IdentKind && args[0].AsIdent() == loop.AccuVar() {
		return args[1]
	}
	return nil
}

// subprogram is a part of the expression as a program of its own.
func (p *Program) subprogram(e ast.Expr) (cel.Program, error) {
	tree := ast.NewCheckedAST(ast.NewAST(e, p.tree.SourceInfo()), p.tree.TypeMap(), p.tree.ReferenceMap())
	return p.env.cel.PlanProgram(tree, append(programOptions(tree), cel.InterruptCheckFrequency(interruptEvery))...)
}
