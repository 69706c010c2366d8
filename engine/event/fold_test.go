package event

import (
	"fmt"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Each case is a run in short words, one event a second, and what it folds to:
// the run, then scenarios, their steps below them.
func TestFold(t *testing.T) {
	for _, tt := range []struct{ name, run, want string }{
		{"green", `
			plan a 1 2
			open a
			begin a 1
			end a 1 passed
			begin a 2
			end a 2 passed
			done a
			clean a
			finish`, `
			exit 0 passed
			a passed
			. 1 passed
			. 2 passed
			. cleanup passed`},
		{"failure, and what comes after it", `
			plan a 1 2 3
			open a
			begin a 1
			end a 1 failed timeout
			done a
			clean a
			finish`, `
			exit 1 failed
			a failed/timeout 1: said timeout
			. 1 failed/timeout said timeout
			. 2 skipped/earlier an earlier step did not pass: 1
			. 3 skipped/earlier an earlier step did not pass: 1
			. cleanup passed`},
		{"an always step after a failure runs, the others do not", `
			plan a 1 2 3 4
			open a
			begin a 1
			end a 1 failed assertion
			begin a 3
			end a 3 passed
			done a
			finish`, `
			exit 1 failed
			a failed/assertion 1: said assertion
			. 1 failed/assertion said assertion
			. 2 skipped/earlier an earlier step did not pass: 1
			. 3 passed
			. 4 skipped/earlier an earlier step did not pass: 1`},
		{"a retry that passes is flaky", `
			plan a 1
			open a
			begin a 1
			try a 1 failed assertion
			try a 1 error cluster
			end a 1 passed
			done a
			finish`, `
			exit 0 flaky
			a flaky
			. 1 flaky/assertion passed on attempt 3; attempt 1: said assertion (3 attempts)`},
		{"a retry that fails is failed by its last attempt", `
			plan a 1
			begin a 1
			try a 1 error cluster
			end a 1 failed assertion
			done a
			finish`, `
			exit 1 failed
			a failed/assertion 1: said assertion
			. 1 failed/assertion said assertion (2 attempts)`},
		{"a passed step with a failed finding is failed", `
			plan a 1
			begin a 1
			found a 1 passed failed threshold
			done a
			finish`, `
			exit 1 failed
			a failed/threshold 1: found threshold
			. 1 failed/threshold found threshold`},
		{"a threshold that is not measurable here does not spoil a passed step", `
			plan a 1
			begin a 1
			found a 1 passed skipped unmeasurable
			done a
			finish`, `
			exit 0 passed
			a passed
			. 1 passed`},
		{"an outcome word of a newer version is an error", `
			plan a 1
			begin a 1
			end a 1 splendid
			done a
			finish`, `
			exit 3 error
			a error 1: the outcome "splendid" is unknown here: said
			. 1 error the outcome "splendid" is unknown here: said`},
		{"no outcome word is an error", `
			plan a 1
			begin a 1
			end a 1
			done a
			finish`, `
			exit 3 error
			a error 1: the outcome "" is unknown here: said
			. 1 error the outcome "" is unknown here: said`},
		{"some steps skipped by if", `
			plan a 1 2
			end a 1 skipped condition
			begin a 2
			end a 2 passed
			done a
			finish`, `
			exit 0 passed
			a passed
			. 1 skipped/condition said condition
			. 2 passed`},
		{"all steps skipped by if: nothing ran", `
			plan a 1 2
			end a 1 skipped condition
			end a 2 skipped condition
			done a
			finish`, `
			exit 4 skipped
			a skipped/condition 1: said condition
			. 1 skipped/condition said condition
			. 2 skipped/condition said condition`},
		{"requirement, beside a scenario that passed", `
			plan a 1
			plan b 1
			open a
			done a skipped requirement
			begin b 1
			end b 1 passed
			done b
			finish`, `
			exit 0 passed
			a skipped/requirement said requirement
			. 1 skipped/requirement said requirement
			b passed
			. 1 passed`},
		{"requirement under --strict", `
			strict
			plan a 1
			plan b 1
			done a skipped requirement
			begin b 1
			end b 1 passed
			done b
			finish`, `
			exit 4 skipped
			a skipped/requirement said requirement
			. 1 skipped/requirement said requirement
			b passed
			. 1 passed`},
		{"the cluster was lost before the first step", `
			plan a 1
			open a
			done a error cluster
			finish`, `
			exit 3 error
			a error/cluster said cluster
			. 1 skipped/earlier the scenario ended before this step: said cluster`},
		{"inconclusive", `
			plan a 1
			begin a 1
			end a 1 inconclusive samples
			done a
			finish`, `
			exit 5 inconclusive
			a inconclusive/samples 1: said samples
			. 1 inconclusive/samples said samples`},
		{"a step's failure is worse than another's error, and explains the scenario", `
			plan a 1 2
			begin a 1
			end a 1 error cluster
			begin a 2
			end a 2 failed assertion
			done a
			finish`, `
			exit 1 failed
			a failed/assertion 2: said assertion
			. 1 error/cluster said cluster
			. 2 failed/assertion said assertion`},
		{"the scenario says passed, a step says failed", `
			plan a 1
			begin a 1
			end a 1 failed assertion
			done a passed
			finish`, `
			exit 1 failed
			a failed/assertion 1: said assertion
			. 1 failed/assertion said assertion`},
		{"something is left", `
			plan a 1
			begin a 1
			end a 1 passed
			done a
			clean a left ConfigMap/x Namespace/y
			finish`, `
			exit 3 error
			a error/cleanup cleanup: still there: ConfigMap/x, Namespace/y
			. 1 passed
			. cleanup error still there: ConfigMap/x, Namespace/y`},
		{"a cleanup that says why without what", `
			plan a 1
			begin a 1
			end a 1 passed
			done a
			clean a because the cluster did not answer
			finish`, `
			exit 3 error
			a error/cleanup cleanup: the cluster did not answer
			. 1 passed
			. cleanup error the cluster did not answer`},
		{"kept on purpose", `
			plan a 1
			begin a 1
			end a 1 passed
			done a
			clean a kept
			finish`, `
			exit 0 passed
			a passed
			. 1 passed
			. cleanup skipped`},
		{"not valid", `
			invalid a
			finish`, `
			exit 2 error
			a error/invalid a/1.yaml:4:7: error: unknown field "fro" (and 1 more)`},
		{"not valid, and the others were not begun", `
			plan b 1
			invalid a
			finish`, `
			exit 2 error
			b skipped/earlier another scenario did not pass: a
			. 1 skipped/earlier another scenario did not pass: a
			a error/invalid a/1.yaml:4:7: error: unknown field "fro" (and 1 more)`},
		{"fail-fast leaves a scenario out", `
			plan a 1
			plan b 1 2
			open a
			begin a 1
			end a 1 failed assertion
			done a
			finish`, `
			exit 1 failed
			a failed/assertion 1: said assertion
			. 1 failed/assertion said assertion
			b skipped/earlier another scenario did not pass: a
			. 1 skipped/earlier another scenario did not pass: a
			. 2 skipped/earlier another scenario did not pass: a`},
		{"a scenario that was forgotten is never green", `
			plan a 1
			plan b 1
			begin a 1
			end a 1 passed
			done a
			finish`, `
			exit 3 error
			a passed
			. 1 passed
			b error/crashed the run ended and said nothing of what came of it before this scenario
			. 1 error/crashed the run ended and said nothing of what came of it before this step`},
		{"a step that was forgotten is never green", `
			plan a 1 2
			begin a 1
			end a 1 passed
			done a
			finish`, `
			exit 3 error
			a error/crashed 2: the run ended and said nothing of what came of it before this step
			. 1 passed
			. 2 error/crashed the run ended and said nothing of what came of it before this step`},
		{"interrupted", `
			plan a 1 2 3
			plan b 1
			plan c 1
			begin c 1
			end c 1 passed
			done c
			clean c
			open a
			begin a 1
			end a 1 passed
			begin a 2
			progress a 2 3 of 5 ready
			clean a
			finish interrupted`, `
			exit 130 error
			a error/interrupted 2: the run was interrupted during this step
			. 1 passed
			. 2 error/interrupted the run was interrupted during this step [3 of 5 ready]
			. 3 error/interrupted the run was interrupted before this step
			. cleanup passed
			b error/interrupted the run was interrupted before this scenario
			. 1 error/interrupted the run was interrupted before this step
			c passed
			. 1 passed
			. cleanup passed`},
		{"interrupted, as the runner itself says it", `
			plan a 1 2
			open a
			begin a 1
			end a 1 error interrupted
			done a error interrupted
			clean a
			finish interrupted`, `
			exit 130 error
			a error/interrupted said interrupted
			. 1 error/interrupted said interrupted
			. 2 error/interrupted the run was interrupted before this step
			. cleanup passed`},
		{"interrupted after a failure", `
			plan a 1 2
			plan b 1
			begin a 1
			end a 1 failed assertion
			done a
			clean a
			finish interrupted`, `
			exit 130 error
			a failed/assertion 1: said assertion
			. 1 failed/assertion said assertion
			. 2 skipped/earlier an earlier step did not pass: 1
			. cleanup passed
			b error/interrupted the run was interrupted before this scenario
			. 1 error/interrupted the run was interrupted before this step`},
		{"crashed in a step", `
			plan a 1 2
			open a
			begin a 1
			try a 1 failed assertion`, `
			exit 3 error
			a error/crashed 1: the run ended without saying so during this step
			. 1 error/crashed the run ended without saying so during this step
			. 2 error/crashed the run ended without saying so before this step`},
		{"crashed after the last step", `
			plan a 1
			open a
			begin a 1
			end a 1 passed`, `
			exit 3 error
			a error/crashed the run ended without saying so during this scenario
			. 1 passed`},
		{"crashed before the cleanup", `
			plan a 1
			begin a 1
			end a 1 passed
			done a`, `
			exit 3 error
			a error/crashed the run ended without saying so before the cleanup; ` + "`realspec sweep`" + ` removes what is left
			. 1 passed`},
		{"a failure, then a crash, stays a failure", `
			plan a 1
			begin a 1
			end a 1 failed assertion`, `
			exit 1 failed
			a failed/assertion 1: said assertion
			. 1 failed/assertion said assertion`},
		{"the run was stopped", `
			plan a 1
			finish error no cluster`, `
			exit 3 error
			a error/run the run stopped before this scenario: no cluster
			. 1 error/run the run stopped before this step: no cluster`},
		{"no scenario", `finish`, `exit 4 skipped`},
		{"no events at all", ``, `exit 3 error`},
		{"a scenario without steps", `
			plan a
			done a
			finish`, `
			exit 4 skipped
			a skipped/selection it has no steps`},
		{"an event about what was not planned is not hidden", `
			begin a 1
			end a 1 failed assertion
			done a
			finish`, `
			exit 1 failed
			a failed/assertion 1: said assertion
			. 1 failed/assertion said assertion`},
		{"a plan that comes late keeps what happened", `
			begin a 2
			end a 2 passed
			plan a 1 2
			end a 1 skipped condition
			done a
			finish`, `
			exit 0 passed
			a passed
			. 1 skipped/condition said condition
			. 2 passed`},
		{"a step that ends twice is not washed clean", `
			plan a 1
			begin a 1
			end a 1 failed assertion
			end a 1 passed
			done a
			finish`, `
			exit 0 flaky
			a flaky
			. 1 flaky/assertion passed on attempt 2; attempt 1: said assertion (2 attempts)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := inWords(Fold(tape(t, tt.run)))
			if diff := cmp.Diff(dedent(tt.want), got); diff != "" {
				t.Errorf("- want, + got:\n%s", diff)
			}
		})
	}
}

func TestFoldTimesAndPlace(t *testing.T) {
	r := Fold(tape(t, `
		plan a 1
		open a
		begin a 1
		end a 1 passed
		done a
		clean a
		finish`))
	s := r.Scenarios[0]
	if r.Seconds != 6 || s.Seconds != 3 || s.Steps[0].Seconds != 1 || s.Steps[0].Offset != 2 {
		t.Errorf("seconds: run %v, scenario %v, step %v at %v; want 6, 3, 1 at 2",
			r.Seconds, s.Seconds, s.Steps[0].Seconds, s.Steps[0].Offset)
	}
	if want := begin.Add(2 * time.Second); !s.Steps[0].Started.Equal(want) {
		t.Errorf("step started %v, want %v", s.Steps[0].Started, want)
	}
	if s.Namespace != "ns-a" || s.Steps[0].Pos.File != "a/1.yaml" {
		t.Errorf("namespace %q, file %q", s.Namespace, s.Steps[0].Pos.File)
	}
}

// The repetitions of a scenario have one name and stay apart.
func TestFoldRepetitions(t *testing.T) {
	r := Fold([]Stamped{
		{Event: RunStarted{RunID: "r1"}},
		{Event: ScenarioPlanned{Scenario: "specs/a", Name: "a", Repetition: 1, Steps: []PlannedStep{{ID: "1"}}}},
		{Event: ScenarioPlanned{Scenario: "specs/a#2", Name: "a", Repetition: 2, Steps: []PlannedStep{{ID: "1"}}}},
		{Event: ScenarioStarted{Scenario: "specs/a"}},
		{Event: StepEnded{Scenario: "specs/a", Step: "1", Attempt: Attempt{Number: 1, Outcome: Passed}, Measures: []Measured{{Name: "startup"}}}},
		{Event: ScenarioEnded{Scenario: "specs/a"}},
		{Event: ScenarioStarted{Scenario: "specs/a#2"}},
		{Event: StepEnded{Scenario: "specs/a#2", Step: "1", Attempt: Attempt{Number: 1, Outcome: Failed, Reason: ReasonBaseline, Message: "slower"}}},
		{Event: ScenarioEnded{Scenario: "specs/a#2"}},
		{Event: RunEnded{}},
	})
	var got []string
	for _, s := range r.Scenarios {
		got = append(got, fmt.Sprintf("%s %s %d %s %s, %d measures", s.Path, s.Name, s.Repetition, s.Outcome, s.Reason, len(s.Steps[0].Measures)))
	}
	want := []string{"specs/a a 1 passed , 1 measures", "specs/a#2 a 2 failed baseline, 0 measures"}
	if diff := cmp.Diff(want, got); diff != "" || r.ExitCode != 1 {
		t.Errorf("exit %d; - want, + got:\n%s", r.ExitCode, diff)
	}
}

func TestFoldClustersAndNotices(t *testing.T) {
	r := Fold([]Stamped{
		{Event: RunStarted{RunID: "r1", Version: "v0.1.0", Args: []string{"run", "a"}}},
		{Event: ScenarioPlanned{Scenario: "a", Name: "a"}},
		{Event: ScenarioPlanned{Scenario: "b", Name: "b"}},
		{Event: ClusterReady{Cluster: Cluster{Name: "whole"}}},
		{Event: ClusterReady{Scenario: "b", Cluster: Cluster{Name: "own"}}},
		{Event: Notice{Text: "using the local cluster"}},
		{Event: Notice{Scenario: "b", Text: "slow"}},
		{Event: Unknown{Name: "weather"}},
		{Event: Truncated{Bytes: 3}},
	})
	got := []string{r.RunID, r.Version, r.Scenarios[0].Cluster.Name, r.Scenarios[1].Cluster.Name}
	if diff := cmp.Diff([]string{"r1", "v0.1.0", "whole", "own"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"using the local cluster",
		`an event of the unknown kind "weather" was left out: it comes from a newer realspec`,
		"the events file ends in the middle of a line",
	}, r.Notices); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"slow"}, r.Scenarios[1].Notices); diff != "" {
		t.Error(diff)
	}
}

// A result that was taken must not change with the events that follow.
func TestResultsAreIndependent(t *testing.T) {
	events := tape(t, `
		plan a 1 2
		open a
		begin a 1
		try a 1 failed assertion
		try a 1 failed assertion
		end a 1 passed
		begin a 2
		end a 2 failed assertion
		done a
		finish`)
	for n := range events {
		early := inWords(Fold(events[:n]))
		var f Folder
		for _, s := range events[:n] {
			f.Add(s)
		}
		kept := f.Result()
		for _, s := range events[n:] {
			f.Add(s)
		}
		f.Result()
		if diff := cmp.Diff(early, inWords(kept)); diff != "" {
			t.Errorf("after %d events: - alone, + kept:\n%s", n, diff)
		}
	}
}

func TestExitCode(t *testing.T) {
	scenario := func(o Outcome, r Reason) *Scenario {
		return &Scenario{Outcome: o, Reason: r, Steps: []*Step{{Outcome: o}}}
	}
	passed, failed := scenario(Passed, ""), scenario(Failed, ReasonAssertion)
	errored, doubtful := scenario(Errored, ReasonCluster), scenario(Inconclusive, ReasonSamples)
	unmet, invalid := scenario(Skipped, ReasonRequirement), scenario(Errored, ReasonInvalid)
	flaky := scenario(Flaky, "")
	for _, tt := range []struct {
		name string
		r    Result
		want int
	}{
		{"everything at once, interrupted", Result{Interrupted: true, Error: "x", Strict: true,
			Scenarios: []*Scenario{failed, invalid, errored, doubtful, unmet}}, 130},
		{"without the interrupt", Result{Error: "x", Strict: true,
			Scenarios: []*Scenario{failed, errored, doubtful, unmet, invalid}}, 2},
		{"without the invalid one", Result{Error: "x", Strict: true,
			Scenarios: []*Scenario{errored, doubtful, unmet, failed}}, 1},
		{"without the failure", Result{Strict: true, Scenarios: []*Scenario{doubtful, unmet, errored}}, 3},
		{"an error of the run", Result{Error: "x", Strict: true, Scenarios: []*Scenario{doubtful, unmet, passed}}, 3},
		{"without the error", Result{Strict: true, Scenarios: []*Scenario{unmet, passed, doubtful}}, 5},
		{"without the inconclusive one", Result{Strict: true, Scenarios: []*Scenario{passed, unmet}}, 4},
		{"not strict", Result{Scenarios: []*Scenario{passed, unmet}}, 0},
		{"only skipped", Result{Scenarios: []*Scenario{unmet}}, 4},
		{"no scenario", Result{}, 4},
		{"flaky", Result{Scenarios: []*Scenario{passed, flaky}}, 0},
		{"an unknown outcome", Result{Scenarios: []*Scenario{scenario("splendid", "")}}, 3},
	} {
		if got := tt.r.exitCode(); got != tt.want {
			t.Errorf("%s: exit code %d, want %d", tt.name, got, tt.want)
		}
	}
}

// Whatever green run is cut off anywhere, what is left is not green.
func TestNoPrefixOfAGreenRunIsGreen(t *testing.T) {
	property := func(scenarios, steps, skipped, retried uint8) bool {
		events := tape(t, greenRun(int(scenarios%4)+1, int(steps%4)+1, int(skipped), int(retried)))
		if whole := Fold(events); whole.ExitCode != 0 {
			t.Logf("the whole run: exit %d: %s", whole.ExitCode, inWords(whole))
			return false
		}
		for n := range events {
			r := Fold(events[:n])
			if r.ExitCode == 0 || r.Outcome == Passed || r.Outcome == Flaky {
				t.Logf("the first %d events: %s", n, inWords(r))
				return false
			}
		}
		return true
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 200}); err != nil {
		t.Error(err)
	}
}

// greenRun interleaves scenarios step by step; some steps are skipped or retried.
func greenRun(scenarios, steps, skipped, retried int) string {
	var b strings.Builder
	for s := range scenarios {
		fmt.Fprintf(&b, "plan s%d", s)
		for i := range steps {
			fmt.Fprintf(&b, " %d", i)
		}
		fmt.Fprintf(&b, "\nopen s%d\n", s)
	}
	for i := range steps {
		for s := range scenarios {
			switch {
			case i > 0 && (skipped>>i)&1 == 1:
				fmt.Fprintf(&b, "end s%d %d skipped condition\n", s, i)
				continue
			case (retried>>i)&1 == 1:
				fmt.Fprintf(&b, "begin s%d %d\ntry s%d %d failed assertion\n", s, i, s, i)
			default:
				fmt.Fprintf(&b, "begin s%d %d\n", s, i)
			}
			fmt.Fprintf(&b, "end s%d %d passed\n", s, i)
		}
	}
	for s := range scenarios {
		fmt.Fprintf(&b, "done s%d\nclean s%d\n", s, s)
	}
	return b.String() + "finish"
}

var begin = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)

// tape turns short words into events, one a second.
func tape(t *testing.T, words string) []Stamped {
	t.Helper()
	var events []Stamped
	for text := range strings.SplitSeq(strings.TrimSpace(words), "\n") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		since := time.Duration(len(events)) * time.Second
		events = append(events, Stamped{At: begin.Add(since), Since: since, Event: said(t, text)})
	}
	return events
}

func said(t *testing.T, text string) Event {
	w := append(strings.Fields(text), "", "", "", "", "")
	last := Attempt{Outcome: Outcome(w[3]), Reason: Reason(w[4]), Message: strings.TrimSpace("said " + w[4])}
	switch w[0] {
	case "strict":
		return RunStarted{Strict: true}
	case "plan":
		p := ScenarioPlanned{Scenario: w[1], Name: w[1], Steps: []PlannedStep{}}
		for _, id := range strings.Fields(text)[2:] {
			p.Steps = append(p.Steps, PlannedStep{ID: id, Name: id, Pos: spec.Pos{File: w[1] + "/" + id + ".yaml", Line: 1}})
		}
		return p
	case "invalid":
		at := spec.Pos{File: w[1] + "/1.yaml", Line: 4, Column: 7}
		return ScenarioInvalid{Scenario: w[1], Name: w[1], Diagnostics: []diag.Diagnostic{
			{Pos: at, Severity: diag.Error, Message: `unknown field "fro"`}, {Pos: at, Severity: diag.Error},
		}}
	case "open":
		return ScenarioStarted{Scenario: w[1], Namespace: "ns-" + w[1]}
	case "begin":
		return StepStarted{Scenario: w[1], Step: w[2]}
	case "progress":
		return StepProgress{Scenario: w[1], Step: w[2], Text: strings.Join(strings.Fields(text)[3:], " ")}
	case "try":
		return AttemptEnded{Scenario: w[1], Step: w[2], Attempt: last}
	case "end":
		return StepEnded{Scenario: w[1], Step: w[2], Attempt: last}
	case "found":
		return StepEnded{Scenario: w[1], Step: w[2], Attempt: Attempt{Outcome: Outcome(w[3]), Findings: []Finding{
			{Outcome: Outcome(w[4]), Reason: Reason(w[5]), Message: "found " + w[5]},
		}}}
	case "done":
		if w[2] == "" {
			return ScenarioEnded{Scenario: w[1]}
		}
		return ScenarioEnded{Scenario: w[1], Outcome: Outcome(w[2]), Reason: Reason(w[3]), Message: "said " + w[3]}
	case "clean":
		c := CleanupEnded{Scenario: w[1], Kept: w[2] == "kept"}
		switch w[2] {
		case "left":
			c.Left = strings.Fields(text)[3:]
		case "because":
			c.Message = strings.Join(strings.Fields(text)[3:], " ")
		}
		return c
	case "finish":
		e := RunEnded{Interrupted: w[1] == "interrupted"}
		if w[1] == "error" {
			e.Error = strings.Join(strings.Fields(text)[2:], " ")
		}
		return e
	}
	t.Fatalf("no such word in the tape: %q", text)
	return nil
}

// inWords is a result in the form of the table above.
func inWords(r *Result) string {
	var b strings.Builder
	line := func(name string, o Outcome, reason Reason, more string) {
		if reason != "" {
			o += "/" + Outcome(reason)
		}
		b.WriteString(strings.TrimSpace(fmt.Sprintf("%s %s %s", name, o, more)) + "\n")
	}
	line(fmt.Sprintf("exit %d", r.ExitCode), r.Outcome, "", "")
	for _, s := range r.Scenarios {
		line(s.Name, s.Outcome, s.Reason, s.Message)
		for _, step := range s.Steps {
			more := step.Message
			if step.Outcome == Passed {
				more = ""
			}
			if n := len(step.Attempts); n > 0 {
				more += fmt.Sprintf(" (%d attempts)", n)
			}
			for _, f := range step.Findings {
				if f.Observed != "" {
					more += " [" + f.Observed + "]"
				}
			}
			line(". "+step.ID, step.Outcome, step.Reason, more)
		}
		if s.Cleanup != nil {
			line(". cleanup", s.Cleanup.Outcome, "", s.Cleanup.Message)
		}
	}
	return b.String()
}

func dedent(s string) string {
	var b strings.Builder
	for text := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		b.WriteString(strings.TrimSpace(text) + "\n")
	}
	return b.String()
}
