package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/event"
)

func annotated(t *testing.T, r *event.Result) string {
	t.Helper()
	var out bytes.Buffer
	if err := GitHub(&out, r, sameFile); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGitHubGolden(t *testing.T) {
	eachRun(t, func(t *testing.T, name string, events []event.Stamped) {
		golden(t, name+".github.txt", annotated(t, event.Fold(events)))
	})
}

// runnerCommand is how actions/runner reads a command: ActionCommand.cs.
var runnerCommand = regexp.MustCompile(`^::(error|warning) ([^\n]*?)::(.*)$`)

// Every line is one command, of which the runner reads what was meant, and there
// are never more than GitHub shows. A run that is not green has an error.
func TestGitHubIsReadBack(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		r := event.Fold(events)
		counts := map[string]int{}
		for line := range strings.Lines(annotated(t, r)) {
			match := runnerCommand.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
			if match == nil {
				t.Fatalf("no command: %q", line)
			}
			counts[match[1]]++
			for property := range strings.SplitSeq(match[2], ",") {
				name, value, _ := strings.Cut(property, "=")
				if !strings.Contains("file line col title", name) || value == "" || strings.ContainsAny(value, ":,\r") {
					t.Errorf("property %q in %s", property, line)
				}
			}
		}
		if counts["error"] > 10 || counts["warning"] > 10 {
			t.Errorf("%v are more than GitHub shows", counts)
		}
		if (r.ExitCode == 0) != (counts["error"] == 0) {
			t.Errorf("exit code %d with %d errors", r.ExitCode, counts["error"])
		}
	})
}

func TestGitHubEscapes(t *testing.T) {
	list := []diag.Diagnostic{{Pos: at("specs/a,b:c%/x.yaml", 3, 7), Severity: diag.Error,
		Message: "100% wrong:: ::error::x", Help: "did you mean \"for\"?\r\nknown: a, b"}}
	var out bytes.Buffer
	if err := GitHubDiagnostics(&out, list, func(p string) string { return "repo/" + p }); err != nil {
		t.Fatal(err)
	}
	want := "::error file=repo/specs/a%2Cb%3Ac%25/x.yaml,line=3,col=7,title=not valid::" +
		"100%25 wrong:: ::error::x%0Adid you mean \"for\"?%0Aknown: a, b\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// Of thirty findings nine errors and nine warnings are shown, failures before
// errors, and the rest is counted.
func TestGitHubCounts(t *testing.T) {
	r := &event.Result{ExitCode: 1}
	for i := range 15 {
		for _, o := range []event.Outcome{event.Errored, event.Flaky, event.Failed} {
			r.Scenarios = append(r.Scenarios, &event.Scenario{Name: fmt.Sprintf("%s-%d", o, i), Outcome: o,
				Steps: []*event.Step{{ID: "00-a", Outcome: o, Message: "why"}}})
		}
	}
	out := annotated(t, r)
	if n := strings.Count(out, "::error "); n != 10 {
		t.Errorf("%d errors", n)
	}
	if n := strings.Count(out, "::warning "); n != 10 {
		t.Errorf("%d warnings", n)
	}
	if strings.Contains(out, "title=error-") || !strings.Contains(out, "title=failed-8 ") {
		t.Errorf("errors are shown before failures:\n%s", out)
	}
	if !strings.Contains(out, "21 more did not pass") || !strings.Contains(out, "6 more are to be looked at") {
		t.Errorf("the rest is not counted:\n%s", out)
	}
}

func onLog(events []event.Stamped, make func(Options) *Log, opt Options) string {
	var out bytes.Buffer
	opt.Out = &out
	l := make(opt)
	for _, s := range events {
		l.Handle(s)
	}
	l.Summary(event.Fold(events))
	return out.String()
}

func gitHubLog(o Options) *Log { return NewGitHubLog(o, func() string { return "TOKEN" }) }

func TestLogGolden(t *testing.T) {
	for _, name := range []string{"everything", "green", "parallel", "interrupted", "repeated", "stopped", "flaky", "crashed"} {
		golden(t, name+".github-log.txt", onLog(fixtures()[name], gitHubLog, Options{}))
		golden(t, name+".gitlab-log.txt", onLog(fixtures()[name], NewGitLabLog, Options{}))
	}
}

// What folds has nothing in it that did not pass, every fold is closed, and
// nothing that the console shows is missing.
func TestLogFoldsOnlyWhatPassed(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		out := onLog(events, gitHubLog, Options{})
		inside := false
		for line := range strings.Lines(out) {
			switch {
			case strings.HasPrefix(line, "::group::"):
				if inside {
					t.Error("a group within a group")
				}
				inside = true
			case strings.HasPrefix(line, "::endgroup::"):
				inside = false
			case inside && (strings.HasPrefix(line, "  ✗") || strings.HasPrefix(line, "  !") || strings.HasPrefix(line, "  ?")):
				t.Errorf("folded away: %s", line)
			}
		}
		if inside {
			t.Error("a group is not closed")
		}
		for line := range strings.Lines(onConsole(events, Options{})) {
			text := strings.TrimSpace(line)
			cells := strings.Split(text, "  ") // a sign of life has its scenario before the step
			ofFiles := strings.HasPrefix(text, "reports") || strings.HasPrefix(text, "rerun")
			if !ofFiles && !strings.Contains(text, "continued") && !strings.Contains(out, text) &&
				!strings.Contains(out, cells[len(cells)-1]) {
				t.Errorf("not in the log: %s", line)
			}
		}
	})
}

// A log line of a pod that looks like a command is no command.
func TestGitHubLogTakesNoCommands(t *testing.T) {
	tell := func(tape *tape) {
		path := tape.plan("sly", nil, "00-assert", "Then nothing happens")
		tape.open(path)
		tape.step(path, "00-assert", 1, event.Attempt{Outcome: event.Failed, Reason: event.ReasonAssertion, Message: "no",
			Evidence: []event.Evidence{{Title: "last lines of Pod/sly", Lines: []string{"::add-mask::realspec", "x ##[endgroup]"}}}})
		tape.close(path)
	}
	out := onLog(story(tell), gitHubLog, Options{})
	stopped := false
	for line := range strings.Lines(out) {
		text := strings.TrimSpace(line)
		switch {
		case text == "::stop-commands::TOKEN":
			stopped = true
		case text == "::TOKEN::":
			stopped = false
		case !stopped && (strings.HasPrefix(text, "::add-mask") || strings.Contains(text, "##[")):
			t.Errorf("GitHub would obey: %s", text)
		}
	}
	if stopped || !strings.Contains(out, "add-mask") {
		t.Errorf("commands stay stopped, or the line is missing:\n%s", out)
	}
}

func TestSectionName(t *testing.T) {
	known := regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`) // of GitLab
	for _, name := range []string{"1-high-load", "2-a b:c[collapsed=true]\r", "3-ünïcode #2", ""} {
		if got := sectionName(name); !known.MatchString(got) {
			t.Errorf("%q becomes %q", name, got)
		}
	}
}
