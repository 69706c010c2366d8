package report

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/realspec/realspec/engine/event"
)

// valueRow is one line of values, and what stands below it.
type valueRow struct {
	name, series, n string // in columns
	values          []string
	below           []line
	heading         bool // not in columns
}

// measureLines shows what was measured: one series a line, with its number of
// samples, its units, and how far a sample may be from the truth. Below them
// stands what a reader must know to believe them; verbose adds the rest.
func measureLines(measures []event.Measured, m marks, verbose bool) []line {
	var rows []valueRow
	for _, one := range measures {
		if one.From != "" && one.From != "stored" {
			// Above the series, because beside them it would not fit on their lines.
			rows = append(rows, valueRow{name: oneLine(one.Name) + " from " + oneLine(one.From), heading: true})
		}
		own := measureRows(one, m, verbose)
		last := &own[len(own)-1]
		last.below = append(last.below, qualifying(one, m, verbose)...)
		rows = append(rows, own...)
	}
	return inColumns(0, rows)
}

// measureRows are the lines of one measure, at least one.
func measureRows(one event.Measured, m marks, verbose bool) []valueRow {
	name := oneLine(one.Name)
	if one.Unmeasurable != "" {
		return []valueRow{{name: name, values: []string{notMeasurable(one)}}}
	}
	whole, groups := grouped(one.Series)
	var rows []valueRow
	if one.Value != nil {
		rows = append(rows, valueRow{name: name, n: "n=1",
			values: []string{quantity(*one.Value, one.Unit), errorBar(one, m)}})
	}
	for _, s := range whole {
		r := valueRow{name: name, series: oneLine(s.Name), n: samples(s), values: values(s, one.Unit)}
		if s.Count+s.Missing > 0 {
			r.values = append(r.values, errorBar(one, m))
		}
		if verbose {
			r.below = spreadLines(s, one.Unit, m)
		}
		rows = append(rows, r)
	}
	if one.Delivery != nil {
		rows = append(rows, deliveryRow(name, one.Delivery))
	}
	if len(rows) == 0 && len(groups) == 0 {
		rows = append(rows, valueRow{name: name, n: "n=0", values: []string{"not measured"}})
	} else if len(rows) == 0 {
		rows = append(rows, valueRow{name: name, values: []string{"by group"}})
	}
	return rows
}

// notMeasurable is what stands in the place of a value that this cluster cannot give.
func notMeasurable(one event.Measured) string {
	return "not measurable here: " + oneLine(one.Unmeasurable)
}

// errorBar is shown beside every value that came over a watch, even when it is
// not known.
func errorBar(one event.Measured, m marks) string {
	switch {
	case one.Error != nil:
		return m.about + " " + roughTime(*one.Error)
	case hasErrorBar(one):
		return m.about + " unknown"
	}
	return ""
}

// hasErrorBar tells what is seen on a watch from what realspec times itself.
func hasErrorBar(one event.Measured) bool { return one.Kind == "pods" || one.Kind == "objects" }

// deliveryRow compares the load that was made with the one that was asked for.
func deliveryRow(name string, d *event.Delivery) valueRow {
	asked := "asked as fast as possible"
	if d.Asked > 0 {
		asked = "asked " + number(d.Asked) + "/s"
	}
	r := valueRow{name: name, values: []string{asked, "delivered " + number(d.Rate) + "/s",
		fmt.Sprintf("%d of %d", d.Sent, d.Due)}}
	if d.Failed > 0 {
		r.values = append(r.values, fmt.Sprintf("%d failed", d.Failed))
	}
	if d.Dropped > 0 {
		r.values = append(r.values, fmt.Sprintf("%d dropped", d.Dropped))
	}
	r.values = append(r.values, "worst lag "+roughTime(d.WorstLag))
	if d.Short != "" {
		r.below = []line{{2, doubt, "not delivered: " + oneLine(d.Short)}}
	}
	return r
}

