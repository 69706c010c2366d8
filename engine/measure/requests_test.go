package measure_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

func even(n int, d time.Duration) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = d
	}
	return all
}

// What failed and what was never sent has no latency, and counts above every limit.
func TestFailedRequestsAreMissing(t *testing.T) {
	g := NewWithT(t)
	r := measure.Requests(measure.Sent{
		Asked: 100, Rate: 99, Due: 1000, Sent: 990, Failed: 40, Dropped: 10,
		Latency: even(950, time.Millisecond), Service: even(950, time.Millisecond), At: even(950, time.Second),
		Codes: map[string]int64{"200": 950, "503": 40},
	})
	g.Expect(r.Value.Count).To(BeEquivalentTo(950))
	g.Expect(r.Value.Failed).To(BeEquivalentTo(40))
	g.Expect(r.Value.Dropped).To(BeEquivalentTo(10))
	g.Expect(r.Value.FailureRatio).To(Equal(0.05))
	g.Expect(r.Value.Latency.P95).To(Equal(time.Millisecond))
	g.Expect(r.Value.Latency.P99).To(Equal(spec.Missing))
	g.Expect(r.Value.Service.Max).To(Equal(spec.Missing))

	// Clopper and Pearson: 50 of 1000.
	g.Expect(r.Low.FailureRatio).To(BeNumerically("~", 0.0373, 1e-4))
	g.Expect(r.High.FailureRatio).To(BeNumerically("~", 0.0654, 1e-4))
	g.Expect(*r.Measured.Failures).To(Equal(event.Ratio{Value: 0.05, Low: r.Low.FailureRatio, High: r.High.FailureRatio}))

	latency := r.Measured.Series[0]
	g.Expect(latency.Samples).To(HaveLen(1000))
	g.Expect(latency.Samples[0].Object).To(Equal("1.000s"))
	g.Expect(latency.Samples[999].Value).To(BeNil())
	g.Expect(r.Measured.Series[1].Samples).To(BeEmpty(), "the same requests once more")
}

func TestTimelinesOfRequests(t *testing.T) {
	g := NewWithT(t)
	r := measure.Requests(measure.Sent{Due: 20, Sent: 20, Failed: 10, Start: 4 * time.Second, Latency: even(10, time.Millisecond),
		At: even(10, 0), Seconds: []measure.SentSecond{{Due: 10, P50: time.Millisecond, P99: 2 * time.Millisecond}, {Due: 10, Failed: 10}}})
	lines := map[string][][2]float64{}
	for _, line := range r.Measured.Timelines {
		g.Expect(line.Start).To(Equal(4.0))
		lines[line.Name+" "+line.Unit] = line.Points
	}
	g.Expect(lines).To(Equal(map[string][][2]float64{
		"requests a second ": {{0, 10}, {1, 10}},
		"failures a second ": {{0, 0}, {1, 10}},
		"p50 s":              {{0, 0.001}},
		"p99 s":              {{0, 0.002}},
	}))
}

func TestNoRequests(t *testing.T) {
	g := NewWithT(t)
	r := measure.Requests(measure.Sent{})
	g.Expect(r.Value.FailureRatio).To(BeZero())
	g.Expect(r.High.FailureRatio).To(Equal(1.0), "nothing is known")
}

func TestKindsOfFailures(t *testing.T) {
	NewWithT(t).Expect(measure.Kinds(map[string]int64{"timeout": 2, "status 503": 7, "connection refused": 2})).To(Equal(
		[]measure.Kind{{"status 503", 7}, {"connection refused", 2}, {"timeout", 2}}))
}
