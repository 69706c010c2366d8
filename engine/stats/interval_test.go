package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// upTo are the samples 1, 2, … n: each is its own rank.
func upTo(n int) []time.Duration {
	samples := make([]time.Duration, n)
	for i := range samples {
		samples[i] = time.Duration(i + 1)
	}
	return samples
}

// The ranks of the 95 % interval of the median and its coverage: the table of the
// sign test's interval.
func TestMedianIntervalTable(t *testing.T) {
	for _, c := range []struct {
		n         int
		low, high time.Duration
		coverage  float64
	}{
		{6, 1, 6, 0.9688}, {7, 1, 7, 0.9844}, {8, 1, 8, 0.9922}, {9, 2, 8, 0.9609}, {10, 2, 9, 0.9785},
		{11, 2, 10, 0.9883}, {12, 3, 10, 0.9614}, {15, 4, 12, 0.9648}, {20, 6, 15, 0.9586},
		{25, 8, 18, 0.9567}, {30, 10, 21, 0.9572}, {50, 18, 33, 0.9672}, {100, 40, 61, 0.9648},
	} {
		got, ok := stats.QuantileInterval(upTo(c.n), 0, 0.5, 0.95)
		if !ok || got.Low != c.low || got.High != c.high || math.Abs(got.Confidence-c.coverage) > 6e-5 {
			t.Errorf("%d samples: ranks %d to %d, %v; want %d to %d, %v",
				c.n, got.Low, got.High, got.Confidence, c.low, c.high, c.coverage)
		}
	}
}

// The least number of samples that bounds a quantile from above is Needed, and
// with one less the end is open.
func TestIntervalNeedsEnoughSamples(t *testing.T) {
	for _, q := range []float64{0.90, 0.95, 0.99, 0.999} {
		n := stats.Needed(q)
		if got, ok := stats.QuantileInterval(upTo(n), 0, q, 0.95); !ok || got.High != time.Duration(n) || got.Confidence < 0.95 {
			t.Errorf("p%v of %d: %+v, %v; want the last sample as its upper end", 100*q, n, got, ok)
		}
		got, ok := stats.QuantileInterval(upTo(n-1), 0, q, 0.95)
		if ok || got.High != spec.Missing || got.Low < 1 || got.Confidence < 0.95 {
			t.Errorf("p%v of %d: %+v, %v; want no upper end", 100*q, n-1, got, ok)
		}
	}
	for _, c := range []struct {
		name    string
		n       int
		q       float64
		missing int
		want    stats.Interval
	}{
		{"nothing", 0, 0.5, 0, stats.Interval{Low: 0, High: spec.Missing, Confidence: 1}},
		{"one", 1, 0.5, 0, stats.Interval{Low: 0, High: spec.Missing, Confidence: 1}},
		{"five", 5, 0.5, 0, stats.Interval{Low: 1, High: spec.Missing, Confidence: 31. / 32}},
		{"a low quantile", 100, 0.01, 0, stats.Interval{Low: 0, High: 4, Confidence: 0.98163}},
		{"five of p48", 5, 0.48, 0, stats.Interval{Low: 0, High: 5, Confidence: 0.97452}},
		{"the maximum", 10, 1, 0, stats.Interval{Low: 10, High: spec.Missing, Confidence: 1}},
		{"the minimum", 10, 0, 0, stats.Interval{Low: 0, High: 1, Confidence: 1}},
	} {
		got, ok := stats.QuantileInterval(upTo(c.n), c.missing, c.q, 0.95)
		if ok || got.Low != c.want.Low || got.High != c.want.High || math.Abs(got.Confidence-c.want.Confidence) > 1e-5 {
			t.Errorf("%s: %+v, %v; want %+v, false", c.name, got, ok, c.want)
		}
	}
}

// Missing samples are above all others: an end that falls on one is not reached.
func TestIntervalOfCensoredSamples(t *testing.T) {
	for _, c := range []struct {
		seen, missing int
		low, high     time.Duration
	}{
		{20, 0, 6, 15}, {15, 5, 6, 15}, {14, 6, 6, spec.Missing}, {5, 15, spec.Missing, spec.Missing},
	} {
		got, ok := stats.QuantileInterval(upTo(c.seen), c.missing, 0.5, 0.95)
		if !ok || got.Low != c.low || got.High != c.high {
			t.Errorf("%d seen, %d missing: %+v, %v; want %v to %v", c.seen, c.missing, got, ok, c.low, c.high)
		}
	}
}

