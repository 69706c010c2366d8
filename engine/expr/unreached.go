package expr

import (
	"context"
	"fmt"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/realspec/realspec/engine/spec"
)

// A duration that was not reached is above every limit, so comparing it gives
// the right answer. Subtracting does not: the difference of two such durations
// would be zero and pass every threshold. Expressions that subtract durations are
// therefore refused a value as long as one of their measures was not reached.

// subtracts tells whether an expression subtracts durations.
func subtracts(tree *ast.AST) bool {
	found := false
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Subtract {
			kind := tree.GetType(e.ID()).Kind()
			found = found || kind == types.DurationKind || kind == types.DynKind
		}
	}))
	return found
}

// reachedAll fails when a measure that the expression reads was not reached.
func (p *Program) reachedAll(v Values) error {
	read := p.read()
	for _, stat := range read.stats {
		series, ok := spec.SeriesOf(v[stat.Measure], stat.Series)
		name := stat.Measure
		if stat.Series != "" {
			name += "." + stat.Series
		}
		if ok && p.value(series).(*recordValue).Get(types.String(stat.Field)) == (types.Duration{Duration: spec.Missing}) {
			return notReached(name + "." + stat.Field)
		}
	}
	for _, name := range read.names {
		if d, ok := v[name].(time.Duration); ok && d == spec.Missing {
			return notReached(name)
		}
	}
	return nil
}

func notReached(name string) error {
	return fmt.Errorf("%s was not reached, so there is nothing to subtract", name)
}

// unreached explains a sum that is too large by a duration that was not reached.
func (p *Program) unreached(ctx context.Context, v Values, at int64) string {
	e := p.find(at)
	if e == nil || e.Kind() != ast.CallKind {
		return ""
	}
	values := p.track(ctx, v)
	for _, o := range e.AsCall().Args() {
		if d, ok := values.value(o).(types.Duration); ok && d.Duration == spec.Missing {
			return ": " + p.textOf(o) + " was not reached"
		}
	}
	return ""
}
