package report

import (
	"cmp"
	"slices"

	"github.com/realspec/realspec/engine/event"
)

// slowest names the n steps that took the most time, the slowest first.
func slowest(r *event.Result, n int) []string {
	type timed struct {
		scenario *event.Scenario
		step     *event.Step
	}
	var all []timed
	for _, s := range r.Scenarios {
		for _, step := range s.Steps {
			if step.Outcome != event.Skipped {
				all = append(all, timed{s, step})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b timed) int { return cmp.Compare(b.step.Seconds, a.step.Seconds) })
	var lines []string
	for _, t := range all[:min(max(n, 0), len(all))] {
		lines = append(lines, padLeft(stepTime(t.step.Seconds), 9)+"  "+oneLine(t.scenario.Name)+" "+oneLine(t.step.ID))
	}
	return lines
}
