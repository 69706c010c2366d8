package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
)

// What is measured on real nodes, beside what is known to be true. One cluster of two
// nodes serves all of it; it takes about two minutes.
func TestTrafficOnRealNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: takes two minutes")
	}
	c := startTraffic(t)
	t.Run("a delay of 10 ms each way is 20 ms more", c.delay)
	t.Run("a stall shows in all requests that it delayed", c.stall)
	t.Run("5 % fail", c.failing)
	t.Run("as much as iperf3", c.throughput)
}

// trafficCluster is the cluster of these tests.
type trafficCluster struct {
	*realNodes
	program string
}

func startTraffic(t *testing.T) *trafficCluster {
	t.Helper()
	c := &trafficCluster{realNodes: startRealNodes(t, "traffic", "2")}
	c.program = c.build(t, "../realspec")
	c.image(t, c.build(t, "../realspec-agent"), "agent:1")
	return c
}

// run runs a scenario and answers with its last step.
func (c *trafficCluster) run(t *testing.T, scenario string, flags ...string) (*event.Step, []*event.Step) {
	t.Helper()
	result := filepath.Join(c.dir, "result.json")
	args := append([]string{"run", filepath.Join("testdata/traffic", scenario), "--cluster", "current", "--json", result}, flags...)
	_, out := c.try(t, c.program, args...)
	text, err := os.ReadFile(result)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var run event.Result
	if err := json.Unmarshal(text, &run); err != nil {
		t.Fatal(err)
	}
	steps := run.Scenarios[0].Steps
	if len(steps) == 0 {
		t.Fatalf("nothing ran:\n%s", out)
	}
	last := steps[len(steps)-1]
	if len(last.Measures) == 0 {
		t.Fatalf("nothing was measured:\n%s", out)
	}
	for _, note := range last.Notes {
		t.Log(note)
	}
	return last, steps
}

func measuredAs(t *testing.T, s *event.Step, name string) event.Measured {
	t.Helper()
	for _, m := range s.Measures {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("%s was not measured: %s", name, s.Message)
	return event.Measured{}
}

func seriesOf(t *testing.T, m event.Measured, name string) event.MeasuredSeries {
	t.Helper()
	for _, s := range m.Series {
		if s.Name == name && s.Group == "" {
			if s.P50 == nil {
				t.Fatalf("%s %s has no median: %+v", m.Name, name, s)
			}
			return s
		}
	}
	t.Fatalf("%s has no series %s", m.Name, name)
	return event.MeasuredSeries{}
}

func (c *trafficCluster) delay(t *testing.T) {
	g := NewWithT(t)
	medians := func() map[string]float64 {
		step, _ := c.run(t, "rtt")
		service, pod := measuredAs(t, step, "service"), measuredAs(t, step, "pod")
		all := map[string]float64{}
		for name, s := range map[string]event.MeasuredSeries{
			"pod → service": seriesOf(t, service, "all"), "pod → pod": seriesOf(t, pod, "all"), "host": seriesOf(t, service, "host"),
		} {
			all[name] = *s.P50
			p99 := "not reached"
			if s.P99 != nil {
				p99 = fmt.Sprintf("%.3f ms", 1e3**s.P99)
			}
			t.Logf("%s: p50 %.3f ms, p99 %s, n=%d of %d", name, 1e3**s.P50, p99, s.Count, s.Count+s.Missing)
		}
		return all
	}
	reference, without := c.connects(t), medians()
	c.must(t, clusterBinary(), "node", "delay", "real-1", "10ms", "--name", c.name)
	slowed, with := c.connects(t), medians()
	c.must(t, clusterBinary(), "node", "heal", "real-1", "--name", c.name)
	// The wire that delays is a program, and is itself a little late.
	truth := 1e3 * (slowed - reference).Seconds()
	t.Logf("the wire delays by %.3f ms there and back, as connections of this process see it", truth)
	g.Expect(truth).To(BeNumerically("~", 20, 1))
	for name := range with {
		more := 1e3 * (with[name] - without[name])
		t.Logf("%s: %.3f ms more", name, more)
		g.Expect(more).To(BeNumerically("~", truth, 1), name)
	}
}

// connects is the median of opening connections from this process to the kubelet of
// real-1, over the same wire and without realspec.
func (c *trafficCluster) connects(t *testing.T) time.Duration {
	t.Helper()
	nodes := c.nodes(t)
	var took []time.Duration
	for range 100 {
		began := time.Now()
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(nodes[1].Address, "10250"), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
		conn.Close()
		time.Sleep(20 * time.Millisecond)
	}
	slices.Sort(took)
	return took[50]
}

func (c *trafficCluster) stall(t *testing.T) {
	g := NewWithT(t)
	step, _ := c.run(t, "stall")
	for _, name := range []string{"open", "closed"} {
		m := measuredAs(t, step, name)
		latency, service := seriesOf(t, m, "latency"), seriesOf(t, m, "service")
		late := 0
		for _, s := range latency.Samples {
			if s.Value == nil || *s.Value > 0.05 {
				late++
			}
		}
		t.Logf("%s: %d of %d late, p99 %.3f s, max %.3f s; of service p99 %.4f s, max %.3f s", name, late, latency.Count+latency.Missing,
			*latency.P99, *latency.Max, *service.P99, *service.Max)
		// 200 are due while it stalls; the last 5 of them wait for less than 50 ms.
		g.Expect(late).To(BeNumerically("~", 195, 15), name)
		g.Expect(*latency.P99).To(BeNumerically(">", 1.8), name)
		g.Expect(*latency.Max).To(BeNumerically("~", 2, 0.15), name)
		if name == "closed" { // one at a time, as a closed loop would send them
			g.Expect(*service.P99).To(BeNumerically("<", 0.5))
		}
	}
}

func (c *trafficCluster) failing(t *testing.T) {
	g := NewWithT(t)
	step, _ := c.run(t, "failing")
	for _, name := range []string{"load", "dropped"} {
		m := measuredAs(t, step, name)
		t.Logf("%s: %.2f %% fail (%.2f–%.2f), of %d", name, 100*m.Failures.Value, 100*m.Failures.Low, 100*m.Failures.High, m.Delivery.Due)
		g.Expect(m.Failures.Low).To(BeNumerically("<=", 0.05), name)
		g.Expect(m.Failures.High).To(BeNumerically(">=", 0.05), name)
		g.Expect(m.Failures.High-m.Failures.Low).To(BeNumerically("<", 0.03), name)
		if m.Delivery.Short != "" { // a busy machine; what was sent counts all the same
			t.Log(m.Delivery.Short)
		}
	}
	var outcomes []event.Outcome
	for _, f := range step.Findings {
		if f.Reason == event.ReasonDelivery {
			continue
		}
		outcomes = append(outcomes, f.Outcome)
	}
	g.Expect(outcomes).To(Equal([]event.Outcome{event.Passed, event.Failed, event.Passed}))
	g.Expect(strings.Join(step.Notes, "\n")).To(ContainSubstring("failed: status 503"))
	g.Expect(strings.Join(step.Notes, "\n")).To(ContainSubstring("failed: connection closed without an answer"))
}