// qualifying is what stands below the lines of a measure.
func qualifying(one event.Measured, m marks, verbose bool) []line {
	lines := block(2, faint, one.What)
	if f := one.Failures; f != nil {
		lines = append(lines, line{2, failuresRole(f), failures(f, m)})
	}
	if one.Repetitions > 1 {
		text, r := fmt.Sprintf("%d repetitions", one.Repetitions), plain
		if one.FailedRuns > 0 {
			text, r = text+fmt.Sprintf(", %d failed", one.FailedRuns), doubt
		}
		lines = append(lines, line{2, r, text})
	}
	whole, groups := grouped(one.Series)
	if len(whole) == 0 {
		whole = groups
	}
	lines = append(lines, countedLine(whole, "known only within bounds, because the watch was interrupted",
		func(s event.MeasuredSeries) int64 { return s.Late })...)
	lines = append(lines, countedLine(whole, "contradicted by the server's own stamps",
		func(s event.MeasuredSeries) int64 { return s.Skewed })...)
	lines = append(lines, groupLines(groups, one.Unit, verbose)...)
	if verbose && one.Lag != nil {
		lines = append(lines, lagLine(one.Lag))
	}
	return lines
}

// failures is the share of operations that failed, with its interval.
func failures(f *event.Ratio, m marks) string {
	return fmt.Sprintf("failures %s (%s%s%s, 95 %%)", percent(f.Value), percent(f.Low), m.until, percent(f.High))
}

func failuresRole(f *event.Ratio) role {
	if f.Value > 0 {
		return doubt
	}
	return faint
}

// countedLine says how many samples have a flaw, and in which series.
func countedLine(series []event.MeasuredSeries, flaw string, of func(event.MeasuredSeries) int64) []line {
	var flawed, all int64
	var where []string
	for _, s := range series {
		all += s.Count + s.Missing
		if n := of(s); n > 0 {
			flawed += n
			where = append(where, fmt.Sprintf("%s %d", oneLine(s.Name), n))
		}
	}
	if flawed == 0 {
		return nil
	}
	text := fmt.Sprintf("%d of %d samples %s", flawed, all, flaw)
	if len(series) > 1 {
		text += ": " + strings.Join(where, ", ")
	}
	return []line{{2, doubt, text}}
}

// lagLine is how late the watch was: where the error bar comes from.
func lagLine(l *event.Lag) line {
	cells := []string{"watch lag (" + oneLine(l.What) + " probe)", fmt.Sprintf("n=%d", l.Count)}
	for _, q := range []struct {
		name  string
		value *float64
	}{{"p50", l.P50}, {"p99", l.P99}, {"max", l.Max}} {
		if q.value != nil {
			cells = append(cells, q.name+" "+roughTime(*q.value))
		}
	}
	if l.Missing > 0 {
		cells = append(cells, fmt.Sprintf("%d never came back", l.Missing))
	}
	return line{2, inCells, strings.Join(cells, "  ")}
}

// inColumns aligns the names and counts of rows; their values are free.
func inColumns(indent int, rows []valueRow) []line {
	const widest = 24 // what is longer moves only its own row
	var widths [3]int
	for _, r := range rows {
		for i, text := range r.columns() {
			if r.heading {
				break
			}
			widths[i] = max(widths[i], min(lipgloss.Width(text), widest))
		}
	}
	var lines []line
	for _, r := range rows {
		var cells []string
		for i, text := range r.columns() {
			if widths[i] > 0 && (i == 0 || r.series+r.n != "") {
				cells = append(cells, padRight(text, widths[i]))
			}
		}
		for _, text := range r.values {
			if text != "" {
				cells = append(cells, text)
			}
		}
		lines = append(lines, line{indent, inCells, strings.Join(cells, "  ")})
		for _, l := range r.below {
			l.indent += indent
			lines = append(lines, l)
		}
	}
	return lines
}

func (r valueRow) columns() [3]string { return [3]string{r.name, r.series, r.n} }
