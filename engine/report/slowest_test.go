package report

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
)

func TestSlowestSteps(t *testing.T) {
	g := NewWithT(t)
	r := &event.Result{Scenarios: []*event.Scenario{
		{Name: "a", Steps: []*event.Step{
			{ID: "00-apply", Seconds: 0.5, Outcome: event.Passed},
			{ID: "01-wait", Seconds: 75, Outcome: event.Failed},
			{ID: "02-skip", Seconds: 99, Outcome: event.Skipped},
		}},
		{Name: "b", Steps: []*event.Step{{ID: "00-load", Seconds: 8, Outcome: event.Passed}}},
	}}
	g.Expect(slowest(r, 2)).To(Equal([]string{"  1m15.0s  a 01-wait", "    8.00s  b 00-load"}))
	g.Expect(slowest(r, 10)).To(HaveLen(3))
	g.Expect(slowest(r, 0)).To(BeEmpty())
}
