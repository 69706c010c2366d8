package compare

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// HistoryOptions are how a history is shown.
type HistoryOptions struct {
	Width int  // of the output, in columns
	ASCII bool // no Unicode blocks
}

// History shows how every metric went over runs, oldest first: one table a
// scenario and environment, one row a metric. The change is that of the last run
// against the median of those before it; ! marks one outside of their range.
func History(runs []Run, o HistoryOptions) string {
	var out []string
	all := Unique(runs)
	good := slices.DeleteFunc(slices.Clone(all), func(r Run) bool { return r.Outcome == event.Errored })
	for _, group := range groups(good) {
		if len(out) > 0 {
			out = append(out, "")
		}
		first, last := group[0], group[len(group)-1]
		out = append(out, wrap(fmt.Sprintf("%s (%s)", first.Scenario, Describe(first.Environment)), o.Width, indent)...)
		out = append(out, fmt.Sprintf("%s%s, %s to %s", strings.Repeat(" ", indent), many(len(group), "run"),
			day(first), day(last)))
		out = append(out, table(group, o)...)
	}
	if len(out) == 0 {
		out = append(out, "no runs that measured anything")
	}
	if n := len(all) - len(good); n > 0 {
		out = append(out, fmt.Sprintf("%s ended in an error and %s left out", many(n, "run"), isAre(n)))
	}
	return strings.Join(out, "\n") + "\n"
}

// groups are the runs of one scenario in one environment, by start.
func groups(sorted []Run) [][]Run {
	var all [][]Run
next:
	for _, run := range sorted {
		for i, group := range all {
			if group[0].Scenario == run.Scenario && Same(group[0].Environment, run.Environment) {
				all[i] = append(group, run)
				continue next
			}
		}
		all = append(all, []Run{run})
	}
	return all
}

func day(r Run) string { return r.Started.UTC().Format("2006-01-02 15:04") }

func table(runs []Run, o HistoryOptions) []string {
	all := metricsOf(runs)
	outside := false
	g := &grid{}
	g.add("", "runs", "first", "last", "change", "median", "range")
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		row, out := historyRow(name, all[name])
		g.add(row...)
		names = append(names, name)
		outside = outside || out
	}
	room := o.Width - g.total() - gap
	if room < shortest { // the names get lines of their own
		room = o.Width - g.total() - gap + max(g.widths()[0]-narrowest, 0)
	}
	g.rows[0] = append(g.rows[0], "trend")
	for i, name := range names {
		g.rows[i+1] = append(g.rows[i+1], padRight(Spark(numbers(all[name]), max(room, shortest), o.ASCII), len("trend")))
	}
	lines := g.lines(o.Width)
	if outside {
		lines = append(lines, "  ! outside of the range of the runs before")
	}
	return lines
}

// shortest is the least useful width of a trend.
const shortest = 8

// total is the width of a line.
func (g *grid) total() int {
	total := indent - gap
	for _, w := range g.widths() {
		total += w + gap
	}
	return total
}

func historyRow(name string, values []Value) (row []string, outside bool) {
	all := numbers(values)
	unit := values[0].Unit
	last := all[len(all)-1]
	m := middle(all)
	changed := "-"
	if before := all[:len(all)-1]; len(before) > 0 {
		if b := middle(before); !math.IsInf(b, 0) && !math.IsInf(last, 0) { // else the values say so
			changed = change(b, last)
		}
		if outside = last > slices.Max(before) || last < slices.Min(before); outside {
			changed = strings.TrimSpace(changed + " !")
		}
	}
	return []string{name, fmt.Sprint(len(all)), amount(all[0], unit), amount(last, unit), changed, amount(m, unit),
		scaleOf(m, unit).span(slices.Min(all), slices.Max(all))}, outside
}

// Spark draws the last values as a line of blocks, the lowest the smallest and the
// highest the tallest; a value that was not reached is ×. In ASCII the heights are
// the digits 1 to 8, and x.
func Spark(values []float64, width int, ascii bool) string {
	values = values[max(0, len(values)-width):]
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	blocks, never := []rune("▁▂▃▄▅▆▇█"), '×'
	if ascii {
		blocks, never = []rune("12345678"), 'x'
	}
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsInf(v, 0):
			b.WriteRune(never)
		case high == low:
			b.WriteRune(blocks[0])
		default:
			b.WriteRune(blocks[int(math.Round((v-low)/(high-low)*float64(len(blocks)-1)))])
		}
	}
	return b.String()
}
