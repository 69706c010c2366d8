package report

import (
	"fmt"

	"github.com/realspec/realspec/engine/event"
)

var environment = event.Environment{
	Kubernetes: "1.37", Nodes: "8 x (8 cpu, 32Gi)", Simulated: true, Local: true, Realspec: "v0.1.0",
}

// on says where a scenario runs, with what its measures depend on.
func (t *tape) on(path string) {
	c := local
	c.Nodes, c.Environment = 8, environment
	t.after(0, event.ClusterReady{Scenario: path, Cluster: c})
}

// many is a series of many samples: its quantiles are evenly spread.
func many(name, group string, n int64, low, high float64) event.MeasuredSeries {
	at := func(q float64) *float64 { return ptr(low + q*(high-low)) }
	s := event.MeasuredSeries{Name: name, Group: group, Count: n, Min: at(0), Mean: at(0.5), P50: at(0.5), P90: at(0.9),
		P95: at(0.95), P99: at(0.99), Max: at(1), Stddev: at(0.29)}
	s.Intervals = map[string][2]*float64{
		"p50": {at(0.47), at(0.53)}, "p90": {at(0.88), at(0.92)}, "p95": {at(0.93), at(0.97)}, "p99": {at(0.98), at(1)},
	}
	if n < 299 {
		s.Intervals["p99"] = [2]*float64{at(0.97), nil}
	}
	return s
}

// burst measures 300 pods that a load created, from the moment each was due.
func burst(t *tape) {
	path := t.plan("burst", nil, "00-load", "Given 300 pods at 100 a second", "01-measure", "Then start-up is fast")
	t.on(path)
	t.open(path)
	t.step(path, "00-load", 3.01, passed, event.Measured{Name: "load", Kind: "load",
		Delivery: &event.Delivery{Asked: 100, Rate: 99.93, Due: 300, Sent: 300, WorstLag: 0.0012, LagP99: 0.0004}})
	startup := event.Measured{Name: "startup", Kind: "pods", Unit: "s", From: "due", Error: ptr(0.0041),
		Lag: &event.Lag{What: "pod", Count: 150, Missing: 3, P50: ptr(0.0012), P99: ptr(0.0041), Max: ptr(0.0062)}}
	for i, phase := range []string{"scheduled", "initialized", "startup", "ready"} {
		high := 0.0121 * float64(i+1)
		all := many(phase, "", 300, 0.0021*float64(i+1), high)
		for j := range 12 {
			all.Samples = append(all.Samples, event.Sample{Object: fmt.Sprintf("web-%d", j), UID: fmt.Sprintf("0000-%d", j),
				Value: ptr(high - float64(j)/1e4), Node: fmt.Sprintf("node-%d", j%5)})
		}
		startup.Series = append(startup.Series, all)
		if phase == "initialized" {
			continue
		}
		for j := range 5 {
			startup.Series = append(startup.Series, many(phase, fmt.Sprintf("node-%d", j), 60, 0.0021*float64(i+1), high-float64(5-j)/1e3))
		}
	}
	late, skewed := &startup.Series[0], &startup.Series[len(startup.Series)-6]
	late.Late, skewed.Skewed = 12, 1
	late.Samples[0].Low, late.Samples[0].High = ptr(0.0089), ptr(0.0121)
	file := path + "/01-measure.yaml"
	t.step(path, "01-measure", 0.02, event.Attempt{Outcome: event.Passed, Findings: []event.Finding{
		threshold(event.Passed, "", file, 7, "startup.ready.p99 < duration('1s')", "48ms"),
		threshold(event.Passed, "", file, 8, "startup.worst.ready.p50 < duration('100ms')", "27ms"),
	}}, startup)
	t.close(path)
}

// requests measures what is no watch: calls, values without a unit, repetitions.
func requests(t *tape) {
	path := t.plan("requests", nil, "00-measure", "Then the API is quick")
	t.on(path)
	t.open(path)
	churn := many("", "", 5, 1.2, 2.9)
	for i := range 4 {
		churn.Samples = append(churn.Samples, event.Sample{Object: "churn", Value: ptr(1.2 + float64(i)/2), Run: i + 1})
	}
	t.step(path, "00-measure", 30, passed,
		event.Measured{Name: "calls", Kind: "api", Unit: "s",
			Series:   []event.MeasuredSeries{many("get configmaps", "", 1499, 0.0011, 0.0094), many("update configmaps", "", 40, 0.003, 0.02)},
			Delivery: &event.Delivery{Asked: 50, Rate: 49.97, Due: 1500, Sent: 1500, Failed: 1, WorstLag: 0.0031, LagP99: 0.001}},
		event.Measured{Name: "watches", Kind: "prometheus", Value: ptr(1234567), What: "sum(apiserver_registered_watchers)"},
		event.Measured{Name: "share", Kind: "prometheus", Value: ptr(0.061237)},
		event.Measured{Name: "depth", Kind: "prometheus", Series: []event.MeasuredSeries{many("", "", 61, 0, 17)}},
		event.Measured{Name: "churn", Kind: "elapsed", Unit: "s", Repetitions: 5, FailedRuns: 1, Series: []event.MeasuredSeries{churn}},
		event.Measured{Name: "size", Kind: "prometheus", Unit: "bytes", Value: ptr(1536)},
		event.Measured{Name: "down", Kind: "prometheus"})
	t.close(path)
}

