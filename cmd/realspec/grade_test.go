package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/report"
)

// auditOfOnePod says that the pod web-0 with the UID 1 was created and bound 20 ms
// later.
const auditOfOnePod = `{"apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete","verb":"create","objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":201},"responseObject":{"kind":"Pod","metadata":{"name":"web-0","namespace":"shop","uid":"1"}},"requestReceivedTimestamp":"2026-01-31T09:30:00.095000Z","stageTimestamp":"2026-01-31T09:30:00.100000Z"}
{"apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete","verb":"create","objectRef":{"resource":"pods","subresource":"binding","namespace":"shop","name":"web-0","uid":"1"},"responseStatus":{"code":201},"requestReceivedTimestamp":"2026-01-31T09:30:00.115000Z","stageTimestamp":"2026-01-31T09:30:00.120000Z"}
`

// recordedRun is a run that measured one pod as scheduled after that time, with an
// error bar of 5 ms, as an events file and as a result.
func recordedRun(t *testing.T, uid string, took time.Duration) (events, result []byte) {
	t.Helper()
	value, bar := took.Seconds(), 0.005
	var lines, whole bytes.Buffer
	w := event.NewWriter(&lines)
	var f event.Folder
	at := event.NewClock(time.Now)
	for _, e := range []event.Event{
		event.RunStarted{RunID: "abc", Version: "test"},
		event.ScenarioPlanned{Scenario: "high-load", Name: "high-load", Steps: []event.PlannedStep{{ID: "03-measure", Verb: "measure"}}},
		event.ScenarioStarted{Scenario: "high-load", Namespace: "shop"},
		event.StepStarted{Scenario: "high-load", Step: "03-measure"},
		event.StepEnded{Scenario: "high-load", Step: "03-measure", Attempt: event.Attempt{Number: 1, Outcome: event.Passed},
			Measures: []event.Measured{{Name: "startup", Kind: "pods", Unit: "s", Error: &bar, Series: []event.MeasuredSeries{
				{Name: "scheduled", Count: 1, Samples: []event.Sample{{Object: "web-0", UID: uid, Value: &value}}}}}}},
		event.ScenarioEnded{Scenario: "high-load"},
		event.RunEnded{},
	} {
		s := at.Stamp(e)
		w.Handle(s)
		f.Add(s)
	}
	if err := errors.Join(w.Err(), report.JSON(&whole, f.Result())); err != nil {
		t.Fatal(err)
	}
	return lines.Bytes(), whole.Bytes()
}

func TestGradeCommand(t *testing.T) {
	good, goodResult := recordedRun(t, "1", 21*time.Millisecond)
	bad, _ := recordedRun(t, "1", 30*time.Millisecond)
	foreign, _ := recordedRun(t, "2", 21*time.Millisecond)
	for _, test := range []struct {
		name, run, audit string
		code             int
		want             string
	}{
		{"events", string(good), auditOfOnePod, 0, "time from stored, error bar 5.00ms"},
		{"result", string(goodResult), auditOfOnePod, 0, "1.00ms"},
		{"a run that was killed", string(good) + `{"event":"run-`, auditOfOnePod, 0, "holds"},
		{"above the bar", string(bad), auditOfOnePod, 1, "an error is above the bar"},
		{"another cluster", string(foreign), auditOfOnePod, 1, "which saw 1 pod being created"},
		{"an empty log", string(good), "", 1, "which saw 0 pods being created"},
		{"files the wrong way round", auditOfOnePod, string(good), 2, "is no recorded run: give the file of run --events or of run --json"},
		{"no audit log", string(good), string(good), 2, "line 1 is not an event of an audit log"},
		{"an empty run", "", auditOfOnePod, 2, "is empty"},
		{"of a newer realspec", `{"schemaVersion": 99}`, auditOfOnePod, 2, "use a newer realspec"},
		{"broken events", "{\"event\":\"run-started\",\"at\":\"yesterday\"}\n{}\n", auditOfOnePod, 2, `line 1: "at" is "yesterday"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			dir := t.TempDir()
			c := gradeCommand{Recorded: filepath.Join(dir, "run"), Audit: filepath.Join(dir, "audit.log")}
			g.Expect(os.WriteFile(c.Recorded, []byte(test.run), 0o600)).To(Succeed())
			g.Expect(os.WriteFile(c.Audit, []byte(test.audit), 0o600)).To(Succeed())
			var out, problems strings.Builder
			a := &app{stdout: &out, stderr: &problems}
			g.Expect(a.fail(c.Run(a))).To(Equal(test.code), problems.String())
			g.Expect(out.String() + problems.String()).To(ContainSubstring(test.want))
			g.Expect(problems.String()).NotTo(ContainSubstring("unmarshal"))
		})
	}
	g := NewWithT(t)
	a := &app{stdout: &strings.Builder{}, stderr: &strings.Builder{}}
	c := gradeCommand{Recorded: filepath.Join(t.TempDir(), "none")}
	g.Expect(a.fail(c.Run(a))).To(Equal(2))
}
