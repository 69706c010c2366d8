package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// Agreement says where the clusters of a run came to the same, and where not.
type Agreement struct {
	Where     []string           `json:"where"` // the values of --cluster, as they were named
	Scenarios []AgreedOnScenario `json:"scenarios"`
}

// AgreedOnScenario is one scenario on all clusters.
type AgreedOnScenario struct {
	Name    string              `json:"name"` // without the cluster
	Verdict Agreed              `json:"verdict"`
	On      map[string]Standing `json:"on"` // by the cluster
	Steps   []AgreedOnStep      `json:"steps"`
}

// AgreedOnStep is one step of it.
type AgreedOnStep struct {
	ID      string              `json:"id"`
	Verdict Agreed              `json:"verdict"`
	On      map[string]Standing `json:"on"`
}

// Standing is how a scenario or step ended on one cluster.
type Standing struct {
	Outcome event.Outcome `json:"outcome"`
	Reason  event.Reason  `json:"reason,omitempty"`
	Message string        `json:"message,omitempty"`
}

// Agreed is what a comparison of clusters came to.
type Agreed string

// The values of Agreed. A step that was skipped, could not be told or was
// inconclusive on one of the clusters says nothing of it: what the others came to is
// neither confirmed nor contradicted.
const (
	Same     Agreed = "agree"
	Differ   Agreed = "differ"
	Untold   Agreed = "told on some only"
	NoneTold Agreed = "told on none"
)

// Agree compares the clusters of a run that ran its scenarios on several; of any
// other it is nil.
func Agree(r *event.Result) *Agreement {
	a := &Agreement{}
	byName := map[string]map[string]*event.Scenario{}
	var names []string
	for _, s := range r.Scenarios {
		name, where, several := strings.Cut(s.Name, "@") // no name of a scenario has one
		if !several {
			continue
		}
		if s.Repetition > 0 {
			name = fmt.Sprintf("%s #%d", name, s.Repetition)
		}
		if !slices.Contains(a.Where, where) {
			a.Where = append(a.Where, where)
		}
		if byName[name] == nil {
			byName[name] = map[string]*event.Scenario{}
			names = append(names, name)
		}
		byName[name][where] = s
	}
	for _, name := range names {
		a.Scenarios = append(a.Scenarios, a.scenario(name, byName[name]))
	}
	if len(a.Where) < 2 {
		return nil
	}
	return a
}

func (a *Agreement) scenario(name string, on map[string]*event.Scenario) AgreedOnScenario {
	out := AgreedOnScenario{Name: name, On: map[string]Standing{}, Steps: []AgreedOnStep{}}
	var ids []string
	steps := map[string]map[string]Standing{}
	for where, s := range on {
		out.On[where] = Standing{s.Outcome, s.Reason, s.Message}
	}
	for _, where := range a.Where {
		if on[where] == nil {
			continue
		}
		for _, step := range on[where].Steps {
			if steps[step.ID] == nil {
				steps[step.ID] = map[string]Standing{}
				ids = append(ids, step.ID)
			}
			steps[step.ID][where] = Standing{step.Outcome, step.Reason, step.Message}
		}
	}
	for _, id := range ids {
		out.Steps = append(out.Steps, AgreedOnStep{ID: id, On: steps[id], Verdict: agreed(steps[id])})
	}
	out.Verdict = agreed(out.On)
	for _, step := range out.Steps {
		// A scenario of which a step is skipped here and fails there has not agreed.
		if step.Verdict == Differ || step.Verdict == Untold && out.Verdict == Same {
			out.Verdict = step.Verdict
		}
	}
	return out
}

// agreed compares outcomes. One that passed on a retry has passed.
func agreed(on map[string]Standing) Agreed {
	var told []event.Outcome
	for _, one := range on {
		switch one.Outcome {
		case event.Skipped, event.Errored, event.Inconclusive:
		case event.Flaky:
			told = append(told, event.Passed)
		default:
			told = append(told, one.Outcome)
		}
	}
	slices.Sort(told)
	switch distinct := len(slices.Compact(slices.Clone(told))); {
	case distinct == 0:
		return NoneTold
	case distinct > 1:
		return Differ
	case len(told) < len(on):
		return Untold
	}
	return Same
}

// counts are the steps of a scenario by what the comparison came to, in words.
func (s *AgreedOnScenario) counts() string {
	n := map[Agreed]int{}
	for _, step := range s.Steps {
		n[step.Verdict]++
	}
	var parts []string
	for _, verdict := range []Agreed{Same, Differ, Untold, NoneTold} {
		if n[verdict] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[verdict], verdict))
		}
	}
	return strings.Join(parts, ", ")
}

// standings are the outcomes in words, cluster by cluster.
func (a *Agreement) standings(on map[string]Standing) string {
	var parts []string
	for _, where := range a.Where {
		one, ok := on[where]
		if !ok {
			continue
		}
		text := string(one.Outcome) + " on " + where
		if one.Outcome != event.Passed {
			if message, _, _ := strings.Cut(strings.TrimSpace(one.Message), "\n"); message != "" {
				text += " (" + message + ")"
			} else if one.Reason != "" {
				text += " (" + string(one.Reason) + ")"
			}
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// notSame are the scenario's own standings, when no step explains them, and the
// steps that do not agree; those that nowhere told anything are only counted. Where a
// whole scenario was not told, its steps need no lines.
func (a *Agreement) notSame(s AgreedOnScenario) []string {
	var lines []string
	own, explained := agreed(s.On), false
	for _, step := range s.Steps {
		if step.Verdict == Differ || step.Verdict == Untold && own != Untold {
			lines = append(lines, step.ID+": "+a.standings(step.On))
		}
		explained = explained || step.Verdict == Differ
	}
	if own == Untold || own == Differ && !explained {
		lines = append([]string{a.standings(s.On)}, lines...)
	}
	return lines
}

// agreementLines are the comparison for the console.
func (p page) agreementLines(r *event.Result) []string {
	a := Agree(r)
	if a == nil {
		return nil
	}
	lines := []string{p.paint(headline, "Compared: "+strings.Join(a.Where, ", "))}
	for _, s := range a.Scenarios {
		o := s.outcome()
		text := joinedBy(": ", oneLine(s.Name), s.counts())
		lines = append(lines, "  "+p.mark(o)+" "+p.paint(tone(o), cut(text, p.width-4, p.marks.tail)))
		for _, line := range a.notSame(s) {
			lines = append(lines, p.lay(bodyIndent, block(0, plain, oneLine(line)))...)
		}
	}
	return lines
}

// outcome is the outcome whose mark stands for the comparison.
func (s *AgreedOnScenario) outcome() event.Outcome {
	switch s.Verdict {
	case Same:
		return event.Passed
	case Differ:
		return event.Failed
	}
	return event.Skipped
}

// agreementSection is the comparison for Markdown.
func agreementSection(r *event.Result) section {
	a := Agree(r)
	if a == nil {
		return section{}
	}
	s := section{head: "\n### Compared: " + markdownText(strings.Join(a.Where, ", ")) +
		"\n\n| | scenario | steps | where they are not the same |\n| --- | --- | --- | --- |\n", what: "comparison"}
	m := unicodeMarks()
	for _, one := range a.Scenarios {
		var lines []string
		for _, line := range a.notSame(one) {
			lines = append(lines, markdownText(line))
		}
		s.items = append(s.items, tableRow(m.of(one.outcome()), markdownText(one.Name), markdownText(one.counts()), strings.Join(lines, "<br>")))
	}
	return s
}