// drift is compared with a baseline.
func drift(t *tape) {
	path := t.plan("drift", nil, "00-measure", "Then it is as fast as it was")
	t.on(path)
	t.open(path)
	compared := func(o event.Outcome, message string) event.Finding {
		return event.Finding{Outcome: o, Reason: event.ReasonBaseline, Pos: at(path+"/00-measure.yaml", 9, 1), Message: message}
	}
	t.step(path, "00-measure", 0.1, event.Attempt{Outcome: event.Failed, Reason: event.ReasonBaseline,
		Message: "startup.ready.p50 41.5 ms, recorded 38.2 ms (+8.6 %, tolerance 5 %, p = 0.008, 10 and 10 runs)",
		Findings: []event.Finding{
			compared(event.Failed, "startup.ready.p50 41.5 ms, recorded 38.2 ms (+8.6 %, tolerance 5 %, p = 0.008, 10 and 10 runs)"),
			compared(event.Passed, "startup.ready.p99 46.5 ms, recorded 46.1 ms (~, p = 0.48)"),
			compared(event.Inconclusive, "setup 1.2 s, recorded 1.1 s (2 runs: 4 are needed)"),
			compared(event.Skipped, "calls.get.p99: nothing is recorded for Kubernetes 1.37"),
		}}, event.Measured{Name: "startup", Kind: "pods", Unit: "s", From: "stored",
		Series: []event.MeasuredSeries{many("ready", "", 30, 0.031, 0.052)}})
	t.close(path)
}

// starved asked for more load than could be sent.
func starved(t *tape) {
	path := t.plan("starved", nil, "00-load", "Given 3000 pods at once", "01-measure", "Then start-up is fast")
	t.on(path)
	t.open(path)
	short := "812 of 1000 a second were sent; 99 % are needed"
	delivery := event.Delivery{Asked: 1000, Rate: 812.4, Due: 3000, Sent: 2988, Failed: 7, Dropped: 12, WorstLag: 1.9, LagP99: 1.2, Short: short}
	t.step(path, "00-load", 3.7, passed, event.Measured{Name: "load", Kind: "load", Delivery: &delivery},
		event.Measured{Name: "flood", Kind: "load", Delivery: &event.Delivery{Rate: 812.4, Due: 10, Sent: 10, WorstLag: 0.5}})
	ready := many("ready", "", 2988, 0.31, 20.9)
	ready.Missing, ready.P99, ready.Max, ready.Mean, ready.Stddev = 37, nil, nil, nil, nil
	ready.Intervals["p99"] = [2]*float64{}
	ready.Skewed = 3
	file := path + "/01-measure.yaml"
	doubted := func(r event.Reason, line int, expr, value, message string) event.Finding {
		f := threshold(event.Inconclusive, r, file, line, expr, value)
		f.Message = message
		return f
	}
	t.step(path, "01-measure", 0.1, event.Attempt{Outcome: event.Inconclusive, Reason: event.ReasonDelivery,
		Message: "the load was not delivered: " + short, Findings: []event.Finding{
			doubted(event.ReasonDelivery, 7, "startup.ready.p50 < duration('30s')", "10.6s", "the load was not delivered: "+short),
			doubted(event.ReasonError, 8, "startup.ready.min < duration('300ms')", "310ms", "310 ms ± 61 ms: the limit lies within the error of measuring"),
			doubted(event.ReasonSkew, 9, "startup.ready.p90 < duration('1m')", "18.8s", "3 samples are contradicted by the server's own stamps"),
		}}, event.Measured{Name: "startup", Kind: "pods", Unit: "s", From: "sent", Error: ptr(0.061), Series: []event.MeasuredSeries{ready}})
	t.close(path)
}

// drowned lost its probe, so that it cannot know its own error.
func drowned(t *tape) {
	path := t.plan("drowned", nil, "00-measure", "Then start-up is fast")
	t.on(path)
	t.open(path)
	t.step(path, "00-measure", 0.1, passed, event.Measured{Name: "startup", Kind: "pods", Unit: "s", From: "stored",
		Series: []event.MeasuredSeries{many("ready", "", 5, 0.031, 0.052)}, Lag: &event.Lag{What: "ConfigMap", Missing: 20}})
	t.close(path)
}

// overloaded lets the run's own event queue fill up.
func overloaded(events []event.Stamped) []event.Stamped {
	last := &events[len(events)-1]
	e := last.Event.(event.RunEnded)
	e.Account.QueueFull = 3
	last.Event = e
	return events
}

// repeated runs one scenario three times; the second time fails.
func repeated() []event.Stamped {
	t := start()
	var paths []string
	for i := range 3 {
		path := "specs/high-load"
		if i > 0 {
			path += fmt.Sprintf("#%d", i+1)
		}
		paths = append(paths, path)
		t.after(0, event.ScenarioPlanned{Scenario: path, Name: "high-load", Repetition: i + 1, Pos: at("specs/high-load/scenario.yaml", 1, 1),
			Steps: []event.PlannedStep{{ID: "00-wait", Name: "When it is ready", Verb: "wait", Pos: at("specs/high-load/00-wait.yaml", 1, 1)}}})
		t.on(path)
	}
	for i, path := range paths {
		t.after(0, event.Notice{Scenario: path, Text: "the namespace is still being deleted"})
		t.after(0.1, event.ScenarioStarted{Scenario: path, Namespace: fmt.Sprintf("realspec-%d", i)})
		a := passed
		if i == 1 {
			a = event.Attempt{Outcome: event.Failed, Reason: event.ReasonTimeout, Message: "Deployment/web: 3 of 5 updated replicas are available"}
		}
		t.step(path, "00-wait", 1, a)
		t.close(path)
	}
	return t.finish(event.RunEnded{})
}
