package report

import (
	"fmt"
	"math"

	"github.com/realspec/realspec/engine/event"
)

// planCovering is plan with what each step covers, by its id.
func (t *tape) planCovering(name string, covers map[string][]string, steps ...string) string {
	path := t.plan(name, nil, steps...)
	for _, s := range t.events {
		if p, ok := s.Event.(event.ScenarioPlanned); ok && p.Scenario == path {
			for i := range p.Steps {
				p.Steps[i].Covers = covers[p.Steps[i].ID]
			}
		}
	}
	return path
}

// wave is a timeline that goes up and down.
func wave(name, unit string, n int, low, high float64) event.Timeline {
	line := event.Timeline{Name: name, Unit: unit, Start: 4.5}
	for i := range n {
		line.Points = append(line.Points, [2]float64{float64(i), low + (high-low)*(1+math.Sin(float64(i)/5))/2})
	}
	return line
}

// served measures requests, the network and usage on real nodes.
func served(t *tape) {
	path := t.planCovering("served", map[string][]string{"01-measure": {"BR-REAL-002", "BR-REAL-001"}, "00-http": {"BR-REAL-001"}},
		"00-http", "Given the service answers", "01-measure", "Then it is fast under load", "02-disrupt", "When a node is drained")
	t.on(path)
	t.open(path)
	t.step(path, "00-http", 0.1, event.Attempt{Outcome: event.Passed, Notes: []string{"GET http://web:80/ → 200 OK in 3.2ms, 612 bytes"}})
	load := event.Measured{Name: "requests", Kind: "http", Unit: "s", What: "GET http://web:80/ from 2 agents",
		Series:   []event.MeasuredSeries{many("latency", "", 5700, 0.0021, 2.01), many("service", "", 5700, 0.002, 0.31)},
		Delivery: &event.Delivery{Asked: 100, Rate: 99.98, Due: 6000, Sent: 6000, Failed: 300, WorstLag: 0.002, LagP99: 0.0005},
		Failures: &event.Ratio{Value: 0.05, Low: 0.0446, High: 0.0558},
		Timelines: []event.Timeline{wave("requests a second", "", 60, 90, 110), wave("failures a second", "", 60, 0, 10),
			wave("p50", "s", 60, 0.003, 0.004), wave("p99", "s", 60, 0.009, 0.21)}}
	for i := range 40 {
		load.Series[0].Samples = append(load.Series[0].Samples, event.Sample{Object: fmt.Sprint(i + 1), Value: ptr(0.0021 + float64(i*i)/800)})
	}
	clean := event.Measured{Name: "control", Kind: "http", Unit: "s", Series: []event.MeasuredSeries{many("latency", "", 6000, 0.002, 0.02)},
		Failures: &event.Ratio{High: 0.0006}}
	bandwidth := event.Measured{Name: "bandwidth", Kind: "network", Unit: "bit/s", Value: ptr(9.41e8), What: "node-1 → node-2, 4 streams"}
	usage := event.Measured{Name: "usage", Kind: "usage", Unit: unitShare, What: "kubelet /metrics/resource, against allocatable",
		Series: []event.MeasuredSeries{
			{Name: "cpu", Group: "node-1", Count: 6, Mean: ptr(0.62), Max: ptr(0.81)},
			{Name: "cpu", Group: "node-2", Count: 6, Mean: ptr(0.31), Max: ptr(0.4)},
			{Name: "cpu used", Unit: "cores", Count: 6, Mean: ptr(1.86), Max: ptr(2.42)},
			{Name: "memory used", Unit: "bytes", Count: 6, Mean: ptr(1.5 * (1 << 30)), Max: ptr(1.6 * (1 << 30))},
		}}
	for i := range 15 {
		usage.Timelines = append(usage.Timelines, wave(fmt.Sprintf("node-%d cpu", i+1), "cores", 6, 0.1*float64(i), 0.1*float64(i)+0.5))
	}
	usage.Timelines = append(usage.Timelines, wave("node-1 memory", "bytes", 1, 1<<30, 1<<30))
	file := path + "/01-measure.yaml"
	message := "requests.latency.p50 1.01 s, recorded 0.91 s (0.88–0.95 s, 20 runs): +10.9 %, within 15 %"
	t.step(path, "01-measure", 60, event.Attempt{Outcome: event.Passed, Findings: []event.Finding{
		threshold(event.Passed, "", file, 7, "requests.latency.p99 < duration('3s')", "2.00s"),
		{Outcome: event.Passed, Reason: event.ReasonBaseline, Pos: at(file, 9, 1), Message: message, Baseline: &event.Baseline{
			Name: "requests.latency.p50", Unit: "s", Value: ptr(1.01), Median: ptr(0.91), Low: ptr(0.88), High: ptr(0.95), Limit: ptr(1.0465), P: ptr(0.047), Runs: 20}},
		{Outcome: event.Skipped, Reason: event.ReasonBaseline, Pos: at(file, 9, 1), Message: "requests.service.p50: nothing is recorded",
			Baseline: &event.Baseline{Name: "requests.service.p50", Unit: "s", Value: ptr(0.15)}},
	}}, load, clean, bandwidth, usage)
	var notes []string
	for i := range 25 {
		notes = append(notes, fmt.Sprintf("evicted Pod/web-%d from node-2", i))
	}
	t.step(path, "02-disrupt", 30, event.Attempt{Outcome: event.Failed, Reason: event.ReasonTimeout,
		Message: "node-2 was not drained within 30s: Pod/web-7 is protected by a budget", Notes: notes})
	t.close(path)
}

// simulated cannot measure what it is for.
func simulated(t *tape) {
	path := t.planCovering("simulated", map[string][]string{"01-measure": {"BR-REAL-003"}, "02-measure": {"BR-REAL-003", "BR-REAL-004"}},
		"00-apply", "Given the services", "01-measure", "Then the network is fast", "02-measure", "Then nodes are not busy", "03-exec", "Then the database answers")
	t.on(path)
	t.open(path)
	t.step(path, "00-apply", 0.1, passed)
	why := "the nodes are simulated, and have no network"
	no := func(file string, line int, expr string) event.Finding {
		return event.Finding{Outcome: event.Skipped, Reason: event.ReasonUnmeasured, Pos: at(file, line, 5), Expr: expr, Message: "not measurable here: " + why}
	}
	rtt := event.Measured{Name: "rtt", Kind: "network", Unit: "s", Unmeasurable: why}
	t.step(path, "01-measure", 0.01, event.Attempt{Outcome: event.Passed, Findings: []event.Finding{
		no(path+"/01-measure.yaml", 5, "rtt.worst.p99 < duration('10ms')")}}, rtt)
	t.step(path, "02-measure", 0.01, event.Attempt{Outcome: event.Passed, Findings: []event.Finding{
		threshold(event.Passed, "", path+"/02-measure.yaml", 6, "setup < duration('1m')", "1.2s"),
		no(path+"/02-measure.yaml", 7, "usage.cpu.worst < 0.8")}},
		event.Measured{Name: "setup", Kind: "elapsed", Unit: "s", Value: ptr(1.2)}, event.Measured{Name: "usage", Kind: "usage", Unmeasurable: why})
	t.step(path, "03-exec", 0, event.Attempt{Outcome: event.Skipped, Reason: event.ReasonUnmeasured, Message: "a simulated node runs no command",
		Notes: []string{"would have run: pg_isready"}})
	t.close(path)
}
