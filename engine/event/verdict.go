package event

import (
	"fmt"
	"strings"
	"time"
)

// verdict is an outcome with its why.
type verdict struct {
	outcome Outcome
	reason  Reason
	message string
}

// rank orders the outcomes from best to worst. A failure is worse than an error:
// it is certain, and whoever retries errors must not retry it away.
//
//	passed < flaky < skipped < inconclusive < error < failed
func rank(o Outcome) int {
	switch o {
	case Passed:
		return 0
	case Flaky:
		return 1
	case Skipped:
		return 2
	case Inconclusive:
		return 3
	case Failed:
		return 5
	}
	return 4 // error, and every word that this version does not know: never green
}

// or is the worse of two verdicts; of two equally bad ones the first that says why.
func (v verdict) or(w verdict) verdict {
	if rank(w.outcome) > rank(v.outcome) || rank(w.outcome) == rank(v.outcome) && v.message == "" {
		return w
	}
	return v
}

// unfinished is the verdict over what was open, or still to come, when the
// events stopped; place is where that was, such as "before this step".
//
//	no end of the run      → error, crashed
//	the run was interrupted → error, interrupted
//	the run was stopped     → error, run
//	the run ended normally  → error, crashed: it should have said what became of it
func (f *Folder) unfinished(place string) verdict {
	switch {
	case f.end == nil:
		return verdict{Errored, ReasonCrashed, "the run ended without saying so " + place}
	case f.end.Interrupted:
		return verdict{Errored, ReasonInterrupted, "the run was interrupted " + place}
	case f.end.Error != "":
		return verdict{Errored, ReasonRun, fmt.Sprintf("the run stopped %s: %s", place, f.end.Error)}
	}
	return verdict{Errored, ReasonCrashed, "the run ended and said nothing of what came of it " + place}
}

// scenario folds one scenario.
//
//	not valid                       → error, invalid
//	not begun, and no end of it     → error, see unfinished (or skipped, see settleNotBegun)
//	otherwise the worst of
//	  what ScenarioEnded says         (a requirement, an error before the first step)
//	  its steps                       (skipped only when all of them are)
//	  no end of the scenario        → error, see unfinished
//	  its cleanup                     (something left: error, cleanup)
func (f *Folder) scenario(st *story) *Scenario {
	s := &Scenario{
		Path: st.planned.Scenario, Name: st.planned.Name, Repetition: st.planned.Repetition, Description: st.planned.Description,
		Labels: st.planned.Labels, Covers: st.planned.Covers, Pos: st.planned.Pos,
		Cluster: f.cluster, Namespace: st.name, Steps: []*Step{},
		Notices: append([]string(nil), st.notices...),
	}
	if s.Name == "" {
		s.Name = s.Path
	}
	if st.cluster != nil {
		s.Cluster = *st.cluster
	}
	f.addTimes(s, st)
	f.addSteps(s, st)
	s.Cleanup = cleanup(st.cleanup)
	v := f.scenarioVerdict(s, st)
	if st.invalid != nil {
		s.Diagnostics = st.invalid.Diagnostics
		v = invalid(st.invalid)
	}
	s.Outcome, s.Reason, s.Message = v.outcome, v.reason, v.message
	return s
}

func (f *Folder) addTimes(s *Scenario, st *story) {
	if st.started == nil {
		return
	}
	until := f.last.Since
	if st.ended != nil {
		until = st.until
	}
	s.Started = st.started.At
	s.Seconds = (until - st.started.Since).Seconds()
}

func (f *Folder) scenarioVerdict(s *Scenario, st *story) verdict {
	if st.ended == nil && !st.begun() {
		return f.unfinished("before this scenario")
	}
	v := verdict{outcome: Passed}
	if st.ended != nil && st.ended.Outcome != "" {
		v = verdict{known(st.ended.Outcome), st.ended.Reason, st.ended.Message}
	}
	v = v.or(stepsVerdict(s.Steps))
	if st.ended == nil {
		v = v.or(f.unfinished("during this scenario"))
	}
	return v.or(f.cleanupVerdict(s, st))
}

