package report

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/realspec/realspec/engine/event"
)

// page lays out the lines of a console: columns, symbols, colours. It prints
// nothing itself.
type page struct {
	width   int
	color   bool
	verbose bool
	ascii   bool
	marks   marks
	spinner []string
}

// The columns of a step's line:
//
//	  ✓ id         name …                       time  reason
//	2 1 1 idWidth  2     the rest          2      8 2     12
const (
	bodyIndent  = 6 // of what stands under a step
	timeWidth   = 8
	reasonWidth = 12
	maxIDWidth  = 24
)

func newPage(opt Options) page {
	p := page{width: opt.Width, color: opt.Color, verbose: opt.Verbose, marks: unicodeMarks(),
		spinner: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}}
	if opt.ASCII {
		p.ascii = true
		p.marks, p.spinner = asciiMarks(), []string{"|", "/", "-", `\`}
	}
	return p
}

// header names a scenario and its cluster; when another scenario was shown in
// between, only its name.
func (p page) header(s *event.Scenario, again bool) []string {
	about := clusterLine(s.Cluster)
	switch {
	case again:
		about = "continued"
	case s.Reason == event.ReasonInvalid:
		about = "not valid"
	}
	if s.Repetition > 0 {
		about = strings.TrimSuffix(fmt.Sprintf("run %d %s %s", s.Repetition, p.marks.separator, about), " "+p.marks.separator+" ")
	}
	name := cut(oneLine(s.Name), p.width, p.marks.tail)
	if about == "" {
		return []string{p.paint(headline, name)}
	}
	rest := cut(" "+p.marks.separator+" "+about, p.width-lipgloss.Width(name), p.marks.tail)
	lines := []string{p.paint(headline, name) + p.paint(faint, rest)}
	if !p.verbose || again {
		return lines
	}
	if s.Cluster.Why != "" {
		lines = append(lines, p.lay(2, block(0, faint, "this cluster because "+s.Cluster.Why))...)
	}
	if text := environmentLine(s.Cluster.Environment); text != "" {
		lines = append(lines, p.lay(2, block(0, faint, "environment: "+text))...)
	}
	return lines
}

// step is a step's line and what belongs under it.
func (p page) step(s *event.Scenario, step *event.Step) []string {
	lines := []string{p.stepLine(s, step)}
	lines = append(lines, p.lay(bodyIndent, measureLines(step.Measures, p.marks, p.verbose))...)
	if p.verbose {
		lines = append(lines, p.lay(bodyIndent+2, sampleLines(step.Measures, p.marks))...)
	}
	said := findingLines(step.Findings, p.marks)
	if p.verbose {
		said = append(said, noteLines(step.Notes)...)
	}
	switch step.Outcome {
	case event.Passed:
		return append(lines, p.lay(bodyIndent, said)...)
	case event.Flaky:
		return append(lines, p.lay(bodyIndent, append(block(0, plain, step.Message), said...))...)
	}
	return append(lines, p.lay(bodyIndent, detailLines(step, p.marks))...)
}

func (p page) stepLine(s *event.Scenario, step *event.Step) string {
	reason, span := string(step.Reason), stepTime(step.Seconds)
	switch step.Outcome {
	case event.Passed:
		reason = ""
	case event.Flaky:
		reason = "flaky"
	}
	if step.Started.IsZero() && step.Seconds == 0 {
		span = ""
	}
	name := step.Name
	if name == step.ID {
		name = ""
	}
	return p.row(step.Outcome, idWidth(s), step.ID, name, span, reason)
}

// row puts the columns of a line together.
func (p page) row(o event.Outcome, ids int, id, name, span, reason string) string {
	room := max(p.width-4-ids-2-2-timeWidth-2-reasonWidth, 8)
	left := "  " + p.mark(o) + " " + padRight(cut(oneLine(id), ids, p.marks.tail), ids) + "  "
	name = padRight(cut(oneLine(name), room, p.marks.tail), room)
	text := left + name + "  " + padLeft(span, timeWidth)
	if reason == "" {
		return strings.TrimRight(text, " ")
	}
	return text + "  " + p.paint(tone(o), cut(reason, reasonWidth, p.marks.tail))
}

func idWidth(s *event.Scenario) int {
	width := len("cleanup")
	for _, step := range s.Steps {
		width = max(width, lipgloss.Width(oneLine(step.ID)))
	}
	return min(width, maxIDWidth)
}

// notRun is for steps that were planned and not run: one line when they have one
// reason.
func (p page) notRun(s *event.Scenario, steps []*event.Step) []string {
	var lines []string
	for len(steps) > 0 {
		same := 1
		for same < len(steps) && steps[same].Message == steps[0].Message {
			same++
		}
		if same == 1 {
			lines = append(lines, p.step(s, steps[0])...)
		} else {
			text := fmt.Sprintf("%d steps not run: %s", same, oneLine(steps[0].Message))
			lines = append(lines, "  "+p.mark(steps[0].Outcome)+" "+cut(text, p.width-4, p.marks.tail))
		}
		steps = steps[same:]
	}
	return lines
}

// verdict is the line of a scenario that was decided without its steps.
func (p page) verdict(o event.Outcome, r event.Reason, message string) []string {
	text := string(o)
	if r != "" {
		text += ": " + string(r)
	}
	lines := []string{"  " + p.mark(o) + " " + p.paint(tone(o), text)}
	return append(lines, p.lay(bodyIndent, block(0, plain, message))...)
}

func (p page) invalid(s *event.Scenario) []string {
	var lines []line
	for _, d := range s.Diagnostics {
		// On one line, so that it can be opened and grepped for.
		lines = append(lines, line{0, place, oneLine(d.String())})
		lines = append(lines, block(2, plain, d.Help)...)
	}
	if len(lines) == 0 {
		lines = block(0, plain, s.Message)
	}
	return p.lay(2, lines)
}

func (p page) cleanup(s *event.Scenario) []string {
	c := s.Cleanup
	reason, name := "", "everything that it made is deleted"
	lines := block(0, plain, c.Message)
	switch c.Outcome {
	case event.Skipped:
		reason, name = "kept", "kept on purpose"
		if len(c.Left) > 0 {
			lines = append(lines, block(0, plain, "kept: "+strings.Join(c.Left, ", "))...)
		}
	case event.Errored:
		reason, name = string(event.ReasonCleanup), "something was left behind"
		lines = append(lines, line{0, faint, "delete it with: realspec sweep"})
	}
	row := p.row(c.Outcome, idWidth(s), "cleanup", name, stepTime(c.Seconds), reason)
	return append([]string{row}, p.lay(bodyIndent, lines)...)
}

func (p page) attempt(s *event.Scenario, e event.AttemptEnded) []string {
	text := fmt.Sprintf("attempt %d: %s", e.Attempt.Number, oneLine(e.Attempt.Message))
	lines := []string{p.row(event.Flaky, idWidth(s), e.Step, text,
		stepTime(e.Attempt.Seconds), string(e.Attempt.Reason))}
	if p.verbose {
		lines = append(lines, p.lay(bodyIndent, attemptLines(e.Attempt, p.marks))...)
	}
	return lines
}

func (p page) heartbeat(s *event.Scenario, r *runningStep, elapsed time.Duration) string {
	ids := idWidth(s)
	text := fmt.Sprintf("    %s  %s  %s", padRight(cut(r.step, ids, p.marks.tail), ids),
		elapsed.Truncate(time.Second), r.text)
	return p.paint(faint, cut(text, p.width, p.marks.tail))
}

// running is a line of the live region. It stays one column short of the edge,
// where terminals disagree about when to break.
func (p page) running(name string, elapsed time.Duration, text string, frame, width int) string {
	spin := p.spinner[frame%len(p.spinner)]
	line := fmt.Sprintf("%s  %s  %s", oneLine(name), max(0, elapsed).Truncate(100*time.Millisecond), text)
	return "  " + p.paint(place, spin) + " " + cut(strings.TrimRight(line, " "), width-5, p.marks.tail)
}

// lay indents lines and breaks those that are too long, further in.
func (p page) lay(indent int, lines []line) []string {
	var out []string
	for _, l := range lines {
		if p.ascii {
			l.text = asciiSigns(l.text)
		}
		text := strings.TrimLeft(l.text, " ")
		margin := indent + l.indent + len(l.text) - len(text)
		margin = min(margin, p.width/2)
		pad := strings.Repeat(" ", margin)
		if l.role == place || margin+lipgloss.Width(text) <= p.width {
			out = append(out, strings.TrimRight(pad+p.paint(l.role, text), " "))
			continue
		}
		gap := " "
		if l.role == inCells {
			gap = "  "
		}
		for i, text := range wrap(text, gap, p.width-margin, p.width-margin-2) {
			if i == 1 {
				pad += "  "
			}
			out = append(out, pad+p.paint(l.role, strings.TrimRight(text, " ")))
		}
	}
	return out
}

func (p page) mark(o event.Outcome) string { return p.paint(tone(o), p.marks.of(o)) }

func tone(o event.Outcome) role {
	switch o {
	case event.Passed:
		return good
	case event.Skipped:
		return faint
	case event.Flaky, event.Inconclusive:
		return doubt
	}
	return bad
}

// paint colours a text with the terminal's own sixteen colours, which fit its
// background.
func (p page) paint(r role, text string) string {
	if !p.color || text == "" {
		return text
	}
	style := lipgloss.NewStyle()
	switch r {
	case place:
		style = style.Foreground(lipgloss.Cyan)
	case headline:
		style = style.Bold(true)
	case good:
		style = style.Foreground(lipgloss.Green)
	case bad:
		style = style.Foreground(lipgloss.Red)
	case doubt:
		style = style.Foreground(lipgloss.Yellow)
	case faint:
		style = style.Faint(true)
	default:
		return text
	}
	return style.Render(text)
}
