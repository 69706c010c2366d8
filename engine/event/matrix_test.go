package event

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// covering is a run of one scenario; each step is "id outcome id-of-requirement".
func covering(scenario string, covers []string, steps ...string) []Stamped {
	plan := ScenarioPlanned{Scenario: scenario, Name: scenario, Covers: covers, Steps: []PlannedStep{}}
	var ran []Stamped
	for _, text := range steps {
		w := strings.Fields(text)
		plan.Steps = append(plan.Steps, PlannedStep{ID: w[0], Covers: w[2:]})
		if w[1] == "never" {
			continue
		}
		ran = append(ran, Stamped{Event: StepStarted{Scenario: scenario, Step: w[0]}},
			Stamped{Event: StepEnded{Scenario: scenario, Step: w[0], Attempt: Attempt{Outcome: Outcome(w[1]), Message: "said so"}}})
	}
	events := append([]Stamped{{Event: plan}, {Event: ScenarioStarted{Scenario: scenario}}}, ran...)
	return append(events, Stamped{Event: ScenarioEnded{Scenario: scenario}})
}

func inRows(r *Result) string {
	var b strings.Builder
	for _, q := range r.Matrix {
		fmt.Fprintf(&b, "%s %s %d+%d", q.ID, q.Outcome, q.Ran, q.Skipped)
		if !q.Shown() {
			b.WriteString(" not shown")
		}
		for _, c := range q.CoveredBy {
			fmt.Fprintf(&b, "; %s/%s %s", c.Scenario, c.Step, c.Outcome)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestMatrix(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events []Stamped
		want   string
	}{
		{"a step of its own", covering("a", nil, "1 passed BR-1", "2 passed"), "BR-1 passed 1+0; a/1 passed\n"},
		{"the worst that ran decides", covering("a", nil, "1 passed BR-1", "2 inconclusive BR-1", "3 error BR-1"),
			"BR-1 error 3+0; a/1 passed; a/2 inconclusive; a/3 error\n"},
		{"what was skipped shows nothing", covering("a", nil, "1 skipped BR-1", "2 passed BR-2"),
			"BR-1 skipped 0+1 not shown; a/1 skipped\nBR-2 passed 1+0; a/2 passed\n"},
		{"nor does it take away what another showed", covering("a", nil, "1 skipped BR-1", "2 passed BR-1"),
			"BR-1 passed 1+1; a/1 skipped; a/2 passed\n"},
		{"a scenario stands for it by its steps", covering("a", []string{"BR-1"}, "1 passed", "2 skipped", "3 passed"),
			"BR-1 passed 2+1; a/ passed\n"},
		{"without a step that ran it is not shown", covering("a", []string{"BR-1"}, "1 skipped"),
			"BR-1 skipped 0+1 not shown; a/ skipped\n"},
		{"a failure elsewhere in the scenario is one of what it covers", covering("a", []string{"BR-2"}, "1 failed", "2 never BR-1"),
			"BR-1 skipped 0+1 not shown; a/2 skipped\nBR-2 failed 1+1; a/ failed\n"},
		{"a scenario and one of its steps", covering("a", []string{"BR-1"}, "1 passed BR-1", "2 passed", "3 skipped"),
			"BR-1 passed 2+1; a/ passed; a/1 passed\n"},
		{"two scenarios", append(covering("a", nil, "1 passed BR-1"), covering("b", nil, "1 failed BR-1")...),
			"BR-1 failed 2+0; a/1 passed; b/1 failed\n"},
		{"nothing covers anything", covering("a", nil, "1 passed"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, inRows(Fold(append(tt.events, Stamped{Event: RunEnded{}})))); diff != "" {
				t.Errorf("- want, + got:\n%s", diff)
			}
		})
	}
}

// No requirement is green when the run was cut off before the step that shows it.
func TestMatrixOfATruncatedRunIsNotGreen(t *testing.T) {
	events := append(covering("a", []string{"BR-2"}, "1 passed BR-1", "2 passed BR-3"), Stamped{Event: RunEnded{}})
	ended := slices.IndexFunc(events, func(s Stamped) bool {
		e, ok := s.Event.(StepEnded)
		return ok && e.Step == "2"
	})
	for n := range len(events) {
		for _, q := range Fold(events[:n]).Matrix {
			green := q.Outcome == Passed || q.Outcome == Flaky
			if green && (q.ID == "BR-2" || q.ID == "BR-3" && n <= ended) {
				t.Errorf("after %d events %s is %s", n, q.ID, q.Outcome)
			}
		}
	}
}

// A step that could measure nothing here did not pass: it was skipped.
func TestStepWithoutAnythingMeasurable(t *testing.T) {
	no := Measured{Name: "rtt", Kind: "network", Unmeasurable: "the nodes are simulated"}
	skipped := Finding{Outcome: Skipped, Reason: ReasonUnmeasured, Expr: "rtt.p99 < duration('10ms')"}
	for _, tt := range []struct {
		name     string
		measures []Measured
		findings []Finding
		attempt  Outcome
		want     Outcome
	}{
		{"nothing", []Measured{no}, []Finding{skipped}, Passed, Skipped},
		{"one of two", []Measured{no, {Name: "setup"}}, []Finding{skipped}, Passed, Passed},
		{"a threshold was judged", []Measured{no}, []Finding{skipped, {Outcome: Passed, Expr: "setup < duration('1m')"}}, Passed, Passed},
		{"a step in it failed", []Measured{no}, []Finding{skipped}, Failed, Failed},
		{"it measures nothing at all", nil, nil, Passed, Passed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Fold([]Stamped{{Event: ScenarioPlanned{Scenario: "a", Steps: []PlannedStep{{ID: "1"}, {ID: "2"}}}},
				{Event: StepEnded{Scenario: "a", Step: "1", Attempt: Attempt{Outcome: tt.attempt, Findings: tt.findings}, Measures: tt.measures}},
				{Event: StepEnded{Scenario: "a", Step: "2", Attempt: Attempt{Outcome: Passed}}}, {Event: ScenarioEnded{Scenario: "a"}}, {Event: RunEnded{}}})
			step := r.Scenarios[0].Steps[0]
			if step.Outcome != tt.want {
				t.Errorf("the step is %s, want %s", step.Outcome, tt.want)
			}
			if tt.want == Skipped && (step.Reason != ReasonUnmeasured || !strings.Contains(step.Message, "the nodes are simulated")) {
				t.Errorf("%s: %s", step.Reason, step.Message)
			}
		})
	}
}

