package event

// exitCode is what realspec exits with, by the first rule that fits:
//
//	130  the run was interrupted
//	  2  a scenario, a flag or the kubeconfig is not valid
//	  1  a check or threshold failed
//	  3  the cluster or the run itself failed
//	  5  inconclusive
//	  4  strict, and a scenario was skipped for a requirement; or nothing ran
//	  0  passed
//
// A failure outranks an error because CI retries errors: a definite failure
// beside a lost connection must not be retried away.
func (r *Result) exitCode() int {
	switch {
	case r.Interrupted:
		return 130
	case r.Misused, r.any(func(s *Scenario) bool { return s.Reason == ReasonInvalid }):
		return 2
	case r.any(func(s *Scenario) bool { return s.Outcome == Failed }):
		return 1
	case r.Error != "" || r.any(func(s *Scenario) bool { return known(s.Outcome) == Errored }):
		return 3
	case r.any(func(s *Scenario) bool { return s.Outcome == Inconclusive }):
		return 5
	case r.Strict && r.any(func(s *Scenario) bool { return s.Reason == ReasonRequirement }):
		return 4
	case !r.any(ran):
		return 4
	}
	return 0
}

// outcome is the run's outcome in the word that belongs to its exit code.
func (r *Result) outcome() Outcome {
	switch r.ExitCode {
	case 0:
		if r.any(func(s *Scenario) bool { return s.Outcome == Flaky }) {
			return Flaky
		}
		return Passed
	case 1:
		return Failed
	case 4:
		return Skipped
	case 5:
		return Inconclusive
	}
	return Errored
}

func (r *Result) any(is func(*Scenario) bool) bool {
	for _, s := range r.Scenarios {
		if is(s) {
			return true
		}
	}
	return false
}

// ran tells whether at least one step of a scenario did anything.
func ran(s *Scenario) bool {
	for _, step := range s.Steps {
		if step.Outcome != Skipped {
			return true
		}
	}
	return false
}
