package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// enoughForP95 is how many samples a shown p95 needs: with fewer, nearest rank
// makes it the largest sample.
const enoughForP95 = 20

// measureLines shows what was measured, one series a line, with its number of
// samples and units.
func measureLines(measures []event.Measured) []string {
	var rows [][]string
	for _, m := range measures {
		if m.Value != nil {
			rows = append(rows, []string{oneLine(m.Name), "", "n=1", measuredTime(*m.Value)})
		} else if len(m.Series) == 0 {
			rows = append(rows, []string{oneLine(m.Name), "", "n=0", "not measured"})
		}
		for _, s := range m.Series {
			rows = append(rows, []string{oneLine(m.Name), oneLine(s.Name), samples(s), values(s)})
		}
	}
	widths := make([]int, 3)
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], len(row[i]))
		}
	}
	var lines []string
	for _, row := range rows {
		var b strings.Builder
		for i, width := range widths {
			if width > 0 {
				b.WriteString(padRight(row[i], width) + "  ")
			}
		}
		lines = append(lines, strings.TrimRight(b.String()+row[3], " "))
	}
	return lines
}

func samples(s event.MeasuredSeries) string {
	if s.Missing > 0 {
		return fmt.Sprintf("n=%d of %d", s.Count, s.Count+s.Missing)
	}
	return fmt.Sprintf("n=%d", s.Count)
}

func values(s event.MeasuredSeries) string {
	all := s.Count + s.Missing
	if all == 0 {
		return "no samples"
	}
	shown := []string{"p50 " + value(s.P50)}
	if all >= enoughForP95 {
		shown = append(shown, "p95 "+value(s.P95))
	}
	return strings.Join(append(shown, "max "+value(s.Max)), "  ")
}

// value is null when the quantile falls on a sample that never came.
func value(seconds *float64) string {
	if seconds == nil {
		return "not reached"
	}
	return measuredTime(*seconds)
}

// sampleLines lists every sample, the slowest first.
func sampleLines(measures []event.Measured) []line {
	var lines []line
	for _, m := range measures {
		for _, s := range m.Series {
			sorted := slices.Clone(s.Samples)
			slices.SortStableFunc(sorted, func(a, b event.Sample) int {
				return cmp.Compare(orNever(b.Seconds), orNever(a.Seconds))
			})
			for _, sample := range sorted {
				text := oneLine(s.Name) + "  " + oneLine(sample.Object) + "  " + value(sample.Seconds)
				lines = append(lines, line{0, faint, strings.TrimLeft(text, " ")})
			}
		}
	}
	return lines
}

func orNever(seconds *float64) float64 {
	if seconds == nil {
		return math.Inf(1)
	}
	return *seconds
}
