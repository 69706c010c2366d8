package plan

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/spec"
)

// compiled are the expressions of one step by the place where they stand.
type compiled struct {
	programs map[spec.Pos]*expr.Program
	texts    map[spec.Pos]*expr.Template
	objects  map[spec.Pos]*expr.Object
}

// Program is the compiled form of an expression of the step; nil when it was
// not written.
func (c *compiled) Program(e spec.Expr) *expr.Program { return c.programs[e.At] }

// Text is the compiled form of a text of the step; nil when it was not written.
func (c *compiled) Text(t spec.Text) *expr.Template { return c.texts[t.At] }

// Object is the compiled form of a free-form object of the step.
func (c *compiled) Object(o spec.Object) *expr.Object { return c.objects[o.At] }

// compiler walks a scenario and compiles what it meets.
type compiler struct {
	scenario *Scenario
	diags    diag.List
	measures map[string]expr.MeasureKind // of the steps so far
	outputs  map[string]expr.OutputKind  // of the steps so far; never changed in place
	current  *compiled                   // of the step in hand
	envs     map[string]*expr.Env        // by what they add to the base
}

// The scopes that do not depend on names in the scenario.
const (
	basic   = ""
	object  = "object"
	indexed = "index"
)

// env is the environment of a place, made once for the scenario.
func (c *compiler) env(kind string, widen func(*expr.Scope)) *expr.Env {
	if e := c.envs[kind]; e != nil {
		return e
	}
	scope := expr.Scope{
		Vars: c.scenario.Vars, Env: c.scenario.Spec.Spec.Env, Facts: true, Run: true,
		Outputs: c.outputs,
	}
	widen(&scope)
	e, err := expr.New(scope)
	if err != nil {
		c.diags.Add(c.scenario.Spec.At, "expression", "%v", err)
	}
	switch kind {
	case basic, object, indexed, "response", "result":
		if c.envs == nil {
			c.envs = map[string]*expr.Env{}
		}
		c.envs[kind] = e
	}
	return e
}

func (c *compiler) basic() *expr.Env { return c.env(basic, func(*expr.Scope) {}) }

func (c *compiler) object() *expr.Env {
	return c.env(object, func(s *expr.Scope) { s.Object = true })
}

func (c *compiler) indexed() *expr.Env {
	return c.env(indexed, func(s *expr.Scope) { s.Index = true })
}

func (c *compiler) program(env *expr.Env, e spec.Expr, want expr.Type) *expr.Program {
	if !e.IsSet() || env == nil {
		return nil
	}
	p, diags := env.Compile(e, want)
	c.diags = append(c.diags, diags...)
	c.current.programs[e.At] = p
	return p
}

func (c *compiler) text(t spec.Text) *expr.Template {
	env := c.basic()
	if t.Text == "" || env == nil {
		return nil
	}
	p, diags := env.CompileText(t)
	c.diags = append(c.diags, diags...)
	c.current.texts[t.At] = p
	return p
}

func (c *compiler) freeForm(objects ...spec.Object) { c.freeFormIn(c.basic(), objects...) }

func (c *compiler) freeFormIn(env *expr.Env, objects ...spec.Object) {
	for _, o := range objects {
		if !o.IsSet() || env == nil {
			continue
		}
		p, diags := env.CompileObject(o)
		c.diags = append(c.diags, diags...)
		c.current.objects[o.At] = p
	}
}

// duration is the value of d. Durations are known before the run, so their
// expressions may use vars and env only.
func (c *compiler) duration(d spec.Duration, otherwise time.Duration) time.Duration {
	if d.Expr == nil {
		return d.Or(otherwise)
	}
	v, diags := c.early(*d.Expr)
	c.diags = append(c.diags, diags...)
	if diags.HasErrors() {
		return otherwise
	}
	got, ok := v.(time.Duration)
	if text, isText := v.(string); isText {
		var err error
		got, err = time.ParseDuration(text)
		ok = err == nil
	}
	switch {
	case !ok:
		c.diags.Add(d.At, "duration", "this takes a duration such as 30s, and the expression gives %v", v)
	case got < 0:
		c.diags.Add(d.At, "duration", "this cannot be negative, and the expression gives %s", got)
	case got == 0 && otherwise > 0: // 0s is refused where it is written, too
		c.diags.Add(d.At, "duration", "this must be more than 0s, and that is what the expression gives")
	default:
		return got
	}
	return otherwise
}

