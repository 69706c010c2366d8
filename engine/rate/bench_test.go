package rate

import (
	"context"
	"strconv"
	"testing"
	"time"
)

func sentNow(context.Context, int) (Done, error) { return Done{Sent: time.Now()}, nil }

// BenchmarkDispatch is the cost of an operation that does nothing, without any
// waiting: how many a second one process can start.
func BenchmarkDispatch(b *testing.B) {
	b.ReportAllocs()
	for left := b.N; left > 0; left -= Most {
		Run(b.Context(), Burst(min(left, Most)), sentNow, Options{}, func(Shot) {})
	}
}

// BenchmarkDue is the cost of a due time.
func BenchmarkDue(b *testing.B) {
	s, err := Stages([]Stage{{Rate: 100, For: time.Minute, Ramp: true}, {Rate: 100, For: time.Minute}, {Rate: 0, For: time.Minute, Ramp: true}}, 0)
	must(b, s, err)
	b.ReportAllocs()
	for i := range b.N {
		s.Due(i % s.Len())
	}
}

// BenchmarkPacing is how late operations leave at a rate, and whether it holds.
func BenchmarkPacing(b *testing.B) {
	for _, rate := range []float64{10, 100, 1000, 10000} {
		b.Run(strconv.Itoa(int(rate)), func(b *testing.B) {
			for b.Loop() {
				s := constant(b, rate, 0, 3*time.Second, 0)
				begin := processorTime()
				d := Run(b.Context(), s, sentNow, Options{}, nil)
				b.ReportMetric(float64((processorTime()-begin).Microseconds())/float64(d.Sent), "cpu-µs/op")
				b.ReportMetric(float64(d.WorstLag.Microseconds()), "worst-lag-µs")
				b.ReportMetric(float64(d.LagP99.Microseconds()), "p99-lag-µs")
				b.ReportMetric(d.Achieved/rate*100, "%-achieved")
			}
		})
	}
}

// BenchmarkWait is with operations that take 5 ms: what one in flight costs.
func BenchmarkWait(b *testing.B) {
	b.ReportAllocs()
	Run(b.Context(), Burst(min(b.N, Most)), takes(5*time.Millisecond), Options{}, nil)
}
