// Package plan turns a loaded scenario into what can be run: every variable
// resolved, every expression compiled, every duration known, and the list of
// what must be watched from the beginning. It is pure: no cluster, no clock.
package plan

import (
	"fmt"
	"time"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/spec"
)

// Defaults of the time budgets.
const (
	ScenarioTimeout = 30 * time.Minute
	WriteTimeout    = time.Minute     // of apply, delete and patch
	WaitTimeout     = 5 * time.Minute // of wait
	DisruptTimeout  = 5 * time.Minute // of disrupt
	RunTimeout      = 5 * time.Minute // of run
	// DependencyTimeout is how long an object may take to be what another one waits
	// for; an apply has these times beside its own.
	DependencyTimeout = 2 * time.Minute
)

// Scenario is a scenario that is ready to run.
type Scenario struct {
	Dir string
	// Key names the scenario in events: Dir, with #2 … for further repetitions.
	Key string
	// Repetition counts from 1 when the scenario is run several times, else 0.
	Repetition int
	Name       string
	Spec       *spec.Scenario
	Steps      []*Step
	Timeout    time.Duration
	Vars       map[string]any    // resolved
	Env        map[string]string // the declared ones
	Checks     []Check           // of requires
	Watches    []Watch
}

// Step is a step that is ready to run.
type Step struct {
	*spec.Step
	If      *expr.Program // nil when there is none
	Timeout time.Duration // 0 for an assert or measure that looks once, and for load
	During  []*Step
	compiled
}

// Check is a compiled check of `requires` or of a threshold.
type Check struct {
	spec.Check
	CEL     *expr.Program
	Message *expr.Template // nil when there is none
}

// Watch is a kind that the scenario reads, in a namespace; an empty namespace
// text means the scenario's own.
type Watch struct {
	APIVersion, Kind string
	Namespace        *expr.Template
}

// Inputs are what the command line adds to a scenario.
type Inputs struct {
	Set    map[string]string // --set, by variable
	Getenv func(string) string
}

// Compile makes a plan of a scenario. It collects every error; the plan is only
// usable when there is none.
func Compile(l *load.Loaded, in Inputs) (*Scenario, diag.List) {
	c := in.compiler(l.Spec)
	s := c.scenario
	s.Dir, s.Key, s.Name = l.Dir, l.Dir, l.Name
	s.Timeout = c.duration(l.Spec.Spec.Timeout, ScenarioTimeout)
	c.requires(l.Spec.Spec.Requires)
	for _, step := range l.Steps {
		s.Steps = append(s.Steps, c.step(step))
	}
	c.watches()
	return s, c.diags
}

// compiler knows the variables of a scenario.
func (in Inputs) compiler(of *spec.Scenario) *compiler {
	c := &compiler{scenario: &Scenario{Spec: of, Env: map[string]string{}}}
	for _, name := range of.Spec.Env {
		c.scenario.Env[name] = in.Getenv(name)
	}
	c.scenario.Vars = c.resolveVars(in.Set)
	return c
}

// Numbers tells what the numbers of a scenario are that expressions give. They are
// known before the run, so the expressions may use vars and env only.
func (in Inputs) Numbers(of *spec.Scenario) func(spec.Expr) (any, diag.List) {
	c := in.compiler(of)
	if c.diags.HasErrors() { // Compile says so
		return nil
	}
	return c.early
}

// Repeated is the scenario as its repetition n, from 1.
func (s *Scenario) Repeated(n int) *Scenario {
	again := *s
	again.Repetition = n
	if n > 1 {
		again.Key = fmt.Sprintf("%s#%d", s.Dir, n)
	}
	return &again
}

// Values are the bindings that every expression of the scenario may use.
func (s *Scenario) Values(facts *spec.Facts, runID, namespace string) expr.Values {
	return expr.Values{
		"vars": s.Vars, "env": s.Env, "facts": facts,
		"run": map[string]string{"id": runID, "namespace": namespace, "scenario": s.Name},
	}
}
