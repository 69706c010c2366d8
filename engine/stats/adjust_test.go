package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/realspec/realspec/engine/stats"
)

var nearly = cmp.Options{cmpopts.EquateApprox(0, 1e-12), cmpopts.EquateNaNs()}

func TestAdjustments(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name    string
		p, holm []float64
	}{
		{"nothing", []float64{}, []float64{}},
		{"one", []float64{0.04}, []float64{0.04}},
		// The common worked example of Holm's method, α 0.05: the first and the last.
		{"four", []float64{0.01, 0.04, 0.03, 0.005}, []float64{0.03, 0.06, 0.06, 0.02}},
		{"not a number", []float64{nan, 0.01, 0.02}, []float64{nan, 0.02, 0.02}},
		{"at most 1", []float64{0.9, 0.8}, []float64{1, 1}},
	} {
		if d := cmp.Diff(c.holm, stats.Holm(c.p), nearly); d != "" {
			t.Errorf("%s: Holm (-want +got):\n%s", c.name, d)
		}
	}
}

// Benjamini and Hochberg (1995), 4.1: fifteen hypotheses on thrombolysis. At 0.05
// procedures that bound the probability of any false alarm reject three.
func TestAdjustmentsOfThePaper(t *testing.T) {
	p := []float64{
		0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459,
		0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.000,
	}
	rejected := func(adjusted []float64) (n int) {
		for _, p := range adjusted {
			if p <= 0.05 {
				n++
			}
		}
		return n
	}
	if n := rejected(stats.Holm(p)); n != 3 {
		t.Errorf("Holm rejects %d, want 3", n)
	}
}

// The order of p is kept, none is lowered, and a smaller P anywhere never makes
// another one greater: Compare relies on that.
func TestAdjustmentProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for range 500 {
		p := make([]float64, 1+rng.IntN(12))
		for i := range p {
			p[i] = rng.Float64() * rng.Float64()
		}
		holm := stats.Holm(p)
		lower := append([]float64{}, p...)
		lower[rng.IntN(len(p))] /= 3
		holmLower := stats.Holm(lower)
		for i := range p {
			if holm[i] < p[i]-1e-15 || holm[i] > 1 || holmLower[i] > holm[i]+1e-15 {
				t.Fatalf("p %v: Holm %v (%v of %v)", p, holm, holmLower, lower)
			}
			for j := range p {
				if p[i] < p[j] && holm[i] > holm[j] {
					t.Fatalf("p %v: Holm %v is in another order", p, holm)
				}
			}
		}
	}
}
