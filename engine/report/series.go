package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// grouped takes the series of single nodes or owners apart from those of all.
func grouped(series []event.MeasuredSeries) (whole, groups []event.MeasuredSeries) {
	for _, s := range series {
		if s.Group == "" {
			whole = append(whole, s)
		} else {
			groups = append(groups, s)
		}
	}
	return whole, groups
}

// unitOf is the unit of a series of a measure.
func unitOf(s event.MeasuredSeries, unit string) string {
	if s.Unit != "" {
		return s.Unit
	}
	return unit
}

func samples(s event.MeasuredSeries) string {
	if s.Missing > 0 {
		return fmt.Sprintf("n=%d of %d", s.Count, s.Count+s.Missing)
	}
	return fmt.Sprintf("n=%d", s.Count)
}

// values are the median, the highest quantile about which so many samples can
// support a statement, and the worst sample. More would not fit on one line. What
// is above a value that was not reached was not reached either, and left out.
func values(s event.MeasuredSeries, unit string) []string {
	all := s.Count + s.Missing
	unit = unitOf(s, unit)
	switch {
	case all == 0:
		return []string{"no samples"}
	case timeWeighted(s):
		return []string{"mean " + value(s.Mean, unit), "max " + value(s.Max, unit)}
	}
	var shown []string
	for _, q := range []struct {
		name string
		x    *float64
		is   bool
	}{
		{"p50", s.P50, true},
		{"p90", s.P90, all >= needed("p90") && all < needed("p95")},
		{"p95", s.P95, all >= needed("p95") && all < needed("p99")},
		{"p99", s.P99, all >= needed("p99")},
		{"max", s.Max, true},
	} {
		if q.is {
			shown = append(shown, q.name+" "+value(q.x, unit))
		}
		if q.is && q.x == nil {
			break
		}
	}
	return shown
}

// needed is how many samples a quantile needs, n ≥ ln 0.05 / ln q: fewer may well
// all lie below it.
func needed(stat string) int64 {
	switch stat {
	case "p50":
		return 5
	case "p90":
		return 29
	case "p95":
		return 59
	case "p99":
		return 299
	}
	return 0
}

// timeWeighted tells a mean over time, as that of a CPU, from samples: it has no
// quantiles.
func timeWeighted(s event.MeasuredSeries) bool {
	return s.Mean != nil && s.P50 == nil && s.Missing == 0
}

// value is null when the quantile falls on a sample that never came.
func value(x *float64, unit string) string {
	if x == nil {
		return "not reached"
	}
	return quantity(*x, unit)
}

// spreadLines have what a line of values leaves out: the other statistics, and
// the confidence intervals of the quantiles.
func spreadLines(s event.MeasuredSeries, unit string, m marks) []line {
	if s.Count+s.Missing == 0 || timeWeighted(s) {
		return nil
	}
	unit = unitOf(s, unit)
	lines := []line{{2, inCells, strings.Join([]string{
		"min " + value(s.Min, unit), "mean " + value(s.Mean, unit), "stddev " + value(s.Stddev, unit)}, "  ")}}
	quantiles := map[string]*float64{"p50": s.P50, "p90": s.P90, "p95": s.P95, "p99": s.P99, "max": s.Max}
	var cells []string
	for _, name := range slices.Sorted(maps.Keys(s.Intervals)) {
		low, high := s.Intervals[name][0], s.Intervals[name][1]
		cells = append(cells, fmt.Sprintf("%s %s (%s, 95 %%)", oneLine(name), value(quantiles[name], unit), between(low, high, unit, m)))
	}
	if len(cells) > 0 {
		lines = append(lines, line{2, inCells, strings.Join(cells, "  ")})
	}
	return lines
}

// between is a range whose upper end may be unknown.
func between(low, high *float64, unit string, m marks) string {
	switch {
	case low == nil && high == nil:
		return "not reached"
	case high == nil:
		return m.atLeast + " " + quantity(*low, unit)
	case low == nil:
		return m.atMost + " " + quantity(*high, unit)
	}
	return quantity(*low, unit) + m.until + quantity(*high, unit)
}

