// Package grade tells how far realspec's own figures are from the truth: it
// joins every sample of a run with what the API server's audit log says of the
// same pod, and describes the differences.
//
// Both ends of a true duration are stamps of one clock, the API server's, and
// what realspec said is a difference of its own monotonic clock: no clocks are
// mixed, and none has to be right. A step of the server's clock between the two
// stamps would be taken for an error of realspec.
package grade

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// Report is the grade of a run: one entry for every series of every pods
// measure, in the order of the run.
type Report struct{ Measures []Graded }

// Graded is the distribution of the errors of one series. An error is what
// realspec said minus the truth: above zero, realspec was late.
type Graded struct {
	Scenario, Step, Measure, Series string

	// From is the moment that began the time: stored, accepted, sent or due. The
	// log has no moment at which a client sent a request or should have. For sent
	// and due the truth begins when the request reached the server, so the way
	// from the client to the server, and for due its delay, is part of the error.
	From string

	// Samples are all of the series, the missing ones included. Joined are those
	// that have a value and a truth; every figure below is of them alone. Unjoined
	// are the rest: Missed of them have a truth but no value (which is right when
	// the pod got there after realspec had ceased to look), Unproven have a value
	// but no truth in the log.
	Samples, Joined, Unjoined int
	Missed, Unproven          int

	// Bias is the mean error; the others are of its absolute value, quantiles by
	// nearest rank.
	Bias, MeanAbs, P50Abs, P90Abs, P99Abs, MaxAbs time.Duration

	// Late are the joined samples that the run said it knows within bounds only,
	// because its watch was interrupted.
	Late int

	// Bar is the error bar that the run printed, if HasBar, and Covered whether
	// P99Abs is within it; of a late sample only that part of the error counts by
	// which the truth is outside of its bounds. Covered needs a joined sample.
	Bar             time.Duration
	HasBar, Covered bool

	// True and Said are the same joined samples by the log and by realspec.
	True, Said Quantiles

	// Blur is how far the log's own durations can be off, as a p99: each moment
	// lies between the server's receipt of a request and its answer, and the log
	// cannot tell where. An error below it is not known to be realspec's.
	Blur time.Duration
}

// Quantiles are of durations, by nearest rank.
type Quantiles struct{ P50, P99, Max time.Duration }

// Grade joins every sample of every pods measure of the run with the truth. The
// groups of a measure are left out: their samples are those of the whole again.
func Grade(r *event.Result, t *Truth) *Report {
	report := &Report{}
	for _, scenario := range r.Scenarios {
		for _, step := range scenario.Steps {
			for _, m := range step.Measures {
				for _, series := range m.Series {
					phase := slices.Index(spec.Phases, series.Name)
					if m.Kind != "pods" || series.Group != "" || phase < 0 {
						continue
					}
					g := join(t, scenario.Namespace, m, phase, series.Samples)
					g.Scenario, g.Step, g.Measure, g.Series = scenario.Name, step.ID, m.Name, series.Name
					report.Measures = append(report.Measures, g)
				}
			}
		}
	}
	return report
}

// Joined is the number of samples that have a value and a truth, over all series.
func (r *Report) Joined() int {
	n := 0
	for _, g := range r.Measures {
		n += g.Joined
	}
	return n
}

// Holds tells whether the run's error bars hold: something was graded, every
// series that has values was, and every p99 error is within the bar that was
// printed for it. A series without a bar promises nothing and breaks nothing.
func (r *Report) Holds() bool {
	for _, g := range r.Measures {
		if g.Joined == 0 && g.Unproven > 0 || g.Joined > 0 && g.HasBar && !g.Covered {
			return false
		}
	}
	return r.Joined() > 0
}

// join makes the figures of one series.
func join(t *Truth, namespace string, m event.Measured, phase int, samples []event.Sample) Graded {
	g := Graded{From: cmp.Or(m.From, "stored"), Samples: len(samples)}
	var truths, said, errors, beyond, blurs []time.Duration
	for _, s := range samples {
		truth, known := t.find(namespace, s).took(g.From, phase)
		switch {
		case s.Value == nil && known:
			g.Missed++
		case s.Value != nil && !known:
			g.Unproven++
		case s.Value != nil:
			value := seconds(*s.Value)
			truths, said = append(truths, truth.duration), append(said, value)
			errors, blurs = append(errors, value-truth.duration), append(blurs, truth.blur)
			beyond = append(beyond, outside(s, truth.duration))
			if s.Low != nil || s.High != nil {
				g.Late++
			}
		}
	}
	g.Joined = len(errors)
	g.Unjoined = g.Samples - g.Joined
	g.describe(errors)
	g.True, g.Said, g.Blur = quantiles(truths), quantiles(said), quantiles(blurs).P99
	if m.Error != nil {
		g.HasBar, g.Bar = true, seconds(*m.Error)
		g.Covered = g.Joined > 0 && quantiles(beyond).P99 <= g.Bar
	}
	return g
}

// outside is how far the truth is from what a sample said: from its value, or
// from its bounds where it has some. It has no upper one if it knew none.
func outside(s event.Sample, truth time.Duration) time.Duration {
	low, high := seconds(*s.Value), seconds(*s.Value)
	if s.Low != nil || s.High != nil {
		low, high = 0, spec.Missing
	}
	if s.Low != nil {
		low = seconds(*s.Low)
	}
	if s.High != nil {
		high = seconds(*s.High)
	}
	return max(low-truth, truth-high, 0)
}

// describe fills in the distribution of the errors.
func (g *Graded) describe(errors []time.Duration) {
	sizes := make([]time.Duration, len(errors))
	for i, e := range errors {
		sizes[i] = max(e, -e)
	}
	all := stats.Summarize(sizes, 0)
	g.Bias, g.MeanAbs = stats.Summarize(errors, 0).Mean, all.Mean
	g.P50Abs, g.P90Abs, g.P99Abs, g.MaxAbs = all.P50, all.P90, all.P99, all.Max
}

func quantiles(all []time.Duration) Quantiles {
	s := stats.Summarize(all, 0)
	return Quantiles{s.P50, s.P99, s.Max}
}

// seconds is a duration that a run wrote down. A bound that is not known is the
// longest duration there is, and its nanoseconds do not survive as a float.
func seconds(s float64) time.Duration {
	nanoseconds := math.Round(s * 1e9)
	if nanoseconds >= math.MaxInt64 {
		return spec.Missing
	}
	return time.Duration(nanoseconds)
}
