package stats

import (
	"math"
	"slices"
)

// Alternative is what a test looks for, from its first sample to its second.
type Alternative int

// Greater means that b tends to be greater than a.
const (
	Different Alternative = iota
	Greater
	Less
)

// Test is the result of a rank test.
type Test struct {
	// U is the number of pairs in which b is above a; a tie counts half.
	U float64
	// P is the probability of a U at least as far out when both sides are alike.
	P      float64
	N1, N2 int
	// Exact says that P was counted, not approximated.
	Exact bool
	// Least is the smallest P that N1 and N2 values could give.
	Least float64
}

// MannWhitney tests whether one side tends to be greater (Mann and Whitney 1947),
// with no assumption about the distribution. +Inf stands for a censored value:
// those tie with each other, above all others. P is counted over every way to
// divide the values, ties and all (Klotz 1966), where that is cheap: 50 values
// together, or more when one side is small. Beyond, it is the normal approximation
// with the corrections for ties and continuity. Different doubles the lesser tail:
// ties make the tails unequal, and so neither direction gets more than its half of
// the false alarms. P is NaN when a value is, and 1 when a side is empty.
func MannWhitney(a, b []float64, alt Alternative) Test {
	t := Test{P: 1, N1: len(a), N2: len(b), Least: leastP(len(a), len(b), alt)}
	if slices.ContainsFunc(a, math.IsNaN) || slices.ContainsFunc(b, math.IsNaN) {
		t.P = math.NaN()
		return t
	}
	if t.N1 == 0 || t.N2 == 0 {
		return t
	}
	groups := tieGroups(a, b)
	var rankSum float64
	for _, g := range groups {
		rankSum += float64(g.doubled) / 2 * float64(g.b)
	}
	t.U = rankSum - float64(t.N2)*float64(t.N2+1)/2
	if t.Exact = cheap(t.N1, t.N2); t.Exact {
		t.P = exactP(groups, t, alt)
	} else {
		t.P = approximateP(groups, t, alt)
	}
	return t
}

// tieGroup is one distinct value: how many there are, how many of them in b, and
// twice the mean of their ranks, which is whole.
type tieGroup struct {
	size, b, doubled int
}

func tieGroups(a, b []float64) []tieGroup {
	type value struct {
		x    float64
		side int
	}
	all := make([]value, 0, len(a)+len(b))
	for _, x := range a {
		all = append(all, value{x, 0})
	}
	for _, x := range b {
		all = append(all, value{x, 1})
	}
	slices.SortFunc(all, func(v, w value) int {
		switch {
		case v.x < w.x:
			return -1
		case v.x > w.x:
			return 1
		}
		return 0
	})
	var groups []tieGroup
	for i := 0; i < len(all); {
		g := tieGroup{doubled: 2*i + 1}
		for x := all[i].x; i < len(all) && all[i].x == x; i++ {
			g.size++
			g.b += all[i].side
		}
		g.doubled += g.size // ranks i+1 to i+size: twice their mean is 2i+1+size
		groups = append(groups, g)
	}
	return groups
}

// leastP is the P of two samples that do not overlap at all.
func leastP(n1, n2 int, alt Alternative) float64 {
	divisions := 1.0 // (n1+n2 choose n1), exact up to 2⁵³
	for i := 1; i <= n1; i++ {
		divisions = divisions * float64(n2+i) / float64(i)
	}
	if alt == Different {
		return min(2/divisions, 1)
	}
	return 1 / divisions
}

// cheap says whether the exact count costs some milliseconds at most: it visits
// every value, for every number of them on the smaller side, for every rank sum.
func cheap(n1, n2 int) bool {
	const most = 3.2e6
	n, k := float64(n1+n2), float64(min(n1, n2))
	return n*k*2*k*n <= most
}

// exactP counts the divisions of the values into sides of this size by the rank
// sum of the smaller side. ways[k][s] is the number of ways to have taken k values
// whose doubled ranks sum to s, and a float64 holds it exactly up to 2⁵³.
func exactP(groups []tieGroup, t Test, alt Alternative) float64 {
	k := min(t.N1, t.N2)
	ways := rankSums(groups, k)
	// The rank sums of both sides add up to N(N+1)/2, so the smaller side tells all.
	n := t.N1 + t.N2
	observed := int(math.Round(2 * (t.U + float64(t.N2)*float64(t.N2+1)/2)))
	if t.N1 < t.N2 {
		observed = n*(n+1) - observed
		alt = mirrored(alt)
	}
	var below, above, total float64
	for s, w := range ways {
		total += w
		if s <= observed {
			below += w
		}
		if s >= observed {
			above += w
		}
	}
	switch alt {
	case Greater:
		return above / total
	case Less:
		return below / total
	}
	return min(2*min(below, above)/total, 1)
}

func rankSums(groups []tieGroup, k int) []float64 {
	top := 0
	for left, i := k, len(groups)-1; left > 0; i-- {
		take := min(left, groups[i].size)
		top, left = top+take*groups[i].doubled, left-take
	}
	ways := make([][]float64, k+1)
	for i := range ways {
		ways[i] = make([]float64, top+1)
	}
	ways[0][0] = 1
	for _, g := range groups {
		// From the full side down, so that a group is taken once.
		for have := k; have > 0; have-- {
			choose := 1.0
			for take := 1; take <= min(have, g.size); take++ {
				choose = choose * float64(g.size-take+1) / float64(take)
				from, to := ways[have-take], ways[have][take*g.doubled:]
				for s := range to {
					to[s] += choose * from[s]
				}
			}
		}
	}
	return ways[k]
}

func mirrored(alt Alternative) Alternative {
	switch alt {
	case Greater:
		return Less
	case Less:
		return Greater
	}
	return alt
}

// approximateP takes U for normal: variance n₁n₂/12 · (N+1 − Σ(t³−t)/(N(N−1))) with
// t values in each tie, and half a step towards the mean since U is discrete.
func approximateP(groups []tieGroup, t Test, alt Alternative) float64 {
	n1, n2 := float64(t.N1), float64(t.N2)
	n := n1 + n2
	var ties float64
	for _, g := range groups {
		size := float64(g.size)
		ties += size*size*size - size
	}
	sigma := math.Sqrt(n1 * n2 / 12 * (n + 1 - ties/(n*(n-1))))
	if sigma == 0 || math.IsNaN(sigma) {
		return 1 // every value is the same
	}
	d := t.U - n1*n2/2
	switch alt {
	case Greater:
		return upperTail((d - 0.5) / sigma)
	case Less:
		return upperTail((-d - 0.5) / sigma)
	}
	return min(2*upperTail(max(math.Abs(d)-0.5, 0)/sigma), 1)
}

func upperTail(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }
