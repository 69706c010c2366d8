package step

import (
	"math"
	"path/filepath"
	"strings"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
)

// baseline judges the step's measures against what was recorded in an environment
// of the same kind.
func (w *World) baseline(s *plan.Step, r *Result) {
	if s.Baseline == nil || w.NoBaselines {
		return
	}
	none := event.Finding{Outcome: event.Skipped, Reason: event.ReasonBaseline, Pos: s.Baseline.At}
	if s.Baseline.Required {
		none.Outcome = event.Inconclusive
	}
	recorded, others, err := compare.Find(filepath.Join(w.Plan.Dir, "baselines"), w.Environment)
	switch {
	case err != nil:
		r.add(event.Finding{Outcome: event.Errored, Reason: event.ReasonBaseline, Pos: s.Baseline.At, Message: err.Error()})
		return
	case recorded == nil:
		none.Message = "no baseline is recorded for this environment; realspec baseline record " + w.Plan.Dir
		for _, other := range others {
			none.Message += "\n  one is, for another: " + strings.Join(compare.Differences(other, w.Environment), ", ")
		}
		r.add(none)
		return
	}
	for _, j := range compare.Judge(recorded, r.Measures, *s.Baseline) {
		r.add(event.Finding{Outcome: j.Outcome, Reason: event.ReasonBaseline, Pos: s.Baseline.At, Message: j.Message, Baseline: compared(j)})
	}
}

// compared has the numbers of a judgement, those that there are.
func compared(j compare.Judgement) *event.Baseline {
	return &event.Baseline{
		Name: j.Name, Unit: j.Unit, Value: finite(j.Value), Median: finite(j.Median),
		Low: finite(j.Low), High: finite(j.High), Limit: finite(j.Limit), P: finite(j.P), Runs: j.Runs,
	}
}

// finite is nil for what was not reached, is not limited or not known.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
