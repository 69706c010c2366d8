// Package stats turns samples into statements. It is pure: samples in, numbers
// out.
//
// A quantile is nearest rank (Hyndman and Fan's type 1): the smallest sample
// such that at least q of all samples are not above it. A sample that never
// came is right-censored: it counts above every seen one, so a quantile that
// falls on it is spec.Missing and stays above every limit.
package stats

import (
	"math"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/spec"
)

// Confidence is the probability with which a statement about a quantile must
// hold before realspec makes it.
const Confidence = 0.95

// Summarize describes the seen samples and the number of missing ones. It
// leaves seen as it is.
func Summarize(seen []time.Duration, missing int) spec.Series {
	s := spec.Series{Count: int64(len(seen)), Missing: int64(missing)}
	if len(seen)+missing == 0 {
		return s
	}
	sorted := slices.Sorted(slices.Values(seen))
	s.Min = Quantile(sorted, missing, 0)
	s.P50 = Quantile(sorted, missing, 0.50)
	s.P90 = Quantile(sorted, missing, 0.90)
	s.P95 = Quantile(sorted, missing, 0.95)
	s.P99 = Quantile(sorted, missing, 0.99)
	s.Max = Quantile(sorted, missing, 1)
	s.Mean, s.Stddev = moments(sorted, missing)
	return s
}

// Quantile is the nearest-rank quantile q (0 to 1) of the sorted samples and
// the missing ones above them. It is 0 when there are none at all.
func Quantile(sorted []time.Duration, missing int, q float64) time.Duration {
	n := len(sorted) + missing
	if n == 0 {
		return 0
	}
	rank := max(int(math.Ceil(q*float64(n)-1e-9)), 1)
	if rank > len(sorted) {
		return spec.Missing
	}
	return sorted[rank-1]
}

// moments are the mean and the sample standard deviation (n-1). Both are
// spec.Missing when a sample is missing: nothing below that is honest. The
// deviation of a single sample is 0.
func moments(samples []time.Duration, missing int) (mean, stddev time.Duration) {
	if missing > 0 {
		return spec.Missing, spec.Missing
	}
	// Welford's recurrence keeps its precision where sums of squares lose it.
	var m, m2 float64
	for i, d := range samples {
		delta := float64(d) - m
		m += delta / float64(i+1)
		m2 += delta * (float64(d) - m)
	}
	if n := len(samples); n > 1 {
		stddev = time.Duration(math.Sqrt(m2 / float64(n-1)))
	}
	return time.Duration(m), stddev
}

// Needed is the least number of samples that can support a statement about the
// quantile q: with n samples that all lie below a limit, the probability that
// the quantile lies above it is q^n, so n ≥ ln(1−Confidence) / ln(q). That is 5
// for p50, 29 for p90, 59 for p95 and 299 for p99.
func Needed(q float64) int {
	return int(math.Ceil(math.Log(1-Confidence)/math.Log(q) - 1e-9))
}