// mostGroups is how many groups a console shows of each series.
const mostGroups = 3

// groupLines show the groups with the largest median first.
func groupLines(groups []event.MeasuredSeries, unit string, verbose bool) []line {
	var rows []valueRow
	most := 0
	for _, all := range slowestFirst(groups) {
		most = max(most, len(all))
		if !verbose {
			all = all[:min(len(all), mostGroups)]
		}
		for _, s := range all {
			rows = append(rows, valueRow{name: oneLine(s.Name), series: oneLine(s.Group), n: samples(s), values: values(s, unit)})
		}
	}
	lines := inColumns(2, rows)
	if !verbose && most > mostGroups {
		lines = append(lines, line{2, faint, fmt.Sprintf("the worst %d of %d groups by p50; --verbose shows all", mostGroups, most)})
	}
	return lines
}

// worstGroups are the groups with the largest median, one of each series: what
// thresholds know as the worst.
func worstGroups(groups []event.MeasuredSeries) []event.MeasuredSeries {
	var worst []event.MeasuredSeries
	for _, all := range slowestFirst(groups) {
		worst = append(worst, all[0])
	}
	return worst
}

// slowestFirst has the groups of each series in order; the series stay in theirs.
func slowestFirst(groups []event.MeasuredSeries) [][]event.MeasuredSeries {
	var apart [][]event.MeasuredSeries
	place := map[string]int{}
	for _, s := range groups {
		i, ok := place[s.Name]
		if !ok {
			i = len(apart)
			place[s.Name] = i
			apart = append(apart, nil)
		}
		apart[i] = append(apart[i], s)
	}
	for _, all := range apart {
		slices.SortStableFunc(all, slowerGroup)
	}
	return apart
}

// slowerGroup puts the largest median first, and of equal ones the first name.
func slowerGroup(a, b event.MeasuredSeries) int {
	if n := cmp.Compare(medianOf(b), medianOf(a)); n != 0 {
		return n
	}
	return cmp.Compare(a.Group, b.Group)
}

// medianOf is below all medians for a group without samples.
func medianOf(s event.MeasuredSeries) float64 {
	if s.Count+s.Missing == 0 {
		return math.Inf(-1)
	}
	if timeWeighted(s) {
		return *s.Mean
	}
	return orNever(s.P50)
}

func orNever(x *float64) float64 {
	if x == nil {
		return math.Inf(1)
	}
	return *x
}

// mostSamples is how many samples of a series are listed. Thousands would hide
// everything else; the JSON report has them all.
const mostSamples = 10

// sampleLines list the samples of each series, the largest first.
func sampleLines(measures []event.Measured, m marks) []line {
	var lines []line
	for _, one := range measures {
		whole, _ := grouped(one.Series)
		for _, s := range whole {
			sorted := slices.Clone(s.Samples)
			slices.SortStableFunc(sorted, func(a, b event.Sample) int {
				return cmp.Compare(orNever(b.Value), orNever(a.Value))
			})
			for _, sample := range sorted[:min(len(sorted), mostSamples)] {
				lines = append(lines, line{0, faint, sampleText(s.Name, sample, unitOf(s, one.Unit), m)})
			}
			if more := len(sorted) - mostSamples; more > 0 {
				lines = append(lines, line{0, faint, strings.TrimLeft(oneLine(s.Name)+"  and "+count(more, "more sample")+", in the JSON report", " ")})
			}
		}
	}
	return lines
}

func sampleText(series string, s event.Sample, unit string, m marks) string {
	cells := []string{oneLine(series), oneLine(s.Object), value(s.Value, unit)}
	if s.Low != nil || s.High != nil {
		cells[2] += " (" + between(s.Low, s.High, unit, m) + ")"
	}
	if s.Run > 0 {
		cells = append(cells, fmt.Sprintf("repetition %d", s.Run))
	}
	if s.Node != "" {
		cells = append(cells, oneLine(s.Node))
	}
	cells = slices.DeleteFunc(cells, func(text string) bool { return text == "" })
	return strings.Join(cells, "  ")
}
