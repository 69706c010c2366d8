package measure

import (
	"slices"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// The repetitions of a measure are pooled by their samples, each of which says
// from which repetition it is (from 1) and keeps that repetition's error bar.
// Pooled intervals describe these repetitions together; whether two sets of
// repetitions differ is for a comparison of one value a repetition.

// PoolPods is the repetitions in one. One that failed is a zero result, and gives
// no samples.
func PoolPods(runs []PodsResult) PodsResult {
	var sets []set
	where := map[[2]string]int{} // group and phase
	var unknown, unseen int
	grouped := false
	for i, r := range runs {
		unknown, unseen, grouped = unknown+r.Unknown, unseen+r.Unseen, grouped || r.grouped
		for j := range r.sets {
			one := &r.sets[j]
			k, ok := where[[2]string{one.group, one.name}]
			if !ok {
				k = len(sets)
				where[[2]string{one.group, one.name}] = k
				sets = append(sets, set{name: one.name, group: one.group})
			}
			sets[k].add(one.samples, i+1)
		}
	}
	r := podsResult(byGroup(sets), grouped)
	r.Unknown, r.Unseen = unknown, unseen
	return r
}

// PoolObjects is the repetitions in one, and the first of their errors. One that
// failed is a zero result.
func PoolObjects(runs []ObjectsResult) ObjectsResult {
	var all set
	var err error
	for i, r := range runs {
		all.add(r.set.samples, i+1)
		if err == nil {
			err = r.Err
		}
	}
	return objectsResult(all, err)
}

// Elapse is the time of one repetition: one that failed took no time that could be
// told, and is missing.
type Elapse struct {
	Took   time.Duration
	Failed bool
	// Bar is how far the time may be from the truth.
	Bar time.Duration
}

// ElapsedResult is what a repeated elapsed measure gives.
type ElapsedResult struct {
	Series, Low, High spec.Series
	Measured          event.MeasuredSeries
}

// PoolElapsed is the series with one duration a repetition.
func PoolElapsed(runs []Elapse) ElapsedResult {
	s := set{samples: make([]sample, len(runs))}
	for i, r := range runs {
		s.samples[i] = sample{run: int32(i + 1), bar: r.Bar, came: !r.Failed}
		if !r.Failed {
			s.samples[i].took, s.samples[i].low, s.samples[i].high = r.Took, r.Took, r.Took
		}
	}
	b := s.summarize()
	return ElapsedResult{Series: b.nominal, Low: b.low, High: b.high, Measured: s.measured(b.nominal, true)}
}

func (s *set) add(samples []sample, run int) {
	from := len(s.samples)
	s.samples = append(s.samples, samples...)
	for i := range s.samples[from:] {
		s.samples[from+i].run = int32(run)
	}
}

// byGroup puts the series of all pods first and then those of each group, as
// setsOf gives them: a later repetition may have brought a new group.
func byGroup(sets []set) []set {
	slices.SortStableFunc(sets, func(a, b set) int { return strings.Compare(a.group, b.group) })
	return sets
}
