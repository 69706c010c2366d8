package step

import (
	"context"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// Salvage takes the measures of a step that will not run, because the scenario
// failed or was interrupted before it, from what was recorded until then, and
// judges those. It is false when nothing was recorded: then there is nothing to
// judge, and the step is skipped.
func (w *World) Salvage(ctx context.Context, s *plan.Step) (Result, bool) {
	r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
	if s.Measure == nil || len(s.During) > 0 {
		return *r, false
	}
	return *r, w.keep(ctx, s, r)
}

// keep takes what was recorded of the step's measures, and judges it. It is false
// when there is no sample of any object.
func (w *World) keep(ctx context.Context, s *plan.Step, r *Result) bool {
	var samples int64
	var found Result
	for i := range s.Measure {
		m := &s.Measure[i]
		if !recorded(m) {
			continue
		}
		got, err := w.read(ctx, s, m, window{}, false)
		if err != nil {
			continue // a step that did not run has no time, a kind that is not served no objects
		}
		if m.Elapsed == nil {
			samples += got.samples
		}
		w.take(got, &found)
		w.enough(m, got, &found)
	}
	if samples == 0 {
		return false
	}
	w.thresholds(ctx, s, &found)
	r.Measures = append(r.Measures, found.Measures...)
	for _, f := range found.Findings {
		r.add(f)
	}
	return true
}

// recorded tells whether a measure only reads what the scenario recorded.
func recorded(m *spec.Measure) bool {
	return m.Pods != nil || m.Objects != nil || m.Elapsed != nil && m.Elapsed.From != ""
}
