package measure

import (
	"cmp"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/spec"
)

// worst is the series of the group with the largest p50; of equal ones, that with
// the larger p99, then with more samples, then the first.
func worst(groups []bounded) bounded {
	if len(groups) == 0 {
		return bounded{}
	}
	w := slices.MaxFunc(groups, func(a, b bounded) int {
		return cmp.Or(cmp.Compare(a.nominal.P50, b.nominal.P50), cmp.Compare(a.nominal.P99, b.nominal.P99),
			cmp.Compare(total(a.nominal), total(b.nominal)))
	})
	return w.among(groups, func(s *spec.Series) *time.Duration { return &s.P50 })
}

// among is the worst group with its bounds. Which group is the worst, by one of the
// quantiles, is itself known only within bounds: every group whose quantile may
// reach the largest low one may be it. So a value of the worst group lies between
// the least low and the greatest high value of all these.
func (w bounded) among(groups []bounded, by func(*spec.Series) *time.Duration) bounded {
	var least time.Duration // that the largest quantile can be
	for _, g := range groups {
		least = max(least, *by(&g.low))
	}
	low, high := w.low, w.high
	for _, g := range groups {
		if *by(&g.high) >= least {
			low = each(low, g.low, func(a, b time.Duration) time.Duration { return min(a, b) })
			high = each(high, g.high, func(a, b time.Duration) time.Duration { return max(a, b) })
		}
	}
	*by(&low) = least
	return bounded{w.nominal, low, high}
}

func total(s spec.Series) int64 { return s.Count + s.Missing }

// each is a with f over every value of both.
func each(a, b spec.Series, f func(a, b time.Duration) time.Duration) spec.Series {
	a.Min, a.Mean, a.Max, a.Stddev = f(a.Min, b.Min), f(a.Mean, b.Mean), f(a.Max, b.Max), f(a.Stddev, b.Stddev)
	a.P50, a.P90, a.P95, a.P99 = f(a.P50, b.P50), f(a.P90, b.P90), f(a.P95, b.P95), f(a.P99, b.P99)
	return a
}