// early is the value of an expression that is known before the run.
func (c *compiler) early(e spec.Expr) (any, diag.List) {
	var diags diag.List
	env, err := expr.New(expr.Scope{Vars: c.scenario.Vars, Env: c.scenario.Spec.Spec.Env})
	if err != nil {
		diags.Add(e.At, "expression", "%v", err)
		return nil, diags
	}
	p, diags := env.Compile(e, expr.Any)
	if diags.HasErrors() {
		return nil, diags
	}
	v, err := p.Eval(context.Background(), expr.Values{"vars": c.scenario.Vars, "env": c.scenario.Env})
	if err != nil {
		diags.Add(e.At, "expression", "%v", err)
	}
	return v, diags
}

func (c *compiler) requires(r *spec.Requires) {
	if r == nil {
		return
	}
	c.current = newCompiled()
	for _, check := range r.Checks {
		c.scenario.Checks = append(c.scenario.Checks, Check{
			Check: check, CEL: c.program(c.basic(), check.CEL, expr.Bool), Message: c.text(check.Message),
		})
	}
}

func newCompiled() *compiled {
	return &compiled{
		programs: map[spec.Pos]*expr.Program{},
		texts:    map[spec.Pos]*expr.Template{},
		objects:  map[spec.Pos]*expr.Object{},
	}
}

// step compiles everything that a step holds.
func (c *compiler) step(s *spec.Step) *Step {
	outer := c.current
	c.current = newCompiled()
	defer func() { c.current = outer }()
	p := &Step{Step: s}
	p.If = c.program(c.basic(), s.If, expr.Bool)
	for i := range s.During {
		p.During = append(p.During, c.step(&s.During[i]))
	}
	c.verb(s)
	c.consents(s)
	p.Timeout = c.duration(s.Timeout, c.defaultTimeout(s))
	p.compiled = *c.current
	return p
}

func (c *compiler) defaultTimeout(s *spec.Step) time.Duration {
	switch s.Verb() {
	case "apply":
		return WriteTimeout + c.dependencies(s.Apply)
	case "delete", "patch":
		return WriteTimeout
	case "wait":
		return WaitTimeout
	case "disrupt":
		return DisruptTimeout
	case "run":
		return RunTimeout
	}
	return 0
}

func (c *compiler) verb(s *spec.Step) {
	switch {
	case s.Apply != nil:
		c.freeForm(s.Apply.Objects...)
		c.freeForm(s.Apply.Manifests...)
		c.texts([]spec.Text{s.Apply.Message, s.Apply.As})
	case s.Wait != nil:
		for i := range s.Wait {
			c.condition(&s.Wait[i])
		}
	case s.Assert != nil:
		c.assert(s.Assert)
	case s.Measure != nil:
		c.measure(s)
	case s.Load != nil:
		c.load(s)
	case s.Delete != nil:
		for i := range s.Delete.On {
			c.selector(&s.Delete.On[i])
		}
		c.freeForm(s.Delete.Manifests...)
		if s.Delete.GracePeriod != nil {
			s.Delete.GracePeriod.Value = c.duration(*s.Delete.GracePeriod, 0)
		}
	case s.Patch != nil:
		c.selector(&s.Patch.On)
		c.freeForm(s.Patch.Merge, s.Patch.Strategic)
		c.freeForm(s.Patch.JSON...)
	default:
		c.call(s)
	}
}

func (c *compiler) selector(s *spec.Selector) {
	c.text(s.Name)
	c.text(s.Selector)
	c.text(s.Namespace)
	c.program(c.object(), s.Where, expr.Bool)
}

func (c *compiler) condition(w *spec.Condition) {
	w.Stays.Value = c.duration(w.Stays, 0)
	env := c.object()
	if len(w.Let) > 0 {
		env = c.lets(w.Let)
	}
	if w.On != nil {
		c.selector(w.On)
	}
	c.program(env, w.CEL, expr.Bool)
}

// lets compiles the selections of a let and gives the environment in which
// their names are known.
func (c *compiler) lets(let map[string]spec.Selector) *expr.Env {
	kinds := map[string]expr.LetKind{}
	for _, name := range slices.Sorted(maps.Keys(let)) {
		s := let[name]
		c.selector(&s)
		kinds[name] = expr.Many
		if s.Name.Text != "" {
			kinds[name] = expr.One
		}
	}
	return c.env("let", func(s *expr.Scope) { s.Let = kinds })
}

func (c *compiler) assert(a *spec.Assert) {
	env := c.lets(a.Let)
	for i := range a.Checks {
		check := &a.Checks[i]
		c.program(env, check.CEL, expr.Bool)
		c.text(check.Message)
		c.freeForm(check.Object, check.AbsentObject)
		if check.Absent != nil {
			c.selector(check.Absent)
		}
	}
}
