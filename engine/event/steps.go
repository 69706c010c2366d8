package event

import "fmt"

// addSteps folds the steps of a scenario, in the order of the plan.
func (f *Folder) addSteps(s *Scenario, st *story) {
	for i, a := range st.steps {
		step := &Step{
			ID: a.plan.ID, Name: a.plan.Name, Verb: a.plan.Verb, Pos: a.plan.Pos,
			Covers: a.plan.Covers, Measures: a.measures,
		}
		f.addStepTimes(step, a)
		switch {
		case a.ended:
			step.end(a)
		case a.open():
			step.leaveOpen(a, f.unfinished("during this step"))
		default:
			v := f.notStarted(st, s.Steps[:i])
			step.Outcome, step.Reason, step.Message = v.outcome, v.reason, v.message
		}
		if len(a.attempts) > 1 {
			step.Attempts = append([]Attempt(nil), a.attempts...)
		}
		s.Steps = append(s.Steps, step)
	}
}

func (f *Folder) addStepTimes(step *Step, a *act) {
	if a.started == nil {
		for _, t := range a.attempts {
			step.Seconds += t.Seconds
		}
		return
	}
	until := f.last.Since
	if a.ended {
		until = a.until
	}
	step.Started = a.started.At
	step.Offset = since(&f.first, a.started.Since)
	step.Seconds = since(a.started, until)
}

// end takes the outcome of a step from its last attempt.
//
//	the last attempt's own outcome
//	raised to the worst of its findings: a step with a failed check did not pass
//	skipped when that is passed and nothing that it measures can be measured here
//	flaky when that is passed and an earlier attempt was not
func (s *Step) end(a *act) {
	last := a.attempts[len(a.attempts)-1]
	s.Outcome, s.Reason, s.Message = known(last.Outcome), last.Reason, last.Message
	s.Findings, s.Evidence, s.Notes = last.Findings, last.Evidence, last.Notes
	if known(last.Outcome) != last.Outcome {
		s.Message = fmt.Sprintf("the outcome %q is unknown here: %s", last.Outcome, last.Message)
	}
	for _, f := range last.Findings {
		if o := known(f.Outcome); o != Skipped && rank(o) > rank(s.Outcome) {
			s.Outcome, s.Reason, s.Message = o, f.Reason, f.Message
		}
	}
	for _, f := range last.Findings {
		if s.Message == "" && s.Outcome != Passed && f.Outcome == s.Outcome {
			s.Message = f.Message
		}
	}
	if why := s.unmeasurable(); s.Outcome == Passed && why != "" {
		s.skip(ReasonUnmeasured, why)
		return
	}
	for _, t := range a.attempts[:len(a.attempts)-1] {
		if s.Outcome == Passed && known(t.Outcome) != Passed {
			s.Outcome = Flaky
			s.Reason = t.Reason
			s.Message = fmt.Sprintf("passed on attempt %d; attempt %d: %s", last.Number, t.Number, t.Message)
		}
	}
}

// unmeasurable is why none of a step's measures can be measured on this cluster.
// It is empty when one can be, or when a threshold was judged all the same.
func (s *Step) unmeasurable() string {
	for _, f := range s.Findings {
		if f.Outcome == Passed {
			return ""
		}
	}
	why := ""
	for _, m := range s.Measures {
		if m.Unmeasurable == "" {
			return ""
		}
		if why == "" {
			why = "not measurable here: " + m.Unmeasurable
		}
	}
	return why
}

func (a *act) begun() bool {
	return a.ended || a.started != nil || len(a.attempts) > 0 || a.progress != ""
}

func (a *act) open() bool { return a.begun() && !a.ended }

// leaveOpen is for a step that began and has no end. Its last sign of life is
// what someone will ask for.
func (s *Step) leaveOpen(a *act, v verdict) {
	s.Outcome, s.Reason, s.Message = v.outcome, v.reason, v.message
	s.Findings = []Finding{{
		Outcome: v.outcome, Reason: v.reason, Pos: s.Pos, Message: v.message, Observed: a.progress,
	}}
	if n := len(a.attempts); n > 0 {
		s.Findings = append(s.Findings, a.attempts[n-1].Findings...)
		s.Evidence, s.Notes = a.attempts[n-1].Evidence, a.attempts[n-1].Notes
	}
}

func (s *Step) skip(r Reason, message string) {
	s.Outcome, s.Reason, s.Message = Skipped, r, message
}

// notStarted judges a planned step that never began, by the first rule that fits:
//
//	an earlier step is open              → the same: error, interrupted or crashed
//	an earlier step was interrupted      → error, interrupted
//	an earlier step did not pass         → skipped, earlier
//	the scenario is not valid            → skipped, invalid
//	the scenario says skipped            → skipped, with its reason
//	the scenario says interrupted        → error, interrupted
//	the scenario says another outcome    → skipped, earlier
//	otherwise                            → error: nobody knows why, so never green
func (f *Folder) notStarted(st *story, before []*Step) verdict {
	for i, s := range before {
		if st.steps[i].open() {
			return f.unfinished("before this step")
		}
		if s.Reason == ReasonInterrupted {
			return verdict{Errored, ReasonInterrupted, "the run was interrupted before this step"}
		}
	}
	for i, s := range before {
		if st.steps[i].ended && rank(s.Outcome) > rank(Skipped) {
			return verdict{Skipped, ReasonEarlier, "an earlier step did not pass: " + s.ID}
		}
	}
	if st.invalid != nil {
		return verdict{Skipped, ReasonInvalid, "the scenario is not valid"}
	}
	if e := st.ended; e != nil && e.Outcome != "" && e.Outcome != Passed {
		switch {
		case e.Outcome == Skipped:
			return verdict{Skipped, e.Reason, e.Message}
		case e.Reason == ReasonInterrupted:
			return verdict{Errored, ReasonInterrupted, "the run was interrupted before this step"}
		}
		return verdict{Skipped, ReasonEarlier, "the scenario ended before this step: " + e.Message}
	}
	return f.unfinished("before this step")
}
