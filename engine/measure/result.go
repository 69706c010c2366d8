package measure

import (
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// PodsResult is what a measure of pods gives.
type PodsResult struct {
	// Phases are the series by spec.Phases.
	Phases map[string]spec.Series
	// Worst are those of the group with the largest p50, each phase on its own; nil
	// without groups.
	Worst map[string]spec.Series
	// Series are the phases of all pods with their samples, then those of every
	// group, without samples.
	Series []event.MeasuredSeries
	Bounds Bounds
	// Unknown are pods without the stamp that From wants, for somebody else created
	// them. They are in no series: a measure that has any cannot be judged.
	Unknown int
	// Unseen are pods whose creation was accepted and that the watch never showed:
	// they came and went while it was interrupted, or are still to come. Whether the
	// query selects them is not known; they are in no series.
	Unseen int
	// Samples of the last phase, and how many of them are missing.
	Samples, Missing int64

	sets    []set
	grouped bool
}

// Bounds are all series once more with every sample at its low, and at its high
// bound, widened by the bar: what is said of both holds of the truth.
type Bounds struct {
	Low, High           map[string]spec.Series
	LowWorst, HighWorst map[string]spec.Series
}

// podsResult summarizes the sets: first those of all pods, then those of groups.
func podsResult(sets []set, grouped bool) PodsResult {
	r := PodsResult{Phases: map[string]spec.Series{}, sets: sets, grouped: grouped}
	r.Bounds.Low, r.Bounds.High = map[string]spec.Series{}, map[string]spec.Series{}
	groups := map[string][]bounded{}
	for i := range sets {
		s := &sets[i]
		b := s.summarize()
		r.Series = append(r.Series, s.measured(b.nominal, s.group == ""))
		if s.group != "" {
			groups[s.name] = append(groups[s.name], b)
			continue
		}
		r.Phases[s.name], r.Bounds.Low[s.name], r.Bounds.High[s.name] = b.nominal, b.low, b.high
	}
	last := r.Phases[spec.Phases[len(spec.Phases)-1]]
	r.Samples, r.Missing = last.Count+last.Missing, last.Missing
	if !grouped {
		return r
	}
	r.Worst = map[string]spec.Series{}
	r.Bounds.LowWorst, r.Bounds.HighWorst = map[string]spec.Series{}, map[string]spec.Series{}
	for _, phase := range spec.Phases {
		w := worst(groups[phase])
		r.Worst[phase], r.Bounds.LowWorst[phase], r.Bounds.HighWorst[phase] = w.nominal, w.low, w.high
	}
	return r
}
