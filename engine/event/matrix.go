package event

import "slices"

// Requirement is a row of the requirement matrix: an id that `covers` names, and
// what this run says of it.
type Requirement struct {
	ID string `json:"id"`
	// Outcome is the worst of what covers it and ran. It is skipped when nothing of
	// that ran: the requirement was not shown, neither kept nor broken.
	Outcome Outcome `json:"outcome"`
	Ran     int     `json:"ran"`     // steps that cover it and ran
	Skipped int     `json:"skipped"` // steps that cover it and did not: they show nothing
	// Unmeasured is how many thresholds of those that ran this cluster could not answer.
	Unmeasured int `json:"unmeasured,omitempty"`
	// CoveredBy are the scenarios and steps that name it, in the order of the run.
	CoveredBy []Coverage `json:"coveredBy"`
}

// Shown tells whether a step that covers the requirement ran, or what covers it
// went wrong.
func (r *Requirement) Shown() bool { return r.Ran > 0 || rank(r.Outcome) > rank(Skipped) }

// Coverage is a scenario or a step that covers a requirement.
type Coverage struct {
	Scenario string  `json:"scenario"`       // its path
	Step     string  `json:"step,omitempty"` // its id; empty for a scenario as a whole
	Outcome  Outcome `json:"outcome"`
	Reason   Reason  `json:"reason,omitempty"`
	Message  string  `json:"message,omitempty"` // why it did not pass
	Ran      int     `json:"ran"`               // its steps that ran
	Skipped  int     `json:"skipped"`           // and that did not
	// Unmeasured is how many thresholds of those that ran this cluster could not answer.
	Unmeasured int `json:"unmeasured,omitempty"`
}

// matrix is the requirements of a run, sorted by their ids. A scenario stands for
// a requirement through its steps:
//
//	a step that names it            → one row, with the step's outcome
//	a scenario that names it        → one row, with the scenario's outcome, and how
//	                                  many of its steps ran
//	skipped, of either              → counts for nothing
//	the requirement                 → the worst of the others; skipped without any
func matrix(scenarios []*Scenario) []Requirement {
	by := map[string]*Requirement{}
	var ids []string
	add := func(covers []string, c Coverage) {
		for _, id := range covers {
			r, ok := by[id]
			if !ok {
				r = &Requirement{ID: id, Outcome: Skipped}
				by[id] = r
				ids = append(ids, id)
			}
			r.add(c)
		}
	}
	within := func(s *Scenario, covers []string, c Coverage) {
		for _, id := range covers {
			if slices.Contains(s.Covers, id) {
				by[id].CoveredBy = append(by[id].CoveredBy, c) // the scenario's own row has counted it
				continue
			}
			add([]string{id}, c)
		}
	}
	for _, s := range scenarios {
		whole := Coverage{Scenario: s.Path, Outcome: s.Outcome, Reason: s.Reason, Message: s.Message}
		for _, step := range s.Steps {
			whole.count(step)
		}
		add(s.Covers, whole)
		for _, step := range s.Steps {
			one := Coverage{Scenario: s.Path, Step: step.ID, Outcome: step.Outcome, Reason: step.Reason, Message: step.Message}
			one.count(step)
			within(s, step.Covers, one)
		}
	}
	slices.Sort(ids)
	var all []Requirement
	for _, id := range ids {
		all = append(all, *by[id])
	}
	return all
}

func (c *Coverage) count(s *Step) {
	if s.Outcome == Skipped {
		c.Skipped++
		return
	}
	c.Ran++
	for _, f := range s.Findings {
		if f.Reason == ReasonUnmeasured {
			c.Unmeasured++
		}
	}
}

// add takes a row. What is skipped is never better or worse than what ran.
func (r *Requirement) add(c Coverage) {
	r.CoveredBy = append(r.CoveredBy, c)
	r.Ran += c.Ran
	r.Skipped += c.Skipped
	r.Unmeasured += c.Unmeasured
	if c.Outcome == Skipped {
		return
	}
	if r.Outcome == Skipped || rank(c.Outcome) > rank(r.Outcome) {
		r.Outcome = known(c.Outcome)
	}
}
