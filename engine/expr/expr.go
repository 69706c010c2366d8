package expr

import (
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Type is what an expression has to give at its place.
type Type int

// The types that a place can want.
const (
	Any      Type = iota // anything
	Bool                 // true or false
	Duration             // a duration, or a text such as 30s that is one
	Int                  // a whole number
	String               // a text
	Number               // a number, whole or not; its value is a float64
)

// Env compiles the expressions of one kind of place. It may be used by several
// goroutines.
type Env struct {
	cel      *cel.Env
	vars     map[string]*cel.Type
	records  map[string]*record
	measures map[string]MeasureKind
	let      map[string]LetKind
	checker  func() (*checker.Env, error)
}

// New makes the environment of a scope. It fails when a name of the scope cannot
// be used in expressions.
func New(scope Scope) (*Env, error) {
	base, err := baseEnv()
	if err != nil {
		return nil, err
	}
	vars, records, err := scope.variables()
	if err != nil {
		return nil, err
	}
	options := []cel.EnvOption{withTypes(records)}
	for _, name := range sortedNames(vars) {
		options = append(options, cel.Variable(name, vars[name]))
	}
	env, err := base.Extend(options...)
	if err != nil {
		return nil, err
	}
	e := &Env{cel: env, vars: vars, records: records, measures: scope.Measures, let: scope.Let}
	e.checker = sync.OnceValues(e.newChecker)
	return e, nil
}

// Compile parses and checks an expression, and collects everything that is wrong
// with it. The program is nil when something is.
func (e *Env) Compile(src spec.Expr, want Type) (*Program, diag.List) {
	return e.compile(newCode(src.Source, 0, len(src.Text)), want)
}

func (e *Env) compile(c *code, want Type) (*Program, diag.List) {
	d := &doctor{env: e, code: c}
	checked := d.check(want)
	if len(d.diags) > 0 {
		return nil, d.sorted()
	}
	p, err := e.newProgram(c, checked, want)
	if err != nil {
		d.at(0, len(c.text), "%s", plain(err.Error()))
		return nil, d.diags
	}
	return p, nil
}

// newChecker makes a checker of the same declarations. CEL's own environment
// does not give out the types of a faulty expression, and good messages need
// them.
func (e *Env) newChecker() (*checker.Env, error) {
	functions, err := baseChecker()
	if err != nil {
		return nil, err
	}
	chk, err := checker.NewEnv(e.cel.Container, e.cel.CELTypeProvider(),
		checker.CrossTypeNumericComparisons(true), checker.ValidatedDeclarations(functions))
	if err != nil {
		return nil, err
	}
	return chk, chk.AddIdents(e.cel.Variables()...)
}

var baseChecker = sync.OnceValues(func() (*checker.Env, error) {
	base, err := baseEnv()
	if err != nil {
		return nil, err
	}
	chk, err := checker.NewEnv(base.Container, base.CELTypeProvider(), checker.CrossTypeNumericComparisons(true))
	if err != nil {
		return nil, err
	}
	for _, fn := range base.Functions() {
		if err := chk.AddFunctions(fn); err != nil {
			return nil, err
		}
	}
	return chk, nil
})
