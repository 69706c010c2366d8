package grade

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// width is that of every line of the text, in characters.
const width = 80

// Text is the report as a table of at most 80 columns.
func (r *Report) Text() string {
	if len(r.Measures) == 0 {
		return "the run has no pods measure, so there is nothing to grade\n"
	}
	var b strings.Builder
	b.WriteString("error = what realspec said - what the API server's audit log says\n")
	for rest := r.Measures; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(g Graded) bool { return !g.sameMeasure(rest[0]) })
		if n < 0 {
			n = len(rest)
		}
		writeMeasure(&b, rest[:n])
		rest = rest[n:]
	}
	return b.String()
}

func (g Graded) sameMeasure(other Graded) bool {
	return g.Scenario == other.Scenario && g.Step == other.Step && g.Measure == other.Measure
}

// writeMeasure writes the series of one measure.
func writeMeasure(b *strings.Builder, all []Graded) {
	first := all[0]
	bar := "no error bar"
	if first.HasBar {
		bar = "error bar " + short(first.Bar)
	}
	b.WriteString("\n")
	writeLine(b, "%s/%s/%s", first.Scenario, first.Step, first.Measure)
	writeLine(b, "  time from %s, %s", first.From, bar)
	const errors = "  %-11s %7s %8s %7s %7s %7s %7s %7s %5s"
	writeLine(b, errors, "error", "n", "bias", "mean|e|", "p50|e|", "p90|e|", "p99|e|", "max|e|", "bar")
	for _, g := range all {
		writeLine(b, errors, g.Series, strconv.Itoa(g.Joined), g.figure(g.Bias), g.figure(g.MeanAbs), g.figure(g.P50Abs),
			g.figure(g.P90Abs), g.figure(g.P99Abs), g.figure(g.MaxAbs), g.verdict())
	}
	const values = "  %-11s %10s %10s %10s %10s %10s %10s"
	writeLine(b, values, "true, said", "p50 true", "said", "p99 true", "said", "max true", "said")
	for _, g := range all {
		writeLine(b, values, g.Series, g.figure(g.True.P50), g.figure(g.Said.P50), g.figure(g.True.P99),
			g.figure(g.Said.P99), g.figure(g.True.Max), g.figure(g.Said.Max))
	}
	writeNotes(b, all)
}

// writeNotes says what the figures leave out or include.
func writeNotes(b *strings.Builder, all []Graded) {
	var blur time.Duration
	for _, g := range all {
		blur = max(blur, g.Blur)
		if g.Late > 0 {
			writeLine(b, "  %s: the run gave bounds of their own to %d of the %d samples", g.Series, g.Late, g.Joined)
		}
		if rest := g.Unjoined - g.Missed - g.Unproven; g.Unjoined > 0 {
			writeLine(b, "  %s: these figures are without %d of its %d samples:", g.Series, g.Unjoined, g.Samples)
			writeLine(b, "    %d that the log has not, %d that only the log has, %d that neither has", g.Unproven, g.Missed, rest)
		}
	}
	if blur > 0 {
		writeLine(b, "  the log itself knows these times within %s (p99)", short(blur))
	}
	if from := all[0].From; from == "sent" || from == "due" {
		writeLine(b, "  time from %s: the way from client to server is part of the error", from)
	}
}

// writeLine writes one line and cuts it where it would be too wide, which only
// names make it.
func writeLine(b *strings.Builder, format string, args ...any) {
	line := []rune(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	if len(line) > width {
		line = append(line[:width-1], '…')
	}
	b.WriteString(string(line) + "\n")
}

// figure is a duration of the joined samples, if there are any.
func (g Graded) figure(d time.Duration) string {
	if g.Joined == 0 {
		return "-"
	}
	return short(d)
}

func (g Graded) verdict() string {
	switch {
	case g.Joined == 0 || !g.HasBar:
		return "-"
	case g.Covered:
		return "holds"
	}
	return "above"
}

// short renders a duration with three digits that count: 0.212ms, 12.3ms, 1.31s.
func short(d time.Duration) string {
	x, unit := d.Seconds(), "s"
	if math.Abs(x) < 0.9995 {
		x, unit = x*1e3, "ms"
	}
	decimals := 0
	switch size := math.Abs(x); {
	case d == 0, size >= 99.95:
	case size < 0.9995:
		decimals = 3
	case size < 9.995:
		decimals = 2
	default:
		decimals = 1
	}
	return strconv.FormatFloat(x, 'f', decimals, 64) + unit
}
