package report

import (
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// requirements gives each covered requirement id the worst outcome of what
// covers it: a step's ids that step, a scenario's ids the scenario.
func requirements(r *event.Result) map[string]event.Outcome {
	worst := map[string]event.Outcome{}
	add := func(ids []string, o event.Outcome) {
		for _, id := range ids {
			if was, ok := worst[id]; !ok || slices.Index(byWeight, o) < slices.Index(byWeight, was) {
				worst[id] = o
			}
		}
	}
	for _, s := range r.Scenarios {
		add(s.Covers, s.Outcome)
		for _, step := range s.Steps {
			add(step.Covers, step.Outcome)
		}
	}
	return worst
}

// byWeight is the order in which outcomes are counted, the heaviest first.
var byWeight = []event.Outcome{
	event.Failed, event.Errored, event.Inconclusive, event.Skipped, event.Flaky, event.Passed,
}

// coversLine names the requirements that are not proved, and counts the others.
func coversLine(r *event.Result) string {
	ids := map[event.Outcome][]string{}
	all := requirements(r)
	for id, o := range all {
		ids[o] = append(ids[o], id)
	}
	if len(all) == 0 {
		return ""
	}
	var parts []string
	for _, o := range byWeight {
		if len(ids[o]) == 0 {
			continue
		}
		slices.Sort(ids[o])
		text := countOf(len(ids[o]), o)
		if o != event.Passed || len(all) <= 3 {
			text += " (" + few(ids[o]) + ")"
		}
		parts = append(parts, text)
	}
	return count(len(all), "requirement") + ": " + strings.Join(parts, ", ")
}

func few(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, " ")
	}
	return strings.Join(names[:most], " ") + " and " + count(len(names)-most, "other")
}
