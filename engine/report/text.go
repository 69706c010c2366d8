// Package report shows a result: on the console, as JUnit and as JSON. Each
// report reads the same event.Result and decides nothing itself, so that they
// cannot disagree.
package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/realspec/realspec/engine/event"
)

// clean makes a text from a cluster (a log line, a field of an object) safe to
// print: no escape sequences that move a terminal's cursor, no control
// characters that XML forbids, nothing that turns the direction of writing and
// so hides what follows, valid UTF-8. Line breaks stay.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n") // progress bars
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, line := range lines {
		// Line by line: a sequence that is never closed must not swallow the rest.
		lines[i] = strings.Map(printable, strings.ReplaceAll(ansi.Strip(line), "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

func printable(r rune) rune {
	switch {
	case unicode.IsControl(r), r == '\uFFFE', r == '\uFFFF', unicode.Is(unicode.Bidi_Control, r):
		return '\uFFFD'
	}
	return r
}

// oneLine is the first line of a text, cleaned.
func oneLine(s string) string {
	first, _, _ := strings.Cut(clean(s), "\n")
	return strings.TrimSpace(first)
}

func cut(s string, width int, tail string) string {
	if lipgloss.Width(s) <= width {
		return s
	}
	return ansi.Truncate(s, max(width, 0), tail)
}

// wrap breaks a text at gaps, and only there: at spaces a name keeps its hyphens
// on one line, so that it can be grepped for; at two spaces a value keeps its
// name. What is too long between two gaps is broken at spaces, and what has none is
// cut hard.
func wrap(text, gap string, first, rest int) []string {
	var lines []string
	limit, current := max(first, 1), ""
	for i, word := range strings.Split(text, gap) {
		if i > 0 && lipgloss.Width(current+gap+word) <= limit {
			current += gap + word
			continue
		}
		if i > 0 {
			lines = append(lines, current)
			limit = max(rest, 1)
		}
		current = word
		if lipgloss.Width(current) > limit && gap != " " && strings.Contains(current, " ") {
			parts := wrap(current, " ", limit, rest)
			lines, current = append(lines, parts[:len(parts)-1]...), parts[len(parts)-1]
			if len(parts) > 1 {
				limit = max(rest, 1)
			}
		}
		for lipgloss.Width(current) > limit {
			head := ansi.Truncate(current, limit, "")
			if head == "" {
				break // one character that is wider than the line
			}
			lines = append(lines, head)
			current = current[len(head):]
			limit = max(rest, 1)
		}
	}
	return append(lines, current)
}

func padRight(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-lipgloss.Width(s)))
}

func padLeft(s string, width int) string {
	return strings.Repeat(" ", max(0, width-lipgloss.Width(s))) + s
}

// stepTime renders the time of a step with two decimals, so that a column of
// them can be compared: 0.41s, 3m00.0s, 1h02m03s.
func stepTime(seconds float64) string {
	tenths := math.Round(seconds * 10)
	switch {
	case seconds < 59.995:
		return fmt.Sprintf("%.2fs", seconds)
	case tenths < 36000:
		return fmt.Sprintf("%dm%04.1fs", int(tenths)/600, math.Mod(tenths, 600)/10)
	}
	whole := int(math.Round(seconds))
	return fmt.Sprintf("%dh%02dm%02ds", whole/3600, whole/60%60, whole%60)
}

// measuredTime renders a measured time with three digits that count: 0.850ms,
// 12.3ms, 1.31s; from a minute on as a step's time.
func measuredTime(seconds float64) string {
	switch {
	case seconds == 0:
		return "0s"
	case seconds < 0.9995:
		return digits(seconds*1e3) + "ms"
	case seconds < 59.995:
		return digits(seconds) + "s"
	}
	return stepTime(seconds)
}

// roughTime renders how uncertain or late something is, with two digits that
// count: 4.1ms, 61ms.
func roughTime(seconds float64) string {
	two, err := strconv.ParseFloat(strconv.FormatFloat(seconds, 'g', 2, 64), 64)
	text := measuredTime(two)
	if err != nil || two >= 59.995 || !strings.Contains(text, ".") {
		return text
	}
	number := strings.TrimRight(text, "ms")
	return strings.TrimRight(strings.TrimRight(number, "0"), ".") + text[len(number):]
}

func digits(x float64) string {
	decimals := 2
	switch {
	case x < 0.9995:
		decimals = 3
	case x >= 99.95:
		decimals = 0
	case x >= 9.995:
		decimals = 1
	}
	return strconv.FormatFloat(x, 'f', decimals, 64)
}

// quantity renders a value with its unit: times as measuredTime does, rates of
// networks in steps of 1000, sizes in steps of 1024, shares in percent.
func quantity(x float64, unit string) string {
	switch unit {
	case "s":
		return measuredTime(x)
	case "":
		return number(x)
	case "bit/s":
		return scaled(x, 1000, "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s")
	case "bytes":
		return scaled(x, 1024, "bytes", "KiB", "MiB", "GiB", "TiB")
	case "bytes/s":
		return scaled(x, 1024, "bytes/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s")
	case "cores":
		return digits(x) + " cores"
	case unitShare:
		return percent(x)
	}
	return number(x) + " " + oneLine(unit)
}

// unitShare is the unit of shares from 0 to 1.
const unitShare = "share"

// percent renders a share with three digits that count: 5.00 %.
func percent(share float64) string {
	if share == 0 {
		return "0 %"
	}
	return digits(share*100) + " %"
}

// scaled renders a value in the largest unit of which there is at least one.
func scaled(x, step float64, units ...string) string {
	i := 0
	for math.Abs(x) >= step && i < len(units)-1 {
		x /= step
		i++
	}
	if i == 0 {
		return number(x) + " " + units[0]
	}
	return digits(x) + " " + units[i]
}

// number renders a value without a unit with up to four digits that count; a
// whole number keeps all of its digits.
func number(x float64) string {
	if size := math.Abs(x); size >= 1000 && size < 1e15 {
		return strconv.FormatFloat(math.Round(x), 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// title is a step's id and what it does, unless that says the same.
func title(s *event.Step) string {
	if s.Name == "" || s.Name == s.ID {
		return oneLine(s.ID)
	}
	return oneLine(s.ID) + ": " + oneLine(s.Name)
}

// scenarioName is a scenario's name; of a repeated one with its number, so that
// its repetitions can be told apart.
func scenarioName(s *event.Scenario) string {
	if s.Repetition > 0 {
		return fmt.Sprintf("%s #%d", oneLine(s.Name), s.Repetition)
	}
	return oneLine(s.Name)
}

// environmentLine says what the measures of a scenario depend on.
func environmentLine(e event.Environment) string {
	if e == (event.Environment{}) {
		return ""
	}
	parts := []string{"Kubernetes " + oneLine(e.Kubernetes), "nodes " + oneLine(e.Nodes)}
	if e.Simulated {
		parts = append(parts, "simulated")
	}
	if e.Local {
		parts = append(parts, "started by realspec")
	}
	if e.Realspec != "" {
		parts = append(parts, "realspec "+oneLine(e.Realspec))
	}
	return strings.Join(parts, ", ")
}

// clusterLine says what a scenario ran on.
func clusterLine(c event.Cluster) string {
	if c.Name == "" && c.Version == "" {
		return ""
	}
	kind := "cluster"
	if c.Kind == "local" {
		kind = "local cluster"
	}
	parts := []string{strings.TrimSpace(kind + " " + oneLine(c.Name))}
	if c.Version != "" {
		parts = append(parts, "Kubernetes "+strings.TrimPrefix(oneLine(c.Version), "v"))
	}
	if c.Nodes > 0 && c.Simulated {
		parts = append(parts, count(c.Nodes, "simulated node"))
	} else if c.Nodes > 0 {
		parts = append(parts, count(c.Nodes, "node"))
	}
	return strings.Join(parts, ", ")
}
