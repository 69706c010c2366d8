package compare_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/event"
)

const recordedFile = `{
  "apiVersion": "realspec.dev/v1alpha1",
  "kind": "Baseline",
  "version": 1,
  "scenario": "high-load",
  "environment": {"kubernetes":"1.37","nodes":"4 x (8 cpu, 32Gi)","simulated":true,"local":true},
  "runs": [
    {"started": "2026-11-01T12:00:00.123456789Z", "realspec": "v1", "measures": [
      {"name":"queue","series":"depth","samples":[11.7,12.299999999999999]},
      {"name":"rollout","unit":"s","value":12.345679},
      {"name":"server","series":"mutating","unit":"s","count":1000,"missing":3,"stats":{"p50":0.005}},
      {"name":"startup","series":"ready","unit":"s","from":"sent","error":0.002,"missing":1,"samples":[0.966667,1,1.033333]}
    ]},
    {"started": "2026-11-01T13:00:00.123456789Z", "realspec": "v2", "measures": [
      {"name":"rollout","unit":"s","value":13}
    ]}
  ]
}
`

// exampleBaseline is recorded in the wrong order, and one run twice.
func exampleBaseline(t *testing.T) *compare.Baseline {
	t.Helper()
	newer := home
	newer.Realspec = "v2"
	grouped := series("ready", 9, 5, 0)
	grouped.Group = "node-1"
	first := scenario("high-load", 0, home,
		event.Measured{Name: "startup", Unit: "s", From: "sent", Error: ptr(0.0020000001),
			Series: []event.MeasuredSeries{series("ready", 1, 3, 1), series("none", 1, 0, 0), grouped}},
		elapsed("rollout", 12.3456789),
		event.Measured{Name: "queue", Series: []event.MeasuredSeries{series("depth", 12, 2, 0)}},
		event.Measured{Name: "server", Unit: "s", Series: []event.MeasuredSeries{{Name: "mutating", Count: 1000, Missing: 3, P50: ptr(0.005)}}},
	)
	second := scenario("high-load", 1, newer, elapsed("rollout", 13))
	b := &compare.Baseline{Scenario: "high-load", Environment: event.Environment{
		Kubernetes: "1.37", Nodes: "4 x (8 cpu, 32Gi)", Simulated: true, Local: true}}
	added, err := b.Record(second, first, second, scenario("high-load", 2, home))
	if err != nil || added != 2 {
		t.Fatalf("added %d, %v", added, err)
	}
	return b
}

func TestBaselineIsWrittenForDiffs(t *testing.T) {
	var out bytes.Buffer
	if err := exampleBaseline(t).Write(&out); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(recordedFile, out.String()); d != "" {
		t.Error(d)
	}
}

func TestBaselineRoundTrip(t *testing.T) {
	want := exampleBaseline(t)
	got, err := compare.Read(strings.NewReader(recordedFile))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var again bytes.Buffer
	if err := got.Write(&again); err != nil || again.String() != recordedFile {
		t.Errorf("%v\n%s", err, again.String())
	}
	pick := compare.Pick{Of: []string{"startup", "rollout", "server.mutating.p90"}}
	if d := cmp.Diff(want.List(pick), got.List(pick)); d != "" {
		t.Error(d)
	}
}

