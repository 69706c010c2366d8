package measure

import (
	"math"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// subject is what was measured: many samples can be of one.
type subject struct{ object, uid, node string }

// sample is one sample of any series. Where it came, low ≤ took ≤ high. There may
// be hundreds of thousands, so it is kept small.
type sample struct {
	of              *subject // nil: nothing that has a name
	took, low, high time.Duration
	bar             time.Duration // how far low and high may be from the truth, besides
	server          time.Duration // the span by the server's stamps
	run             int32         // from 1, of a repeated measure
	came            bool
	late            bool // known within low and high only
	stamped         bool // there is a server's span
	skewed          bool // and it contradicts what was measured
}

// between is a sample's time from start to end, when either may have been earlier
// by so much. It is never negative: what had happened before the start took no
// time from it. A start without bounds gives no sample; an end without bounds lies
// somewhere after the start.
func (s *sample) between(start moment, startEarlier time.Duration, end moment, endEarlier time.Duration) {
	if startEarlier == spec.Missing {
		return
	}
	took := time.Duration(end - start)
	s.came, s.took = true, max(took, 0)
	s.high = max(took+startEarlier, 0)
	if endEarlier != spec.Missing {
		s.low = max(took-endEarlier, 0)
	}
	s.late = startEarlier > 0 || endEarlier > 0
}

// widened are the bounds with the bar.
func (s *sample) widened() (low, high time.Duration) {
	return max(s.low-s.bar, 0), plus(s.high, s.bar)
}

// plus stays at spec.Missing, which is above everything.
func plus(a, b time.Duration) time.Duration {
	if a > spec.Missing-b {
		return spec.Missing
	}
	return a + b
}

// set is one series with its samples.
type set struct {
	name, group string
	samples     []sample
}

// bounded is a series three times: as measured, and with every sample at its low
// and at its high bound.
type bounded struct{ nominal, low, high spec.Series }

// summarize makes the series that thresholds judge.
func (s *set) summarize() bounded {
	var took, low, high []time.Duration
	exact := true
	for i := range s.samples {
		one := &s.samples[i]
		if !one.came {
			continue
		}
		took = append(took, one.took)
		exact = exact && !one.late && one.bar == 0
	}
	n := len(s.samples)
	b := bounded{nominal: stats.Summarize(took, n-len(took))}
	if exact {
		b.low, b.high = b.nominal, b.nominal
		return b
	}
	for i := range s.samples {
		if one := &s.samples[i]; one.came {
			l, h := one.widened()
			low = append(low, l)
			if h != spec.Missing {
				high = append(high, h)
			}
		}
	}
	b.low, b.high = stats.Summarize(low, n-len(low)), stats.Summarize(high, n-len(high))
	b.low.Stddev, b.high.Stddev = s.deviations(b.nominal.Stddev)
	return b
}

// deviations are the bounds of the standard deviation. It is a norm of the samples
// without their mean, divided by √(n−1), so that moving the samples by d changes
// it by at most |d|/√(n−1).
func (s *set) deviations(nominal time.Duration) (low, high time.Duration) {
	var sum float64
	for i := range s.samples {
		one := &s.samples[i]
		l, h := one.widened()
		if !one.came || h == spec.Missing {
			return 0, spec.Missing
		}
		sum += math.Pow(float64(max(one.took-l, h-one.took)), 2)
	}
	moved := time.Duration(math.Ceil(math.Sqrt(sum / float64(max(len(s.samples)-1, 1)))))
	return max(nominal-moved, 0), plus(nominal, moved)
}

// measured makes the series that reports show, with its samples when they are
// wanted.
func (s *set) measured(of spec.Series, samples bool) event.MeasuredSeries {
	m := shown(s.name, s.group, of)
	for i := range s.samples {
		if s.samples[i].late {
			m.Late++
		}
		if s.samples[i].skewed {
			m.Skewed++
		}
	}
	m.Intervals = s.intervals()
	if samples {
		m.Samples = listed(s.samples)
	}
	return m
}

func (s *set) intervals() map[string][2]*float64 {
	sorted := make([]time.Duration, 0, len(s.samples))
	for i := range s.samples {
		if s.samples[i].came {
			sorted = append(sorted, s.samples[i].took)
		}
	}
	slices.Sort(sorted)
	return intervals(func(q, confidence float64) (stats.Interval, bool) {
		return stats.QuantileInterval(sorted, len(s.samples)-len(sorted), q, confidence)
	})
}

// shown is a series in seconds.
func shown(name, group string, s spec.Series) event.MeasuredSeries {
	m := event.MeasuredSeries{Name: name, Group: group, Count: s.Count, Missing: s.Missing}
	if s.Count+s.Missing == 0 {
		return m
	}
	m.Min, m.Mean, m.Max, m.Stddev = seconds(s.Min), seconds(s.Mean), seconds(s.Max), seconds(s.Stddev)
	m.P50, m.P90, m.P95, m.P99 = seconds(s.P50), seconds(s.P90), seconds(s.P95), seconds(s.P99)
	return m
}

// shownValues is a series of values without a unit of time.
func shownValues(name, group string, v spec.Values) event.MeasuredSeries {
	m := event.MeasuredSeries{Name: name, Group: group, Count: v.Count}
	if v.Count > 0 {
		m.Min, m.Mean, m.Max, m.Stddev = &v.Min, &v.Mean, &v.Max, &v.Stddev
		m.P50, m.P90, m.P95, m.P99 = &v.P50, &v.P90, &v.P95, &v.P99
	}
	return m
}

// judged are the quantiles that thresholds can name.
var judged = [...]struct {
	name string
	q    float64
}{{"p50", 0.50}, {"p90", 0.90}, {"p95", 0.95}, {"p99", 0.99}}

// intervals are the confidence intervals of the quantiles. They take samples as
// independent of each other, which the pods of one run are only roughly.
func intervals(of func(q, confidence float64) (stats.Interval, bool)) map[string][2]*float64 {
	all := map[string][2]*float64{}
	for _, j := range judged {
		i, _ := of(j.q, stats.Confidence) // not ok: an end is open
		if i.Low > 0 || i.High != spec.Missing {
			all[j.name] = [2]*float64{seconds(i.Low), seconds(i.High)}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// listed are the samples as reports show them. Their numbers lie in one piece:
// there may be hundreds of thousands.
func listed(samples []sample) []event.Sample {
	all := make([]event.Sample, len(samples))
	numbers := make([]float64, 0, numbersIn(samples))
	number := func(d time.Duration) *float64 {
		numbers = append(numbers, d.Seconds())
		return &numbers[len(numbers)-1]
	}
	for i := range samples {
		s := &samples[i]
		all[i].Run = int(s.run)
		if s.of != nil {
			all[i].Object, all[i].UID, all[i].Node = s.of.object, s.of.uid, s.of.node
		}
		if s.came {
			all[i].Value = number(s.took)
		}
		if s.came && s.late {
			all[i].Low, all[i].High = number(s.low), number(s.high)
		}
		if s.stamped {
			all[i].Server = number(s.server)
		}
	}
	return all
}

func numbersIn(samples []sample) (n int) {
	for i := range samples {
		s := &samples[i]
		if s.came {
			n++
		}
		if s.came && s.late {
			n += 2
		}
		if s.stamped {
			n++
		}
	}
	return n
}

// seconds is d for reports: nil where it was not reached.
func seconds(d time.Duration) *float64 {
	if d == spec.Missing {
		return nil
	}
	s := d.Seconds()
	return &s
}
