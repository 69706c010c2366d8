package expr

import (
	"errors"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// loopLimit is the number of turns that all loops of one evaluation may take
// together: a second or two. Comparing three thousand pods with each other stays
// below it.
const loopLimit = 10_000_000

// interruptEvery is the number of turns after which a loop looks whether its
// context has ended.
const interruptEvery = 100

// loopCounter is the name under which a loop finds the counter of its
// evaluation. It cannot be written in an expression.
const loopCounter = "@turns"

var errLoops = errors.New("too many turns")

// programOptions are how an expression is evaluated.
//
// Evaluations are bounded by counting the turns of loops, not by cel-go's cost
// tracking: its stack of values grows with every turn and is searched from the
// end, so that one all() over 10000 items took 124 ms instead of 1.3 ms and one
// over 100000 took 15 s instead of 13 ms (v0.31.0), and its estimates refuse
// distinct() on 10000 pods, which takes 6 ms.
func programOptions(tree *ast.AST) []cel.ProgramOption {
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	steps := loopSteps(tree)
	if len(steps) == 0 {
		return options
	}
	count := func(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		if steps[i.ID()] {
			return &counted{i}, nil
		}
		return i, nil
	}
	return append(options, cel.InterruptCheckFrequency(interruptEvery), cel.CustomDecoratorV2(count))
}

// loopSteps are the ids of what is evaluated once in every turn of a loop.
func loopSteps(tree *ast.AST) map[int64]bool {
	steps := map[int64]bool{}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			steps[e.AsComprehension().LoopStep().ID()] = true
		}
	}))
	return steps
}

// counted is a turn of a loop.
type counted struct{ interpreter.InterpretableV2 }

// Exec implements interpreter.InterpretableV2. Beyond the limit a turn costs
// nothing, so that the loops that are still open come to their end.
func (c *counted) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	if counter, ok := frame.ResolveName(loopCounter); ok {
		turns := counter.(*int)
		if *turns++; *turns > loopLimit {
			return types.WrapErr(errLoops)
		}
	}
	return c.InterpretableV2.Exec(frame)
}

// Eval implements interpreter.Interpretable.
func (c *counted) Eval(vars interpreter.Activation) ref.Val {
	return c.Exec(interpreter.AsFrame(vars))
}
