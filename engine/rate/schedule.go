// Package rate starts operations at the moments at which a schedule wants them.
//
// It is an open loop: operation i is due at t0 + Due(i), whatever became of
// those before it. Nothing sleeps 1/rate, so no lag adds up, and a slow answer
// neither delays nor leaves out the operations behind it. Who measures from Due
// sees a stall in every operation that it delayed (no coordinated omission).
package rate

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Most is how many operations a schedule may have.
const Most = 10_000_000

// Longest is how long a schedule may take. Up to here a float64 holds
// nanoseconds, so that Due is right to 2 ns.
const Longest = 100 * 24 * time.Hour

var errTooLong = errors.New("the load takes longer than 100 days: give it a higher rate, a lower count or less time")

// Stage is a part of a schedule: the rate goes evenly from the one of the stage
// before (0 before the first) to Rate when it is a Ramp, and at once when not.
// It lasts for the time For.
type Stage struct {
	Rate float64 // operations a second; 0 is a pause, or the end of a ramp down
	For  time.Duration
	Ramp bool
}

// Schedule gives each operation its due time. The zero value has none.
//
// With r(t) the rate at time t and N(t) = ∫₀ᵗ r the operations that have come
// due, operation i is due when N(t) = i: the first at 0, or when the rate first
// rises above 0. The end of the time is not part of it: 100/s for 10 s are 1000
// operations, the last due at 9.99 s.
type Schedule struct {
	parts []part
	count int
	end   time.Duration
	all   float64 // N(end)
}

// part is a time in which the rate changes evenly. N is kept as it is before and
// after, so that no rounding carries over from one part to the next.
type part struct {
	start, length time.Duration
	from, to      float64 // the rates at both ends, a second
	before, after float64 // N at both ends
}

// Constant is count operations at rate a second (count 0: as many as come due in
// dur; dur 0: until count; with both, whichever ends first). ramp is the time in
// which the rate rises evenly from 0 to rate; dur includes it.
func Constant(rate float64, count int, dur, ramp time.Duration) (Schedule, error) {
	switch {
	case !(rate > 0) || math.IsInf(rate, 0):
		return Schedule{}, fmt.Errorf("the rate is %v: it must be a number of operations a second above 0, such as 50", rate)
	case dur < 0 || ramp < 0:
		return Schedule{}, fmt.Errorf("a time is negative (for %v, ramp %v): it must be 0s or more", dur, ramp)
	case dur == 0 && count == 0:
		return Schedule{}, errors.New("the load has no end: give it a count, such as 1000, or a time, such as for: 60s")
	case dur > 0 && ramp > dur:
		return Schedule{}, fmt.Errorf("the ramp of %v is longer than the whole time of %v: the rate would never be reached", ramp, dur)
	}
	open := dur == 0
	if open {
		dur = max(Longest, ramp)
	}
	var stages []Stage
	if ramp > 0 {
		stages = append(stages, Stage{Rate: rate, For: ramp, Ramp: true})
	}
	if dur > ramp {
		stages = append(stages, Stage{Rate: rate, For: dur - ramp})
	}
	s, err := build(stages, count)
	if err == nil && open && s.count < count {
		return Schedule{}, errTooLong
	}
	return s, err
}

// Stages is one stage after the other, or the first count operations of that
// when count is above 0.
func Stages(stages []Stage, count int) (Schedule, error) {
	if len(stages) == 0 {
		return Schedule{}, errors.New("there are no stages: give at least one, such as {rate: 50, for: 30s}")
	}
	for i, stage := range stages {
		switch {
		case !(stage.Rate >= 0) || math.IsInf(stage.Rate, 0):
			return Schedule{}, fmt.Errorf("the rate of stage %d is %v: it must be a number of operations a second, 0 or more", i+1, stage.Rate)
		case stage.For <= 0:
			return Schedule{}, fmt.Errorf("the time of stage %d is %v: it must be above 0s, such as for: 30s", i+1, stage.For)
		}
	}
	return build(stages, count)
}

// Burst is count operations, all due at once.
func Burst(count int) Schedule { return Schedule{count: max(count, 0)} }

func build(stages []Stage, count int) (Schedule, error) {
	if count < 0 {
		return Schedule{}, fmt.Errorf("the count is %d: it must be above 0", count)
	}
	var s Schedule
	var rate float64
	for _, stage := range stages {
		if stage.For > Longest-s.end {
			return Schedule{}, errTooLong
		}
		p := part{start: s.end, length: stage.For, from: rate, to: stage.Rate, before: s.all}
		if !stage.Ramp {
			p.from = stage.Rate
		}
		p.after = snap(p.before + (p.from+p.to)/2*p.length.Seconds())
		s.parts = append(s.parts, p)
		s.end, s.all, rate = p.start+p.length, p.after, p.to
	}
	return s.cut(count)
}

// cut ends the schedule after count operations, when it has more.
func (s Schedule) cut(count int) (Schedule, error) {
	if due := float64(count); count > 0 && due < s.all {
		i := slices.IndexFunc(s.parts, func(p part) bool { return p.after >= due })
		s.end, s.all = s.parts[i].due(due), due
	}
	switch due := math.Ceil(s.all); {
	case due == 0:
		return Schedule{}, errors.New("no operation is due: the rate of every stage is 0")
	case due > Most:
		return Schedule{}, fmt.Errorf("%.0f operations are due: a load has at most %d, give it a lower rate or less time", due, Most)
	default:
		s.count = int(due)
	}
	return s, nil
}

// Len is how many operations there are.
func (s Schedule) Len() int { return s.count }

// Due is when operation i is due, counted from the beginning. It is the closed
// form of N(Due) = i, rounded to the nanosecond, and grows with i.
func (s Schedule) Due(i int) time.Duration {
	n := float64(i)
	for _, p := range s.parts {
		if n < p.after {
			return p.due(n)
		}
	}
	return s.end
}

// Duration is the time of the whole schedule: that of its stages, or until
// operation number count would be due when a count ends it (10 s for 1000 at
// 100/s). It is 0 for a burst.
func (s Schedule) Duration() time.Duration { return s.end }

// Asked is the mean rate asked, in operations a second: N(Duration) / Duration.
// It is 0 for a burst, which asks for no rate.
func (s Schedule) Asked() float64 {
	if s.end == 0 {
		return 0
	}
	return s.all / s.end.Seconds()
}

// due is when N reaches n, which is between before and after.
//
// In a ramp up N grows by from·t + slope·t²/2. A ramp down is seen from its end,
// where it is a ramp up: there the root loses no digits.
func (p part) due(n float64) time.Duration {
	slope := math.Abs(p.to-p.from) / p.length.Seconds()
	seconds := 0.0
	if p.to >= p.from {
		seconds = reach(n-p.before, p.from, slope)
	} else {
		seconds = p.length.Seconds() - reach(p.after-n, p.to, slope)
	}
	in := time.Duration(math.Round(seconds * float64(time.Second)))
	return p.start + min(max(in, 0), p.length)
}

// reach is the time t in seconds with rate·t + slope·t²/2 = n: the root of the
// quadratic, in the form that also holds for slope 0.
func reach(n, rate, slope float64) float64 {
	if n <= 0 {
		return 0
	}
	return 2 * n / (rate + math.Sqrt(rate*rate+2*slope*n))
}

// snap takes away what rounding added: 0.1/s for 30 s are 3 operations, and not
// the 4 that 3.0000000000000004 would round up to.
func snap(n float64) float64 {
	if whole := math.Round(n); math.Abs(n-whole) <= 1e-9*max(1, math.Abs(n)) {
		return whole
	}
	return n
}
