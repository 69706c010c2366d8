package stats_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/realspec/realspec/engine/stats"
)

func BenchmarkSummarize(b *testing.B) {
	for _, n := range []int{1e3, 1e6} {
		samples := logNormal(rand.New(rand.NewPCG(1, 1)), n)
		b.Run(fmt.Sprintf("%d samples", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				stats.Summarize(samples, 0)
			}
		})
	}
}

func BenchmarkMannWhitney(b *testing.B) {
	for _, n := range []int{5, 10, 25, 1000} {
		rng := rand.New(rand.NewPCG(2, 2))
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = rng.NormFloat64(), rng.NormFloat64()
		}
		b.Run(fmt.Sprintf("%d a side", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				stats.MannWhitney(x, y, stats.Different)
			}
		})
	}
}

func BenchmarkQuantileInterval(b *testing.B) {
	samples := upTo(1e6)
	b.ReportAllocs()
	for b.Loop() {
		stats.QuantileInterval(samples, 0, 0.99, 0.95)
	}
}

func BenchmarkSamplesAdd(b *testing.B) {
	durations := logNormal(rand.New(rand.NewPCG(3, 3)), 1<<12)
	b.Run("exact", func(b *testing.B) {
		b.ReportAllocs()
		s, n := &stats.Samples{}, 0
		for b.Loop() {
			if n++; n == stats.Exact {
				s, n = &stats.Samples{}, 0
			}
			s.Add(durations[n&(1<<12-1)])
		}
	})
	b.Run("sketch", func(b *testing.B) {
		s := &stats.Samples{}
		for range stats.Exact + 1 {
			s.Add(time.Millisecond)
		}
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			n++
			s.Add(durations[n&(1<<12-1)])
		}
	})
}
