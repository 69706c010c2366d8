package report

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/realspec/realspec/engine/event"
)

// byWeight is the order in which outcomes are counted, the heaviest first.
var byWeight = []event.Outcome{
	event.Failed, event.Errored, event.Inconclusive, event.Skipped, event.Flaky, event.Passed,
}

// coversLine counts what came of the requirements.
func coversLine(r *event.Result) string {
	if len(r.Matrix) == 0 {
		return ""
	}
	n, hidden := map[event.Outcome]int{}, 0
	for i := range r.Matrix {
		if q := &r.Matrix[i]; q.Shown() {
			n[q.Outcome]++
		} else {
			hidden++
		}
	}
	parts := countsText(n)
	if hidden > 0 {
		parts = joinedBy(", ", parts, fmt.Sprintf("%d %s", hidden, notShown))
	}
	return count(len(r.Matrix), "requirement") + ": " + parts
}

// notShown is what a requirement is when nothing that covers it ran: neither kept
// nor broken.
const notShown = "not shown"

func requirementWord(q *event.Requirement) string {
	if !q.Shown() {
		return notShown
	}
	return oneLine(string(q.Outcome))
}

// requirementNote says what of a requirement was not shown, although the rest was.
func requirementNote(q *event.Requirement) string {
	skipped, unmeasured := "", ""
	if q.Skipped > 0 && q.Ran > 0 {
		skipped = fmt.Sprintf("%d of %d steps skipped", q.Skipped, q.Ran+q.Skipped)
	}
	if q.Unmeasured > 0 {
		unmeasured = count(q.Unmeasured, "threshold") + " not measurable"
	}
	return joinedBy(", ", skipped, unmeasured)
}

// coverage is a row of the matrix with the names that people know.
type coverage struct {
	event.Coverage
	name string // of the scenario, and of the step
}

// covering are the rows of a requirement, those that decided about it first.
func covering(r *event.Result, q *event.Requirement) []coverage {
	names := map[string]string{}
	for _, s := range r.Scenarios {
		names[s.Path] = scenarioName(s)
	}
	var rows []coverage
	for _, c := range q.CoveredBy {
		rows = append(rows, coverage{c, strings.TrimSpace(names[c.Scenario] + " " + oneLine(c.Step))})
	}
	slices.SortStableFunc(rows, func(a, b coverage) int {
		return decides(q, a.Outcome) - decides(q, b.Outcome)
	})
	return rows
}

// decides is 0 for what a requirement's outcome comes from, and more for others,
// those last that were skipped.
func decides(q *event.Requirement, o event.Outcome) int {
	switch o {
	case q.Outcome:
		return 0
	case event.Skipped:
		return 2
	}
	return 1
}

// matrixLines is the requirement matrix: one line for each requirement with what
// decided about it; verbose has a line for everything that covers it.
func (p page) matrixLines(r *event.Result) []string {
	if len(r.Matrix) == 0 {
		return nil
	}
	ids := 0
	for _, q := range r.Matrix {
		ids = max(ids, min(lipgloss.Width(oneLine(q.ID)), maxIDWidth))
	}
	const words = len("inconclusive")
	lines := []string{p.paint(headline, "Requirements")}
	for i := range r.Matrix {
		q := &r.Matrix[i]
		rows := covering(r, q)
		about := p.coveredBy(rows, p.width-4-ids-2-words-2)
		lines = append(lines, strings.TrimRight("  "+p.mark(q.Outcome)+" "+padRight(cut(oneLine(q.ID), ids, p.marks.tail), ids)+"  "+
			p.paint(tone(q.Outcome), padRight(requirementWord(q), words))+"  "+about, " "))
		lines = append(lines, p.lay(4+ids+2, block(0, faint, requirementNote(q)))...)
		if p.verbose {
			for _, c := range rows {
				text := c.name + ": " + string(c.Outcome)
				if c.Reason != "" && c.Outcome != event.Passed {
					text += " (" + string(c.Reason) + ")"
				}
				lines = append(lines, p.lay(bodyIndent, []line{{0, tone(c.Outcome), text}})...)
			}
		}
	}
	return lines
}

// coveredBy names what decided about a requirement, as far as there is room, and
// counts the rest.
func (p page) coveredBy(rows []coverage, room int) string {
	text := ""
	for i, c := range rows {
		next := c.name
		if i > 0 {
			next = text + ", " + next
		}
		rest := ""
		if more := len(rows) - i - 1; more > 0 {
			rest = " and " + count(more, "other")
		}
		if i > 0 && lipgloss.Width(next+rest) > room {
			text += " and " + count(len(rows)-i, "other")
			break
		}
		text = next
	}
	return cut(text, room, p.marks.tail)
}

func joinedBy(gap string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), gap)
}

func few(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, " ")
	}
	return strings.Join(names[:most], " ") + " and " + count(len(names)-most, "other")
}
