package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// logNormal are latencies with a heavy tail around 5 ms.
func logNormal(rng *rand.Rand, n int) []time.Duration {
	samples := make([]time.Duration, n)
	for i := range samples {
		samples[i] = time.Duration(5e6 * math.Exp(1.2*rng.NormFloat64()))
	}
	return samples
}

func collect(samples []time.Duration, missing int) *stats.Samples {
	s := &stats.Samples{}
	for _, d := range samples {
		s.Add(d)
	}
	s.AddMissing(missing)
	return s
}

func TestSamplesAreExact(t *testing.T) {
	g := NewWithT(t)
	samples := logNormal(rand.New(rand.NewPCG(31, 32)), 5000)
	s := collect(samples, 7)
	s.Add(spec.Missing)
	g.Expect(s.Series()).To(Equal(stats.Summarize(samples, 8)))
	g.Expect(s.Error()).To(BeZero())
	got, _ := s.Interval(0.9, 0.95)
	slices.Sort(samples)
	want, _ := stats.QuantileInterval(samples, 8, 0.9, 0.95)
	g.Expect(got).To(Equal(want))
	g.Expect((&stats.Samples{}).Series()).To(Equal(spec.Series{}))
}

// Past Exact the quantiles are within SketchError of the sample of that rank, for
// latencies, for a few distinct values, and for the odd ends of the range.
func TestSketchKeepsItsError(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	many := func(next func() time.Duration) []time.Duration {
		samples := make([]time.Duration, stats.Exact+5000)
		for i := range samples {
			samples[i] = next()
		}
		return samples
	}
	for name, samples := range map[string][]time.Duration{
		"log-normal":      logNormal(rng, stats.Exact+5000),
		"few values":      many(func() time.Duration { return time.Duration(rng.IntN(7)) * time.Millisecond }),
		"nine decades":    many(func() time.Duration { return time.Duration(math.Pow(10, 9*rng.Float64())) }),
		"both sides of 0": many(func() time.Duration { return time.Duration(rng.NormFloat64() * 1e6) }),
	} {
		for _, missing := range []int{0, 30000} {
			got, want := collect(samples, missing), stats.Summarize(samples, missing)
			if got.Error() != stats.SketchError {
				t.Fatalf("%s: the error of %d samples is %v", name, len(samples), got.Error())
			}
			checkSketched(t, name, got.Series(), want)
		}
	}
}

// checkSketched holds a sketched series against the exact one.
func checkSketched(t *testing.T, name string, got, want spec.Series) {
	t.Helper()
	if got.Count != want.Count || got.Missing != want.Missing || got.Min != want.Min || got.Max != want.Max {
		t.Errorf("%s: %+v, want %+v", name, got, want)
	}
	for _, c := range []struct {
		what      string
		got, want time.Duration
		tolerance float64
	}{
		{"p50", got.P50, want.P50, stats.SketchError}, {"p90", got.P90, want.P90, stats.SketchError},
		{"p95", got.P95, want.P95, stats.SketchError}, {"p99", got.P99, want.P99, stats.SketchError},
		{"mean", got.Mean, want.Mean, 1e-9}, {"stddev", got.Stddev, want.Stddev, 1e-9},
	} {
		// One nanosecond more, for the rounding to whole ones.
		if math.Abs(float64(c.got)-float64(c.want)) > c.tolerance*math.Abs(float64(c.want))+1 {
			t.Errorf("%s: the %s is %d ns, want %d ns within %v", name, c.what, c.got, c.want, c.tolerance)
		}
	}
}

// The last exact sample and the first that is too many.
func TestSamplesGoOverAtExact(t *testing.T) {
	g := NewWithT(t)
	s := &stats.Samples{}
	for i := range stats.Exact {
		s.Add(time.Duration(i+1) * time.Microsecond)
	}
	g.Expect(s.Error()).To(BeZero())
	g.Expect(s.Series().P50).To(Equal(stats.Exact / 2 * time.Microsecond))
	s.AddMissing(3)
	g.Expect(s.Error()).To(BeZero(), "missing samples need no memory")
	s.Add(time.Microsecond)
	g.Expect(s.Error()).To(Equal(stats.SketchError))
	g.Expect(s.Series().Count).To(BeEquivalentTo(stats.Exact + 1))
}

