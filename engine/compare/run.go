// Package compare tells whether a scenario got slower. It reduces runs to one
// value for every metric, keeps recorded runs as baselines, judges a run by
// them, and compares two groups of runs.
//
// The unit of replication is the run (a repetition of a scenario), never the pod
// or the request: those of one run share their queues, so that a thousand of them
// are not a thousand observations. In every metric more is worse.
package compare

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// Run is one run of one scenario, reduced to what comparisons need.
type Run struct {
	Scenario    string // its name
	Started     time.Time
	Environment event.Environment
	Outcome     event.Outcome
	Metrics     []Value // sorted by name
}

// Value is one metric of a run.
type Value struct {
	Name  string  // measure.series.stat, as startup.ready.p99; the measure for one value
	Unit  string  // s, or empty for numbers without one
	From  string  // the moment that begins the time, when the measure has a choice
	N     int     // samples, those that never came included; 1 for one value
	Value float64 // +Inf: not reached
	Error float64 // how far the value may be from the truth, in the unit; 0 when not known
}

// Runs are all runs of a result that measured something, whatever became of them:
// leaving out those that failed would leave out the slow ones. Of every series
// they have the values that Pick takes by default.
func Runs(r *event.Result) []Run { return Pick{}.Runs(r) }

// Runs are all runs of a result that measured something, with the picked values.
func (p Pick) Runs(r *event.Result) []Run {
	var runs []Run
	for _, s := range r.Scenarios {
		run := Run{
			Scenario: s.Name, Started: s.Started, Environment: s.Cluster.Environment, Outcome: s.Outcome,
			Metrics: p.values(reduce(measures(s), p.Groups)),
		}
		if len(run.Metrics) > 0 {
			runs = append(runs, run)
		}
	}
	return runs
}

// measures are those of all steps of a scenario.
func measures(s *event.Scenario) []event.Measured {
	var all []event.Measured
	for _, step := range s.Steps {
		all = append(all, step.Measures...)
	}
	return all
}

// values are the picked metrics of measures. Names of measures are unique in a
// scenario; should one be there twice, the later one counts.
func (p Pick) values(all []Series) []Value {
	byName := map[string]Value{}
	for _, s := range all {
		for _, stat := range p.stats(s) {
			value, ok := s.stat(stat)
			if !ok {
				continue
			}
			v := Value{Name: s.metric(stat), Unit: s.Unit, From: s.From, N: s.n(), Value: value}
			if s.Error != nil && !math.IsNaN(*s.Error) {
				v.Error = *s.Error
			}
			byName[v.Name] = v
		}
	}
	values := make([]Value, 0, len(byName))
	for _, v := range byName {
		values = append(values, v)
	}
	slices.SortFunc(values, func(a, b Value) int { return strings.Compare(a.Name, b.Name) })
	return values
}

// metric is the value of a run by its name.
func (r Run) metric(name string) (Value, bool) {
	i, ok := slices.BinarySearchFunc(r.Metrics, name, func(v Value, name string) int {
		return strings.Compare(v.Name, name)
	})
	if !ok {
		return Value{}, false
	}
	return r.Metrics[i], true
}

// Unique sorts runs by scenario and start, and leaves out runs that are there
// twice: a folder may hold a result and the events that it was made from.
func Unique(runs []Run) []Run {
	sorted := slices.Clone(runs)
	slices.SortStableFunc(sorted, func(a, b Run) int {
		return cmp.Or(strings.Compare(a.Scenario, b.Scenario), a.Started.Compare(b.Started))
	})
	return slices.CompactFunc(sorted, func(a, b Run) bool {
		return a.Scenario == b.Scenario && a.Started.Equal(b.Started)
	})
}
