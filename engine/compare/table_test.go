package compare_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/stats"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares an output with its file, and looks that it fits 80 columns.
func golden(t *testing.T, name, got string) {
	t.Helper()
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("a line has %d columns: %s", n, line)
		}
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}

// group is n runs of high-load: the startup phases, the time of the rollout and a
// queue's depth, times slower.
func group(n, from int, slower float64, env event.Environment) []compare.Run {
	var all []*event.Scenario
	depth := []float64{11, 12, 12, 13}
	for i := range n {
		x := around(1, max(n, 2))[i]
		startup := event.Measured{Name: "startup", Unit: "s", Error: ptr(0.002), Series: []event.MeasuredSeries{
			series("initialized", 0.0123*x, 5, 0), series("ready", 0.380*x*slower, 300, 0), series("startup", 0.300*x, 2, 3*(from/100)),
		}}
		queue := event.Measured{Name: "queue", Series: []event.MeasuredSeries{series("", depth[i%4], 1, 0)}}
		all = append(all, scenario("high-load", from+i, env, startup, elapsed("rollout", 83*x), queue))
	}
	return compare.Runs(result(all...))
}

func table(t *testing.T, a, b []compare.Run, tolerance float64, across bool) compare.Report {
	t.Helper()
	r, err := compare.Table(a, b, stats.Rule{Alpha: 0.05, Tolerance: tolerance},
		compare.Options{A: "before.json", B: "after.json", Across: across})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTable(t *testing.T) {
	newer := home
	newer.Realspec = "v2"
	r := table(t, group(12, 0, 1, home), group(12, 100, 1.5, newer), 0, false)
	golden(t, "worse.txt", r.Text(80))
	if r.Regressions != 3 { // ready p50 and p99, and startup that is not reached
		t.Errorf("%d regressions", r.Regressions)
	}
	verdicts := map[string]stats.Verdict{}
	for _, m := range r.Scenarios[0].Metrics {
		verdicts[m.Name] = m.Verdict
	}
	want := map[string]stats.Verdict{
		"queue.p50": stats.Same, "rollout": stats.Same, "startup.initialized.p50": stats.Same,
		"startup.ready.p50": stats.Worse, "startup.ready.p99": stats.Worse, "startup.startup.p50": stats.Worse,
	}
	if d := cmp.Diff(want, verdicts); d != "" {
		t.Error(d)
	}
	turned := table(t, group(12, 100, 1.5, newer), group(12, 0, 1, home), 0, false)
	golden(t, "better.txt", turned.Text(80))
	if turned.Regressions != 0 {
		t.Errorf("%d regressions the other way round", turned.Regressions)
	}
	if r := table(t, group(12, 0, 1, home), group(12, 50, 1.5, home), 0.6, false); r.Regressions != 0 || r.Unknown() != 0 {
		t.Error("a change within the tolerance:\n" + r.Text(80))
	}
}

func TestTableWithTooFewRuns(t *testing.T) {
	r := table(t, group(3, 0, 1, home), group(2, 50, 1.5, home), 0.05, false)
	golden(t, "unknown.txt", r.Text(80))
	if r.Unknown() != 4 || r.Regressions != 0 {
		t.Errorf("%d are unknown, %d worse", r.Unknown(), r.Regressions)
	}
}

func TestTableWithItself(t *testing.T) {
	runs := group(12, 0, 1, home)
	r := table(t, runs, runs, 0, false)
	golden(t, "same.txt", r.Text(80))
	if r.Regressions != 0 || r.Unknown() != 0 || r.Empty() {
		t.Error(r.Text(80))
	}
}

func TestTableSaysWhatItLeavesOut(t *testing.T) {
	a, b := group(12, 0, 1, home), group(12, 50, 1, home)
	a = append(a, compare.Runs(result(scenario("only-a", 0, home, elapsed("x", 1))))...)
	b = append(b, compare.Runs(result(scenario("only-b", 0, home, elapsed("x", 1))))...)
	a[0].Outcome, a[1].Outcome, b[2].Outcome = event.Errored, event.Failed, event.Errored
	for i := range a {
		for j := range a[i].Metrics {
			if a[i].Metrics[j].Name == "rollout" {
				a[i].Metrics[j].From = "sent"
			}
		}
	}
	b[0].Metrics = append(b[0].Metrics, compare.Value{Name: "zone", Unit: "s", Value: 1})
	golden(t, "notes.txt", table(t, a, b, 0, false).Text(80))
}

func TestTableOfNothing(t *testing.T) {
	r := table(t, runsOf(home, 1), nil, 0, false)
	golden(t, "nothing.txt", r.Text(80))
	if !r.Empty() || r.Unknown() != 0 {
		t.Error("nothing is not unknown")
	}
}

func TestTableRefusesOtherEnvironments(t *testing.T) {
	a, b := runsOf(home, 1, 2), runsOf(away, 1, 2)
	_, err := compare.Table(a, b, stats.Rule{Alpha: 0.05}, compare.Options{A: "a", B: "b"})
	var refused *compare.EnvironmentError
	if !errors.As(err, &refused) || len(refused.Differences) != 4 {
		t.Fatal(err)
	}
	want := "the runs of high-load cannot be compared, their environments differ: Kubernetes 1.37 and 1.36; " +
		"nodes 4 x (8 cpu, 32Gi) and 3 x (4 cpu, 16Gi); simulated and real nodes; a local cluster and another one"
	if d := cmp.Diff(want, err.Error()); d != "" {
		t.Error(d)
	}
	mixed := append(runsOf(home, 1), scenarioRuns(1, away)...)
	if _, err := compare.Table(mixed, runsOf(home, 1), stats.Rule{Alpha: 0.05}, compare.Options{}); err == nil {
		t.Error("one side has runs of two environments")
	}
	r := table(t, a, b, 0, true)
	golden(t, "across.txt", r.Text(80))
	if r.Empty() {
		t.Error("asked for across environments, and nothing was compared")
	}
}

func scenarioRuns(i int, env event.Environment) []compare.Run {
	return compare.Runs(result(scenario("high-load", i, env, pods(1))))
}

func TestTableAsJSON(t *testing.T) {
	r := table(t, group(12, 0, 1, home), group(12, 100, 1.5, home), 0, false)
	content, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back compare.Report
	if err := json.Unmarshal(content, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, back); d != "" {
		t.Error(d)
	}
}

func TestHistory(t *testing.T) {
	runs := group(12, 0, 1, home)
	runs[11] = group(13, 0, 1.6, home)[11]
	missing := compare.Runs(result(scenario("high-load", 13, home, event.Measured{Name: "startup", Unit: "s",
		Series: []event.MeasuredSeries{series("startup", 1, 2, 3)}})))
	other := group(2, 20, 1, away)
	other[0].Outcome = event.Errored
	all := append(append(other, runs...), missing...)
	golden(t, "history.txt", compare.History(all, compare.HistoryOptions{Width: 80}))
	golden(t, "history-ascii.txt", compare.History(runs, compare.HistoryOptions{Width: 80, ASCII: true}))
	if got := compare.History(nil, compare.HistoryOptions{Width: 80}); got != "no runs that measured anything\n" {
		t.Error(got)
	}
}

func TestSpark(t *testing.T) {
	inf := compare.Runs(result(scenario("a", 0, home, event.Measured{Name: "x", Series: []event.MeasuredSeries{series("", 1, 0, 1)}})))[0].Metrics[0].Value
	for _, c := range []struct {
		values []float64
		ascii  bool
		want   string
	}{
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8}, false, "▁▂▃▄▅▆▇█"},
		{[]float64{8, 1, inf, 8}, false, "█▁×█"},
		{[]float64{8, 1, inf, 8}, true, "81x8"},
		{[]float64{5, 5}, false, "▁▁"},
		{[]float64{0, 9, 1, 2, 3, 4, 5, 6, 7, 8}, true, "812345567"}, // only the last that fit
		{[]float64{inf}, false, "×"},
		{nil, false, ""},
	} {
		if got := compare.Spark(c.values, 9, c.ascii); got != c.want {
			t.Errorf("%v: %s, want %s", c.values, got, c.want)
		}
	}
}
