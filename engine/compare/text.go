package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/stats"
)

// Text is the comparison as a table, at most width columns wide unless a name is
// longer:
//
//	median ± the half of its 95 % interval, relative, the larger one
//	~  no difference that counts: not significant, or within the tolerance
//	?  too few runs for a difference of this size to be significant
//
// The p is corrected for all metrics of the comparison.
func (r Report) Text(width int) string {
	var out []string
	out = append(out, r.A.line("A"), r.B.line("B"))
	for _, s := range r.Scenarios {
		if len(s.Metrics) == 0 {
			continue
		}
		out = append(out, "")
		out = append(out, wrap(fmt.Sprintf("%s (%s)", s.Name, s.Environment), width, indent)...)
		g := &grid{}
		g.add("", "A", "B", "change", "p", "runs")
		for _, m := range s.Metrics {
			g.add(m.row()...)
		}
		out = append(out, g.lines(width)...)
	}
	out = append(out, "")
	for _, line := range r.verdict() {
		out = append(out, wrap(line, width, indent)...)
	}
	return strings.Join(out, "\n") + "\n"
}

func (s Side) line(letter string) string {
	line := fmt.Sprintf("%s  %s, %s", letter, s.Name, many(s.Runs, "run"))
	if len(s.Realspec) > 0 {
		line += ", realspec " + strings.Join(s.Realspec, ", ")
	}
	return line
}

func (m Metric) row() []string {
	p := "-"
	if m.Adjusted != nil {
		p = probability(*m.Adjusted)
	}
	runs := fmt.Sprintf("%d+%d", m.A.N, m.B.N)
	return []string{m.Name, m.A.text(m.Unit), m.B.text(m.Unit), m.change(), p, runs}
}

func (m Metric) change() string {
	switch m.Verdict {
	case stats.Same:
		return "~"
	case stats.Unknown:
		return "?"
	}
	if m.A.Median == nil || m.B.Median == nil { // one side was not reached
		return string(m.Verdict)
	}
	return change(*m.A.Median, *m.B.Median)
}

// text is the median with the larger half of its interval, relative to it. An
// interval that is not bounded is ∞.
func (e Estimate) text(unit string) string {
	if e.Median == nil {
		return notReached
	}
	half := "∞"
	if e.Low != nil && e.High != nil {
		far := max(*e.High-*e.Median, *e.Median-*e.Low)
		switch {
		case far == 0:
			half = "0 %"
		case *e.Median != 0:
			half = percent(math.Round(far/math.Abs(*e.Median)*100) / 100)
		}
	}
	return amount(*e.Median, unit) + " ± " + half
}

// verdict is what the table comes to, and what was left out of it.
func (r Report) verdict() []string {
	var worse, better, unknown []string
	needed := 0
	for _, s := range r.Scenarios {
		for _, m := range s.Metrics {
			name := m.Name
			if len(r.Scenarios) > 1 {
				name += " of " + s.Name
			}
			switch m.Verdict {
			case stats.Worse:
				worse = append(worse, name)
			case stats.Better:
				better = append(better, name)
			case stats.Unknown:
				unknown = append(unknown, name)
				needed = max(needed, m.Needed)
			}
		}
	}
	var lines []string
	add := func(what string, names []string) {
		if len(names) > 0 {
			lines = append(lines, what+": "+strings.Join(names, ", "))
		}
	}
	add("worse", worse)
	add("better", better)
	if len(unknown) > 0 {
		add("? too few runs to tell, at least "+fmt.Sprint(needed)+" on each side are needed", unknown)
	}
	switch {
	case r.Empty():
		lines = append(lines, "nothing to compare: A and B have no metric in common")
	case len(worse)+len(better)+len(unknown) == 0:
		lines = append(lines, "no difference that counts")
	}
	lines = append(lines, r.rule())
	return slices.Concat(lines, r.Notes)
}

func (r Report) rule() string {
	if r.Tolerance == 0 {
		return fmt.Sprintf("alpha %s over all metrics", percent(r.Alpha))
	}
	return fmt.Sprintf("alpha %s over all metrics; changes up to %s do not count", percent(r.Alpha), percent(r.Tolerance))
}
