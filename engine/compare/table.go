package compare

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/stats"
)

// Options are what a comparison is asked for.
type Options struct {
	// Across compares runs of different environments all the same.
	Across bool
	// A and B are the names of the sides, such as file names.
	A, B string
}

// EnvironmentError says that runs cannot be compared: their environments differ.
type EnvironmentError struct {
	Scenario    string
	Differences []string // as Differences gives them
}

// Error is a sentence for people.
func (e *EnvironmentError) Error() string {
	return fmt.Sprintf("the runs of %s cannot be compared, their environments differ: %s",
		e.Scenario, strings.Join(e.Differences, "; "))
}

// Report is a comparison of two groups of runs, metric by metric. In JSON a value
// that was not reached, or is not bounded, is null.
type Report struct {
	A           Side       `json:"a"`
	B           Side       `json:"b"`
	Alpha       float64    `json:"alpha"`
	Tolerance   float64    `json:"tolerance"`
	Scenarios   []Scenario `json:"scenarios"`
	Regressions int        `json:"regressions"` // metrics that are worse
	Notes       []string   `json:"notes,omitempty"`
}

// Side is one group of runs.
type Side struct {
	Name     string   `json:"name"`
	Runs     int      `json:"runs"`
	Realspec []string `json:"realspec,omitempty"` // versions
}

// Scenario is the comparison of one scenario's metrics.
type Scenario struct {
	Name        string   `json:"name"`
	Environment string   `json:"environment"` // in words; of a comparison across environments that of A
	Metrics     []Metric `json:"metrics"`
}

// Metric is the comparison of one metric.
type Metric struct {
	Name     string        `json:"name"`
	Unit     string        `json:"unit,omitempty"`
	A        Estimate      `json:"a"`
	B        Estimate      `json:"b"`
	Change   *float64      `json:"change"` // of the medians, relative to A's
	Floor    float64       `json:"floor"`  // differences up to it do not count: the error of measuring
	P        *float64      `json:"p"`
	Adjusted *float64      `json:"adjusted"` // P after Holm's correction over all metrics
	Verdict  stats.Verdict `json:"verdict"`
	Needed   int           `json:"needed,omitempty"` // runs on each side, when the verdict is unknown
}

// Estimate is the median of a metric over runs, with its 95 % interval.
type Estimate struct {
	N          int      `json:"n"` // runs
	NotReached int      `json:"notReached,omitempty"`
	Median     *float64 `json:"median"`
	Low        *float64 `json:"low"`
	High       *float64 `json:"high"`
}

// Table compares two groups of runs. Scenarios and metrics that only one side has
// are notes. Runs that ended in an error are left out, because it is not known what
// they measured; those that failed count.
func Table(a, b []Run, rule stats.Rule, o Options) (Report, error) {
	r := Report{Scenarios: []Scenario{}, Alpha: rule.Alpha, Tolerance: rule.Tolerance, A: Side{Name: o.A}, B: Side{Name: o.B}}
	a, b = r.usable(Unique(a), &r.A), r.usable(Unique(b), &r.B)
	inA, inB := byScenario(a), byScenario(b)
	var metrics []stats.Metric
	for _, name := range slices.Sorted(maps.Keys(inA)) {
		if inB[name] == nil {
			r.note("%s is only in %s", name, r.A.Name)
			continue
		}
		if err := sameEnvironment(name, slices.Concat(inA[name], inB[name])); err != nil && !o.Across {
			return Report{}, err
		} else if err != nil {
			r.note("the environments of %s differ: %s", name, strings.Join(err.Differences, "; "))
		}
		s := Scenario{Name: name, Environment: Describe(inA[name][0].Environment)}
		found := r.pairs(&s, inA[name], inB[name])
		metrics = append(metrics, found...)
		r.Scenarios = append(r.Scenarios, s)
	}
	for _, name := range slices.Sorted(maps.Keys(inB)) {
		if inA[name] == nil {
			r.note("%s is only in %s", name, r.B.Name)
		}
	}
	r.fill(stats.Compare(metrics, rule))
	return r, nil
}

// Unknown is the number of metrics of which nothing can be said, because there are
// too few runs. Where there is one, nothing being worse is no good news.
func (r Report) Unknown() int {
	n := 0
	for _, m := range r.metrics() {
		if m.Verdict == stats.Unknown {
			n++
		}
	}
	return n
}

