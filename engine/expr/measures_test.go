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
