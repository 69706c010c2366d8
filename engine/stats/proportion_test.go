package stats_test

import (
	"math"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/stats"
)

// Published intervals: those of Clopper and Pearson's tables, and the closed forms
// of none and of all.
func TestProportionTable(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{
		{0, 10, 0, 1 - math.Pow(0.025, 0.1)},
		{10, 10, math.Pow(0.025, 0.1), 1},
		{5, 10, 0.1871, 0.8129},
		{1, 20, 0.0013, 0.2487},
		{10, 100, 0.0490, 0.1762},
		{50, 1000, 0.0373, 0.0654},
		{0, 1_000_000, 0, 3.6888e-6},
	} {
		g := NewWithT(t)
		low, high := stats.Proportion(c.k, c.n, 0.95)
		g.Expect(low).To(BeNumerically("~", c.low, 6e-5), "%d of %d", c.k, c.n)
		g.Expect(high).To(BeNumerically("~", c.high, 6e-5), "%d of %d", c.k, c.n)
		if c.n == 1_000_000 {
			g.Expect(high).To(BeNumerically("~", c.high, 1e-9))
		}
	}
}

func TestProportionOfNothing(t *testing.T) {
	low, high := stats.Proportion(0, 0, 0.95)
	NewWithT(t).Expect([]float64{low, high}).To(Equal([]float64{0, 1}))
}

// The interval holds the true share with at least the confidence: the probability
// of all counts whose interval holds it, by the binomial sum.
func TestProportionCoverage(t *testing.T) {
	const n = 40
	for _, p := range []float64{0.01, 0.05, 0.3, 0.5, 0.93} {
		var covered float64
		for k := range n + 1 {
			low, high := stats.Proportion(k, n, 0.95)
			if low <= p && p <= high {
				logs, _ := math.Lgamma(n + 1)
				a, _ := math.Lgamma(float64(k + 1))
				b, _ := math.Lgamma(float64(n - k + 1))
				covered += math.Exp(logs - a - b + float64(k)*math.Log(p) + float64(n-k)*math.Log(1-p))
			}
		}
		NewWithT(t).Expect(covered).To(BeNumerically(">=", 0.95-1e-9), "p=%v", p)
	}
}