// Empty tells whether there was nothing to compare.
func (r Report) Empty() bool { return len(r.metrics()) == 0 }

func (r Report) metrics() []*Metric {
	var all []*Metric
	for i := range r.Scenarios {
		for j := range r.Scenarios[i].Metrics {
			all = append(all, &r.Scenarios[i].Metrics[j])
		}
	}
	return all
}

// usable leaves out the runs that ended in an error.
func (r *Report) usable(runs []Run, side *Side) []Run {
	good := slices.DeleteFunc(runs, func(run Run) bool { return run.Outcome == event.Errored })
	if n := len(runs) - len(good); n > 0 {
		r.note("%s of %s ended in an error and %s left out", many(n, "run"), side.Name, isAre(n))
	}
	failed := 0
	versions := map[string]bool{}
	for _, run := range good {
		if run.Outcome == event.Failed {
			failed++
		}
		if run.Environment.Realspec != "" {
			versions[run.Environment.Realspec] = true
		}
	}
	if failed > 0 {
		r.note("%s of %s did not pass; what they measured counts", many(failed, "run"), side.Name)
	}
	side.Runs, side.Realspec = len(good), slices.Sorted(maps.Keys(versions))
	return good
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func byScenario(runs []Run) map[string][]Run {
	all := map[string][]Run{}
	for _, run := range runs {
		all[run.Scenario] = append(all[run.Scenario], run)
	}
	return all
}

func sameEnvironment(name string, runs []Run) *EnvironmentError {
	for _, run := range runs[1:] {
		if d := Differences(runs[0].Environment, run.Environment); len(d) > 0 {
			return &EnvironmentError{name, d}
		}
	}
	return nil
}

// pairs takes the metrics that both sides have into the scenario, and answers with
// what is to be tested, in the same order.
func (r *Report) pairs(s *Scenario, a, b []Run) []stats.Metric {
	inA, inB := metricsOf(a), metricsOf(b)
	var tests []stats.Metric
	for _, name := range slices.Sorted(maps.Keys(inA)) {
		va := inA[name][0]
		if inB[name] == nil {
			r.note("%s of %s is only in %s", name, s.Name, r.A.Name)
			continue
		}
		if a, b := meaning(va), meaning(inB[name][0]); a != b {
			r.note("%s of %s is not compared: it is %s in %s and %s in %s", name, s.Name, a, r.A.Name, b, r.B.Name)
			continue
		}
		m := stats.Metric{Name: name, A: numbers(inA[name]), B: numbers(inB[name]), Floor: max(errorOf(a, name), errorOf(b, name))}
		tests = append(tests, m)
		s.Metrics = append(s.Metrics, Metric{Name: name, Unit: va.Unit, Floor: m.Floor})
	}
	for _, name := range slices.Sorted(maps.Keys(inB)) {
		if inA[name] == nil {
			r.note("%s of %s is only in %s", name, s.Name, r.B.Name)
		}
	}
	return tests
}

// meaning is what must be equal of two metrics of the same name.
func meaning(v Value) string {
	text := "in " + unitName(v.Unit)
	if v.From != "" {
		text += " from " + v.From
	}
	return text
}

// metricsOf are the values of every metric over runs.
func metricsOf(runs []Run) map[string][]Value {
	all := map[string][]Value{}
	for _, run := range runs {
		for _, v := range run.Metrics {
			all[v.Name] = append(all[v.Name], v)
		}
	}
	return all
}

// fill writes the comparisons into the metrics, which are in the same order.
func (r *Report) fill(all []stats.Comparison) {
	for i, m := range r.metrics() {
		c := all[i]
		m.A = estimate(c.A, c.MedianA, c.LowA, c.HighA)
		m.B = estimate(c.B, c.MedianB, c.LowB, c.HighB)
		m.Change, m.P, m.Adjusted = finite(c.Change), finite(c.Test.P), finite(c.Adjusted)
		m.Verdict, m.Needed = c.Verdict, c.Needed
		if c.Verdict == stats.Worse {
			r.Regressions++
		}
	}
}

func estimate(values []float64, median, low, high float64) Estimate {
	e := Estimate{N: len(values), Median: finite(median), Low: finite(low), High: finite(high)}
	for _, v := range values {
		if math.IsInf(v, 1) {
			e.NotReached++
		}
	}
	return e
}

func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