// A threshold that this cluster cannot answer is counted beside those that hold.
func TestMatrixCountsWhatCouldNotBeMeasured(t *testing.T) {
	r := Fold([]Stamped{{Event: ScenarioPlanned{Scenario: "a", Steps: []PlannedStep{{ID: "1", Covers: []string{"BR-1"}}}}},
		{Event: StepEnded{Scenario: "a", Step: "1", Attempt: Attempt{Outcome: Passed, Findings: []Finding{
			{Outcome: Passed, Expr: "setup < duration('1m')"}, {Outcome: Skipped, Reason: ReasonUnmeasured, Expr: "rtt.p99 < duration('10ms')"}}}}},
		{Event: ScenarioEnded{Scenario: "a"}}, {Event: RunEnded{}}})
	if q := r.Matrix[0]; q.Outcome != Passed || q.Unmeasured != 1 || q.CoveredBy[0].Unmeasured != 1 {
		t.Errorf("%+v", q)
	}
}

func TestNotesOfTheLastAttempt(t *testing.T) {
	r := Fold([]Stamped{{Event: ScenarioPlanned{Scenario: "a", Steps: []PlannedStep{{ID: "1"}}}},
		{Event: AttemptEnded{Scenario: "a", Step: "1", Attempt: Attempt{Outcome: Failed, Notes: []string{"503"}}}},
		{Event: StepEnded{Scenario: "a", Step: "1", Attempt: Attempt{Outcome: Passed, Notes: []string{"200 \xff"}}}}})
	step := r.Scenarios[0].Steps[0]
	if diff := cmp.Diff([]string{"200 \xff"}, step.Notes); diff != "" || len(step.Attempts[0].Notes) != 1 {
		t.Errorf("- want, + got:\n%s", diff)
	}
	e := valid(StepEnded{Attempt: Attempt{Notes: []string{"200 \xff"}}, Measures: []Measured{{What: "a \xff", Unmeasurable: "b \xff"}}}).(StepEnded)
	if e.Attempt.Notes[0] != "200 \uFFFD" || e.Measures[0].What != "a \uFFFD" || e.Measures[0].Unmeasurable != "b \uFFFD" {
		t.Errorf("not valid: %q, %+v", e.Attempt.Notes, e.Measures)
	}
}
