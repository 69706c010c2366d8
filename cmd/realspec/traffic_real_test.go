package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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
	needReal(t)
	c := startTraffic(t)
	t.Run("a delay of 10 ms each way is 20 ms more", c.delay)
	t.Run("a stall shows in all requests that it delayed", c.stall)
	t.Run("5 % fail", c.failing)
	t.Run("as much as iperf3", c.throughput)
}

// trafficCluster is the cluster of these tests.
type trafficCluster struct {
	dir, program string
	env          []string
}

func startTraffic(t *testing.T) *trafficCluster {
	t.Helper()
	dir := t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	c := &trafficCluster{dir: dir, program: filepath.Join(dir, "realspec")}
	c.env = append(os.Environ(), "REALSPEC_STATE="+filepath.Join(dir, "state"), "KUBECONFIG="+kubeconfig,
		"REALSPEC_CLUSTER="+clusterBinary(), "CGO_ENABLED=0")
	agent := filepath.Join(dir, "realspec-agent") // beside realspec, where it is looked for
	c.command(t, "go", "build", "-o", c.program, ".")
	c.command(t, "go", "build", "-o", agent, "../realspec-agent")
	c.command(t, clusterBinary(), "up", "--name", "traffic", "--real-nodes", "2", "--kubeconfig", kubeconfig, "--owner", fmt.Sprint(os.Getpid()))
	t.Cleanup(func() { c.command(t, clusterBinary(), "down", "--name", "traffic") })
	c.image(t, agent, "agent:1")
	return c
}

func (c *trafficCluster) image(t *testing.T, program, as string, flags ...string) {
	t.Helper()
	archive := filepath.Join(c.dir, "image.tar")
	c.command(t, clusterBinary(), append([]string{"pack-image", "--program", program, "--as", as, archive}, flags...)...)
	c.command(t, clusterBinary(), "load-image", archive, "--name", "traffic")
}

func (c *trafficCluster) command(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = c.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// run runs a scenario and answers with its last step.
func (c *trafficCluster) run(t *testing.T, scenario string) (*event.Step, []*event.Step) {
	t.Helper()
	result := filepath.Join(c.dir, "result.json")
	cmd := exec.Command(c.program, "run", filepath.Join("testdata/traffic", scenario), "--cluster", "current", "--json", result)
	cmd.Env = c.env
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	text, err := os.ReadFile(result)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var run event.Result
	if err := json.Unmarshal(text, &run); err != nil {
		t.Fatal(err)
	}
	steps := run.Scenarios[0].Steps
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
	c.command(t, clusterBinary(), "node", "delay", "real-1", "10ms", "--name", "traffic")
	slowed, with := c.connects(t), medians()
	c.command(t, clusterBinary(), "node", "heal", "real-1", "--name", "traffic")
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
	cmd := exec.Command(clusterBinary(), "node", "list", "--name", "traffic", "-o", "json")
	cmd.Env = c.env
	out, err := cmd.Output()
	var nodes []struct{ Name, Address string }
	if err == nil {
		err = json.Unmarshal(out, &nodes)
	}
	if err != nil {
		t.Fatal(err)
	}
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

func (c *trafficCluster) throughput(t *testing.T) {
	iperf, err := exec.LookPath("iperf3")
	if err != nil {
		if os.Getenv("REALSPEC_REQUIRE_REAL") != "" {
			t.Fatal("iperf3 is not installed: apt-get install iperf3")
		}
		t.Skip("skipped: iperf3 is not installed")
	}
	g := NewWithT(t)
	c.image(t, iperf, "iperf3:1", "--with-libraries")
	_, steps := c.run(t, "bits")
	var theirs, ours []float64
	for _, s := range steps {
		for _, f := range s.Findings {
			for _, p := range f.Parts {
				if strings.Contains(p.Expr, "bits_per_second") && !strings.Contains(p.Expr, ">") {
					x, err := strconv.ParseFloat(p.Value, 64)
					g.Expect(err).NotTo(HaveOccurred())
					theirs = append(theirs, x)
				}
			}
		}
		for _, m := range s.Measures {
			for _, one := range m.Series {
				if one.Group == "real-0 → real-1" {
					ours = append(ours, *one.P50)
				}
			}
		}
	}
	t.Logf("iperf3 %.3g bit/s", theirs)
	t.Logf("ours   %.3g bit/s", ours)
	g.Expect(theirs).To(HaveLen(9))
	g.Expect(ours).To(HaveLen(9))
	// Each beside its neighbour: what else the machine does changes from run to run.
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / theirs[i]
	}
	slices.Sort(ratios)
	ratio := ratios[4]
	t.Logf("the median of nine is %.3f of iperf3's (%.2f)", ratio, ratios)
	g.Expect(ratio).To(BeNumerically("~", 1, 0.1))
}