// A sketch knows its bins by rank: one rank off shows where the samples leap.
func TestSketchIsNearestRank(t *testing.T) {
	for _, c := range []struct{ low, high time.Duration }{
		{time.Millisecond, time.Second}, {-time.Second, -time.Millisecond}, {-time.Second, 0}, {0, time.Second},
	} {
		s := &stats.Samples{}
		for range stats.Exact {
			s.Add(c.low)
			s.Add(c.high)
		}
		if got := s.Series().P50; got != c.low {
			t.Errorf("half %v, half %v: the median is %v, want the lower", c.low, c.high, got)
		}
		s.Add(c.high)
		if got := s.Series().P50; got != c.high {
			t.Errorf("most %v: the median is %v", c.high, got)
		}
	}
}

// The interval of a sketch encloses the one of its samples, and not by more than
// the sketch's error and its bins explain.
func TestSketchedIntervalEnclosesTheExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(39, 40))
	samples := logNormal(rng, stats.Exact+5000)
	s := collect(samples, 100)
	slices.Sort(samples)
	for _, q := range []float64{0.001, 0.25, 0.5, 0.9, 0.99, 0.9999, 1} {
		got, gotOK := s.Interval(q, 0.95)
		want, ok := stats.QuantileInterval(samples, 100, q, 0.95)
		if gotOK != ok || got.Confidence != want.Confidence || got.Low > want.Low || got.High < want.High {
			t.Errorf("p%v: %+v, %v does not enclose %+v, %v", 100*q, got, gotOK, want, ok)
		}
		if float64(got.Low) < float64(want.Low)*0.98 || float64(got.High) > float64(want.High)*1.02 {
			t.Errorf("p%v: %+v is far wider than %+v", 100*q, got, want)
		}
	}
}

// Merging in any order and grouping is the same as collecting all at once: to the
// nanosecond while exact, and in every quantile's bin beyond.
func TestMergeIsAssociative(t *testing.T) {
	// Two of the larger ones are past Exact. Missing samples take mean and deviation away.
	for _, c := range []struct{ n, missing int }{{1000, 0}, {1000, 1}, {stats.Exact/2 + 1, 0}, {stats.Exact/2 + 1, 1}} {
		rng := rand.New(rand.NewPCG(35, 36))
		var parts [3][]time.Duration
		for i := range parts {
			parts[i] = logNormal(rng, c.n)
			for j := range parts[i] {
				parts[i][j] *= time.Duration(i + 1) // means that differ
			}
		}
		part := func(i int) *stats.Samples { return collect(parts[i], c.missing*i) }
		merged := func(into *stats.Samples, more ...*stats.Samples) *stats.Samples {
			for _, s := range more {
				into.Merge(s)
			}
			return into
		}
		whole := collect(slices.Concat(parts[:]...), c.missing*3).Series()
		for name, s := range map[string]*stats.Samples{
			"(a b) c":    merged(part(0), part(1), part(2)),
			"a (b c)":    merged(part(0), merged(part(1), part(2))),
			"c b a":      merged(part(2), part(1), part(0)),
			"into empty": merged(&stats.Samples{}, part(0), merged(part(1), part(2)), &stats.Samples{}),
		} {
			got := s.Series()
			if got.Mean-whole.Mean <= 1 && whole.Mean-got.Mean <= 1 {
				got.Mean = whole.Mean // the order of additions of floats
			}
			if got.Stddev-whole.Stddev <= 1 && whole.Stddev-got.Stddev <= 1 {
				got.Stddev = whole.Stddev
			}
			if got != whole {
				t.Errorf("%+v each, %s: %+v, want %+v", c, name, got, whole)
			}
		}
	}
}

func TestMergeLeavesTheOtherAlone(t *testing.T) {
	g := NewWithT(t)
	rng := rand.New(rand.NewPCG(37, 38))
	for _, n := range []int{100, stats.Exact + 100} {
		other := collect(logNormal(rng, n), 0)
		before := other.Series()
		into := &stats.Samples{}
		into.Merge(other)
		into.Add(time.Hour)
		g.Expect(other.Series()).To(Equal(before))
		g.Expect(into.Series().Count).To(Equal(before.Count + 1))
		other.Add(2 * time.Hour)
		g.Expect(into.Series().Max).To(Equal(time.Hour))
	}
}
