package report

import (
	"fmt"
	"time"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// fixtures are runs that have, between them, every outcome and reason.
func fixtures() map[string][]event.Stamped {
	return map[string][]event.Stamped{
		"green":        story(startup, kept),
		"flaky":        story(shaky),
		"failed":       story(highLoad),
		"everything":   story(highLoad, startup, slow, wrong, few5, gpu, optional, lost, shaky, litter, kept, broken),
		"inconclusive": story(few5),
		"error":        story(lost),
		"cleanup":      story(litter),
		"invalid":      story(broken),
		"unmet":        strict(story(gpu, optional)),
		"nothing":      story(gpu),
		"empty":        story(),
		"stopped":      stopped1(),
		"interrupted":  interrupted(),
		"crashed":      crashed(),
		"parallel":     parallel(),
		"nasty":        story(nasty),
		"measured":     story(burst, requests, drift),
		"doubtful":     overloaded(story(starved, drowned)),
		"repeated":     repeated(),
		"real":         story(served, simulated),
		"failfast":     failFast(),
	}
}

// tape records events; time passes between them.
type tape struct {
	events []event.Stamped
	now    time.Duration
}

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func (t *tape) after(seconds float64, events ...event.Event) {
	t.now += time.Duration(seconds * 1e9)
	for _, e := range events {
		t.events = append(t.events, event.Stamped{At: noon.Add(t.now), Since: t.now, Event: e})
	}
}

func start() *tape {
	t := &tape{}
	t.after(0, event.RunStarted{RunID: "20260131-120000-1a2b", Version: "v0.1.0", Args: []string{"run", "specs/"}})
	return t
}

func (t *tape) finish(e event.RunEnded) []event.Stamped {
	e.Account = event.Account{
		Requests: map[string]int64{"get": 31, "list": 24, "patch": 40, "watch": 12, "delete": 9},
		Retries:  map[string]int64{"429": 2, "connection": 1},
		Relists:  1, CPUSeconds: 1.2, PeakRSSBytes: 61 << 20,
		BytesIn: 2_200_000, BytesOut: 41_000, Events: 1206, QueueHigh: 7,
		GCPauses: 12, GCPauseMax: 0.00031, GCPauseTotal: 0.0011,
	}
	t.after(0, e)
	return t.events
}

func story(tell ...func(*tape)) []event.Stamped {
	t := start()
	for _, scenario := range tell {
		scenario(t)
	}
	return t.finish(event.RunEnded{})
}

func strict(events []event.Stamped) []event.Stamped {
	e := events[0].Event.(event.RunStarted)
	e.Strict = true
	events[0].Event = e
	return events
}

var local = event.Cluster{
	Name: "realspec-1a2b", Kind: "local", Server: "https://127.0.0.1:6443", Version: "1.37.2",
	Nodes: 4, Simulated: true, Why: "no kubeconfig was found",
}

func at(file string, line, column int) spec.Pos {
	return spec.Pos{File: file, Line: line, Column: column}
}

func ptr(x float64) *float64 { return &x }

// plan announces a scenario; each step is its id and name.
func (t *tape) plan(name string, covers []string, steps ...string) string {
	path := "specs/" + name
	p := event.ScenarioPlanned{
		Scenario: path, Name: name, Covers: covers, Pos: at(path+"/scenario.yaml", 1, 1),
		Description: "What " + name + " proves.",
	}
	for i := 0; i < len(steps); i += 2 {
		p.Steps = append(p.Steps, event.PlannedStep{
			ID: steps[i], Name: steps[i+1], Verb: steps[i][3:], Pos: at(path+"/"+steps[i]+".yaml", 1, 1),
		})
	}
	t.after(0, p, event.ClusterReady{Scenario: path, Cluster: local})
	return path
}

func (t *tape) open(path string) {
	t.after(0.1, event.ScenarioStarted{Scenario: path, Namespace: "realspec-" + path[6:]})
}

func (t *tape) step(path, id string, seconds float64, a event.Attempt, measures ...event.Measured) {
	t.after(0, event.StepStarted{Scenario: path, Step: id})
	t.endStep(path, id, seconds, a, measures...)
}

func (t *tape) endStep(path, id string, seconds float64, a event.Attempt, measures ...event.Measured) {
	if a.Number == 0 {
		a.Number = 1
	}
	a.Seconds = seconds
	t.after(seconds, event.StepEnded{Scenario: path, Step: id, Attempt: a, Measures: measures})
}

func (t *tape) close(path string) {
	t.after(0, event.ScenarioEnded{Scenario: path})
	t.after(5.1, event.CleanupEnded{Scenario: path, Seconds: 5.1})
}

var passed = event.Attempt{Outcome: event.Passed}

// highLoad times out in a wait.
func highLoad(t *tape) {
	path := t.plan("high-load", []string{"BR-PRODUCTION-001", "BR-PRODUCTION-005"},
		"00-apply", "Given the high-throughput services",
		"01-wait", "When every workload has rolled out",
		"02-assert", "Then replicas are spread over the nodes",
		"03-measure", "Then start-up is fast and the rollout keeps its budget, even under load",
		"04-delete", "Finally everything is gone")
	t.open(path)
	t.step(path, "00-apply", 0.41, passed)
	t.after(0, event.StepStarted{Scenario: path, Step: "01-wait"})
	for i := range 10 {
		t.after(4, event.StepProgress{Scenario: path, Step: "01-wait",
			Text: fmt.Sprintf("Deployment/web: %d of 5 updated replicas are available", i/4+1)})
	}
	t.endStep(path, "01-wait", 140, event.Attempt{
		Outcome: event.Failed, Reason: event.ReasonTimeout,
		Message: "Deployment/web: 3 of 5 updated replicas are available",
		Findings: []event.Finding{{
			Outcome: event.Failed, Reason: event.ReasonTimeout, Pos: at(path+"/01-wait.yaml", 5, 5),
			Message: "Deployment/web: 3 of 5 updated replicas are available",
			Expr:    "object.status.readyReplicas == vars.replicas",
			Parts:   []event.Part{{Expr: "object.status.readyReplicas", Value: "3"}, {Expr: "vars.replicas", Value: "5"}},
		}},
		Evidence: []event.Evidence{
			{Title: "events of Pod/web-7d4b9c-x2x7q", Lines: []string{
				"12s  Warning  FailedScheduling  0/4 nodes are available: 4 Insufficient cpu. preemption: 0/4 nodes are available: 4 No preemption victims found for incoming pod.",
				"41s  Normal   Scheduled         assigned to node-3",
			}},
			{Title: "last lines of Pod/web-7d4b9c-9fkq2", Lines: []string{"listening on :8080"}},
		},
	})
	t.step(path, "04-delete", 1.2, passed)
	t.close(path)
}

// startup measures, and every threshold holds; one cannot be asked here.
func startup(t *tape) {
	path := t.plan("startup", []string{"BR-START-001"},
		"00-apply", "Given the services", "01-wait", "01-wait", "02-measure", "Then start-up is fast")
	t.open(path)
	t.step(path, "00-apply", 0.052, passed)
	t.step(path, "01-wait", 3.2, passed)
	file := path + "/02-measure.yaml"
	t.step(path, "02-measure", 0.01, event.Attempt{Outcome: event.Passed, Findings: []event.Finding{
		threshold(event.Passed, "", file, 7, "startup.ready.max < duration('30s')", "1.31s"),
		threshold(event.Passed, "", file, 8, "rollout < duration('3m')", "3.2s"),
		{Outcome: event.Skipped, Reason: event.ReasonUnmeasured, Pos: at(file, 9, 5),
			Expr: "rtt.p50 < duration('1ms')", Message: "not measurable here: the nodes are simulated"},
	}}, event.Measured{Name: "startup", Kind: "pods", Unit: "s", Series: []event.MeasuredSeries{
		series("scheduled", 0.00052, 0.004, 0.0121), series("startup", 0.9, 1.1, 1.25), series("ready", 1.0, 1.21, 1.31),
	}, From: "stored", Error: ptr(0.0041), Lag: &event.Lag{What: "pod", Count: 31, P50: ptr(0.0012), P99: ptr(0.0041), Max: ptr(0.0041)}}, event.Measured{Name: "rollout", Kind: "elapsed", Unit: "s", Value: ptr(3.2)})
	t.close(path)
}

func threshold(o event.Outcome, r event.Reason, file string, line int, expr, value string) event.Finding {
	measured, _, _ := cutSpace(expr)
	return event.Finding{Outcome: o, Reason: r, Pos: at(file, line, 5), Expr: expr, Message: expr,
		Parts: []event.Part{{Expr: measured, Value: value}}}
}

func cutSpace(s string) (string, string, bool) {
	for i, r := range s {
		if r == ' ' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func series(name string, low, mid, high float64) event.MeasuredSeries {
	return event.MeasuredSeries{
		Name: name, Count: 3, Min: ptr(low), Mean: ptr((low + mid + high) / 3), P50: ptr(mid), P90: ptr(high),
		P95: ptr(high), P99: ptr(high), Max: ptr(high), Stddev: ptr(0.1),
		Samples: []event.Sample{
			{Object: "web-1", Value: ptr(low), Server: ptr(1)}, {Object: "web-2", Value: ptr(mid)}, {Object: "web-3", Value: ptr(high)},
		},
	}
}

// slow crosses a threshold, with samples that never came.
func slow(t *tape) {
	path := t.plan("slow", nil, "00-measure", "Then start-up is fast")
	t.open(path)
	file := path + "/00-measure.yaml"
	crossed := threshold(event.Failed, event.ReasonThreshold, file, 7, "startup.ready.max < duration('30s')", "not reached")
	crossed.Message = "every pod is ready within half a minute"
	crossed.Observed = "slowest: web-3 not reached, web-2 12.1s"
	lopsided := series("ready", 1, 1.21, 12.1)
	lopsided.Count, lopsided.Missing = 22, 3
	lopsided.P95, lopsided.P99, lopsided.Max, lopsided.Mean, lopsided.Stddev = nil, nil, nil, nil, nil
	lopsided.Samples[2].Value = nil
	t.step(path, "00-measure", 0.2, event.Attempt{
		Outcome: event.Failed, Reason: event.ReasonThreshold,
		Message: "startup.ready.max < duration('30s'): not reached",
		Findings: []event.Finding{
			crossed,
			threshold(event.Passed, "", file, 8, "startup.ready.p50 < duration('5s')", "1.21s"),
		},
	}, event.Measured{Name: "startup", Kind: "pods", Unit: "s", Series: []event.MeasuredSeries{lopsided}},
		event.Measured{Name: "claims", Kind: "objects", Unit: "s", Series: []event.MeasuredSeries{{}}})
	t.close(path)
}

// wrong goes on after failures: a refused object, false checks, nothing matched.
func wrong(t *tape) {
	path := t.plan("wrong", []string{"BR-PRODUCTION-001"},
		"00-apply", "Given a Deployment that the API server refuses",
		"01-assert", "Then two checks hold", "02-assert", "Then a selection is not empty")
	t.open(path)
	t.step(path, "00-apply", 0.03, event.Attempt{
		Outcome: event.Failed, Reason: event.ReasonRefused,
		Message: `Deployment/web was refused: spec.replicas: Invalid value: -1: must be greater than or equal to 0`,
		Findings: []event.Finding{{Outcome: event.Failed, Reason: event.ReasonRefused, Pos: at(path+"/manifests/web.yaml", 7, 13),
			Message: `Deployment/web was refused: spec.replicas: Invalid value: -1: must be greater than or equal to 0`}},
	})
	t.step(path, "01-assert", 0.02, event.Attempt{
		Outcome: event.Failed, Reason: event.ReasonAssertion, Message: "2 of 3 checks failed",
		Findings: []event.Finding{
			{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: at(path+"/01-assert.yaml", 6, 12),
				Message: "at least three nodes carry a replica",
				Expr:    "pods.map(p, p.spec.nodeName).distinct().size() >= 3",
				Parts: []event.Part{{Expr: "pods.map(p, p.spec.nodeName)", Value: `["node-1", "node-1", "node-2"]`},
					{Expr: "pods.map(p, p.spec.nodeName).distinct().size()", Value: "2"}}},
			{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: at(path+"/01-assert.yaml", 9, 7),
				Message:  "Deployment/web is not as written",
				Observed: "spec:\n-  replicas: 5\n+  replicas: 3\nstatus:\n-  readyReplicas: 5\n"},
		},
	})
	t.step(path, "02-assert", 0.01, event.Attempt{
		Outcome: event.Failed, Reason: event.ReasonNothing, Message: "no Pod matches app=wbe in namespace realspec-wrong",
		Findings: []event.Finding{{Outcome: event.Failed, Reason: event.ReasonNothing, Pos: at(path+"/02-assert.yaml", 3, 15),
			Message: "no Pod matches app=wbe in namespace realspec-wrong", Observed: "3 Pods there: app=web"}},
	})
	t.close(path)
}

func few5(t *tape) {
	path := t.plan("few", []string{"BR-START-002"}, "00-measure", "Then the tail is short")
	t.open(path)
	f := threshold(event.Inconclusive, event.ReasonSamples, path+"/00-measure.yaml", 7, "startup.ready.p95 < duration('30s')", "1.31s")
	f.Message = "5 samples cannot support a p95: 59 are needed"
	t.step(path, "00-measure", 0.2, event.Attempt{
		Outcome: event.Inconclusive, Reason: event.ReasonSamples, Message: f.Message, Findings: []event.Finding{f},
	})
	t.close(path)
}

func gpu(t *tape) {
	path := t.plan("gpu", []string{"BR-GPU-001"}, "00-apply", "Given a GPU job", "01-wait", "When it is done")
	t.after(0, event.ScenarioEnded{Scenario: path, Outcome: event.Skipped, Reason: event.ReasonRequirement,
		Message: "needs 3 nodes with nvidia.com/gpu: 1, found 0 of 4 nodes"})
}

func optional(t *tape) {
	path := t.plan("optional", nil, "00-apply", "Given the extras", "01-assert", "Then they are there")
	t.open(path)
	t.endStep(path, "00-apply", 0, event.Attempt{Outcome: event.Skipped, Reason: event.ReasonCondition,
		Message: "`if` is false: vars.extras == true (vars.extras is false)"})
	t.step(path, "01-assert", 0.02, passed)
	t.close(path)
}

func lost(t *tape) {
	path := t.plan("lost", nil, "00-apply", "Given the services", "01-wait", "When they are ready")
	t.open(path)
	t.step(path, "00-apply", 30, event.Attempt{Outcome: event.Errored, Reason: event.ReasonCluster,
		Message: "the cluster did not answer for 30s: connection refused"})
	t.close(path)
}

func shaky(t *tape) {
	path := t.plan("shaky", []string{"BR-SHAKY-001"}, "00-assert", "Then the leader is elected")
	t.open(path)
	t.after(0, event.StepStarted{Scenario: path, Step: "00-assert"})
	file := path + "/00-assert.yaml"
	t.after(1, event.AttemptEnded{Scenario: path, Step: "00-assert", Attempt: event.Attempt{
		Number: 1, Seconds: 1, Outcome: event.Failed, Reason: event.ReasonAssertion, Message: "one pod is the leader",
		Findings: []event.Finding{{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: at(file, 4, 7),
			Message: "one pod is the leader", Expr: "leaders.size() == 1",
			Parts: []event.Part{{Expr: "leaders.size()", Value: "0"}}}},
	}})
	t.after(1, event.AttemptEnded{Scenario: path, Step: "00-assert", Attempt: event.Attempt{
		Number: 2, Seconds: 1, Outcome: event.Errored, Reason: event.ReasonCluster, Message: "the cluster did not answer",
	}})
	t.endStep(path, "00-assert", 0.5, event.Attempt{Number: 3, Outcome: event.Passed})
	t.close(path)
}

func litter(t *tape) {
	path := t.plan("litter", nil, "00-apply", "Given the services")
	t.open(path)
	t.step(path, "00-apply", 0.1, passed)
	t.after(0, event.ScenarioEnded{Scenario: path})
	t.after(60, event.CleanupEnded{Scenario: path, Seconds: 60, Left: []string{"Namespace/realspec-litter", "ClusterRole/reader"},
		Message: "a finalizer of example.com/hold was not removed within 1m"})
}

func kept(t *tape) {
	path := t.plan("kept", nil, "00-apply", "Given the services")
	t.open(path)
	t.step(path, "00-apply", 0.1, passed)
	t.after(0, event.ScenarioEnded{Scenario: path}, event.CleanupEnded{
		Scenario: path, Kept: true, Left: []string{"Namespace/realspec-kept"}, Message: "--keep=always"})
}

func broken(t *tape) {
	t.after(0, event.ScenarioInvalid{Scenario: "specs/broken", Name: "broken", Diagnostics: []diag.Diagnostic{
		{Pos: at("specs/broken/01-wait.yaml", 4, 7), Width: 3, Severity: diag.Error, Code: "unknown-field",
			Message: `unknown field "fro" in wait`, Help: "did you mean \"for\"?  known here: cel, for, interval, never, on, stays"},
		{Pos: at("specs/broken/02-assert.yaml", 9, 12), Severity: diag.Error, Code: "undeclared",
			Message: "undeclared reference to pods"},
		{Pos: at("specs/broken/notes.txt", 0, 0), Severity: diag.Warning, Code: "unknown-file", Message: "this file is not used"},
	}})
}

func stopped1() []event.Stamped {
	t := start()
	t.plan("high-load", nil, "00-apply", "Given the services")
	t.after(1, event.Notice{Text: "no kubeconfig was found: using the embedded local cluster"})
	return t.finish(event.RunEnded{Error: "the local cluster did not start: port 6443 is in use; try `realspec cluster down`"})
}

func interrupted() []event.Stamped {
	t := start()
	startup(t)
	path := t.plan("long", nil, "00-apply", "Given the services", "01-wait", "When they are ready",
		"02-assert", "Then they are spread", "03-assert", "Then they answer")
	t.plan("later", nil, "00-apply", "Given the services", "01-wait", "When they are ready")
	t.open(path)
	t.step(path, "00-apply", 0.1, passed)
	t.after(0, event.StepStarted{Scenario: path, Step: "01-wait"})
	t.after(12, event.StepProgress{Scenario: path, Step: "01-wait", Text: "Deployment/web: 1 of 5 updated replicas are available"})
	t.after(5, event.ScenarioEnded{Scenario: path, Outcome: event.Errored, Reason: event.ReasonInterrupted, Message: "the run was interrupted"})
	t.after(5.1, event.CleanupEnded{Scenario: path, Seconds: 5.1})
	return t.finish(event.RunEnded{Interrupted: true})
}

// crashed was killed in the middle of a wait, and of a line.
func crashed() []event.Stamped {
	t := start()
	startup(t)
	highLoad(t)
	waits := 0
	for i, s := range t.events {
		if _, ok := s.Event.(event.StepProgress); ok {
			waits++
		}
		if waits == 5 {
			return append(t.events[:i+1], event.Stamped{At: s.At, Since: s.Since, Event: event.Truncated{Bytes: 17}})
		}
	}
	return nil
}

// failFast leaves out what comes after a failure.
func failFast() []event.Stamped {
	t := start()
	t.after(0, event.Notice{Text: "the cluster \"prod\" does not answer: using the embedded local cluster"})
	wrong(t)
	t.plan("next", nil, "00-apply", "Given the services")
	t.plan("last", nil, "00-apply", "Given the services")
	t.after(0, event.Unknown{Name: "weather"})
	return t.finish(event.RunEnded{})
}

// parallel has two scenarios that take turns, and texts that are hard to lay out.
func parallel() []event.Stamped {
	t := start()
	one := t.plan("one", nil, "00-apply", "Given one", "01-wait", "When one is ready")
	two := t.plan("two-with-a-very-long-name-of-its-own", nil, "00-apply-the-very-long-name-of-a-step", "Given 日本語のとても長い名前のサービスがクラスターに配置されている", "01-wait", "When two is ready")
	t.open(one)
	t.open(two)
	t.step(one, "00-apply", 0.1, passed)
	t.step(two, "00-apply-the-very-long-name-of-a-step", 0.2, passed)
	t.after(0, event.StepStarted{Scenario: one, Step: "01-wait"}, event.StepStarted{Scenario: two, Step: "01-wait"})
	t.after(11, event.StepProgress{Scenario: two, Step: "01-wait", Text: "waiting for two"})
	t.endStep(two, "01-wait", 1, passed)
	t.endStep(one, "01-wait", 4000, passed)
	t.close(two)
	t.close(one)
	return t.finish(event.RunEnded{})
}

// nasty has texts that break XML and terminals.
func nasty(t *tape) {
	path := t.plan("nasty", nil, "00-assert", "Then <\"quotes\"> & 'co' are \x1b[31mkept\x1b[0m")
	t.open(path)
	t.step(path, "00-assert", 0.1, event.Attempt{
		Outcome: event.Failed, Reason: event.ReasonAssertion, Message: "a ]]> b\nsecond line \x00\x07",
		Findings: []event.Finding{{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: at(path+"/00-assert.yaml", 3, 3),
			Message: "a < b && c ]]> d", Expr: "object.data['x'] ==\n  'a\tb'", Observed: "bad utf-8: \xff\xfe, bell \x07, \x1b[2Jclear, \x1b]0;title"}},
		Evidence: []event.Evidence{{Title: "last lines of Pod/x", Lines: []string{
			"\x1b[32mINFO\x1b[0m started\r", "100%\r\nnext", "\u202e\uFFFE\uFFFF",
			"https://example.com/a/very/long/address/without/any/space/in/it/that/does/not/fit/on/one/line/at/all?really=yes"}}},
	})
	t.close(path)
}
