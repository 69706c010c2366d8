package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

func TestQuantileIsNearestRank(t *testing.T) {
	// The classic example of the nearest-rank method: 15, 20, 35, 40, 50.
	samples := []time.Duration{15, 20, 35, 40, 50}
	for _, c := range []struct {
		q       float64
		missing int
		want    time.Duration
	}{
		{0.05, 0, 15}, {0.30, 0, 20}, {0.40, 0, 20}, {0.50, 0, 35}, {1, 0, 50}, {0, 0, 15},
		{0.99, 0, 50},
		{0.50, 5, 50}, {0.51, 5, spec.Missing}, {1, 1, spec.Missing}, {0, 1, 15},
	} {
		if got := stats.Quantile(samples, c.missing, c.q); got != c.want {
			t.Errorf("Quantile(%v, %d missing, %v) = %v, want %v", samples, c.missing, c.q, got, c.want)
		}
	}
	if got := stats.Quantile(nil, 0, 0.5); got != 0 {
		t.Errorf("the quantile of nothing is %v, want 0", got)
	}
	if got := stats.Quantile(nil, 3, 0); got != spec.Missing {
		t.Errorf("the least of three missing samples is %v, want missing", got)
	}
}

func TestNeededSamples(t *testing.T) {
	for q, want := range map[float64]int{0.50: 5, 0.90: 29, 0.95: 59, 0.99: 299, 0.999: 2995} {
		if got := stats.Needed(q); got != want {
			t.Errorf("Needed(%v) = %d, want %d", q, got, want)
		}
	}
}

func TestSummarize(t *testing.T) {
	g := NewWithT(t)
	// 2, 4, 4, 4, 5, 5, 7, 9: mean 5, sample standard deviation √(32/7).
	got := stats.Summarize([]time.Duration{9e9, 2e9, 4e9, 4e9, 4e9, 5e9, 5e9, 7e9}, 0)
	g.Expect(got.Count).To(Equal(int64(8)))
	g.Expect(got.Mean).To(Equal(5 * time.Second))
	g.Expect(got.Stddev.Seconds()).To(BeNumerically("~", 2.13809, 1e-5))
	g.Expect(got.Min).To(Equal(2 * time.Second))
	g.Expect(got.Max).To(Equal(9 * time.Second))

	g.Expect(stats.Summarize(nil, 0)).To(Equal(spec.Series{}))

	censored := stats.Summarize([]time.Duration{1, 2, 3}, 1)
	g.Expect(censored.P50).To(Equal(time.Duration(2)))
	g.Expect(censored.P90).To(Equal(spec.Missing))
	g.Expect(censored.Max).To(Equal(spec.Missing))
	g.Expect(censored.Mean).To(Equal(spec.Missing))
}

// A missing sample can never make a statistic better than the worst value that
// it might have had.
func TestMissingNeverFlatters(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		seen := make([]time.Duration, 1+rng.IntN(100))
		for i := range seen {
			seen[i] = time.Duration(rng.Int64N(1e9))
		}
		missing := rng.IntN(10)
		whole := append(slices.Clone(seen), slices.Repeat([]time.Duration{2e9}, missing)...)
		censored, full := stats.Summarize(seen, missing), stats.Summarize(whole, 0)
		if censored.P50 < full.P50 || censored.P95 < full.P95 || censored.Max < full.Max || censored.Mean < full.Mean {
			t.Fatalf("%d seen, %d missing: %+v is better than %+v", len(seen), missing, censored, full)
		}
	}
}

// 0.07·100 is a hair above 7 in floating point, 0.99·n for many n as well: the rank
// must be that of the exact product.
func TestQuantileIsNotThrownByFloatingPoint(t *testing.T) {
	samples := upTo(1_000_000)
	for _, n := range []int{100, 1000, 700_000, 1_000_000} {
		for percent := 1; percent <= 100; percent++ {
			want := time.Duration((percent*n + 99) / 100)
			if got := stats.Quantile(samples[:n], 0, float64(percent)/100); got != want {
				t.Errorf("p%d of %d is sample %d, want %d", percent, n, got, want)
			}
		}
	}
}

func TestQuantilesRiseAndForgetTheOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 52))
	for range 300 {
		samples := make([]time.Duration, 1+rng.IntN(300))
		for i := range samples {
			samples[i] = time.Duration(rng.Int64N(1000))
		}
		missing := rng.IntN(5)
		s := stats.Summarize(samples, missing)
		if !slices.IsSorted([]time.Duration{s.Min, s.P50, s.P90, s.P95, s.P99, s.Max}) {
			t.Fatalf("the quantiles do not rise: %+v", s)
		}
		rng.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
		if again := stats.Summarize(samples, missing); again != s {
			t.Fatalf("%+v, in another order %+v", s, again)
		}
		if marked := stats.Summarize(append(samples, slices.Repeat([]time.Duration{spec.Missing}, missing)...), 0); marked != s {
			t.Fatalf("%+v, with the missing among the samples %+v", s, marked)
		}
	}
}

func TestSummarizeValues(t *testing.T) {
	g := NewWithT(t)
	got := stats.SummarizeValues([]float64{0.9, math.NaN(), 0.2, 0.4, 0.4, 0.4, 0.5, 0.7, 0.5, math.NaN()})
	g.Expect(got.Stddev).To(BeNumerically("~", 0.213809, 1e-6))
	g.Expect(got.Mean).To(BeNumerically("~", 0.5, 1e-15))
	got.Stddev, got.Mean = 0, 0
	g.Expect(got).To(Equal(spec.Values{Count: 8, Min: 0.2, P50: 0.4, P90: 0.9, P95: 0.9, P99: 0.9, Max: 0.9, Last: 0.5}))

	g.Expect(stats.SummarizeValues([]float64{math.NaN()})).To(Equal(spec.Values{}))
	inf := math.Inf(1)
	g.Expect(stats.SummarizeValues([]float64{inf, 1, 2})).To(Equal(
		spec.Values{Count: 3, Min: 1, Mean: inf, P50: 2, P90: inf, P95: inf, P99: inf, Max: inf, Stddev: inf, Last: 2}))
}
