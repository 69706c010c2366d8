package compare

import (
	"math"
	"slices"
)

// neededRuns is the least number of recorded runs with which a new one can ever be
// significant: it is the highest of N+1 exchangeable runs with probability
// 1/(N+1), so N ≥ 1/alpha − 1. That is 19 for 5 %.
func neededRuns(alpha float64) int {
	if alpha <= 0 || alpha >= 1 {
		return 1
	}
	return int(math.Ceil(1/alpha-1e-9)) - 1
}

// exceedances are, for each metric, the probability that a run which is like the
// recorded ones lies as far above them in any metric as the new one does in this.
// recorded[k] and current[k] are metric k; a NaN is a run that does not have it.
//
// When nothing has changed, the N recorded runs and the new one are exchangeable.
// For one metric the answer is then the rank of the new value:
//
//	p = (1 + number of recorded values ≥ the new one) / (N + 1)
//
// Several metrics need a correction, and Holm's would need N+1 ≥ metrics/alpha
// runs before anything at all can be significant: 79 for four metrics. So the runs are
// ranked by their most extreme metric instead (Westfall and Young 1993, the
// single-step maxT; the permutations are here the N+1 places that the new run
// could have had):
//
//	s(i,k) = how far run i is above the median of all N+1 in metric k, in units of
//	         the metric's own spread
//	T(i)   = the largest s(i,k) of run i
//	p(k)   = (1 + number of recorded runs with T(i) ≥ s(new,k)) / (N + 1)
//
// s treats all N+1 runs alike, so T(new) is no more likely than any other to be
// the highest, whatever the metrics have to do with each other: the probability of
// a false alarm in any metric is at most alpha, and 19 runs suffice for any number
// of metrics.
func exceedances(recorded [][]float64, current []float64) []float64 {
	scores := make([][]float64, len(current))
	for k := range current {
		scores[k] = standardized(append(slices.Clone(recorded[k]), current[k]))
	}
	p := make([]float64, len(current))
	for k := range current {
		mine := scores[k][len(recorded[k])]
		above, n := 1, 1
		for i := range recorded[k] {
			if math.IsNaN(recorded[k][i]) {
				continue
			}
			n++
			if highest(scores, i) >= mine {
				above++
			}
		}
		p[k] = float64(above) / float64(n)
	}
	return p
}

// highest is T(i).
func highest(scores [][]float64, i int) float64 {
	t := math.Inf(-1)
	for _, s := range scores {
		if !math.IsNaN(s[i]) {
			t = max(t, s[i])
		}
	}
	return t
}

// standardized are the distances of values from their median, in units of the mean
// distance of those that are finite. (The median distance is no better a unit: it
// found a metric that was 25 % slower in 53 % of simulated runs, the mean in 58 %.) A
// value that was not reached is infinitely far from a median that was.
func standardized(values []float64) []float64 {
	m := middle(values)
	spread := meanDistance(values, m)
	scores := make([]float64, len(values))
	for i, v := range values {
		switch {
		case math.IsNaN(v):
			scores[i] = math.NaN()
		case v == m:
			scores[i] = 0
		case math.IsInf(v-m, 0):
			scores[i] = v - m
		default:
			scores[i] = (v - m) / spread
		}
	}
	return scores
}

// meanDistance is that of the finite values from a finite m. It is 0 only when all
// of those are equal.
func meanDistance(values []float64, m float64) float64 {
	var sum float64
	n := 0
	for _, v := range values {
		if d := math.Abs(v - m); !math.IsNaN(d) && !math.IsInf(d, 0) {
			sum, n = sum+d, n+1
		}
	}
	return sum / float64(max(n, 1))
}

// middle is the nearest-rank median of the values that are there.
func middle(values []float64) float64 {
	there := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(there) == 0 {
		return math.NaN()
	}
	slices.Sort(there)
	return there[(len(there)-1)/2]
}
