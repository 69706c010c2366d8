package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/joshdk/go-junit"

	"github.com/realspec/realspec/engine/event"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./engine/report -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: - want, + got (go test ./engine/report -update takes it over):\n%s", name, diff)
	}
}

// eachRun runs a test for every fixture, in order.
func eachRun(t *testing.T, test func(t *testing.T, name string, events []event.Stamped)) {
	all := fixtures()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) { test(t, name, all[name]) })
	}
}

func TestConsoleGolden(t *testing.T) {
	eachRun(t, func(t *testing.T, name string, events []event.Stamped) {
		golden(t, name+".txt", onConsole(events, Options{}))
	})
}

func TestConsoleOptionsGolden(t *testing.T) {
	all := fixtures()
	for name, opt := range map[string]Options{
		"quiet": {Quiet: true}, "verbose": {Verbose: true}, "ascii": {ASCII: true},
		"color": {Color: true}, "wide": {Width: 120}, "narrow": {Width: 40},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, "everything-"+name+".txt", onConsole(all["everything"], opt))
		})
	}
	golden(t, "measured-verbose.txt", onConsole(all["measured"], Options{Verbose: true}))
	golden(t, "doubtful-quiet.txt", onConsole(all["doubtful"], Options{Quiet: true}))
	golden(t, "doubtful-color.txt", onConsole(all["doubtful"], Options{Color: true}))
	golden(t, "interrupted-quiet.txt", onConsole(all["interrupted"], Options{Quiet: true}))
}

func onConsole(events []event.Stamped, opt Options) string {
	var out bytes.Buffer
	opt.Out = &out
	opt.Reports = []string{"out/junit.xml", "out/result.json"}
	opt.Rerun = func(*event.Result) string { return "realspec run specs/" }
	c := NewConsole(opt)
	for _, s := range events {
		c.Handle(s)
	}
	c.Summary(event.Fold(events))
	return out.String()
}

// No line may be wider than the console, but for places and commands, which must
// stay in one piece.
func TestConsoleFits(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		for _, opt := range []Options{{Width: 80}, {Width: 60}, {Width: 100}, {Width: 80, Verbose: true}, {Width: 80, ASCII: true}} {
			for text := range strings.SplitSeq(onConsole(events, opt), "\n") {
				if lipgloss.Width(text) > opt.Width && !strings.Contains(text, ".yaml:") {
					t.Errorf("width %d: %d columns: %s", opt.Width, lipgloss.Width(text), text)
				}
			}
		}
	})
}

func TestConsoleASCII(t *testing.T) {
	for _, name := range []string{"everything", "measured", "doubtful", "repeated"} {
		out := onConsole(fixtures()[name], Options{ASCII: true, Verbose: true})
		if i := strings.IndexFunc(out, func(r rune) bool { return r > 126 }); i >= 0 {
			t.Errorf("%s is not ASCII: %q", name, out[i:min(i+20, len(out))])
		}
	}
}

// Every verdict stands alone on the last line, with its exit code.
func TestConsoleVerdict(t *testing.T) {
	for name, want := range map[string]string{
		"green": "PASSED", "flaky": "PASSED, but flaky", "failed": "FAILED (exit 1)",
		"everything": "NOT VALID (exit 2)", "error": "ERROR (exit 3)", "crashed": "ERROR (exit 3)",
		"stopped": "ERROR (exit 3)", "unmet": "REQUIREMENTS NOT MET (exit 4)", "nothing": "NOTHING RAN (exit 4)",
		"empty": "NOTHING RAN (exit 4)", "inconclusive": "INCONCLUSIVE (exit 5)", "interrupted": "INTERRUPTED (exit 130)",
	} {
		for _, quiet := range []bool{true, false} {
			lines := strings.Split(strings.TrimSpace(onConsole(fixtures()[name], Options{Quiet: quiet})), "\n")
			if got := lines[len(lines)-1]; got != want {
				t.Errorf("%s (quiet %v): %q, want %q", name, quiet, got, want)
			}
		}
	}
}

func TestJSONGolden(t *testing.T) {
	eachRun(t, func(t *testing.T, name string, events []event.Stamped) {
		var out bytes.Buffer
		r := event.Fold(events)
		if err := JSON(&out, r); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", out.String())
		var again event.Result
		if err := json.Unmarshal(out.Bytes(), &again); err != nil {
			t.Fatal(err)
		}
		if again.ExitCode != r.ExitCode || len(again.Scenarios) != len(r.Scenarios) {
			t.Errorf("read back: exit %d and %d scenarios, want %d and %d",
				again.ExitCode, len(again.Scenarios), r.ExitCode, len(r.Scenarios))
		}
	})
}

func TestJUnitGolden(t *testing.T) {
	eachRun(t, func(t *testing.T, name string, events []event.Stamped) {
		golden(t, name+".xml", asJUnit(t, event.Fold(events)))
	})
}

