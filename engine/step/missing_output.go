package step

import (
	"errors"
	"fmt"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
)

// What reads the output of a step that was not measurable here is not measurable
// either: the system was not asked, so there is nothing to judge and no mistake.

// noteSkip remembers why a step that was skipped as not measurable here has no time
// and no output.
func (w *World) noteSkip(s *plan.Step, r *Result) {
	delete(w.skips, s.ID)
	if r.Outcome != event.Skipped || r.Reason != event.ReasonUnmeasured {
		return
	}
	w.skips[s.ID] = r.Message
	name := outputOf(s)
	if _, has := w.outputs.known()[name]; !has {
		w.output(name, expr.Absent{Why: fmt.Sprintf("step %s was not measurable here: %s", s.ID, r.Message)})
	}
}

// outputOf is the name under which later steps read what a step saw.
func outputOf(s *plan.Step) string {
	switch {
	case s.HTTP != nil:
		return s.HTTP.Output
	case s.Exec != nil:
		return s.Exec.Output
	case s.Logs != nil:
		return s.Logs.Output
	case s.Run != nil:
		return s.Run.Output
	}
	return ""
}

// outputMissing says why an output that was read is not there, when its step was
// not measurable here; "" for every other error.
func outputMissing(err error) string {
	var none *expr.NoOutputError
	if errors.As(err, &none) && none.Why != "" {
		return none.Error()
	}
	return ""
}

// onlyLooks tells a step that later ones do not build on, but by its output: it may
// be skipped. What an apply did not make, later steps would miss.
func onlyLooks(s *plan.Step) bool {
	return s.HTTP != nil || s.Exec != nil || s.Logs != nil || s.Run != nil || s.Assert != nil || s.Wait != nil || s.Measure != nil
}

// missingOutputs decides what findings about outputs mean whose steps were not
// measurable here: the step is skipped as well, unless something else is wrong with
// it, or it may not be skipped, which is an error.
func (r *Result) missingOutputs(skip bool) {
	var rest, about []event.Finding
	for _, f := range r.Findings {
		switch {
		case f.Outcome != event.Errored || f.Reason != event.ReasonUnmeasured:
			rest = append(rest, f)
		case skip:
			about = append(about, f)
		default:
			f.Reason = event.ReasonExpression
			rest, about = append(rest, f), append(about, f)
		}
	}
	if len(about) == 0 {
		return
	}
	r.Outcome, r.Reason, r.Message, r.Findings = event.Passed, "", "", nil
	for _, f := range rest {
		r.add(f)
	}
	if r.Outcome == event.Passed {
		r.notMeasurable(about[0].Message)
		r.Evidence = nil
	}
}
