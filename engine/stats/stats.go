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
// leaves seen as it is; a spec.Missing among them counts as missing.
func Summarize(seen []time.Duration, missing int) spec.Series {
	sorted := slices.Clone(seen)
	slices.Sort(sorted)
	for len(sorted) > 0 && sorted[len(sorted)-1] == spec.Missing {
		sorted, missing = sorted[:len(sorted)-1], missing+1
	}
	s := spec.Series{Count: int64(len(sorted)), Missing: int64(missing)}
	if len(sorted)+missing == 0 {
		return s
	}
	s.Min = Quantile(sorted, missing, 0)
	s.P50 = Quantile(sorted, missing, 0.50)
	s.P90 = Quantile(sorted, missing, 0.90)
	s.P95 = Quantile(sorted, missing, 0.95)
	s.P99 = Quantile(sorted, missing, 0.99)
	s.Max = Quantile(sorted, missing, 1)
	var m moments
	for _, d := range sorted {
		m.add(float64(d))
	}
	s.Mean, s.Stddev = m.durations(missing)
	return s
}

// SummarizeValues describes values that have no unit of time: ratios, bytes,
// rates, in the unit in which they are given. Quantiles are nearest rank, Last is
// the last one given. +Inf is a value like any other; NaN is none: it is not counted.
func SummarizeValues(values []float64) spec.Values {
	sorted := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	n := len(sorted)
	if n == 0 {
		return spec.Values{}
	}
	v := spec.Values{Count: int64(n), Last: sorted[n-1]}
	slices.Sort(sorted)
	at := func(q float64) float64 { return sorted[Rank(q, n)-1] }
	v.Min, v.P50, v.P90, v.P95, v.P99, v.Max = at(0), at(0.50), at(0.90), at(0.95), at(0.99), at(1)
	var m moments
	for _, x := range sorted {
		m.add(x)
	}
	v.Mean, v.Stddev = m.mean, m.stddev()
	if math.IsInf(v.Min, 0) || math.IsInf(v.Max, 0) {
		// The recurrence subtracts infinities; the infinite end decides the mean.
		v.Mean, v.Stddev = v.Min+v.Max, math.Inf(1)
	}
	return v
}

// Quantile is the nearest-rank quantile q (0 to 1) of the sorted samples and
// the missing ones above them. It is 0 when there are none at all.
func Quantile(sorted []time.Duration, missing int, q float64) time.Duration {
	n := len(sorted) + missing
	if n == 0 {
		return 0
	}
	return atRank(sorted, Rank(q, n))
}

// Rank is the nearest rank of the quantile q (0 to 1) of n samples: ⌈q·n⌉ within 1 to
// n. 0.07·100 is 7.000000000000001 in floating point, so a product counts as the
// whole number that it is a hair above.
func Rank(q float64, n int) int {
	return min(max(int(math.Ceil(q*float64(n)*(1-1e-12))), 1), n)
}

// Needed is the least number of samples that can support a statement about the
// quantile q: with n samples that all lie below a limit, the probability that
// the quantile lies above it is q^n, so n ≥ ln(1−Confidence) / ln(q). That is 5
// for p50, 29 for p90, 59 for p95 and 299 for p99.
func Needed(q float64) int {
	return int(math.Ceil(math.Log(1-Confidence)/math.Log(q) - 1e-9))
}

// atRank is the sample of a rank from 1 on; those past the seen ones are missing.
func atRank(sorted []time.Duration, rank int) time.Duration {
	if rank > len(sorted) {
		return spec.Missing
	}
	return sorted[rank-1]
}
