package stats

import (
	"math"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/spec"
)

// Interval is a confidence interval of a quantile. High is spec.Missing when the
// samples cannot bound it from above, Low is 0 when they cannot from below.
// Confidence is the actual coverage: at least what was asked for.
type Interval struct {
	Low, High  time.Duration
	Confidence float64
}

// QuantileInterval is the interval of the quantile q (0 to 1) by order statistics:
// the number of samples below the quantile is binomial whatever the distribution
// (David and Nagaraja, Order Statistics, 7.1). No end misses the quantile more
// often than (1−confidence)/2, where so many samples are; with fewer, one end takes
// what the other cannot use. ok is false when no interval with two ends has that
// confidence. The end that can still be given is then one-sided.
func QuantileInterval(sorted []time.Duration, missing int, q, confidence float64) (Interval, bool) {
	at := func(rank int) time.Duration { return atRank(sorted, rank) }
	return quantileInterval(len(sorted)+missing, at, q, confidence)
}

// Median is the nearest-rank median of the values with its interval by order
// statistics; +Inf is a censored value. The ends are −Inf and +Inf when there are
// too few values for that confidence (fewer than 6 for 0.95). A median of nothing,
// or of anything with a NaN, is NaN.
func Median(values []float64, confidence float64) (median, low, high float64) {
	n := len(values)
	low, high = math.Inf(-1), math.Inf(1)
	if n == 0 || slices.ContainsFunc(values, math.IsNaN) {
		return math.NaN(), low, high
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	if r := quantileRanks(n, 0.5, confidence); r.twoSided(n) {
		low, high = sorted[r.low-1], sorted[r.high-1]
	}
	return sorted[Rank(0.5, n)-1], low, high
}

// quantileInterval is the interval of n samples, found by their rank.
func quantileInterval(n int, at func(rank int) time.Duration, q, confidence float64) (Interval, bool) {
	r := quantileRanks(n, q, confidence)
	i := Interval{High: spec.Missing, Confidence: r.coverage}
	if r.low > 0 {
		i.Low = at(r.low)
	}
	if r.high <= n {
		i.High = at(r.high)
	}
	return i, r.twoSided(n)
}

// ranks are the two order statistics (from 1) that enclose a quantile; 0 and n+1
// stand for an open end.
type ranks struct {
	low, high int
	coverage  float64
}

func (r ranks) twoSided(n int) bool { return r.low > 0 && r.high <= n }

// quantileRanks chooses the ranks. With B ~ Binomial(n, q) samples at or below the
// quantile, it is under the low one with P(B < low) and above the high one with
// P(B ≥ high).
func quantileRanks(n int, q, confidence float64) ranks {
	if n == 0 || math.IsNaN(q) || math.IsNaN(confidence) {
		return ranks{0, n + 1, 1}
	}
	b := newBinomial(n, q)
	miss := (1 - confidence) * (1 + 1e-12) // 1−0.9 is a hair under 0.1
	// An end at the outermost sample misses least.
	below, above := b.at(0), b.at(n)
	r := ranks{low: 0, high: n + 1}
	switch {
	case below+above <= miss:
		over := min(max(miss/2, above), miss-below)
		r.low, r.high = b.low(miss-over), b.high(over)
	case below <= miss && below <= above:
		r.low = b.low(miss)
	case above <= miss:
		r.high = b.high(miss)
	}
	r.coverage = b.between(r.low, r.high)
	return r
}

// binomial is the distribution of the number of samples below a quantile, from
// the count first on; what is left out is under 10⁻²⁵ of the mode each.
type binomial struct {
	first int
	p     []float64
}

// newBinomial walks from the mode to both sides by the ratio of neighbours and
// then divides by the sum: no factorial, so no loss for a million samples.
func newBinomial(n int, q float64) binomial {
	q = min(max(q, 0), 1)
	const negligible = 1e-25
	mode := min(int(float64(n+1)*q), n)
	var down, up []float64
	for k, p := mode, 1.0; k > 0 && q < 1; k-- {
		if p *= float64(k) / float64(n-k+1) * (1 - q) / q; p < negligible {
			break
		}
		down = append(down, p)
	}
	for k, p := mode, 1.0; k < n && q < 1; k++ {
		if p *= float64(n-k) / float64(k+1) * q / (1 - q); p < negligible {
			break
		}
		up = append(up, p)
	}
	slices.Reverse(down)
	b := binomial{first: mode - len(down), p: slices.Concat(down, []float64{1}, up)}
	var sum float64
	for _, p := range b.p {
		sum += p
	}
	for i := range b.p {
		b.p[i] /= sum
	}
	return b
}

// at is P(B = k).
func (b binomial) at(k int) float64 {
	if i := k - b.first; i >= 0 && i < len(b.p) {
		return b.p[i]
	}
	return 0
}

// low is the greatest rank l with P(B < l) ≤ miss.
func (b binomial) low(miss float64) int {
	l := b.first
	for sum := b.at(l); sum <= miss && l < b.first+len(b.p); sum += b.at(l) {
		l++
	}
	return l
}

// high is the least rank h with P(B ≥ h) ≤ miss.
func (b binomial) high(miss float64) int {
	h := b.first + len(b.p)
	for sum := b.at(h - 1); sum <= miss && h > b.first; sum += b.at(h - 1) {
		h--
	}
	return h
}

// between is P(low ≤ B < high).
func (b binomial) between(low, high int) float64 {
	var sum float64
	for k := max(low, b.first); k < min(high, b.first+len(b.p)); k++ {
		sum += b.at(k)
	}
	return min(sum, 1)
}
