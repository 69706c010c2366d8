package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// Summary ends the console: what did not pass once more, the counts, what the
// run cost, and the verdict as the last line.
func (c *Console) Summary(r *event.Result) {
	c.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.repeat(r)
	var lines []string
	if c.opt.Quiet {
		lines = c.page.table(shownRows(queueRow(r)))
	} else {
		for _, table := range [][]string{c.page.agreementLines(r), c.page.matrixLines(r)} {
			if len(table) > 0 {
				lines = append(append(lines, table...), "")
			}
		}
		lines = append(lines, c.page.table(c.rows(r))...)
	}
	if c.printed && len(lines) > 0 {
		lines = append([]string{""}, lines...)
	}
	if why := stopped(r); why != "" {
		lines = append(lines, c.page.lay(0, block(0, bad, "error: "+why))...)
	}
	c.write(append(lines, c.page.paint(runTone(r), verdictLine(r))))
}

// repeat shows what did not pass once more, because the first time may be many
// lines up. Where that is not so, it shows only what was not shown before: what
// had no end.
func (c *Console) repeat(r *event.Result) {
	again := !c.opt.Quiet && ranSteps(r) > 1
	if again {
		c.current, c.headed = "", map[string]bool{}
		verbose := c.page.verbose
		c.page.verbose = false // the details stand above
		defer func() { c.page.verbose = verbose }()
	}
	titled := false
	for _, s := range r.Scenarios {
		lines := c.notPassedLines(s, again)
		if len(lines) == 0 {
			continue
		}
		if !titled && again {
			c.write([]string{"", c.page.paint(headline, "Not passed:")})
			titled = true
		}
		c.print(s.Path, lines)
	}
}

func ranSteps(r *event.Result) int {
	n := 0
	for _, s := range r.Scenarios {
		for _, step := range s.Steps {
			if step.Outcome != event.Skipped {
				n++
			}
		}
		if s.Reason == event.ReasonInvalid {
			n++
		}
	}
	return n
}

func (c *Console) notPassedLines(s *event.Scenario, again bool) []string {
	show := func(key string) bool { return again || !c.shown[key] }
	var lines []string
	if s.Reason == event.ReasonInvalid {
		if show(s.Path) {
			lines = c.page.invalid(s)
		}
		return lines
	}
	told := false // whether a step or the cleanup explains the scenario's outcome
	var idle []*event.Step
	for _, step := range s.Steps {
		if !notPassed(step.Outcome) {
			continue
		}
		told = told || step.Outcome == s.Outcome
		switch {
		case step.Started.IsZero() && len(step.Findings) == 0 && !c.shown[key(s, step.ID)]:
			idle = append(idle, step)
		case show(key(s, step.ID)):
			lines = append(lines, c.page.step(s, step)...)
		}
	}
	if len(idle) > 0 {
		lines = append(lines, c.page.notRun(s, idle)...)
	}
	if s.Cleanup != nil && s.Cleanup.Outcome == event.Errored {
		told = told || s.Outcome == event.Errored
		if show(key(s, "cleanup")) {
			lines = append(lines, c.page.cleanup(s)...)
		}
	}
	if notPassed(s.Outcome) && !told && show(s.Path) {
		lines = append(lines, c.page.verdict(s.Outcome, s.Reason, s.Message)...)
	}
	return lines
}

// row is a line of the final block.
type row struct {
	name, text string
	whole      bool // not to be broken: a command to copy
	role       role
}

func (c *Console) rows(r *event.Result) []row {
	rows := []row{
		{name: "scenarios", text: scenarioCounts(r)},
		{name: "not begun", text: notBegun(r)},
		{name: "steps", text: stepCounts(r)},
		{name: "time", text: stepTime(r.Seconds)},
		{name: "cost", text: accountLine(r.Account, c.opt.Verbose)},
		queueRow(r),
		{name: "covers", text: coversLine(r)},
		{name: "evidence", text: few(evidenceFiles(r))},
		{name: "reports", text: strings.Join(c.opt.Reports, ", ")},
	}
	for i, text := range slowest(r, c.opt.Slowest) {
		name := "slowest"
		if i > 0 {
			name = ""
		}
		rows = append(rows, row{name: name, text: text})
	}
	if c.opt.Rerun != nil && r.ExitCode != 0 {
		rows = append(rows, row{name: "rerun", text: c.opt.Rerun(r), whole: true})
	}
	return shownRows(rows...)
}

func evidenceFiles(r *event.Result) []string {
	var files []string
	for _, s := range r.Scenarios {
		for _, step := range s.Steps {
			if step.EvidenceFile != "" {
				files = append(files, step.EvidenceFile)
			}
		}
	}
	return files
}

func shownRows(rows ...row) []row {
	return slices.DeleteFunc(rows, func(r row) bool { return r.text == "" })
}

func (p page) table(rows []row) []string {
	const column = 11
	var out []string
	for _, r := range rows {
		name := p.paint(faint, padRight(r.name, column))
		if r.whole {
			out = append(out, name+r.text)
			continue
		}
		for _, text := range wrap(r.text, " ", p.width-column, p.width-column) {
			out = append(out, name+p.paint(r.role, text))
			name = strings.Repeat(" ", column)
		}
	}
	return out
}

func scenarioCounts(r *event.Result) string {
	counts := map[event.Outcome]int{}
	notValid := 0
	for _, s := range r.Scenarios {
		if s.Reason == event.ReasonInvalid {
			notValid++
			continue
		}
		counts[s.Outcome]++
	}
	text := countsText(counts)
	if notValid > 0 {
		text = strings.TrimSuffix(fmt.Sprintf("%d not valid, %s", notValid, text), ", ")
	}
	if text == "" {
		return "none"
	}
	return text
}

// notBegun names the scenarios that were left out because another did not pass.
func notBegun(r *event.Result) string {
	var names []string
	for _, s := range r.Scenarios {
		if s.Outcome == event.Skipped && s.Reason == event.ReasonEarlier {
			names = append(names, scenarioName(s))
		}
	}
	return few(names)
}

func stepCounts(r *event.Result) string {
	counts := map[event.Outcome]int{}
	for _, s := range r.Scenarios {
		for _, step := range s.Steps {
			counts[step.Outcome]++
		}
	}
	return countsText(counts)
}

func countsText(counts map[event.Outcome]int) string {
	var parts []string
	for _, o := range byWeight {
		if counts[o] > 0 {
			parts = append(parts, countOf(counts[o], o))
		}
	}
	return strings.Join(parts, ", ")
}

func countOf(n int, o event.Outcome) string {
	if o == event.Errored {
		return count(n, "error")
	}
	return fmt.Sprintf("%d %s", n, o)
}

// stopped says why a run is not green when no scenario says so.
func stopped(r *event.Result) string {
	if r.Error != "" {
		return r.Error
	}
	if r.ExitCode == 4 {
		_, why := notGreen(r)
		return why
	}
	return ""
}

func verdictLine(r *event.Result) string {
	word := ""
	switch r.ExitCode {
	case 0:
		if r.Outcome == event.Flaky {
			return "PASSED, but flaky"
		}
		return "PASSED"
	case 1:
		word = "FAILED"
	case 2:
		word = "NOT VALID"
	case 4:
		word = "NOTHING RAN"
		if reason, _ := notGreen(r); reason == event.ReasonRequirement {
			word = "REQUIREMENTS NOT MET"
		}
	case 5:
		word = "INCONCLUSIVE"
	case 130:
		word = "INTERRUPTED"
	default:
		word = "ERROR"
	}
	return fmt.Sprintf("%s (exit %d)", word, r.ExitCode)
}

func runTone(r *event.Result) role {
	switch r.ExitCode {
	case 0:
		return good
	case 4, 5:
		return doubt
	}
	return bad
}
