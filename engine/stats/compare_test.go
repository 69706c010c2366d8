package stats_test

import (
	"math"
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/stats"
)

var rule = stats.Rule{Alpha: 0.05, Tolerance: 0.10}

// plus are the values with a difference added to each.
func plus(values []float64, difference float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v + difference
	}
	return out
}

func TestCompareVerdicts(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	six := []float64{100, 101, 102, 103, 104, 105}
	for _, c := range []struct {
		name   string
		a, b   []float64
		floor  float64
		want   stats.Verdict
		change float64
		needed int
	}{
		{"the same runs", six, six, 0, stats.Same, 0, 0},
		{"worse", six, plus(six, 20), 0, stats.Worse, 20. / 102, 0},
		{"better", six, plus(six, -20), 0, stats.Better, -20. / 102, 0},
		{"significant but within the tolerance", six, plus(six, 10), 0, stats.Same, 10. / 102, 0},
		{"significant but within the floor", six, plus(six, 20), 25, stats.Same, 20. / 102, 0},
		{"large but not significant", six, []float64{90, 95, 130, 140, 80, 150}, 0, stats.Same, -7. / 102, 0},
		{"large, noisy, not significant", six, []float64{90, 95, 130, 140, 120, 80}, 0, stats.Same, -7. / 102, 0},
		{"three runs can never tell", six[:3], plus(six[:3], 50), 0, stats.Unknown, 50. / 101, 4},
		{"three runs without an effect", six[:3], plus(six[:3], 1), 0, stats.Same, 1. / 101, 0},
		{"one run", six[:1], []float64{200}, 0, stats.Unknown, 1, 4},
		{"no run before", nil, six, 0, stats.Unknown, nan, 4},
		{"no run after", six, nil, 0, stats.Unknown, nan, 4},
		{"not a number", six, []float64{nan, 1, 2, 3, 4, 5}, 0, stats.Unknown, nan, 4},
		{"no longer reached", six, []float64{inf, inf, inf, inf, inf, inf}, 50, stats.Worse, inf, 0},
		{"reached at last", []float64{inf, inf, inf, inf, inf, inf}, six, 50, stats.Better, -1, 0},
		{"never reached", []float64{inf, inf, inf, inf}, []float64{inf, inf, inf, inf}, 0, stats.Same, 0, 0},
		{"something from nothing", make([]float64, 6), six, 0, stats.Worse, inf, 0},
		{"nothing at all", make([]float64, 6), make([]float64, 6), 0, stats.Same, 0, 0},
	} {
		got := stats.Compare([]stats.Metric{{Name: c.name, A: c.a, B: c.b, Floor: c.floor}}, rule)[0]
		sameChange := got.Change == c.change || math.Abs(got.Change-c.change) < 1e-12 ||
			math.IsNaN(got.Change) && math.IsNaN(c.change)
		if got.Verdict != c.want || got.Needed != c.needed || !sameChange {
			t.Errorf("%s: %s, change %v, needed %d (adjusted P %v); want %s, %v, %d",
				c.name, got.Verdict, got.Change, got.Needed, got.Adjusted, c.want, c.change, c.needed)
		}
	}
}

// The median of B is higher and nearly everything in B is lower: neither verdict is
// true, however significant.
func TestCompareWantsMediansAndRanksToAgree(t *testing.T) {
	of := func(n int, x float64, m int, y float64) []float64 {
		return append(slices.Repeat([]float64{x}, n), slices.Repeat([]float64{y}, m)...)
	}
	a, b := of(16, 10, 14, 100), of(14, 0, 16, 12)
	for _, m := range []stats.Metric{{A: a, B: b}, {A: b, B: a}} {
		got := stats.Compare([]stats.Metric{m}, rule)[0]
		if got.Verdict != stats.Same || got.Adjusted > 0.01 || math.Abs(got.Change) < 0.1 {
			t.Errorf("%+v: want the same with a low P and a change of the median", got)
		}
	}
}

// What is significant alone need not be so among many: that is the correction.
func TestCompareCountsItsMetrics(t *testing.T) {
	g := NewWithT(t)
	four := []float64{100, 101, 102, 103}
	moved := stats.Metric{Name: "moved", A: four, B: plus(four, 50)}
	still := stats.Metric{Name: "still", A: four, B: four}

	alone := stats.Compare([]stats.Metric{moved}, rule)
	g.Expect(alone[0].Verdict).To(Equal(stats.Worse))
	g.Expect(alone[0].Adjusted).To(BeNumerically("~", 2./70, 1e-12))

	among := stats.Compare([]stats.Metric{still, moved, still}, rule)
	g.Expect(among[1].Name).To(Equal("moved"))
	g.Expect(among[1].Adjusted).To(BeNumerically("~", 6./70, 1e-12))
	g.Expect(among[1].Verdict).To(Equal(stats.Unknown), "four runs a side can never show one of three metrics")
	g.Expect(among[1].Needed).To(Equal(5))
	g.Expect(among[0].Verdict).To(Equal(stats.Same))
	g.Expect(stats.Compare(nil, rule)).To(BeEmpty())
}

// Needed is a promise: with that many runs on each side that do not overlap, the
// verdict is no longer unknown, and with one less it still is.
func TestCompareNeededIsEnoughAndLeast(t *testing.T) {
	verdict := func(metrics, runs int) stats.Comparison {
		m := stats.Metric{}
		for i := range runs {
			m.A, m.B = append(m.A, 100+float64(i)), append(m.B, 200+float64(i))
		}
		all := make([]stats.Metric, metrics)
		for i := range all {
			all[i] = m
		}
		return stats.Compare(all, rule)[0]
	}
	for metrics := 1; metrics <= 40; metrics++ {
		n := verdict(metrics, 2).Needed
		if at, under := verdict(metrics, n), verdict(metrics, n-1); at.Verdict != stats.Worse || under.Verdict != stats.Unknown {
			t.Errorf("%d metrics: needs %d runs, where it is %s, and %s with one less", metrics, n, at.Verdict, under.Verdict)
		}
	}
}
