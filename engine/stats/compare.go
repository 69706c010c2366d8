package stats

import "math"

// Metric is one metric of two sets of runs, in its own unit: one value a run,
// since the samples of one run share their queues and are no replications. +Inf is
// a value that was not reached; greater is worse.
type Metric struct {
	Name string
	A, B []float64
	// Floor is the absolute difference up to which nothing counts. The stated
	// error of the measurement belongs in here.
	Floor float64
}

// Rule says what counts: Alpha is the accepted probability of any false alarm
// among all metrics (0.05), Tolerance the accepted change relative to A's median
// (0.10 is 10 %).
type Rule struct {
	Alpha, Tolerance float64
}

// Verdict is what can be said about a metric.
type Verdict string

// Same is "no difference shown". Unknown is a change beyond the tolerance on so
// few runs that no difference could have been shown.
const (
	Same    Verdict = "same"
	Better  Verdict = "better"
	Worse   Verdict = "worse"
	Unknown Verdict = "unknown"
)

// Comparison is a metric with its verdict. The medians have intervals of
// Confidence by order statistics; an open end is infinite.
type Comparison struct {
	Metric
	MedianA, LowA, HighA float64
	MedianB, LowB, HighB float64
	// Change is MedianB/MedianA − 1: +Inf from nothing to something or to a value
	// that was not reached, 0 between two of those.
	Change float64
	Test   Test
	// Adjusted is the test's P after Holm's correction for all metrics.
	Adjusted float64
	Verdict  Verdict
	// Needed is the number of runs on each side that could be significant, when
	// the verdict is Unknown.
	Needed int
}

// Compare judges all metrics together. One is worse or better only when its
// two-sided Mann-Whitney test is significant after Holm's correction over all
// metrics and its median changed by more than the greater of the tolerance and
// the metric's floor. A metric without values on a side, or with a NaN, is
// unknown: it is never the same.
func Compare(metrics []Metric, rule Rule) []Comparison {
	out := make([]Comparison, len(metrics))
	ps, leasts := make([]float64, len(metrics)), make([]float64, len(metrics))
	for i, m := range metrics {
		c := Comparison{Metric: m, Test: MannWhitney(m.A, m.B, Different)}
		c.MedianA, c.LowA, c.HighA = Median(m.A, Confidence)
		c.MedianB, c.LowB, c.HighB = Median(m.B, Confidence)
		c.Change = change(c.MedianA, c.MedianB)
		out[i], ps[i], leasts[i] = c, c.Test.P, c.Test.Least
		if math.IsNaN(ps[i]) {
			leasts[i] = math.NaN()
		}
	}
	// Holm is monotone: with every P at its least, each is as small as it can get.
	adjusted, reachable := Holm(ps), Holm(leasts)
	for i := range out {
		c := &out[i]
		c.Adjusted = adjusted[i]
		c.Verdict = c.judge(rule, reachable[i] <= rule.Alpha)
		if c.Verdict == Unknown {
			c.Needed = neededRuns(rule.Alpha, len(metrics))
		}
	}
	return out
}

// judge reads top to bottom: no values, no effect, not enough runs, no
// significance, and then the direction, in which medians and ranks must agree.
func (c *Comparison) judge(rule Rule, reachable bool) Verdict {
	up := c.Test.U - float64(c.Test.N1)*float64(c.Test.N2)/2
	switch {
	case math.IsNaN(c.MedianA) || math.IsNaN(c.MedianB):
		return Unknown
	case !c.beyond(rule.Tolerance):
		return Same
	case !reachable:
		return Unknown
	case c.Adjusted > rule.Alpha:
		return Same
	case c.MedianB > c.MedianA && up > 0:
		return Worse
	case c.MedianB < c.MedianA && up < 0:
		return Better
	}
	return Same
}

// beyond says whether the medians differ by more than nothing, the tolerance and
// the floor. From or to a value that was not reached is beyond any.
func (c *Comparison) beyond(tolerance float64) bool {
	if c.MedianA == c.MedianB {
		return false
	}
	if math.IsInf(c.MedianA, 0) || math.IsInf(c.MedianB, 0) {
		return true
	}
	return math.Abs(c.MedianB-c.MedianA) > max(tolerance*math.Abs(c.MedianA), c.Floor)
}

// change is b/a − 1 where that means something.
func change(a, b float64) float64 {
	switch {
	case a == b:
		return 0
	case a == 0:
		return math.Inf(1)
	case math.IsInf(a, 0) && !math.IsNaN(b):
		return -1
	}
	return (b - a) / math.Abs(a)
}

// neededRuns is the least number of runs on each side with which every one of so
// many metrics could be significant. It is 0 when no number is: alpha is 0.
func neededRuns(alpha float64, metrics int) int {
	for n := 1; n <= 1000; n++ {
		if leastP(n, n, Different)*float64(metrics) <= alpha {
			return n
		}
	}
	return 0
}
