package compare_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

func share(x float64) spec.Percent { return spec.Percent{Value: x, At: spec.Pos{Line: 1}} }

func seconds(d time.Duration) spec.Duration { return spec.Duration{Value: d} }

// TestJudgeLadder has one row a rung. Twenty recorded runs lie evenly from 36.1
// to 39.9 ms, their median is 37.9 ms.
func TestJudgeLadder(t *testing.T) {
	twenty := recorded(around(0.038, 20)...)
	noisy := pods(0.045)
	noisy.Error = ptr(0.008)
	sent := pods(0.045)
	sent.From = "sent"
	count := pods(0.045)
	count.Unit = ""
	late := event.Measured{Name: "startup", Unit: "s", Series: []event.MeasuredSeries{series("ready", 1, 2, 3)}}
	wide := append(around(0.038, 19), 0.060)
	for _, c := range []struct {
		name     string
		baseline *compare.Baseline
		current  event.Measured
		rule     spec.Baseline
		outcome  event.Outcome
		message  string
	}{
		{"within the tolerance", twenty, pods(0.041), spec.Baseline{}, event.Passed,
			"startup.ready.p50 41.0 ms, recorded 37.9 ms (36.1–39.9, 20 runs): +8.2 %, within 10 %"},
		{"faster is never worse", twenty, pods(0.001), spec.Baseline{}, event.Passed,
			"startup.ready.p50 1.00 ms, recorded 37.9 ms (36.1–39.9, 20 runs): −97.4 %, within 10 %"},
		{"worse", twenty, pods(0.045), spec.Baseline{}, event.Failed,
			"startup.ready.p50 45.0 ms, recorded 37.9 ms (36.1–39.9, 20 runs): +18.7 %, more than 10 %: worse (p 0.048)"},
		{"a wider tolerance", twenty, pods(0.045), spec.Baseline{Tolerance: share(0.2)}, event.Passed,
			"startup.ready.p50 45.0 ms, recorded 37.9 ms (36.1–39.9, 20 runs): +18.7 %, within 20 %"},
		{"no tolerance", twenty, pods(0.041), spec.Baseline{Tolerance: share(0)}, event.Failed,
			"startup.ready.p50 41.0 ms, recorded 37.9 ms (36.1–39.9, 20 runs): +8.2 %, more than 0 %: worse (p 0.048)"},
		{"the floor", twenty, pods(0.045), spec.Baseline{Floor: seconds(20 * time.Millisecond)}, event.Passed,
			"startup.ready.p50 45.0 ms, recorded 37.9 ms (36.1–39.9, 20 runs): +18.7 %, within the floor of 20.0 ms"},
		{"the error of measuring", twenty, noisy, spec.Baseline{}, event.Passed,
			"startup.ready.p50 45.0 ms, recorded 37.9 ms (36.1–39.9, 20 runs): +18.7 %, within the error of measuring, 8.00 ms"},
		{"not significant", recorded(wide...), pods(0.045), spec.Baseline{}, event.Passed,
			"startup.ready.p50 45.0 ms, recorded 38.0 ms (36.1–60.0, 20 runs): +18.4 %, more than 10 %, but recorded runs vary as much (p 0.095)"},
		{"too few recorded runs", recorded(around(0.038, 5)...), pods(0.045), spec.Baseline{}, event.Inconclusive,
			"startup.ready.p50 45.0 ms, recorded 38.0 ms (36.1–39.9, 5 runs): +18.4 %, more than 10 %; to tell chance from change needs " +
				"at least 19 recorded runs, and there are 5: realspec baseline record --repeat 19 PATH"},
		{"few recorded runs suffice within the tolerance", recorded(0.038), pods(0.040), spec.Baseline{}, event.Passed,
			"startup.ready.p50 40.0 ms, recorded 38.0 ms (38.0–38.0, 1 run): +5.3 %, within 10 %"},
		{"fewer runs for a larger significance", recorded(around(0.038, 9)...), pods(0.045), spec.Baseline{Significance: share(0.1)}, event.Failed,
			"startup.ready.p50 45.0 ms, recorded 38.0 ms (36.1–39.9, 9 runs): +18.4 %, more than 10 %: worse (p 0.100)"},
		{"over the limit", twenty, pods(0.041), spec.Baseline{Limit: seconds(40 * time.Millisecond)}, event.Failed,
			"startup.ready.p50 41.0 ms, over the limit of 40.0 ms"},
		{"over the limit without a baseline", nil, pods(0.041), spec.Baseline{Limit: seconds(40 * time.Millisecond)}, event.Failed,
			"startup.ready.p50 41.0 ms, over the limit of 40.0 ms"},
		{"a limit is a time", twenty, count, spec.Baseline{Limit: seconds(time.Millisecond)}, event.Skipped,
			"startup.ready.p50 0.045; it cannot be compared: it is in plain numbers, and was recorded in s"},
		{"the range", recorded(0.038, 0.040), pods(0.045), spec.Baseline{Range: true}, event.Failed,
			"startup.ready.p50 45.0 ms, recorded 38.0 ms (38.0–40.0, 2 runs): +18.4 %, above the highest one by more than 10 %"},
		{"within the range", recorded(wide...), pods(0.065), spec.Baseline{Range: true}, event.Passed,
			"startup.ready.p50 65.0 ms, recorded 38.0 ms (36.1–60.0, 20 runs): +71.1 %, at most 10 % above the highest one"},
		{"not reached", twenty, late, spec.Baseline{}, event.Failed,
			"startup.ready.p50 not reached, recorded 37.9 ms (36.1–39.9, 20 runs): worse (p 0.048)"},
		{"never reached", &compare.Baseline{Runs: []compare.Recorded{{Measures: recordedSeries(late)}}}, late, spec.Baseline{}, event.Passed,
			"startup.ready.p50 not reached, recorded not reached (∞–∞, 1 run): 0 %, within 10 %"},
		{"not recorded", &compare.Baseline{Dir: "specs/high-load"}, pods(1), spec.Baseline{}, event.Skipped,
			"startup.ready.p50 1.00 s; nothing is recorded to compare it with: realspec baseline record specs/high-load"},
		{"not recorded but required", nil, pods(1), spec.Baseline{Required: true}, event.Inconclusive,
			"startup.ready.p50 1.00 s; nothing is recorded to compare it with: realspec baseline record PATH"},
		{"measured from another moment", twenty, sent, spec.Baseline{}, event.Skipped,
			"startup.ready.p50 45.0 ms; it cannot be compared: it is measured from sent, and was recorded from unknown"},
		{"too few samples", twenty, pods(0.045), spec.Baseline{Of: []string{"startup.ready.p99"}}, event.Inconclusive,
			"startup.ready.p99 46.8 ms, recorded 39.4 ms (37.5–41.5, 20 runs): +18.7 %; it needs at least 299 samples, and there are 5"},
		{"not measured", twenty, pods(0.045), spec.Baseline{Of: []string{"startup.raedy"}}, event.Inconclusive,
			"startup.raedy was not measured; there was startup.ready.p50"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := compare.Judge(c.baseline, []event.Measured{c.current}, c.rule)
			if len(got) != 1 {
				t.Fatalf("%d judgements: %+v", len(got), got)
			}
			if got[0].Outcome != c.outcome {
				t.Errorf("outcome %s, want %s", got[0].Outcome, c.outcome)
			}
			if d := cmp.Diff(c.message, got[0].Message); d != "" {
				t.Error(d)
			}
		})
	}
}