func (st *story) begun() bool {
	for _, a := range st.steps {
		if a.begun() {
			return true
		}
	}
	return st.started != nil
}

// told tells whether anything but the plan is known of a scenario.
func (st *story) told() bool { return st.begun() || st.ended != nil || st.invalid != nil }

// stepsVerdict is the worst of the steps. Skipped steps count only when there is
// nothing else: a scenario that ran some of its steps was not skipped.
func stepsVerdict(steps []*Step) verdict {
	all := verdict{Skipped, ReasonSelection, "it has no steps"}
	ran := verdict{outcome: Passed}
	skipped := 0
	for _, s := range steps {
		v := verdict{s.Outcome, s.Reason, s.ID + ": " + s.Message}
		if s.Outcome == Skipped {
			if skipped == 0 {
				all = v
			}
			skipped++
			continue
		}
		ran = ran.or(v)
	}
	if skipped == len(steps) {
		return all
	}
	if ran.outcome == Passed || ran.outcome == Flaky {
		ran.reason, ran.message = "", ""
	}
	return ran
}

// cleanupVerdict judges the cleanup. A scenario that wrote something and has no
// cleanup is an error when the run did not end by itself.
func (f *Folder) cleanupVerdict(s *Scenario, st *story) verdict {
	v := verdict{outcome: Passed}
	began := false
	for _, a := range st.steps {
		began = began || a.open() || a.started != nil
	}
	stopped := f.end == nil || f.end.Interrupted || f.end.Error != ""
	switch {
	case s.Cleanup != nil && s.Cleanup.Outcome == Errored:
		return verdict{Errored, ReasonCleanup, "cleanup: " + s.Cleanup.Message}
	case s.Cleanup == nil && began && stopped:
		v = f.unfinished("before the cleanup")
		v.message += "; `realspec sweep` removes what is left"
	}
	return v
}

// cleanup folds the end of a scenario's namespace and objects.
//
//	kept on purpose                        → skipped
//	something left, or a reason without it → error
//	otherwise                              → passed
func cleanup(e *CleanupEnded) *Cleanup {
	if e == nil {
		return nil
	}
	c := &Cleanup{Outcome: Passed, Left: e.Left, Message: e.Message, Seconds: e.Seconds}
	switch {
	case e.Kept:
		c.Outcome = Skipped
	case len(e.Left) > 0:
		c.Outcome = Errored
		c.Message = "still there: " + few(e.Left)
		if e.Message != "" {
			c.Message += ": " + e.Message
		}
	case e.Message != "":
		c.Outcome = Errored
	}
	return c
}

// few names the first of many.
func few(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func invalid(e *ScenarioInvalid) verdict {
	message := "the scenario is not valid"
	if len(e.Diagnostics) > 0 {
		message = e.Diagnostics[0].String()
		if more := len(e.Diagnostics) - 1; more > 0 {
			message += fmt.Sprintf(" (and %d more)", more)
		}
	}
	return verdict{Errored, ReasonInvalid, message}
}

// settleNotBegun turns scenarios that a run left out after another one did not
// pass (--fail-fast), or was not valid, from an error into skipped: the exit code is not zero
// already, and the reason is known.
func (f *Folder) settleNotBegun(r *Result) {
	if f.end == nil || f.end.Interrupted || f.end.Error != "" {
		return
	}
	var cause *Scenario
	for i, s := range r.Scenarios {
		if f.order[i].told() && rank(s.Outcome) > rank(Skipped) {
			cause = s
			break
		}
	}
	if cause == nil {
		return
	}
	for i, s := range r.Scenarios {
		if f.order[i].told() {
			continue
		}
		message := "another scenario did not pass: " + cause.Name
		s.Outcome, s.Reason, s.Message = Skipped, ReasonEarlier, message
		for _, step := range s.Steps {
			step.skip(ReasonEarlier, message)
		}
	}
}

// known is an outcome of this version: a word from a newer one is an error.
func known(o Outcome) Outcome {
	switch o {
	case Passed, Flaky, Skipped, Inconclusive, Errored, Failed:
		return o
	}
	return Errored
}

func since(from *Stamped, until time.Duration) float64 {
	return max(0, (until - from.Since).Seconds())
}
