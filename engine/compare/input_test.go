package compare_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/event"
)

func put(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	content, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// events are those of one run of high-load, and its result.
func events(t *testing.T) ([]byte, *event.Result) {
	t.Helper()
	var out bytes.Buffer
	folder := &event.Folder{}
	now := noon
	clock := event.Clock{Start: noon, Now: func() time.Time { now = now.Add(time.Second); return now }}
	bus := event.NewBus(clock, folder, event.NewWriter(&out))
	for _, e := range []event.Event{
		event.RunStarted{RunID: "abc"},
		event.ScenarioPlanned{Scenario: "specs/high-load", Name: "high-load", Steps: []event.PlannedStep{{ID: "03-measure"}}},
		event.ClusterReady{Scenario: "specs/high-load", Cluster: event.Cluster{Environment: home}},
		event.ScenarioStarted{Scenario: "specs/high-load"},
		event.StepStarted{Scenario: "specs/high-load", Step: "03-measure"},
		event.StepEnded{Scenario: "specs/high-load", Step: "03-measure", Attempt: event.Attempt{Outcome: event.Passed},
			Measures: []event.Measured{pods(0.04), elapsed("rollout", 12)}},
		event.ScenarioEnded{Scenario: "specs/high-load"},
		event.CleanupEnded{Scenario: "specs/high-load"},
		event.RunEnded{},
	} {
		bus.Emit(e)
	}
	return out.Bytes(), folder.Result()
}

func TestLoadReadsWhatRealspecWrites(t *testing.T) {
	dir := t.TempDir()
	lines, r := events(t)
	ofEvents := put(t, dir, "run/events.jsonl", lines)
	ofResult := put(t, dir, "run/result.json", asJSON(t, r))
	b := &compare.Baseline{Scenario: "high-load", Environment: home}
	if _, err := b.Record(r.Scenarios...); err != nil {
		t.Fatal(err)
	}
	if err := b.WriteFile(dir); err != nil {
		t.Fatal(err)
	}
	want := compare.Runs(r)
	if len(want) != 1 || len(want[0].Metrics) != 2 {
		t.Fatalf("%+v", want)
	}
	put(t, dir, "run/junit.xml", []byte("<testsuites/>")) // other reports do not matter
	for _, list := range []string{ofEvents, ofResult, b.File, dir, filepath.Join(dir, "run"), ofEvents + "," + ofResult} {
		in, err := compare.Load(list)
		if err != nil {
			t.Fatal(err)
		}
		// The same run, however often and in what form it was read.
		if d := cmp.Diff(want, in.Runs(compare.Pick{})); d != "" {
			t.Errorf("%s: %s", list, d)
		}
	}
	comma := put(t, dir, "a,b.json", asJSON(t, r))
	if in, err := compare.Load(comma); err != nil || len(in.Results) != 1 {
		t.Error("a file with a comma in its name:", err)
	}
	killed := put(t, dir, "killed.jsonl", lines[:len(lines)*3/4])
	in, err := compare.Load(killed)
	if err != nil || in.Results[0].Scenarios[0].Outcome != event.Errored {
		t.Error("events that were cut off:", err)
	}
}

func TestLoadRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	_, r := events(t)
	newer := bytes.Replace(asJSON(t, r), []byte(`"schemaVersion": 1`), []byte(`"schemaVersion": 2`), 1)
	none := bytes.Replace(asJSON(t, r), []byte(`"schemaVersion": 1`), []byte(`"schemaVersion": 0`), 1)
	wrong := bytes.Replace(asJSON(t, r), []byte(`"runId": "abc"`), []byte(`"runId": 1`), 1)
	baseline := strings.Replace(recordedFile, `"version": 1`, `"version": 7`, 1)
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "folder/package.json", []byte(`{"name": "x"}`))
	const neither = ": it is no result, events file or baseline"
	for _, c := range []struct{ path, want string }{
		{filepath.Join(dir, "gone.json"), ": there is no such file or folder"},
		{empty, ": the folder has no .json and no .jsonl file"},
		{put(t, dir, "foreign.json", []byte(`{"name": "x"}`)), neither + ": those are written by `realspec run --json`, " +
			"`realspec run --events` and `realspec baseline record`"},
		{put(t, dir, "text.json", []byte("hello")), neither + ": line 1 is not valid JSON"},
		{put(t, dir, "nothing.json", nil), neither + ": the file is empty"},
		{put(t, dir, "list.json", []byte("[1]")), neither + ": line 1 has a list, where a mapping should be"},
		{put(t, dir, "newer.json", newer), ": the result has version 2, and this realspec reads up to 1: use a newer realspec"},
		{put(t, dir, "none.json", none), ": the result has version 0, and the first one is 1"},
		{put(t, dir, "wrong.json", wrong), `: line 3: "runId" is a number, and it should be a text`},
		{put(t, dir, "cut.json", asJSON(t, r)[:300]), neither + ": the file ends in the middle: it was not written to its end"},
		{put(t, dir, "baseline.json", []byte(baseline)), ": the baseline has version 7, and this realspec reads up to 1: " +
			"use a newer realspec, or record again with `realspec baseline record`"},
		{put(t, dir, "broken.jsonl", []byte(`{"event":"run-started","at":"x"}`+"\n")), `: line 1: "at" is "x": it should be a time like 2026-01-31T09:30:00.5Z`},
	} {
		in, err := compare.Load(c.path)
		if err == nil {
			t.Errorf("%s was read: %+v", c.path, in)
		} else if d := cmp.Diff(c.path+c.want, err.Error()); d != "" {
			t.Error(d)
		}
	}
	_, err := compare.Load(filepath.Join(dir, "folder"))
	if err == nil || !strings.HasPrefix(err.Error(), filepath.Join(dir, "folder", "package.json")+neither) {
		t.Error("a foreign file in a folder:", err)
	}
}