func asJUnit(t *testing.T, r *event.Result) string {
	t.Helper()
	var out bytes.Buffer
	if err := JUnit(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What another program reads must be what the result says: every step has its
// case with its outcome, the counts in the file are true, and a run is green in
// the file exactly when its exit code is 0.
func TestJUnitReadBack(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		r := event.Fold(events)
		text := asJUnit(t, r)
		suites, err := junit.Ingest([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		checkSteps(t, r, suites)
		checkCounts(t, text, suites)
		bad := 0
		for _, s := range suites {
			bad += s.Totals.Failed + s.Totals.Error
			if len(s.Tests) == 0 {
				t.Errorf("suite %s is empty", s.Name)
			}
		}
		if green := r.ExitCode == 0; green != (bad == 0) {
			t.Errorf("exit code %d, and %d failures and errors in the file", r.ExitCode, bad)
		}
	})
}

func checkSteps(t *testing.T, r *event.Result, suites []junit.Suite) {
	t.Helper()
	status := map[event.Outcome]junit.Status{
		event.Passed: junit.StatusPassed, event.Flaky: junit.StatusPassed, event.Skipped: junit.StatusSkipped,
		event.Failed: junit.StatusFailed, event.Errored: junit.StatusError, event.Inconclusive: junit.StatusError,
	}
	for i, s := range r.Scenarios {
		cases := map[string]junit.Status{}
		for _, x := range suites[i].Tests {
			cases[x.Name] = x.Status
		}
		for _, step := range s.Steps {
			if got := cases[title(step)]; got != status[step.Outcome] {
				t.Errorf("%s, %s: %q in the file, %s in the result", s.Name, title(step), got, step.Outcome)
			}
		}
	}
}

// checkCounts compares the attributes of the file with its cases.
func checkCounts(t *testing.T, text string, suites []junit.Suite) {
	t.Helper()
	var file struct {
		counts
		Suites []struct {
			counts
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	var sum counts
	for i, s := range suites {
		want := counts{Tests: s.Totals.Tests, Failures: s.Totals.Failed, Errors: s.Totals.Error, Skipped: s.Totals.Skipped}
		if got := file.Suites[i].counts; got != want {
			t.Errorf("suite %s says %+v, its cases are %+v", s.Name, got, want)
		}
		sum.Tests += want.Tests
		sum.Failures += want.Failures
		sum.Errors += want.Errors
		sum.Skipped += want.Skipped
	}
	if file.counts != sum {
		t.Errorf("the file says %+v, its suites are %+v", file.counts, sum)
	}
}

func TestJUnitCutsLongBodies(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	r := event.Fold(story(func(t *tape) {
		path := t.plan("long", nil, "00-run", "long")
		t.open(path)
		t.step(path, "00-run", 1, event.Attempt{Outcome: event.Failed, Message: "m",
			Evidence: []event.Evidence{{Title: "log", Lines: []string{long}}}})
		t.close(path)
	}))
	text := asJUnit(t, r)
	if len(text) > 70<<10 {
		t.Errorf("%d bytes", len(text))
	}
	if !strings.Contains(text, "more bytes were cut off here; the events file has them all") {
		t.Error("the file does not say that something was cut off")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestReportsTellWriteErrors(t *testing.T) {
	r := event.Fold(fixtures()["green"])
	for name, report := range map[string]func(io.Writer, *event.Result) error{"JUnit": JUnit, "JSON": JSON} {
		if err := report(full{}, r); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// judged is a run with one step that ended so, for those findings.
func judged(o event.Outcome, findings ...event.Finding) *event.Result {
	step := &event.Step{ID: "03-measure", Verb: "measure", Pos: at("a/03-measure.yaml", 1, 1),
		Outcome: o, Findings: findings}
	return &event.Result{Scenarios: []*event.Scenario{{Path: "a", Name: "a", Outcome: o, Steps: []*event.Step{step}}}}
}

// A step that passed has all the room of its case for what it says: no verdict takes
// some of it.
func TestJUnitHasRoomForWhatPassed(t *testing.T) {
	var rules []event.Finding
	for i := range 400 {
		rules = append(rules, event.Finding{Outcome: event.Passed, Expr: fmt.Sprintf("startup_of_workload_%03d.ready.p99 < duration('500ms')", i),
			Parts: []event.Part{{Expr: "p99", Value: "12.3ms"}}})
	}
	if text := asJUnit(t, judged(event.Passed, rules...)); strings.Contains(text, "were cut off") || !strings.Contains(text, "workload_399") {
		t.Errorf("of %d bytes some were cut off", len(text))
	}
}

// All reports lead to the finding that failed, and not to one before it that could
// not be measured.
func TestReportsLeadToTheFailure(t *testing.T) {
	r := judged(event.Failed,
		event.Finding{Outcome: event.Skipped, Reason: event.ReasonUnmeasured, Pos: at("a/03-measure.yaml", 5, 10), Expr: "used.cpu.worst < 0.9"},
		event.Finding{Outcome: event.Failed, Reason: event.ReasonThreshold, Pos: at("a/03-measure.yaml", 7, 10), Expr: "startup.ready.max < duration('1s')"})
	for name, text := range map[string]string{"JUnit": asJUnit(t, r), "Markdown": inMarkdown(t, r, 0)} {
		if first := regexp.MustCompile(`a/03-measure\.yaml:\d+:\d+`).FindString(text); first != "a/03-measure.yaml:7:10" {
			t.Errorf("%s leads to %s:\n%s", name, first, text)
		}
	}
	if text := annotated(t, r); !strings.Contains(text, "line=7,") {
		t.Errorf("the annotation is elsewhere:\n%s", text)
	}
}
