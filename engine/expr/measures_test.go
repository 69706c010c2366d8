package expr

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/spec"
)

// TestMeasuresOfEveryKind reads each kind of measure, and tells which series an
// expression depends on.
func TestMeasuresOfEveryKind(t *testing.T) {
	scope := Scope{Measures: map[string]MeasureKind{
		"pods": MeasureGrouped, "calls": MeasureDelivery, "server": MeasureServer, "cpu": MeasureValues,
		"web": MeasureRequests, "net": MeasureNetwork, "use": MeasureUsage, "bench": MeasureExec,
	}}
	slow := spec.Series{Count: 300, P99: 2 * time.Second, Max: spec.Missing, Missing: 1}
	values := Values{
		"pods": spec.Grouped{
			Phases: map[string]spec.Series{"ready": {P50: time.Second}},
			Worst:  map[string]spec.Series{"ready": slow},
		},
		"calls":  spec.Delivery{Count: 99, Failed: 1, Asked: 100, Rate: 99.5, Lag: time.Millisecond, Latency: slow},
		"server": spec.ServerLatency{Lists: slow},
		"cpu":    spec.Values{Count: 3, Max: 0.75, Last: 0.5},
		"web": spec.Requests{
			Count: 95, Failed: 4, Dropped: 1, Lag: time.Millisecond, Latency: slow, Service: spec.Series{P99: time.Second},
			FailureRatio: 0.05, Codes: map[string]int64{"200": 95, "503": 4},
		},
		"net": spec.Network{All: slow, HostWorst: spec.Series{P50: time.Millisecond}},
		"use": spec.Usage{
			CPU: spec.Share{Worst: 0.5, Peak: 0.9}, Memory: spec.Share{Worst: 0.25}, Network: spec.Traffic{Sent: 1e6},
		},
		"bench": spec.ExecValues{Duration: slow, Value: spec.Values{Count: 2, Max: 4, Last: 3}},
	}
	for _, tc := range []struct {
		expr  string
		want  bool
		stats []Stat
	}{
		{"pods.ready.p50 < pods.worst.ready.p99", true,
			[]Stat{{"pods", "ready", "p50"}, {"pods", "worst.ready", "p99"}}},
		{"calls.rate > 99 && calls.failed < 2 && calls.lag < duration('2ms')", true, nil},
		{"calls.latency.p99 <= duration('1s')", false, []Stat{{"calls", "latency", "p99"}}},
		{"server.lists.max > duration('24h')", true, []Stat{{"server", "lists", "max"}}},
		{"cpu.max < 0.8 && cpu.last == 0.5", true, []Stat{{"cpu", "", "max"}, {"cpu", "", "last"}}},
		{"web.latency.p99 <= duration('1s') || web.service.p99 > duration('1s')", false,
			[]Stat{{"web", "latency", "p99"}, {"web", "service", "p99"}}},
		{"web.failureRatio <= 0.05 && web.codes['503'] == 4 && web.dropped == 1 && web.lag < duration('1s')", true, nil},
		{"net.all.p99 == duration('2s') && net.hostWorst.p50 < duration('10ms')", true,
			[]Stat{{"net", "all", "p99"}, {"net", "hostWorst", "p50"}}},
		{"[net.worst, net.host].all(s, s.p95 == duration('0s'))", true,
			[]Stat{{"net", "worst", "p95"}, {"net", "host", "p95"}}},
		{"use.cpu.worst < 0.8 && use.memory.worst < 0.8 && use.network.sent > 1.0 && use.cpu.peak > 0.8", true, nil},
		{"bench.duration.p99 < duration('10s') && bench.value.max == 4.0 && bench.value.last == 3.0", true,
			[]Stat{{"bench", "duration", "p99"}, {"bench", "value", "max"}, {"bench", "value", "last"}}},
	} {
		t.Run(tc.expr, func(t *testing.T) {
			g := NewWithT(t)
			p, diags := newEnv(t, scope).Compile(expression(tc.expr), Bool)
			g.Expect(diags).To(BeEmpty())
			g.Expect(p.Stats()).To(Equal(tc.stats))
			g.Expect(p.Bool(context.Background(), values)).To(Equal(tc.want))
		})
	}
	p, diags := newEnv(t, scope).Compile(expression("server.lists.max - pods.ready.p50 < duration('1s')"), Bool)
	NewWithT(t).Expect(diags).To(BeEmpty())
	_, err := p.Bool(context.Background(), values)
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("server.lists.max was not reached")))
}

func TestFieldsThatAMeasureDoesNotHave(t *testing.T) {
	scope := Scope{Measures: map[string]MeasureKind{"pods": MeasurePhases, "calls": MeasureDelivery, "cpu": MeasureValues}}
	for text, says := range map[string]string{
		"pods.worst.ready.p99 < duration('1s')": `a measure of pods has no field "worst"`,
		"calls < duration('1s')":                "say which value of it: .rate",
		"cpu.max < duration('1s')":              "a double",
		"calls.latensy.p99 < duration('1s')":    `did you mean "latency"?`,
	} {
		_, diags := newEnv(t, scope).Compile(expression(text), Bool)
		g := NewWithT(t)
		g.Expect(diags).To(HaveLen(1), text)
		g.Expect(diags[0].Message+" "+diags[0].Help).To(ContainSubstring(says), text)
	}
}
