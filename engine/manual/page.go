package manual

import (
	"fmt"
	"strings"
)

// page is what explain writes: paragraphs and tables of at most 80 columns.
type page struct{ lines []string }

// String is the page, ending in one line break.
func (p *page) String() string { return strings.TrimRight(strings.Join(p.lines, "\n"), "\n") + "\n" }

func (p *page) line(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

// space leaves one line free.
func (p *page) space() {
	if n := len(p.lines); n > 0 && p.lines[n-1] != "" {
		p.lines = append(p.lines, "")
	}
}

// paragraph writes a text with an indent of two.
func (p *page) paragraph(text string) {
	if text == "" {
		return
	}
	p.space()
	p.lines = append(p.lines, wrap(text, "  ")...)
}

// block writes lines as they are.
func (p *page) block(text string) {
	for l := range strings.Lines(text) {
		p.lines = append(p.lines, strings.TrimRight("    "+l, " \n"))
	}
}

// rows writes a table whose last column is broken into lines.
func (p *page) rows(title string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	p.space()
	if title != "" {
		p.line("  %s", title)
	}
	wide := make([]int, len(rows[0])-1)
	for _, r := range rows {
		for i := range wide {
			wide[i] = max(wide[i], width(r[i]))
		}
	}
	for _, r := range rows {
		head := "    "
		for i, w := range wide {
			head += pad(r[i], w) + "  "
		}
		lines := wrap(r[len(wide)], strings.Repeat(" ", width(head)))
		if len(lines) == 0 {
			p.line("%s", strings.TrimRight(head, " "))
			continue
		}
		p.line("%s%s", head, strings.TrimLeft(lines[0], " "))
		p.lines = append(p.lines, lines[1:]...)
	}
}

// list writes words side by side.
func (p *page) list(title string, words []string) {
	p.space()
	p.line("  %s", title)
	p.lines = append(p.lines, fill(words, "    ", "  ")...)
}
