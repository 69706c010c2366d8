package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func (c *trafficCluster) throughput(t *testing.T) {
	iperf, err := exec.LookPath("iperf3")
	if err != nil {
		if os.Getenv("REALSPEC_REQUIRE_REAL") != "" {
			t.Fatal("iperf3 is not installed: apt-get install iperf3")
		}
		t.Skip("skipped: iperf3 is not installed")
	}
	tc, err := exec.LookPath("tc")
	if err != nil {
		t.Fatal("tc is not installed: apt-get install iproute2")
	}
	g := NewWithT(t)
	c.image(t, iperf, "iperf3:1", "--with-libraries")

	// As fast as it goes, both show what these cores can copy, and that changes from one
	// run to the next. So each is held against what the kernel counted on the receiving
	// node's link at that time, and against its neighbour: the nine ratios have an
	// interval like every measure has.
	theirs, ours := c.bits(t, 9)
	for name, seen := range map[string][]bits{"iperf3": theirs, "realspec": ours} {
		_, median, _ := medianOfNine(seen, func(i int) float64 { return seen[i].said / seen[i].counted })
		t.Logf("the median of nine of %s is %.4f of what the kernel counted", name, median)
		g.Expect(median).To(BeNumerically("~", 1, 0.03), name)
	}
	low, median, high := medianOfNine(ours, func(i int) float64 { return ours[i].said / theirs[i].said })
	t.Logf("the median of nine is %.3f of iperf3's (%.3f–%.3f)", median, low, high)
	g.Expect(low).To(BeNumerically("<=", 1.1))
	g.Expect(high).To(BeNumerically(">=", 0.9))
	g.Expect(median).To(BeNumerically("~", 1, 0.25))

	// On a link that is slower than the cores, both must show the link. Its queue is
	// long enough to lose nothing.
	const link = 500e6
	c.must(t, "nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", c.nodes(t)[0].PID), tc,
		"qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "500mbit", "burst", "512kb", "limit", "32mb")
	const payload = link * 1448 / 1514 // of a frame of Ethernet with IP, TCP and its timestamps
	theirs, ours = c.bits(t, 3)
	for i := range ours {
		g.Expect(theirs[i].said).To(BeNumerically("~", payload, 0.03*payload))
		g.Expect(ours[i].said).To(BeNumerically("~", payload, 0.03*payload))
	}
}

// medianOfNine is the median and its interval, 96.1 %: Conover, Practical Nonparametric
// Statistics, 3.2.
func medianOfNine(seen []bits, of func(int) float64) (low, median, high float64) {
	all := make([]float64, len(seen))
	for i := range seen {
		all[i] = of(i)
	}
	slices.Sort(all)
	return all[1], all[4], all[7]
}

// bits are bits per second over two seconds: what a tool says, and what the kernel
// counted on the receiving node's link.
type bits struct{ said, counted float64 }

// bits runs iperf3 and realspec in turns.
func (c *trafficCluster) bits(t *testing.T, pairs int) (theirs, ours []bits) {
	t.Helper()
	g := NewWithT(t)
	received := watchReceived(t, c.nodes(t)[1].PID)
	_, steps := c.run(t, "bits", "--set", fmt.Sprintf("pairs=%d", pairs))
	counted := received()
	var began time.Time // of the command, whose result the next step tells
	for _, s := range steps {
		if s.Verb == "exec" {
			began = s.Started
		}
		for _, f := range s.Findings {
			for _, p := range f.Parts {
				if strings.Contains(p.Expr, "bits_per_second") && !strings.Contains(p.Expr, ">") {
					x, err := strconv.ParseFloat(p.Value, 64)
					g.Expect(err).NotTo(HaveOccurred())
					theirs = append(theirs, bits{x, counted.perSecond(began)})
				}
			}
		}
		for _, m := range s.Measures {
			for _, one := range m.Series {
				if one.Group == "real-0 → real-1" {
					ours = append(ours, bits{*one.Mean, counted.perSecond(s.Started)})
				}
			}
		}
	}
	t.Logf("iperf3   %.3g bit/s", theirs)
	t.Logf("realspec %.3g bit/s", ours)
	g.Expect(theirs).To(HaveLen(pairs))
	g.Expect(ours).To(HaveLen(pairs))
	return theirs, ours
}

// received are readings of the bytes that a link has received.
type received []reading

type reading struct {
	at    time.Time
	bytes float64
}

// watchReceived reads the counter of eth0 of a process's network every 5 ms, until the
// readings are asked for.
func watchReceived(t *testing.T, pid int) (readings func() received) {
	t.Helper()
	var all received
	var failed error
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(5 * time.Millisecond)
		defer every.Stop()
		for failed == nil && ctx.Err() == nil {
			<-every.C
			var text []byte
			text, failed = os.ReadFile(fmt.Sprintf("/proc/%d/net/dev", pid))
			at := time.Now()
			_, counters, _ := strings.Cut(string(text), "eth0:")
			var bytes float64
			if _, err := fmt.Sscan(counters, &bytes); failed == nil {
				failed = err
			}
			all = append(all, reading{at, bytes})
		}
	}()
	return func() received {
		cancel()
		<-done
		if failed != nil {
			t.Fatal(failed)
		}
		return all
	}
}

// perSecond is the rate, in bits, from one second to three seconds after the first
// traffic of a step that began then.
func (r received) perSecond(began time.Time) float64 {
	const little = 100_000 // of a connection that only makes an appointment
	i := slices.IndexFunc(r, func(one reading) bool { return one.at.After(began) })
	for ; i > 0 && i+1 < len(r); i++ {
		if r[i+1].bytes-r[i].bytes > little {
			return 8 * (r.until(r[i].at.Add(3*time.Second)) - r.until(r[i].at.Add(time.Second))) / 2
		}
	}
	return 0
}

// until is how much had been received then.
func (r received) until(then time.Time) float64 {
	for i := 1; i < len(r); i++ {
		if a, b := r[i-1], r[i]; b.at.After(then) {
			return a.bytes + (b.bytes-a.bytes)*then.Sub(a.at).Seconds()/b.at.Sub(a.at).Seconds()
		}
	}
	return r[len(r)-1].bytes
}
