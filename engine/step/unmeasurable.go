package step

import (
	"context"
	"slices"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// unmeasurable says why this cluster cannot answer for a measure truthfully; it is
// empty where it can. Such a measure is not taken: it has no value, its thresholds
// are skipped with the reason, and the steps under `during` run all the same.
func (w *World) unmeasurable(ctx context.Context, s *plan.Step, m *spec.Measure) string {
	switch {
	case m.Usage != nil:
		return w.usageUnmeasurable(ctx, s, m.Usage)
	case m.Network != nil:
		return w.networkUnmeasurable(ctx, s, m.Network)
	case m.HTTP != nil:
		return w.requestsUnmeasurable(ctx, s, m.HTTP)
	case m.Exec != nil && w.Facts.Cluster.Simulated:
		return "the nodes are simulated: no command can run in their pods"
	}
	return ""
}

// unmeasured is what is taken of a measure that is not measurable here.
func unmeasured(m *spec.Measure, why string) taken {
	return taken{measured: event.Measured{Name: m.Name, Kind: m.Kind(), Unmeasurable: why}}
}

// skipped is the finding for a threshold over measures that are not measurable
// here. It is false where all of them were measured.
func (w *World) skipped(program *expr.Program, f event.Finding) (event.Finding, bool) {
	for _, name := range program.Names() {
		if why := w.taken[name].measured.Unmeasurable; why != "" {
			f.Outcome, f.Reason, f.Message = event.Skipped, event.ReasonUnmeasured, name+" is not measurable here: "+why
			f.Parts = nil
			return f, true
		}
	}
	return f, false
}

// skipUnmeasured skips a step none of whose measures is measurable here, unless
// something was judged all the same or went wrong.
func skipUnmeasured(s *plan.Step, r *Result) {
	judged := func(f event.Finding) bool { return f.Outcome != event.Skipped }
	if r.Outcome != event.Passed || slices.ContainsFunc(r.Findings, judged) {
		return
	}
	why := ""
	for i := range s.Measure {
		n := slices.IndexFunc(r.Measures, func(m event.Measured) bool { return m.Name == s.Measure[i].Name })
		if n < 0 || r.Measures[n].Unmeasurable == "" {
			return
		}
		if why == "" {
			why = r.Measures[n].Name + " is not measurable here: " + r.Measures[n].Unmeasurable
		}
	}
	if why != "" {
		r.notMeasurable(why)
	}
}

// notMeasurable skips a step of which this cluster can tell nothing true.
func (r *Result) notMeasurable(why string) {
	r.Outcome, r.Reason, r.Message = event.Skipped, event.ReasonUnmeasured, why
}
