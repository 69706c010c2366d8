package stats_test

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/realspec/realspec/engine/stats"
)

// withU are two samples without ties in which b is above a in u pairs.
func withU(n1, n2, u int) (a, b []float64) {
	for i := range n1 {
		a = append(a, float64(i+1))
	}
	for i := range n2 {
		above := min(u, n1)
		u -= above
		b = append(b, float64(above)+0.5+float64(i)*1e-3)
	}
	return a, b
}

// The lower tail of the null distribution, from the tables of Mann and Whitney,
// "On a Test of Whether one of Two Random Variables is Stochastically Larger than
// the Other" (1947), which have three decimals.
func TestMannWhitneyTable(t *testing.T) {
	for n, tail := range map[int][]float64{
		3: {0.050, 0.100, 0.200, 0.350, 0.500},
		4: {0.014, 0.029, 0.057, 0.100, 0.171, 0.243, 0.343, 0.443, 0.557},
	} {
		for u, want := range tail {
			a, b := withU(n, n, u)
			got := stats.MannWhitney(a, b, stats.Less)
			if math.Abs(got.P-want) > 0.0005+1e-9 || got.U != float64(u) || !got.Exact {
				t.Errorf("%d and %d values, U %d: %+v, want P %v", n, n, u, got, want)
			}
		}
	}
}

// The greatest U that is significant at 0.05, two-sided: the table at the back of
// most textbooks.
func TestMannWhitneyCriticalValues(t *testing.T) {
	for _, c := range []struct{ n1, n2, critical int }{
		{4, 4, 0}, {5, 5, 2}, {6, 6, 5}, {5, 8, 6}, {7, 9, 12}, {8, 8, 13}, {8, 10, 17},
		{10, 10, 23}, {12, 12, 37}, {15, 15, 64}, {20, 20, 127},
	} {
		at := func(u int) float64 {
			a, b := withU(c.n1, c.n2, u)
			return stats.MannWhitney(a, b, stats.Different).P
		}
		if in, out := at(c.critical), at(c.critical+1); in > 0.05 || out <= 0.05 {
			t.Errorf("%d and %d values: P is %v at U %d and %v above it", c.n1, c.n2, in, c.critical, out)
		}
	}
}

// Hollander and Wolfe (1973), p. 69: permeability of the human chorioamnion at
// term and at 12 to 26 weeks; W = 35, p = 0.1272.
func TestMannWhitneyTextbook(t *testing.T) {
	term := []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}
	early := []float64{1.15, 0.88, 0.90, 0.74, 1.21}
	got := stats.MannWhitney(early, term, stats.Greater)
	if got.U != 35 || math.Abs(got.P-0.1272) > 5e-5 {
		t.Errorf("%+v, want U 35 and P 0.1272", got)
	}
}

// New York's ozone in May and August 1973 (Chambers, Cleveland, Kleiner and Tukey
// 1983), with ties and by normal approximation; W = 127.5, p = 0.0001208.
func TestMannWhitneyApproximation(t *testing.T) {
	may := []float64{41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115, 37}
	august := []float64{39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118, 84, 85}
	got := stats.MannWhitney(august, may, stats.Different)
	if got.U != 127.5 || math.Abs(got.P-0.0001208) > 5e-8 || got.Exact {
		t.Errorf("%+v, want U 127.5 and P 0.0001208", got)
	}
}

// bruteForce is the definition: of all ways to give the values to the sides, the
// share whose U is at least as far out, twice the lesser one for both directions.
func bruteForce(a, b []float64, alt stats.Alternative) float64 {
	all := slices.Concat(a, b)
	u := func(inB uint) (u float64) {
		for i, x := range all {
			for j, y := range all {
				if inB>>i&1 == 0 && inB>>j&1 == 1 {
					switch {
					case y > x:
						u++
					case y == x:
						u += 0.5
					}
				}
			}
		}
		return u
	}
	observed := u((1<<len(b) - 1) << len(a))
	var below, above, total float64
	for set := uint(0); set < 1<<len(all); set++ {
		if bits.OnesCount(set) != len(b) {
			continue
		}
		total++
		v := u(set)
		if v <= observed {
			below++
		}
		if v >= observed {
			above++
		}
	}
	return map[stats.Alternative]float64{
		stats.Greater: above / total, stats.Less: below / total,
		stats.Different: min(1, 2*min(below, above)/total),
	}[alt]
}

func TestMannWhitneyAgreesWithItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var tied, censored int
	for range 300 {
		a, b := make([]float64, 1+rng.IntN(5)), make([]float64, 1+rng.IntN(5))
		distinct := 2 + rng.IntN(12)
		for _, side := range [][]float64{a, b} {
			for i := range side {
				if side[i] = float64(rng.IntN(distinct)); side[i] == 1 {
					side[i], censored = math.Inf(1), censored+1
				}
			}
		}
		if distinct < 6 {
			tied++
		}
		for _, alt := range []stats.Alternative{stats.Different, stats.Greater, stats.Less} {
			got, want := stats.MannWhitney(a, b, alt), bruteForce(a, b, alt)
			if math.Abs(got.P-want) > 1e-12 || got.P < got.Least-1e-12 {
				t.Fatalf("%v and %v, alternative %d: %+v, want P %v", a, b, alt, got, want)
			}
		}
	}
	if tied < 50 || censored < 50 {
		t.Fatalf("only %d with ties and %d censored values were tried", tied, censored)
	}
}

// Where the count becomes too long, the approximation must take over without a
// visible seam.
func TestMannWhitneyExactAndApproximateMeet(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		a, b := make([]float64, 25), make([]float64, 25)
		for i := range a {
			a[i], b[i] = math.Round(rng.NormFloat64()*10), math.Round(rng.NormFloat64()*10+3)
		}
		exact := stats.MannWhitney(a, b, stats.Different)
		more := stats.MannWhitney(append(a, a...), append(b, b...), stats.Different)
		if !exact.Exact || more.Exact {
			t.Fatalf("25 values a side: exact %v, 50: exact %v", exact.Exact, more.Exact)
		}
		z := math.Sqrt2 * math.Erfinv(1-exact.P)
		want := math.Erfc(z) // z grows by √2 with twice the values
		if math.Abs(more.P-want) > 0.02 {
			t.Fatalf("P is %v for the doubled samples, want about %v", more.P, want)
		}
	}
}

func TestMannWhitneyEdges(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name     string
		a, b     []float64
		p, least float64
	}{
		{"nothing", nil, nil, 1, 1},
		{"one side empty", []float64{1, 2}, nil, 1, 1},
		{"one a side", []float64{1}, []float64{2}, 1, 1},
		{"all the same", []float64{5, 5, 5, 5}, []float64{5, 5, 5, 5}, 1, 2.0 / 70},
		{"all censored", []float64{inf, inf, inf, inf}, []float64{inf, inf, inf, inf}, 1, 2.0 / 70},
		{"censored above all", []float64{1, 2, 3, 4}, []float64{inf, inf, inf, inf}, 2.0 / 70, 2.0 / 70},
		{"three a side", []float64{1, 2, 3}, []float64{4, 5, 6}, 0.1, 0.1},
		{"not a number", []float64{1, nan, 3}, []float64{4, 5, 6}, nan, 0.1},
	} {
		got := stats.MannWhitney(c.a, c.b, stats.Different)
		if got.P != c.p && !(math.IsNaN(got.P) && math.IsNaN(c.p)) || got.Least != c.least {
			t.Errorf("%s: %+v, want P %v and at least %v", c.name, got, c.p, c.least)
		}
	}
	same := make([]float64, 100)
	if got := stats.MannWhitney(same, same, stats.Different); got.P != 1 || got.Exact {
		t.Errorf("a hundred equal values a side: %+v, want P 1", got)
	}
}

// Exchanging the sides, reordering and any rising function of the values must not
// change the result.
func TestMannWhitneySymmetries(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		a, b := make([]float64, 1+rng.IntN(60)), make([]float64, 1+rng.IntN(60))
		for _, side := range [][]float64{a, b} {
			for i := range side {
				side[i] = math.Round(rng.NormFloat64() * 8)
			}
		}
		one := stats.MannWhitney(a, b, stats.Greater)
		other := stats.MannWhitney(b, a, stats.Less)
		if math.Abs(one.P-other.P) > 1e-9 || one.U+other.U != float64(len(a)*len(b)) {
			t.Fatalf("%+v and, exchanged, %+v", one, other)
		}
		for i := range a {
			a[i] = math.Exp(a[i] / 10)
		}
		for i := range b {
			b[i] = math.Exp(b[i] / 10)
		}
		rng.Shuffle(len(a), func(i, j int) { a[i], a[j] = a[j], a[i] })
		if again := stats.MannWhitney(a, b, stats.Greater); math.Abs(again.P-one.P) > 1e-9 {
			t.Fatalf("P is %v, and %v of the exponentials", one.P, again.P)
		}
	}
}
