package expr

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"

	"github.com/realspec/realspec/engine/spec"
)

// Program is a compiled expression. It may be evaluated by several goroutines
// at once.
type Program struct {
	env     *Env
	code    *code
	want    Type
	tree    *ast.AST
	program cel.Program
	loops   bool

	// subtracts tells that durations are subtracted from each other.
	subtracts bool
	// tracked is the program that remembers the value of every part. It is made
	// when a value has to be explained for the first time.
	tracked func() (cel.Program, error)
	// parents gives the expression around each, to find what failed.
	parents func() map[int64]ast.Expr
}

func (e *Env) newProgram(c *code, checked *cel.Ast, want Type) (*Program, error) {
	tree := checked.NativeRep()
	p := &Program{env: e, code: c, want: want, tree: tree, loops: len(loopSteps(tree)) > 0}
	program, err := e.cel.PlanProgram(tree, programOptions(tree)...)
	if err != nil {
		return nil, err
	}
	p.program = program
	p.subtracts = subtracts(tree)
	p.tracked = sync.OnceValues(func() (cel.Program, error) {
		return e.cel.PlanProgram(tree, append(programOptions(tree), cel.EvalOptions(cel.OptTrackState))...)
	})
	p.parents = sync.OnceValue(p.findParents)
	return p, nil
}

// Source is the expression as it was written.
func (p *Program) Source() string { return p.code.text }

// Eval evaluates the expression. Its value is a bool, int64, uint64, float64,
// string, time.Duration, time.Time, []byte, *resource.Quantity, spec.Series or
// another value of package spec, []any, map[string]any, or nil. Lists and maps
// may share memory with the values that went in.
//
// A field that is not there, or null where that cannot be used, gives a *MissingError.
func (p *Program) Eval(ctx context.Context, v Values) (any, error) {
	out, err := p.eval(ctx, v)
	if err != nil {
		return nil, err
	}
	return p.typed(native(out))
}

// Bool evaluates a condition.
func (p *Program) Bool(ctx context.Context, v Values) (bool, error) {
	out, err := p.eval(ctx, v)
	if err != nil {
		return false, err
	}
	b, ok := out.(types.Bool)
	if out.Type() == types.NullType {
		return false, isNullError(p.text())
	}
	if !ok {
		return false, p.wrongType(Bool, out)
	}
	return bool(b), nil
}

func (p *Program) eval(ctx context.Context, v Values) (ref.Val, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: not evaluated: %w", p.text(), err)
	}
	if p.subtracts {
		if err := p.reachedAll(v); err != nil {
			return nil, err
		}
	}
	out, err := p.run(ctx, p.program, v)
	if err != nil {
		return nil, p.failure(ctx, v, err)
	}
	return out, nil
}

// run evaluates a program. Without a loop there is nothing to interrupt.
func (p *Program) run(ctx context.Context, program cel.Program, v Values) (ref.Val, error) {
	var out ref.Val
	var err error
	if p.loops {
		out, _, err = program.ContextEval(ctx, activation{v, new(int)})
	} else {
		out, _, err = program.Eval(activation{values: v})
	}
	return out, err
}

// typed makes sure that a value whose type was not known before is what the
// place wants.
func (p *Program) typed(v any) (any, error) {
	switch p.want {
	case Bool:
		if _, ok := v.(bool); !ok {
			return nil, p.wrongType(Bool, p.value(v))
		}
	case Duration:
		return p.duration(v)
	case Int:
		if _, ok := v.(int64); !ok {
			return nil, p.wrongType(Int, p.value(v))
		}
	case Number:
		switch n := v.(type) {
		case float64:
			return n, nil
		case int64:
			return float64(n), nil
		case uint64:
			return float64(n), nil
		}
		return nil, p.wrongType(Number, p.value(v))
	case String:
		if _, ok := v.(string); !ok {
			return nil, p.wrongType(String, p.value(v))
		}
	}
	return v, nil
}

func (p *Program) duration(v any) (any, error) {
	switch d := v.(type) {
	case time.Duration:
		return d, nil
	case string:
		parsed, err := time.ParseDuration(d)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not a duration; durations are written as 500ms, 30s, 3m or 1h30m", p.text(), d)
		}
		return parsed, nil
	}
	return nil, p.wrongType(Duration, p.value(v))
}

func (p *Program) value(v any) ref.Val { return p.env.cel.CELTypeAdapter().NativeToValue(v) }

func (p *Program) wrongType(want Type, got ref.Val) error {
	return fmt.Errorf("%s: this must be %s, but it is %s: %s", p.text(), want, typeWord(got.Type().TypeName()), short(got))
}

// text is the whole expression on one line.
func (p *Program) text() string { return p.code.part(0, len(p.code.text)) }

// activation gives CEL the values of names.
type activation struct {
	values Values
	turns  *int // of all loops
}

// Parent implements interpreter.Activation.
func (activation) Parent() interpreter.Activation { return nil }

// ResolveName implements interpreter.Activation.
func (a activation) ResolveName(name string) (any, bool) {
	switch name {
	case loopCounter:
		return a.turns, a.turns != nil
	case "cluster", "nodes":
		facts, _ := a.values["facts"].(*spec.Facts)
		if facts == nil {
			return nil, false
		}
		if name == "nodes" {
			return facts.Nodes, true
		}
		return facts.Cluster, true
	case "vars":
		vars, _ := a.values["vars"].(map[string]any)
		return vars, true
	case "env":
		env, _ := a.values["env"].(map[string]string)
		return env, true
	case "outputs":
		outputs, _ := a.values["outputs"].(map[string]any)
		return outputs, true
	}
	v, ok := a.values[name]
	return v, ok
}
