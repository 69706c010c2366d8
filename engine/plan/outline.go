package plan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/spec"
)

// Outline is what would happen when a scenario runs.
type Outline struct {
	Scenario    string `json:"scenario"`
	Path        string `json:"path"`
	Description string `json:"description,omitempty"`
	// Namespace is the scenario's own; the run's id stands for <run>.
	Namespace string `json:"namespace"`
	// TimeoutSeconds bounds the scenario, BudgetSeconds is the sum of what its
	// steps may take.
	TimeoutSeconds float64 `json:"timeoutSeconds"`
	BudgetSeconds  float64 `json:"budgetSeconds"`
	Most           Most    `json:"most"`
	// Allow is what the scenario asks to do beyond its own namespace and ordinary
	// pods; Flags are those without which a run skips it.
	Allow        []string      `json:"allow,omitempty"`
	Flags        []string      `json:"flags,omitempty"`
	Requirements []Requirement `json:"requirements"`
	Steps        []StepOutline `json:"steps"`
}

// StepOutline is what one step would do.
type StepOutline struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Verb string `json:"verb"`
	// TimeoutSeconds is 0 where the step looks once.
	TimeoutSeconds float64 `json:"timeoutSeconds"`
	// How says when and how often the step is tried. Example: retries 2.
	How     []string      `json:"how,omitempty"`
	Does    []string      `json:"does"`
	During  []StepOutline `json:"during,omitempty"`
	Objects []Manifest    `json:"-"` // rendered; what apply and load send
	budget  time.Duration
}

// runID stands for the id that a run will have.
const runID = "plan"

// Outline says what would happen. Facts may be nil: then nothing of the cluster is
// known, and names that are computed from it are shown as they were written. Values of
// environment variables are hidden.
func (s *Scenario) Outline(facts *spec.Facts) Outline {
	o := &outliner{values: s.Values(facts, runID, s.Name+"-"+runID)}
	out := Outline{
		Scenario: s.Name, Path: s.Dir, Description: s.Spec.Spec.Description, Namespace: s.Name + "-<run>",
		TimeoutSeconds: s.Timeout.Seconds(), Requirements: s.Requirements(facts),
		Most: s.Most(facts), Allow: s.Spec.Spec.Allow, Flags: s.Flags(),
	}
	for _, step := range s.Steps {
		one := o.step(step)
		out.BudgetSeconds += one.budget.Seconds()
		out.Steps = append(out.Steps, one)
	}
	veil := s.Veil()
	hide(veil, out.Steps)
	for i := range out.Requirements {
		out.Requirements[i].Found = veil.Replace(out.Requirements[i].Found)
	}
	return out
}

// outliner fills in texts and objects, as far as their values are known.
type outliner struct{ values expr.Values }

func (o *outliner) step(s *Step) StepOutline {
	out := StepOutline{
		ID: s.ID, Name: s.Name, Verb: s.Verb(), TimeoutSeconds: s.Timeout.Seconds(),
		How: how(s), Does: o.does(s), Objects: o.manifests(s), budget: s.Timeout,
	}
	for _, d := range s.During {
		inner := o.step(d)
		out.During = append(out.During, inner)
		out.budget += inner.budget * time.Duration(max(s.Repeat, 1))
	}
	if s.Load != nil && s.Timeout == 0 {
		out.budget += loadTime(s.Load)
	}
	for i := range s.Measure {
		out.budget += measureTime(&s.Measure[i], len(s.During) > 0)
	}
	return out
}

func how(s *Step) []string {
	var out []string
	if s.Step.If.IsSet() {
		out = append(out, "if "+s.Step.If.Text)
	}
	if s.Retries > 0 {
		out = append(out, fmt.Sprintf("retries %d", s.Retries))
	}
	if s.Repeat > 1 {
		out = append(out, fmt.Sprintf("repeats %d, each in a namespace of its own", s.Repeat))
	}
	if s.Always {
		out = append(out, "always, even after a failure")
	}
	if s.ContinueOnFailure {
		out = append(out, "goes on after a failure")
	}
	return out
}

// loadTime is how long a load takes when the cluster keeps up.
func loadTime(l *spec.Load) time.Duration {
	during := callTime(l.Count, l.Rate, l.For.Value) + l.Ramp.Value/2
	if len(l.Stages) > 0 {
		during = 0
		for _, s := range l.Stages {
			during += s.For.Value
		}
	}
	return during + l.Hold.Value
}