func recordedSeries(m event.Measured) []compare.Series {
	b := &compare.Baseline{Scenario: "high-load", Environment: home}
	if _, err := b.Record(scenario("high-load", 0, home, m)); err != nil {
		panic(err)
	}
	return b.Runs[0].Measures
}

// metrics are four metrics of a run; what the runs have in common moves all four.
func metrics(r *rand.Rand, slower float64) []event.Measured {
	common := r.NormFloat64()
	var all []event.Measured
	for k := range 4 {
		heavy := math.Exp(0.05*(0.5*common+r.NormFloat64()) + 0.02*r.ExpFloat64()*float64(k))
		x := float64(k+1) * heavy
		if k == 2 {
			x *= slower
		}
		all = append(all, elapsed(fmt.Sprint("m", k), x))
	}
	return all
}

// alarms is the share of runs that a baseline of twenty runs calls worse in any of
// four metrics, when one of them is slower by a factor.
func alarms(t *testing.T, trials int, slower float64, tolerance float64) float64 {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(trials)))
	alarms := 0
	for range trials {
		b := &compare.Baseline{Scenario: "a", Environment: home}
		for i := range 20 {
			if _, err := b.Record(scenario("a", i, home, metrics(r, 1)...)); err != nil {
				t.Fatal(err)
			}
		}
		worse := false
		for _, j := range compare.Judge(b, metrics(r, slower), spec.Baseline{Tolerance: share(tolerance)}) {
			worse = worse || j.Outcome == event.Failed
		}
		if worse {
			alarms++
		}
	}
	return float64(alarms) / float64(trials)
}

// TestJudgeFalseAlarms compares runs that do not differ. Without a tolerance every
// significant difference is an alarm, so this is the worst case.
func TestJudgeFalseAlarms(t *testing.T) {
	const trials, alpha = 10000, compare.DefaultSignificance
	most := alpha + 3*math.Sqrt(alpha*(1-alpha)/trials)
	none, usual := alarms(t, trials, 1, 0), alarms(t, trials, 1, compare.DefaultTolerance)
	t.Logf("false alarms in %d A/A trials, 20 recorded runs, 4 metrics: %.4f without tolerance, %.4f with 10 %% (at most %.4f)",
		trials, none, usual, most)
	if none > most {
		t.Errorf("%.4f false alarms, at most %.4f are right", none, most)
	}
	if none < alpha/2 {
		t.Errorf("%.4f false alarms: so few mean that the test cannot find anything", none)
	}
	if usual > none {
		t.Errorf("a tolerance made more alarms: %.4f instead of %.4f", usual, none)
	}
}

func TestJudgeFindsWhatGotSlower(t *testing.T) {
	found := alarms(t, 500, 1.5, compare.DefaultTolerance)
	t.Logf("one of four metrics 50 %% slower, noise about 6 %%: found in %.3f of the runs", found)
	if found < 0.9 {
		t.Errorf("found in %.3f of the runs, want 0.9", found)
	}
}

// A metric that some recorded runs lack is judged by those that have it.
func TestJudgeByTheRunsThatHaveTheMetric(t *testing.T) {
	b := recorded(around(0.038, 20)...)
	for i := 20; i < 25; i++ {
		if _, err := b.Record(scenario("high-load", i, home, pods(0.038), elapsed("rollout", 10))); err != nil {
			t.Fatal(err)
		}
	}
	got := compare.Judge(b, []event.Measured{pods(0.060), elapsed("rollout", 20)}, spec.Baseline{})
	if len(got) != 2 || got[0].Name != "rollout" {
		t.Fatalf("%+v", got)
	}
	if got[0].Outcome != event.Inconclusive || got[0].Runs != 5 || !strings.Contains(got[0].Message, "there are 5") {
		t.Errorf("%+v", got[0])
	}
	if got[1].Outcome != event.Failed || got[1].Runs != 25 {
		t.Errorf("%+v", got[1])
	}
}
