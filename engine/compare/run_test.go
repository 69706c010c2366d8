package compare_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/event"
)

func TestRunsHaveMedianAndWhatTheSamplesSupport(t *testing.T) {
	grouped := series("ready", 9, 5, 0)
	grouped.Group = "node-1"
	pods := event.Measured{Name: "startup", Unit: "s", Error: ptr(0.002), From: "sent", Series: []event.MeasuredSeries{
		series("scheduled", 0.010, 298, 0), series("ready", 1, 298, 1), series("startup", 2, 2, 3), series("none", 0, 0, 0), grouped,
	}}
	queue := event.Measured{Name: "queue", Series: []event.MeasuredSeries{series("", 12, 5, 0)}}
	failed := scenario("high-load", 0, home, pods, queue, elapsed("rollout", 12.3456789))
	failed.Outcome = event.Failed
	got := compare.Runs(result(failed, scenario("nothing-measured", 1, home)))
	want := []compare.Run{{Scenario: "high-load", Started: noon, Environment: home, Outcome: event.Failed, Metrics: []compare.Value{
		{Name: "queue.p50", N: 5, Value: 12},
		{Name: "rollout", Unit: "s", N: 1, Value: 12.345679},
		{Name: "startup.ready.p50", Unit: "s", From: "sent", N: 299, Value: 1.000168, Error: 0.002},
		// 299 samples: the least that support a p99, which is the third largest here.
		{Name: "startup.ready.p99", Unit: "s", From: "sent", N: 299, Value: 1.04950, Error: 0.002},
		{Name: "startup.scheduled.p50", Unit: "s", From: "sent", N: 298, Value: 0.009998, Error: 0.002},
		{Name: "startup.startup.p50", Unit: "s", From: "sent", N: 5, Value: math.Inf(1), Error: 0.002},
	}}}
	near := cmp.Comparer(func(a, b float64) bool { return a == b || math.Abs(a-b) < 2e-5 })
	if d := cmp.Diff(want, got, near); d != "" {
		t.Error(d)
	}
}

func TestSeriesWithoutSamplesKeepTheirStatistics(t *testing.T) {
	histogram := event.MeasuredSeries{Name: "mutating", Count: 1000, P50: ptr(0.005), P99: nil}
	got := compare.Runs(result(scenario("a", 0, home, event.Measured{Name: "server", Unit: "s", Series: []event.MeasuredSeries{histogram}})))
	want := []compare.Value{
		{Name: "server.mutating.p50", Unit: "s", N: 1000, Value: 0.005},
		{Name: "server.mutating.p99", Unit: "s", N: 1000, Value: math.Inf(1)},
	}
	if d := cmp.Diff(want, got[0].Metrics); d != "" {
		t.Error(d)
	}
}

func TestPick(t *testing.T) {
	grouped := series("ready", 9, 5, 0)
	grouped.Group = "Deployment/web"
	pods := event.Measured{Name: "startup", Unit: "s",
		Series: []event.MeasuredSeries{series("ready", 1, 5, 0), series("scheduled", 1, 5, 0), grouped}}
	r := result(scenario("a", 0, home, pods, elapsed("rollout", 1)))
	for _, c := range []struct {
		name string
		pick compare.Pick
		want []string
	}{
		{"default", compare.Pick{}, []string{"rollout", "startup.ready.p50", "startup.scheduled.p50"}},
		{"a name", compare.Pick{Of: []string{"rollout"}}, []string{"rollout"}},
		{"a statistic", compare.Pick{Of: []string{"startup.ready.max"}}, []string{"startup.ready.max"}},
		{"a measure", compare.Pick{Of: []string{"startup"}}, []string{"startup.ready.p50", "startup.scheduled.p50"}},
		{"a pattern takes no more statistics", compare.Pick{Of: []string{"startup.*"}}, []string{"startup.ready.p50", "startup.scheduled.p50"}},
		{"a pattern with a statistic", compare.Pick{Of: []string{"*.p95"}}, []string{"startup.ready.p95", "startup.scheduled.p95"}},
		{"groups", compare.Pick{Of: []string{"startup.*.ready.p50"}, Groups: true}, []string{"startup.Deployment/web.ready.p50"}},
		{"nothing", compare.Pick{Of: []string{"start"}}, nil},
		{"not a pattern", compare.Pick{Of: []string{"["}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, run := range c.pick.Runs(r) {
				for _, v := range run.Metrics {
					got = append(got, v.Name)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestUnique(t *testing.T) {
	runs := runsOf(home, 1, 2, 3)
	got := compare.Unique([]compare.Run{runs[2], runs[0], runs[1], runs[0]})
	if d := cmp.Diff(runs, got); d != "" {
		t.Error(d)
	}
}
