package stats

import (
	"math"
	"slices"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"

	"github.com/realspec/realspec/engine/spec"
)

// Exact is the number of samples up to which Samples keeps every nanosecond: 8 MiB.
const Exact = 1 << 20

// SketchError is the relative error of a quantile of more than Exact samples.
const SketchError = 0.005

// Samples collects durations. Up to Exact of them it keeps each; with more it
// keeps a DDSketch (Masson, Rim and Lee 2019) of some 35 KiB, whose quantiles are
// within SketchError of the sample of that rank. Count, minimum, maximum, mean and
// standard deviation never come from the sketch. The zero value is empty and ready;
// it is for one goroutine at a time.
type Samples struct {
	exact   []time.Duration
	sketch  *sketch // nil while exact
	missing int
}

// Add adds one sample. spec.Missing counts as one that never came.
func (s *Samples) Add(d time.Duration) {
	switch {
	case d == spec.Missing:
		s.missing++
	case s.sketch != nil:
		s.sketch.add(d)
	case len(s.exact) < Exact:
		s.exact = append(s.exact, d)
	default:
		s.condense()
		s.sketch.add(d)
	}
}

// AddMissing adds n samples that never came: they count above every seen one.
func (s *Samples) AddMissing(n int) { s.missing += n }

// Merge adds the samples of another collection, which stays as it is. Nothing is
// lost while both together are exact.
func (s *Samples) Merge(other *Samples) {
	s.missing += other.missing
	if other.sketch == nil {
		s.addAll(other.exact)
		return
	}
	s.condense()
	s.sketch.merge(other.sketch)
}

// Series describes the samples. Its quantiles are nearest rank, within Error.
func (s *Samples) Series() spec.Series {
	if s.sketch == nil {
		return Summarize(s.exact, s.missing)
	}
	return s.sketch.series(s.missing)
}

// Interval is the confidence interval of the quantile q, as in QuantileInterval.
// Beyond Exact its ends are moved outwards by the sketch's error, so that it still
// encloses what the samples' own would.
func (s *Samples) Interval(q, confidence float64) (Interval, bool) {
	if s.sketch == nil {
		return QuantileInterval(slices.Sorted(slices.Values(s.exact)), s.missing, q, confidence)
	}
	i, ok := quantileInterval(s.sketch.count()+s.missing, s.sketch.at, q, confidence)
	return s.sketch.widen(i), ok
}

// Error is the relative error of the quantiles: 0 while the samples are exact.
func (s *Samples) Error() float64 {
	if s.sketch == nil {
		return 0
	}
	return SketchError
}

func (s *Samples) addAll(samples []time.Duration) {
	if s.sketch == nil && len(s.exact)+len(samples) <= Exact {
		s.exact = append(s.exact, samples...)
		return
	}
	s.condense()
	for _, d := range samples {
		s.sketch.add(d)
	}
}

// condense goes from exact samples to a sketch of them.
func (s *Samples) condense() {
	if s.sketch != nil {
		return
	}
	s.sketch = newSketch()
	for _, d := range s.exact {
		s.sketch.add(d)
	}
	s.exact = nil
}

// sketch is a DDSketch together with what can be exact beside it.
type sketch struct {
	*ddsketch.DDSketch
	moments  moments
	min, max time.Duration
}

func newSketch() *sketch {
	m, err := mapping.NewLogarithmicMapping(SketchError)
	if err != nil {
		panic(err) // only for an error that is not within 0 to 1
	}
	return &sketch{
		DDSketch: ddsketch.NewDDSketch(m, store.NewDenseStore(), store.NewDenseStore()),
		min:      math.MaxInt64, max: math.MinInt64,
	}
}

func (k *sketch) add(d time.Duration) {
	// It refuses only NaN and values beyond 10³⁰⁸, which no duration is.
	_ = k.Add(float64(d))
	k.moments.add(float64(d))
	k.min, k.max = min(k.min, d), max(k.max, d)
}

func (k *sketch) merge(other *sketch) {
	// It refuses only another mapping, and there is one.
	_ = k.MergeWith(other.DDSketch)
	k.moments.merge(other.moments)
	k.min, k.max = min(k.min, other.min), max(k.max, other.max)
}

func (k *sketch) count() int { return int(k.GetCount()) }

func (k *sketch) series(missing int) spec.Series {
	n := k.count()
	quantile := func(q float64) time.Duration { return k.at(Rank(q, n+missing)) }
	s := spec.Series{Count: int64(n), Missing: int64(missing), Min: k.min, Max: k.max}
	s.P50, s.P90, s.P95, s.P99 = quantile(0.50), quantile(0.90), quantile(0.95), quantile(0.99)
	if missing > 0 {
		s.Max = spec.Missing
	}
	s.Mean, s.Stddev = k.moments.durations(missing)
	return s
}

// at is the sample of a rank from 1 on, within SketchError. The sketch's own
// quantile rounds otherwise than nearest rank, so its store is asked; half a rank
// less keeps clear of the edge between two bins.
func (k *sketch) at(rank int) time.Duration {
	negative, zero := k.GetNegativeValueStore().TotalCount(), k.GetZeroCount()
	r := float64(rank) - 0.5
	var x float64
	switch {
	case rank > k.count():
		return spec.Missing
	case r < negative:
		x = -k.Value(k.GetNegativeValueStore().KeyAtRank(negative - r))
	case r < negative+zero:
		x = 0
	default:
		x = k.Value(k.GetPositiveValueStore().KeyAtRank(r - negative - zero))
	}
	return min(max(nanoseconds(x), k.min), k.max)
}

// widen moves the ends outwards: a sample x is shown as a v with |v−x| ≤ e·|x|, so
// x is within |v|·e/(1−e) of v. An open end stays open.
func (k *sketch) widen(i Interval) Interval {
	margin := func(v time.Duration) time.Duration {
		return time.Duration(math.Ceil(math.Abs(float64(v)) * SketchError / (1 - SketchError)))
	}
	if i.Low != 0 && i.Low != spec.Missing {
		i.Low = max(i.Low-margin(i.Low), k.min)
	}
	if i.High != spec.Missing {
		i.High = min(i.High+margin(i.High), k.max)
	}
	return i
}
