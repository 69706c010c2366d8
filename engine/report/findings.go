package report

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// role says what a line of a finding is, for its colour and whether it may be
// broken: a place may not, so that terminals and editors can open it.
type role int

const (
	plain role = iota
	place
	inCells // values: broken only between them, where two spaces are
	headline
	good
	bad
	doubt
	faint
)

// line is one line of a finding before it is laid out.
type line struct {
	indent int
	role   role
	text   string
}

// marks are the symbols of the outcomes.
type marks struct {
	passed, failed, errored, inconclusive, skipped, flaky string
	tail, separator                                       string
	about, until, atLeast, atMost                         string
}

func unicodeMarks() marks {
	return marks{"✓", "✗", "!", "?", "-", "~", "…", "·", "±", "–", "≥", "≤"}
}

func asciiMarks() marks {
	return marks{"+", "x", "!", "?", "-", "~", "...", "-", "+-", "-", ">=", "<="}
}

// asciiSigns spells out the signs that messages about measures have. Other
// letters of a text are left as they are: there is nothing right to put for them.
func asciiSigns(text string) string {
	return strings.NewReplacer("±", "+-", "–", "-", "≥", ">=", "≤", "<=", "…", "...").Replace(text)
}

func (m marks) of(o event.Outcome) string {
	switch o {
	case event.Passed:
		return m.passed
	case event.Flaky:
		return m.flaky
	case event.Skipped:
		return m.skipped
	case event.Inconclusive:
		return m.inconclusive
	case event.Failed:
		return m.failed
	}
	return m.errored
}

func plainText(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strings.TrimRight(strings.Repeat(" ", l.indent)+l.text, " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// detailLines is everything about a step that did not pass.
func detailLines(s *event.Step, m marks) []line {
	return attemptLines(event.Attempt{
		Outcome: s.Outcome, Message: s.Message, Findings: s.Findings, Evidence: s.Evidence, Notes: s.Notes,
	}, m)
}

// placeOf is where a step went wrong: the place of the first finding that did not
// pass, or its own.
func placeOf(s *event.Step) spec.Pos {
	for _, f := range s.Findings {
		if notPassed(f.Outcome) && f.Pos.IsValid() {
			return f.Pos
		}
	}
	return s.Pos
}

// said tells whether a finding says the message of its attempt.
func said(a event.Attempt) bool {
	return slices.ContainsFunc(a.Findings, func(f event.Finding) bool {
		return strings.Contains(f.Message, a.Message) || f.Expr != "" && strings.HasPrefix(a.Message, f.Expr)
	})
}

// attemptLines leaves the message out when a finding says it.
func attemptLines(a event.Attempt, m marks) []line {
	var lines []line
	if !said(a) && a.Message != "" {
		lines = block(0, headline, a.Message)
	}
	lines = append(lines, findingLines(a.Findings, m)...)
	lines = append(lines, noteLines(a.Notes)...)
	return append(lines, evidenceLines(a.Evidence)...)
}

// mostNotes is how many notes of an attempt are shown beside everything else.
const mostNotes = 8

// noteLines say what was done: the answer of a request, the pods that were evicted.
func noteLines(notes []string) []line {
	var lines []line
	for _, text := range notes[:min(len(notes), mostNotes)] {
		lines = append(lines, line{0, faint, "note: " + oneLine(text)})
	}
	if more := len(notes) - mostNotes; more > 0 {
		lines = append(lines, line{0, faint, "and " + count(more, "more note") + ", in the JSON report"})
	}
	return lines
}

func findingLines(findings []event.Finding, m marks) []line {
	width := 0
	for _, f := range findings {
		if isThreshold(f) {
			width = max(width, min(lipgloss.Width(joined(f.Expr)), 52))
		}
	}
	var lines []line
	for _, f := range findings {
		switch {
		case isThreshold(f):
			lines = append(lines, thresholdLines(f, m, width)...)
		case f.Reason == event.ReasonBaseline:
			lines = append(lines, line{0, tone(f.Outcome), m.of(f.Outcome) + " " + joined(f.Message)})
		default:
			lines = append(lines, checkLines(f)...)
		}
	}
	return lines
}

// isThreshold tells a threshold from another check. Only thresholds are found
// passed, inconclusive or not measurable.
func isThreshold(f event.Finding) bool {
	switch f.Reason {
	case event.ReasonThreshold, event.ReasonSamples, event.ReasonUnmeasured,
		event.ReasonError, event.ReasonDelivery, event.ReasonSkew, event.ReasonBaseline:
		return f.Expr != ""
	}
	return f.Outcome == event.Passed && f.Expr != ""
}

// thresholdLines has rule and measured value on one line, the verdict first.
// What did not pass says more below it.
func thresholdLines(f event.Finding, m marks, width int) []line {
	text := m.of(f.Outcome) + " " + padRight(joined(f.Expr), width) + "   " + measuredValue(f)
	lines := []line{{0, tone(f.Outcome), strings.TrimRight(text, " ")}}
	if f.Outcome == event.Passed {
		return lines
	}
	if f.Pos.IsValid() {
		lines = append(lines, line{2, place, f.Pos.String()})
	}
	if f.Message != f.Expr {
		lines = append(lines, block(2, headline, f.Message)...)
	}
	if len(f.Parts) > 1 {
		lines = append(lines, partLines(4, f.Parts)...)
	}
	return append(lines, block(4, faint, f.Observed)...)
}

// joined puts an expression of several lines on one.
func joined(expr string) string { return strings.Join(strings.Fields(clean(expr)), " ") }

func measuredValue(f event.Finding) string {
	var values []string
	for _, p := range f.Parts {
		value := oneLine(p.Value)
		if len(f.Parts) > 1 {
			value = joined(p.Expr) + " " + value
		}
		values = append(values, value)
	}
	return strings.Join(values, ", ")
}

func checkLines(f event.Finding) []line {
	var lines []line
	if f.Pos.IsValid() {
		lines = append(lines, line{0, place, f.Pos.String()})
	}
	lines = append(lines, block(0, headline, f.Message)...)
	lines = append(lines, block(0, plain, f.Expr)...)
	lines = append(lines, partLines(2, f.Parts)...)
	if f.Observed != "" {
		lines = append(lines, line{0, faint, "last observed:"})
		lines = append(lines, block(2, plain, f.Observed)...)
	}
	return lines
}

// partLines puts the values of an expression's parts in a column.
func partLines(indent int, parts []event.Part) []line {
	width := 0
	for _, p := range parts {
		width = max(width, min(lipgloss.Width(joined(p.Expr)), 48))
	}
	var lines []line
	for _, p := range parts {
		values := strings.Split(clean(p.Value), "\n")
		lines = append(lines, line{indent, plain, padRight(joined(p.Expr), width) + "   " + values[0]})
		for _, more := range values[1:] {
			lines = append(lines, line{indent + 2, plain, more})
		}
	}
	return lines
}

func evidenceLines(evidence []event.Evidence) []line {
	var lines []line
	for _, e := range evidence {
		lines = append(lines, line{0, faint, oneLine(e.Title) + ":"})
		for _, text := range e.Lines {
			lines = append(lines, block(2, plain, text)...)
		}
	}
	return lines
}

func block(indent int, r role, text string) []line {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	var lines []line
	for text := range strings.SplitSeq(clean(text), "\n") {
		lines = append(lines, line{indent, r, text})
	}
	return lines
}
