package step

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// compile makes a plan of a scenario with one measure step.
func compile(t *testing.T, step string) *plan.Scenario {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "judged")
	for name, content := range map[string]string{
		"scenario.yaml":   "apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata: {name: judged}\n",
		"00-measure.yaml": step,
	} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, diags := load.Scenario(dir, nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p, diags := plan.Compile(l, plan.Inputs{Getenv: func(string) string { return "" }})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

// enough is a series of many equal samples.
func enough(d time.Duration) spec.Series {
	return spec.Series{Count: 300, Min: d, Mean: d, P50: d, P90: d, P95: d, P99: d, Max: d}
}

func phasesOf(s spec.Series) map[string]spec.Series { return map[string]spec.Series{"ready": s} }

func TestThresholdsAreJudgedWithinTheErrorOfMeasuring(t *testing.T) {
	const ms = time.Millisecond
	bar := 0.020
	exact := taken{value: phasesOf(enough(100 * ms)), measured: event.Measured{Name: "startup"}}
	doubtful := taken{value: phasesOf(enough(100 * ms)), low: phasesOf(enough(80 * ms)), high: phasesOf(enough(120 * ms)),
		measured: event.Measured{Name: "startup", Error: &bar}}
	missing := enough(100 * ms)
	missing.Missing, missing.Max, missing.P99 = 4, spec.Missing, spec.Missing
	for _, tc := range []struct {
		name, cel string
		taken     taken
		want      event.Outcome
		reason    event.Reason
		says      string
	}{
		{"exact, under", "startup.ready.p99 < duration('110ms')", exact, event.Passed, event.ReasonThreshold, ""},
		{"exact, over", "startup.ready.p99 < duration('90ms')", exact, event.Failed, event.ReasonThreshold, "over the limit"},
		{"far under", "startup.ready.p99 < duration('121ms')", doubtful, event.Passed, event.ReasonThreshold, ""},
		{"far over", "startup.ready.p99 < duration('79ms')", doubtful, event.Failed, event.ReasonThreshold, "over the limit"},
		{"under by less than the error", "startup.ready.p99 < duration('110ms')", doubtful, event.Inconclusive, event.ReasonError, "startup ± 20ms"},
		{"over by less than the error", "startup.ready.p99 < duration('90ms')", doubtful, event.Inconclusive, event.ReasonError, "startup ± 20ms"},
		{"a lower limit", "startup.ready.min > duration('90ms')", doubtful, event.Inconclusive, event.ReasonError, "within the error"},
		{"counts have no error", "startup.ready.count == 300", doubtful, event.Passed, event.ReasonThreshold, ""},
		{"missing is over every limit", "startup.ready.max < duration('240h')",
			taken{value: phasesOf(missing)}, event.Failed, event.ReasonThreshold, "over the limit"},
		{"too few", "startup.ready.p99 < duration('110ms')",
			taken{value: phasesOf(spec.Series{Count: 298})}, event.Inconclusive, event.ReasonSamples, "needs at least 299 samples, and there are 298"},
		{"skewed", "startup.ready.max < duration('110ms')",
			taken{value: exact.value, measured: event.Measured{Series: []event.MeasuredSeries{{Name: "ready", Skewed: 2}}}},
			event.Inconclusive, event.ReasonSkew, "contradict 2 samples of startup.ready"},
		{"another phase is skewed", "startup.ready.max < duration('110ms')",
			taken{value: exact.value, measured: event.Measured{Series: []event.MeasuredSeries{{Name: "scheduled", Skewed: 2}}}},
			event.Passed, event.ReasonThreshold, ""},
		{"the watch stalled", "startup.ready.max < duration('110ms')",
			taken{value: exact.value, measured: event.Measured{Lag: &event.Lag{Count: 10, Missing: 3}}},
			event.Inconclusive, event.ReasonError, "3 of 13 changes of the probe never came back"},
		{"the queue was full", "startup.ready.max < duration('110ms')",
			taken{value: exact.value, late: true}, event.Inconclusive, event.ReasonError, "faster than they could be read"},
		{"too few echoes", "startup.ready.max < duration('110ms')",
			taken{value: exact.value, measured: event.Measured{Lag: &event.Lag{Count: 3, P99: &bar}}},
			event.Inconclusive, event.ReasonError, "only 3 changes of the probe came back"},
		{"a change of many was lost", "startup.ready.max < duration('110ms')",
			taken{value: exact.value, measured: event.Measured{Error: &bar, Lag: &event.Lag{Count: 1000, Missing: 1, P99: &bar}}},
			event.Passed, event.ReasonThreshold, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			p := compile(t, "measure: [{name: startup, pods: {}}]\nthresholds: [{cel: \""+tc.cel+"\"}]\n")
			tc.taken.measured.Name = "startup"
			w := &World{Plan: p, taken: map[string]taken{"startup": tc.taken}}
			r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
			w.thresholds(context.Background(), p.Steps[0], r)
			g.Expect(r.Findings).To(HaveLen(1))
			g.Expect(r.Outcome).To(Equal(tc.want))
			g.Expect(r.Findings[0].Reason).To(Equal(tc.reason))
			g.Expect(r.Findings[0].Message).To(ContainSubstring(tc.says))
		})
	}
}

func TestAThresholdOverAMeasureThatWasNotTakenIsNotJudged(t *testing.T) {
	g := NewWithT(t)
	p := compile(t, "measure: [{name: startup, pods: {}}]\nthresholds: [{cel: \"startup.ready.max < duration('1s')\"}]\n")
	w := &World{Plan: p, taken: map[string]taken{}}
	r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
	w.thresholds(context.Background(), p.Steps[0], r)
	g.Expect(r.Findings).To(BeEmpty())
}

func TestOfficialObjectives(t *testing.T) {
	g := NewWithT(t)
	p := compile(t, "measure: [{name: startup, pods: {}}]\nthresholds: [{slo: pod-startup}]\n")
	for limit, want := range map[time.Duration]event.Outcome{5 * time.Second: event.Passed, 5*time.Second + 1: event.Failed} {
		w := &World{Plan: p, taken: map[string]taken{"startup": {value: map[string]spec.Series{"startup": enough(limit)}}}}
		r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
		w.thresholds(context.Background(), p.Steps[0], r)
		g.Expect(r.Findings).To(HaveLen(1))
		g.Expect(r.Outcome).To(Equal(want))
		g.Expect(r.Findings[0].Expr).To(Equal("startup.startup.p99 <= duration('5s')"))
	}
}