// measureTime is how long a measure takes beside the steps that it wraps.
func measureTime(m *spec.Measure, during bool) time.Duration {
	switch {
	case m.API != nil:
		return callTime(m.API.Count, m.API.Rate, m.API.For.Value)
	case m.Network != nil && m.Network.Transaction == "throughput":
		return m.Network.For.Value * time.Duration(max(m.Network.Pairs, 1))
	case during:
	case m.HTTP != nil:
		return callTime(m.HTTP.Count, m.HTTP.Rate, m.HTTP.For.Value)
	case m.Network != nil:
		return m.Network.For.Value
	case m.Usage != nil:
		return m.Usage.For.Value
	}
	return 0
}

func callTime(count int, rate float64, during time.Duration) time.Duration {
	if during == 0 && rate > 0 {
		during = time.Duration(float64(count) / rate * float64(time.Second))
	}
	return during
}

// does says what a step does, one line a thing.
func (o *outliner) does(s *Step) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch {
	case s.Apply != nil:
		out = o.applied(s)
	case s.Wait != nil:
		for i := range s.Wait {
			add("wait until %s", o.condition(s, &s.Wait[i]))
		}
	case s.Assert != nil:
		for i := range s.Assert.Checks {
			add("check %s", o.check(s, &s.Assert.Checks[i]))
		}
	case s.Delete != nil:
		for i := range s.Delete.On {
			add("delete %s", o.selector(s, &s.Delete.On[i]))
		}
		for _, m := range o.manifests(s) {
			add("delete %s", m)
		}
	case s.Patch != nil:
		add("patch %s%s", o.selector(s, &s.Patch.On), subresource(s.Patch.Subresource))
	case s.Load != nil:
		add("load %s", o.load(s))
	default:
		out = o.calls(s)
	}
	for i := range s.Measure {
		add("measure %s", o.measure(s, &s.Measure[i]))
	}
	for _, t := range s.Thresholds {
		add("require %s", threshold(t))
	}
	return out
}

func subresource(name string) string {
	if name == "" {
		return ""
	}
	return " (its " + name + ")"
}

// text fills in a text; where that needs what is not known yet, it is as written.
func (o *outliner) text(s *Step, t spec.Text) string {
	template := s.Text(t)
	if template == nil {
		return t.Text
	}
	got, err := template.Text(context.Background(), o.values)
	if err != nil {
		return t.Text
	}
	return got
}

func (o *outliner) selector(s *Step, sel *spec.Selector) string {
	out := sel.Kind
	if name := o.text(s, sel.Name); name != "" {
		out += "/" + name
	} else if labels := o.text(s, sel.Selector); labels != "" {
		out += " with " + labels
	} else {
		out = "every " + out
	}
	if ns := o.text(s, sel.Namespace); ns != "" {
		out += " in " + ns
	}
	if sel.Where.IsSet() {
		out += " where " + oneLine(sel.Where.Text)
	}
	return out
}

func (o *outliner) condition(s *Step, w *spec.Condition) string {
	var out string
	switch {
	case w.On != nil:
		out = o.selector(s, w.On) + ": "
	case len(w.Let) > 0:
		out = "of " + o.lets(s, w.Let) + ": "
	case w.For == spec.ForReady:
		out = "everything applied so far: "
	}
	if w.CEL.IsSet() {
		out += oneLine(w.CEL.Text)
	} else {
		out += w.For
	}
	switch {
	case w.Never:
		out = fmt.Sprintf("it has not been so for %s: %s", w.Stays.Value, out)
	case w.Stays.Value > 0:
		out += fmt.Sprintf(", for %s on end", w.Stays.Value)
	}
	return out
}

func (o *outliner) lets(s *Step, let map[string]spec.Selector) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(let)) {
		sel := let[name]
		parts = append(parts, name+" = "+o.selector(s, &sel))
	}
	return strings.Join(parts, ", ")
}

func (o *outliner) check(s *Step, c *spec.Check) string {
	switch {
	case c.Object.IsSet():
		return "that there is " + o.manifest(s, c.Object).String() + " with these fields"
	case c.AbsentObject.IsSet():
		return "that there is no " + o.manifest(s, c.AbsentObject).String() + " with these fields"
	case c.Absent != nil:
		return "that there is no " + strings.TrimPrefix(o.selector(s, c.Absent), "every ")
	}
	return oneLine(c.CEL.Text)
}

func threshold(t spec.Threshold) string {
	if t.SLO != "" {
		return "the objective " + t.SLO
	}
	return oneLine(t.CEL.Text)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
