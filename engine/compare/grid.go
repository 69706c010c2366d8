package compare

import (
	"strings"
	"unicode/utf8"
)

// grid is a table of texts with aligned columns: the first one to the left, all
// others to the right.
type grid struct {
	rows [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// lines are the rows, indented by two, at most width wide. Where the first cell
// and the others do not fit on one line, it has a line of its own.
func (g *grid) lines(width int) []string {
	widths := g.widths()
	rest := 0
	for _, w := range widths[1:] {
		rest += w + gap
	}
	first := min(widths[0], max(width-indent-rest, 0))
	if first < widths[0] && first < narrowest {
		first = min(narrowest, max(width-indent-rest, 0))
	}
	var lines []string
	for _, row := range g.rows {
		name := row[0]
		if utf8.RuneCountInString(name) > first {
			lines = append(lines, strings.Repeat(" ", indent)+name)
			name = ""
		}
		line := strings.Repeat(" ", indent) + padRight(name, first)
		for i, cell := range row[1:] {
			line += strings.Repeat(" ", gap) + padLeft(cell, widths[i+1])
		}
		if line = strings.TrimRight(line, " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

const (
	indent    = 2
	gap       = 2
	narrowest = 12 // of the first column
)

func (g *grid) widths() []int {
	var widths []int
	for _, row := range g.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func padRight(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

func padLeft(s string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s))) + s
}

// wrap breaks a text at spaces into lines of a width, all but the first indented.
func wrap(text string, width, hanging int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = strings.Repeat(" ", hanging) + word
		}
	}
	return append(lines, line)
}
