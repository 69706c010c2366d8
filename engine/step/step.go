// Package step does what the verbs of the language say, one file a verb. A step
// gets the world that its scenario acts on and answers with how it ended; what
// to do then is decided by package run.
package step

import (
	"context"
	"errors"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
)

// The causes for which a step's context ends, as context.Cause tells them.
var (
	ErrStepTimeout     = errors.New("the step's time is over")
	ErrScenarioTimeout = errors.New("the scenario's time is over")
	ErrInterrupted     = errors.New("the run was interrupted")
)

// Result is one attempt of a step and what it measured.
type Result struct {
	event.Attempt
	Measures []event.Measured
}

// Run does what the step says. It always answers; ctx bounds how long it takes.
func Run(ctx context.Context, w *World, s *plan.Step) Result {
	r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
	switch {
	case s.Apply != nil:
		w.apply(ctx, s, r)
	case s.Wait != nil:
		w.wait(ctx, s, r)
	case s.Assert != nil:
		w.assert(ctx, s, r)
	case s.Delete != nil:
		w.delete(ctx, s, r)
	case s.Patch != nil:
		w.patch(ctx, s, r)
	case s.Measure != nil && s.Repeat > 1:
		w.repeat(ctx, s, r)
	case s.Measure != nil:
		w.measure(ctx, s, r)
	case s.Load != nil:
		w.load(ctx, s, r)
	case s.HTTP != nil:
		w.http(ctx, s, r)
	case s.Exec != nil:
		w.exec(ctx, s, r)
	case s.Logs != nil:
		w.logs(ctx, s, r)
	case s.Disrupt != nil:
		w.disrupt(ctx, s, r)
	case s.Run != nil:
		w.runCommand(ctx, s, r)
	default:
		r.add(event.Finding{Outcome: event.Errored, Reason: event.ReasonInvalid, Pos: s.At,
			Message: "this realspec cannot run " + s.Verb() + " steps"})
	}
	if cause := context.Cause(ctx); r.Outcome != event.Passed && errors.Is(cause, ErrInterrupted) {
		r.Interrupted(cause)
	}
	w.redacted(&r.Attempt)
	return *r
}

// Interrupted says of an attempt that did not pass that nobody can tell what would
// have come of the step.
func (r *Result) Interrupted(cause error) {
	r.Outcome, r.Reason, r.Message = event.Errored, event.ReasonInterrupted, cause.Error()
	for i := range r.Findings {
		if r.Findings[i].Outcome == event.Passed {
			continue // a threshold that was judged by what there is
		}
		r.Findings[i].Outcome, r.Findings[i].Reason = r.Outcome, r.Reason
	}
}

// add takes a finding into the result. The worst finding decides the outcome:
// a failure is certain, so it outranks what could not be told.
func (r *Result) add(f event.Finding) {
	for _, earlier := range r.Findings {
		if f.Observed == earlier.Observed {
			f.Observed = "" // several conditions on one object: its state is shown once
		}
	}
	r.Findings = append(r.Findings, f)
	if rank(f.Outcome) > rank(r.Outcome) {
		r.Outcome, r.Reason, r.Message = f.Outcome, f.Reason, f.Message
	}
}

func rank(o event.Outcome) int {
	switch o {
	case event.Failed:
		return 4
	case event.Errored:
		return 3
	case event.Inconclusive:
		return 2
	}
	return 0 // a check that was skipped does not skip the step
}

// Span is when a step began and ended, on the monotonic clock.
type Span struct{ Start, End time.Time }