// The true quantile of uniform samples is known. The interval must enclose it as
// often as it says, and as often as was asked.
func TestIntervalCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	const rounds = 4000
	for _, c := range []struct {
		n int
		q float64
	}{{6, 0.5}, {7, 0.5}, {50, 0.5}, {29, 0.9}, {60, 0.9}, {59, 0.95}, {320, 0.99}, {600, 0.99}, {40, 0.1}} {
		var inside int
		var stated float64
		for range rounds {
			samples := make([]time.Duration, c.n)
			for i := range samples {
				samples[i] = time.Duration(rng.Int64N(1e15))
			}
			slices.Sort(samples)
			got, ok := stats.QuantileInterval(samples, 0, c.q, 0.95)
			if !ok {
				t.Fatalf("p%v of %d has no interval", 100*c.q, c.n)
			}
			if truth := time.Duration(c.q * 1e15); got.Low <= truth && truth <= got.High {
				inside++
			}
			stated = got.Confidence
		}
		rate := float64(inside) / rounds
		if error3 := 3 * math.Sqrt(stated*(1-stated)/rounds); math.Abs(rate-stated) > error3 || stated < 0.95 {
			t.Errorf("p%v of %d: encloses the truth in %.4f of %d, says %.4f", 100*c.q, c.n, rate, rounds, stated)
		}
		t.Logf("p%v of %d: covers %.4f, states %.4f", 100*c.q, c.n, rate, stated)
	}
}

// The ends come from the binomial sum. Here it is summed anew, by logarithms of
// factorials, for sizes up to a million.
func TestIntervalCoverageIsTheBinomialSum(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for _, n := range []int{10, 137, 1000, 20000, 1000000} {
		for range 5 {
			q, confidence := 0.02+0.96*rng.Float64(), 0.80+0.199*rng.Float64()
			got, ok := stats.QuantileInterval(upTo(n), 0, q, confidence)
			if !ok {
				continue
			}
			var sum float64
			for k := int(got.Low); k < int(got.High); k++ {
				sum += binomialProbability(n, k, q)
			}
			if math.Abs(sum-got.Confidence) > 1e-6 || got.Confidence < confidence {
				t.Errorf("p%.3f of %d: states %v, asked %v, is %v", 100*q, n, got.Confidence, confidence, sum)
			}
		}
	}
}

func binomialProbability(n, k int, q float64) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	return math.Exp(lg(n) - lg(k) - lg(n-k) + float64(k)*math.Log(q) + float64(n-k)*math.Log1p(-q))
}

func TestIntervalWidensWithConfidence(t *testing.T) {
	for _, q := range []float64{0.1, 0.5, 0.9, 0.99} {
		for n := range 700 {
			narrow, _ := stats.QuantileInterval(upTo(n), 0, q, 0.80)
			wide, ok := stats.QuantileInterval(upTo(n), 0, q, 0.95)
			if ok && (wide.Low > narrow.Low || wide.High < narrow.High) {
				t.Fatalf("p%v of %d: 95 %% %+v is inside 80 %% %+v", 100*q, n, wide, narrow)
			}
		}
	}
}

func TestMedian(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name              string
		values            []float64
		median, low, high float64
	}{
		{"nothing", nil, nan, -inf, inf},
		{"not a number", []float64{1, nan, 3}, nan, -inf, inf},
		{"five", []float64{5, 1, 4, 2, 3}, 3, -inf, inf},
		{"six", []float64{5, 1, 4, 2, 3, 6}, 3, 1, 6},
		{"nine", []float64{5, 1, 4, 2, 3, 6, 9, 8, 7}, 5, 2, 8},
		{"two of nine censored", []float64{5, 1, 4, 2, 3, 6, inf, inf, 7}, 5, 2, inf},
		{"most censored", []float64{inf, 1, inf, inf, 3, inf}, inf, 1, inf},
	} {
		median, low, high := stats.Median(c.values, 0.95)
		if median != c.median && !(math.IsNaN(median) && math.IsNaN(c.median)) || low != c.low || high != c.high {
			t.Errorf("%s: %v (%v to %v), want %v (%v to %v)", c.name, median, low, high, c.median, c.low, c.high)
		}
	}
}
