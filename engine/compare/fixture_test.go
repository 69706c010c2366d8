package compare_test

import (
	"fmt"
	"time"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/event"
)

var (
	home = event.Environment{Kubernetes: "1.37", Nodes: "4 x (8 cpu, 32Gi)", Simulated: true, Local: true, Realspec: "v1"}
	away = event.Environment{Kubernetes: "1.36", Nodes: "3 x (4 cpu, 16Gi)", Realspec: "v1"}
	noon = time.Date(2026, 11, 1, 12, 0, 0, 123456789, time.UTC)
)

func ptr(x float64) *float64 { return &x }

// series is a measured series of n samples around a value, and of missing ones.
func series(name string, around float64, n, missing int) event.MeasuredSeries {
	s := event.MeasuredSeries{Name: name, Count: int64(n), Missing: int64(missing)}
	for i := range n {
		v := around * (1 + 0.1*(float64(i)-float64(n-1)/2)/float64(max(n, 1)))
		s.Samples = append(s.Samples, event.Sample{Object: fmt.Sprint("pod-", i), Value: &v})
	}
	for range missing {
		s.Samples = append(s.Samples, event.Sample{Object: "late"})
	}
	return s
}

// pods is a pods measure whose ready pods are around a number of seconds.
func pods(ready float64) event.Measured {
	return event.Measured{Name: "startup", Kind: "pods", Unit: "s", Series: []event.MeasuredSeries{series("ready", ready, 5, 0)}}
}

func elapsed(name string, seconds float64) event.Measured {
	return event.Measured{Name: name, Kind: "elapsed", Unit: "s", Value: &seconds}
}

// scenario is run number i of a scenario.
func scenario(name string, i int, env event.Environment, measures ...event.Measured) *event.Scenario {
	s := &event.Scenario{
		Path: "specs/" + name, Name: name, Started: noon.Add(time.Duration(i) * time.Hour), Outcome: event.Passed,
		Cluster: event.Cluster{Environment: env}, Repetition: i + 1,
		Steps: []*event.Step{{ID: "03-measure", Outcome: event.Passed, Measures: measures}},
	}
	if i > 0 {
		s.Path += fmt.Sprintf("#%d", i+1)
	}
	return s
}

func result(scenarios ...*event.Scenario) *event.Result {
	return &event.Result{SchemaVersion: 1, RunID: "abc", Scenarios: scenarios}
}

// runsOf are runs of high-load, one for each number of seconds.
func runsOf(env event.Environment, seconds ...float64) []compare.Run {
	var all []*event.Scenario
	for i, s := range seconds {
		all = append(all, scenario("high-load", i, env, pods(s)))
	}
	return compare.Runs(result(all...))
}

// recorded is a baseline of high-load, one run for each number of seconds.
func recorded(seconds ...float64) *compare.Baseline {
	b := &compare.Baseline{Scenario: "high-load", Environment: home}
	for i, s := range seconds {
		if _, err := b.Record(scenario("high-load", i, home, pods(s))); err != nil {
			panic(err)
		}
	}
	return b
}

// around are n values from 0.95 to 1.05 of x, in no order.
func around(x float64, n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = x * (0.95 + 0.1*float64((i*7)%n)/float64(n-1))
	}
	return all
}