func TestReadIsStrict(t *testing.T) {
	change := func(from, to string) string {
		if !strings.Contains(recordedFile, from) {
			t.Fatalf("%q is not in the file", from)
		}
		return strings.Replace(recordedFile, from, to, 1)
	}
	for _, c := range []struct{ name, content, want string }{
		{"empty", " \n", "this is not a baseline: the file is empty"},
		{"not JSON", "apiVersion: x", "this is not a baseline: line 1 is not valid JSON"},
		{"a list", "[]", "this is not a baseline: line 1 has a list, where a mapping should be"},
		{"cut off", recordedFile[:len(recordedFile)/2], "this is not a baseline: the file ends in the middle: it was not written to its end"},
		{"damaged", change(`"name":"rollout"`, `"name":rollout`), "this is not a baseline: line 10 is not valid JSON"},
		{"two of them", recordedFile + recordedFile, "this is not a baseline: line 19 is not valid JSON"},
		{"another kind", change("Baseline", "Scenario"), `this is not a baseline: it should have apiVersion realspec.dev/v1alpha1 ` +
			`and kind Baseline, and it has "realspec.dev/v1alpha1" and "Scenario"`},
		{"newer", change(`"version": 1`, `"version": 2`), "the baseline has version 2, and this realspec reads up to 1: " +
			"use a newer realspec, or record again with `realspec baseline record`"},
		{"no version", change(`"version": 1,`, ""), "the baseline has version 0, and the first one is 1"},
		{"unknown field", change(`"series":"ready"`, `"serie":"ready"`), `the field "serie" is not known`},
		{"wrong type", change(`"value":12.345679`, `"value":"12s"`), `line 10: "value" is a text, and it should be a number that fits`},
		{"wrong samples", change(`[11.7,12.299999999999999]`, `{}`), `line 9: "samples" is a mapping, and it should be a list`},
		{"wrong time", change("2026-11-01T12", "yesterday"), `yesterday:00:00.123456789Z is not a time like 2026-01-31T09:30:00.5Z`},
		{"no scenario", change(`"scenario": "high-load"`, `"scenario": ""`), `"scenario" is missing: it should be the name of the scenario`},
		{"no runs", recordedFile[:strings.Index(recordedFile, "[")] + "[]}", `"runs" is empty: there should be at least one recorded run`},
		{"no start", change(`"started": "2026-11-01T12:00:00.123456789Z", `, ""), `run 1: "started" is missing`},
		{"no measures", change(`[
      {"name":"rollout","unit":"s","value":13}
    ]`, "[]"), `run 2: "measures" is empty: a run without any says nothing`},
		{"no name", change(`"name":"queue"`, `"name":""`), `run 1: measure 1 has no "name"`},
		{"twice", change(`"name":"queue","series":"depth"`, `"name":"rollout"`), "run 1: rollout is there twice"},
		{"same run twice", change("2026-11-01T13", "2026-11-01T12"), "two runs started at 2026-11-01T12:00:00.123456789Z: the same run would count twice"},
		{"negative count", change(`"missing":1`, `"missing":-1`), "run 1: startup.ready has a number of samples below zero"},
		{"too many", change(`"missing":1`, `"missing":100000001`), "run 1: startup.ready has more than 100000000 samples: no run has so many"},
		{"negative error", change(`"error":0.002`, `"error":-1`), "run 1: startup.ready has an error below zero"},
		{"nothing", change(`,"samples":[11.7,12.299999999999999]`, ""), "run 1: queue.depth has neither a value nor samples"},
		{"both", change(`"value":13`, `"value":13,"samples":[1]`), "run 2: rollout has a value, and samples as well: it should have one of them"},
		{"huge number", change("12.299999999999999]", "1e400]"), `line 9: "samples" is the number 1e400, and it should be a number that fits`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := compare.Read(strings.NewReader(c.content))
			if err == nil {
				t.Fatalf("read %+v", b)
			}
			if d := cmp.Diff(c.want, err.Error()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRecordRefusesOtherScenariosAndEnvironments(t *testing.T) {
	b := recorded(1)
	_, err := b.Record(scenario("other", 1, home, pods(1)))
	if err == nil || err.Error() != "a run of other cannot be recorded for high-load" {
		t.Error(err)
	}
	_, err = b.Record(scenario("high-load", 1, away, pods(1)))
	want := "a run of high-load cannot be recorded, its environment is another one: Kubernetes 1.37 and 1.36; " +
		"nodes 4 x (8 cpu, 32Gi) and 3 x (4 cpu, 16Gi); simulated and real nodes; a local cluster and another one"
	if err == nil || err.Error() != want {
		t.Error(err)
	}
	if len(b.Runs) != 1 {
		t.Errorf("%d runs", len(b.Runs))
	}
}

func TestFind(t *testing.T) {
	scenario := filepath.Join(t.TempDir(), "spec [1]") // a name with characters of patterns
	dir := compare.Folder(scenario)
	if b, others, err := compare.Find(dir, home); b != nil || len(others) > 0 || err != nil {
		t.Fatal("a folder without baselines:", b, others, err)
	}
	if err := exampleBaseline(t).WriteFile(dir); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "local-1.37-4x8cpu-32Gi-simulated.json")
	newer := home
	newer.Realspec = "v99" // no reason against a comparison
	b, _, err := compare.Find(dir, newer)
	if err != nil || b == nil || b.File != file || b.Dir != scenario || len(b.Runs) != 2 {
		t.Fatalf("%+v %v", b, err)
	}
	b, others, err := compare.Find(dir, away)
	if err != nil || b != nil || len(others) != 1 || !compare.Same(others[0], home) {
		t.Fatal(b, others, err)
	}
	renamed := filepath.Join(dir, "mine.json")
	if err := os.Rename(file, renamed); err != nil {
		t.Fatal(err)
	}
	if b, _, err := compare.Find(dir, home); err != nil || b == nil || b.File != renamed {
		t.Fatal("a renamed file:", b, err)
	}
	if err := exampleBaseline(t).WriteFile(dir); err != nil {
		t.Fatal(err)
	}
	if _, _, err := compare.Find(dir, home); err == nil || !strings.HasSuffix(err.Error(), "are baselines of the same environment: keep one") {
		t.Error("two files:", err)
	}
	if err := os.WriteFile(renamed, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := compare.Find(dir, home); err == nil || !strings.HasPrefix(err.Error(), renamed+": this is not a baseline") {
		t.Error("a broken file:", err)
	}
}

func TestWriteFileLeavesNothingBehindWhenItCannot(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, compare.Key(home)+".json"), 0o755); err != nil { // a folder in the way
		t.Fatal(err)
	}
	err := recorded(1).WriteFile(dir)
	if err == nil || !strings.HasPrefix(err.Error(), "the baseline cannot be written: ") {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Error(entries, err)
	}
}

func TestKey(t *testing.T) {
	for _, c := range []struct {
		env  event.Environment
		want string
	}{
		{home, "local-1.37-4x8cpu-32Gi-simulated"},
		{away, "cluster-1.36-3x4cpu-16Gi-real"},
		{event.Environment{}, "cluster-unknown-unknown-real"},
		{event.Environment{Kubernetes: "1.37", Nodes: "3 x (8 cpu, 32Gi), 1 x (4 cpu, 16Gi, 8 gpu)"}, "cluster-1.37-3x8cpu-32Gi+1x4cpu-16Gi-8gpu-real"},
		{event.Environment{Kubernetes: "1.37", Nodes: "1 x (8 nvidia.com/gpu)"}, "cluster-1.37-1x8nvidia.com_gpu-real-7251dd10"},
		{event.Environment{Kubernetes: "1.37", Nodes: "1 x (8 nvidia.com_gpu)"}, "cluster-1.37-1x8nvidia.com_gpu-real"},
		{event.Environment{Kubernetes: "../..", Nodes: "x"}, "cluster-.._..-x-real-ef227047"},
	} {
		if got := compare.Key(c.env); got != c.want {
			t.Errorf("%+v: %s, want %s", c.env, got, c.want)
		}
	}
	long := compare.Key(event.Environment{Kubernetes: "1.37", Nodes: strings.Repeat("1 x (8 cpu, 32Gi), ", 30)})
	if len(long) > 100 {
		t.Errorf("%d characters: %s", len(long), long)
	}
}

func TestDir(t *testing.T) {
	for i, want := range []string{"specs/high-load", "specs/high-load", "specs/high-load"} {
		if got := compare.Dir(scenario("high-load", i, home)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := compare.Dir(&event.Scenario{Path: "specs/a#2"}); got != "specs/a#2" {
		t.Errorf("a folder's own name: %s", got)
	}
}

// Whatever is read can be written, and is the same when it is read again.
func FuzzRead(f *testing.F) {
	f.Add(recordedFile)
	f.Add(`{"apiVersion":"realspec.dev/v1alpha1","kind":"Baseline","version":1}`)
	f.Fuzz(func(t *testing.T, content string) {
		b, err := compare.Read(strings.NewReader(content))
		if err != nil {
			if strings.Contains(err.Error(), "unmarshal") || strings.Contains(err.Error(), "Go ") {
				t.Errorf("not in the reader's words: %v", err)
			}
			return
		}
		var first, second bytes.Buffer
		if err := b.Write(&first); err != nil {
			t.Fatal(err)
		}
		again, err := compare.Read(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("%v\n%s", err, first.String())
		}
		if err := again.Write(&second); err != nil || first.String() != second.String() {
			t.Errorf("%v\n%s\n%s", err, first.String(), second.String())
		}
	})
}
