package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/realspec/realspec/engine/stats"
)

// worlds are the ways in which three metrics of one run may come about when
// nothing has changed.
var worlds = map[string]func(rng *rand.Rand) [3]float64{
	"normal": func(rng *rand.Rand) (m [3]float64) {
		for i := range m {
			m[i] = 100 + 15*rng.NormFloat64()
		}
		return m
	},
	"log-normal, heavy tail": func(rng *rand.Rand) (m [3]float64) {
		for i := range m {
			m[i] = math.Exp(4 + 1.5*rng.NormFloat64())
		}
		return m
	},
	"ties": func(rng *rand.Rand) (m [3]float64) {
		for i := range m {
			m[i] = math.Round(5 + 1.5*rng.NormFloat64())
		}
		return m
	},
	"censored in one run of five": func(rng *rand.Rand) (m [3]float64) {
		for i := range m {
			if m[i] = 100 + 15*rng.NormFloat64(); rng.IntN(5) == 0 {
				m[i] = math.Inf(1)
			}
		}
		return m
	},
	// One slow machine makes all that it measures slow.
	"drift shared within a run": func(rng *rand.Rand) (m [3]float64) {
		drift := math.Exp(0.5 * rng.NormFloat64())
		for i := range m {
			m[i] = drift * (100 + 5*rng.NormFloat64())
		}
		return m
	},
}

// experiment compares two sets of 5 to 10 runs of one world; those of B are
// slower by that factor.
func experiment(rng *rand.Rand, world func(*rand.Rand) [3]float64, runsA, runsB int, factor float64, r stats.Rule) []stats.Comparison {
	metrics := make([]stats.Metric, 3)
	for range runsA {
		for i, x := range world(rng) {
			metrics[i].A = append(metrics[i].A, x)
		}
	}
	for range runsB {
		for i, x := range world(rng) {
			metrics[i].B = append(metrics[i].B, x*factor)
		}
	}
	return stats.Compare(metrics, r)
}

// The false-alarm rate of realspec: A against A, with no tolerance, so that the
// test alone has to keep the peace.
func TestComparisonOfTheSameRaisesFewAlarms(t *testing.T) {
	const rounds = 2000
	const alpha = 0.05
	bound := alpha + 3*math.Sqrt(alpha*(1-alpha)/rounds)
	var uncorrectedAtWorst float64
	for name, world := range worlds {
		rng := rand.New(rand.NewPCG(20, 26))
		var alarms, uncorrected, tolerated int
		for range rounds {
			runsA, runsB := 5+rng.IntN(6), 5+rng.IntN(6)
			var alarm, raw, beyond bool
			for _, c := range experiment(rng, world, runsA, runsB, 1, stats.Rule{Alpha: alpha}) {
				found := c.Verdict != stats.Same
				alarm = alarm || found
				beyond = beyond || found && math.Abs(c.Change) > 0.10
				raw = raw || c.Test.P <= alpha
			}
			alarms, uncorrected, tolerated = alarms+count(alarm), uncorrected+count(raw), tolerated+count(beyond)
		}
		rate := func(n int) float64 { return float64(n) / rounds }
		t.Logf("%s: false alarms in %.2f %% of %d comparisons of 3 metrics at alpha 5 %% (%.2f %% with a tolerance of 10 %%, %.2f %% without Holm)",
			name, 100*rate(alarms), rounds, 100*rate(tolerated), 100*rate(uncorrected))
		if rate(alarms) > bound {
			t.Errorf("%s: false alarms in %.4f of the comparisons, want at most %.4f", name, rate(alarms), bound)
		}
		uncorrectedAtWorst = max(uncorrectedAtWorst, rate(uncorrected))
	}
	// The bound must be one that can be broken.
	if uncorrectedAtWorst <= bound {
		t.Errorf("without Holm the rate is %.4f at worst: this test could not fail", uncorrectedAtWorst)
	}
}

// A rule that never cries would pass the test above.
func TestComparisonFindsWhatIsThere(t *testing.T) {
	const rounds = 500
	world := func(rng *rand.Rand) (m [3]float64) {
		for i := range m {
			m[i] = 100 * math.Exp(0.15*rng.NormFloat64())
		}
		return m
	}
	for _, c := range []struct {
		factor  float64
		runs    int
		verdict stats.Verdict
		least   float64
	}{{1.5, 10, stats.Worse, 0.99}, {1 / 1.5, 10, stats.Better, 0.99}, {1.5, 6, stats.Worse, 0.90}} {
		rng := rand.New(rand.NewPCG(21, 27))
		var found, all int
		for range rounds {
			for _, got := range experiment(rng, world, c.runs, c.runs, c.factor, rule) {
				found, all = found+count(got.Verdict == c.verdict), all+1
			}
		}
		power := float64(found) / float64(all)
		t.Logf("%+.0f %% with %d runs a side and a spread of 15 %%: found in %.2f %%", 100*(c.factor-1), c.runs, 100*power)
		if power < c.least {
			t.Errorf("%+.0f %% with %d runs a side is found in %.4f, want %.2f", 100*(c.factor-1), c.runs, power, c.least)
		}
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
