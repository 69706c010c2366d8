package report

import (
	"fmt"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// failureSection has an item for each step that did not pass, and for what went
// wrong outside of steps.
func failureSection(r *event.Result) section {
	s := section{head: "\n### Not passed\n", what: "finding"}
	for _, one := range r.Scenarios {
		told := false
		for _, step := range one.Steps {
			if notPassed(step.Outcome) || step.Outcome == event.Flaky {
				s.items = append(s.items, markdownStep(one, step))
				told = told || step.Outcome == one.Outcome
			}
		}
		if one.Cleanup != nil && one.Cleanup.Outcome == event.Errored {
			s.items = append(s.items, markdownItem(one, "cleanup", one.Cleanup.Outcome, event.ReasonCleanup)+fenced(one.Cleanup.Message))
			told = true
		}
		unmet := one.Outcome == event.Skipped && one.Reason == event.ReasonRequirement
		if notPassed(one.Outcome) && !told || unmet {
			text := one.Message
			if one.Reason == event.ReasonInvalid {
				text = diagnostics(one)
			}
			s.items = append(s.items, markdownItem(one, "", one.Outcome, one.Reason)+fenced(text))
		}
	}
	return s
}

func markdownItem(s *event.Scenario, what string, o event.Outcome, r event.Reason) string {
	name := scenarioName(s)
	if what != "" {
		name += " / " + what
	}
	if r != "" {
		what = string(o) + ", " + string(r)
	} else {
		what = string(o)
	}
	return "\n#### " + unicodeMarks().of(o) + " " + markdownText(name+" ("+what+")") + "\n\n"
}

// markdownStep has the place, the rules with what was measured as a table, and
// the rest of what is known as text.
func markdownStep(s *event.Scenario, step *event.Step) string {
	var b strings.Builder
	b.WriteString(markdownItem(s, title(step), step.Outcome, step.Reason))
	var rules, rest []event.Finding
	for _, f := range step.Findings {
		if isThreshold(f) {
			rules = append(rules, f)
		} else {
			rest = append(rest, f)
		}
	}
	if where := placeOf(step); where.File != "" {
		b.WriteString(code(where.String()) + "\n")
	}
	b.WriteString(ruleTable(rules))
	text := plainText(attemptLines(event.Attempt{Message: step.Message, Findings: rest, Evidence: step.Evidence, Notes: step.Notes}, unicodeMarks()))
	if len(rest) == 0 && len(rules) > 0 {
		text = plainText(append(noteLines(step.Notes), evidenceLines(step.Evidence)...)) // the table has said the message
	}
	if text = fenced(text); text != "" {
		b.WriteString("\n" + text)
	}
	return b.String()
}

// ruleTable has the thresholds of a step, those too that hold: they say how far
// it is from good.
func ruleTable(rules []event.Finding) string {
	if len(rules) == 0 {
		return ""
	}
	text := "\n| | rule | measured | |\n| --- | --- | --- | --- |\n"
	for _, f := range rules {
		message := ""
		if f.Message != f.Expr && f.Outcome != event.Passed {
			message = oneLine(f.Message)
		}
		text += tableRow(unicodeMarks().of(f.Outcome), tableCode(joined(f.Expr)), tableCode(measuredValue(f)), tableCode(message))
	}
	return text
}

// measureSection has one series a line: number of samples, values with units, and
// how far a sample may be from the truth.
func measureSection(r *event.Result) section {
	s := section{head: "\n### Measures\n\n| scenario | measure | n | values | ± |\n| --- | --- | ---: | --- | --- |\n", what: "measured series"}
	m := unicodeMarks()
	for _, one := range r.Scenarios {
		for _, step := range one.Steps {
			for _, measured := range step.Measures {
				for _, row := range measuredRows(measured, m) {
					s.items = append(s.items, tableRow(append([]string{markdownText(scenarioName(one))}, row...)...))
				}
			}
		}
	}
	return s
}

// measuredRows has, of groups, the worst of each series only.
func measuredRows(one event.Measured, m marks) [][]string {
	if one.Unmeasurable != "" {
		return [][]string{{markdownText(oneLine(one.Name)), "", markdownText(notMeasurable(one)), ""}}
	}
	var rows [][]string
	bar := strings.TrimSpace(strings.TrimPrefix(errorBar(one, m), m.about))
	add := func(name string, s event.MeasuredSeries) {
		var doubts []string
		if s.Late > 0 {
			doubts = append(doubts, fmt.Sprintf("%d known only within bounds", s.Late))
		}
		if s.Skewed > 0 {
			doubts = append(doubts, fmt.Sprintf("%d contradicted by the server", s.Skewed))
		}
		n := strings.TrimPrefix(samples(s), "n=")
		rows = append(rows, []string{markdownText(name), n, markdownText(strings.Join(append(values(s, one.Unit), doubts...), ", ")), bar})
	}
	name := oneLine(one.Name)
	if one.Value != nil {
		rows = append(rows, []string{markdownText(name), "1", markdownText(quantity(*one.Value, one.Unit)), bar})
	}
	whole, groups := grouped(one.Series)
	for _, s := range whole {
		add(oneLine(dotted(name, s.Name)), s)
	}
	for _, s := range worstGroups(groups) {
		add(oneLine(dotted(name+".worst", s.Name))+" ("+oneLine(s.Group)+")", s)
	}
	if one.Failures != nil {
		rows = append(rows, []string{markdownText(name + " failures"), "", markdownText(strings.TrimPrefix(failures(one.Failures, m), "failures ")), ""})
	}
	if one.Delivery != nil {
		row := deliveryRow(name, one.Delivery)
		text := strings.Join(row.values, ", ")
		if one.Delivery.Short != "" {
			text += ", not delivered: " + oneLine(one.Delivery.Short)
		}
		rows = append(rows, []string{markdownText(name + " load"), "", markdownText(text), ""})
	}
	if len(rows) == 0 {
		rows = append(rows, []string{markdownText(name), "0", "not measured", ""})
	}
	return rows
}
