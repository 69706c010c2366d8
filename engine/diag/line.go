package diag

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// tabStop is the width of a tab in a shown source line. The tab itself is shown
// as an arrow, because YAML refuses tabs that nobody can see.
const tabStop = 4

// cell is one character of a source line as it is shown.
type cell struct {
	text  string
	width int
}

// renderLine writes the source line, cut to fit, and the caret below it.
func renderLine(w io.Writer, d Diagnostic, line string, p painter) {
	cells := cellsOf(line)
	from := min(max(d.Pos.Column, 1)-1, len(cells))
	to := max(from+1, min(from+d.Width, len(cells)))
	number := fmt.Sprint(d.Pos.Line)
	gutter := len("  ") + len(number) + len(" | ")
	shown, before, marked := window(cells, from, to, columns-gutter)

	if shown != "" {
		shown = " " + shown
	}
	fmt.Fprintf(w, "  %s%s\n", p.dim(number+" |"), shown)
	fmt.Fprintf(w, "  %s %s%s\n", p.dim(strings.Repeat(" ", len(number))+" |"),
		strings.Repeat(" ", before), p.green("^"+strings.Repeat("~", max(0, marked-1))))
}

// window cuts cells so that from is seen within width, with … where something
// is left out. It gives the text, and in columns what is before the caret and
// what it marks.
func window(cells []cell, from, to, width int) (shown string, before, marked int) {
	start, end := 0, len(cells)
	if widthOf(cells) > width {
		start, end = fit(cells, from, to, width)
	}
	var b strings.Builder
	if start > 0 {
		b.WriteString("…")
		before++
	}
	for i, c := range cells[start:end] {
		switch i += start; {
		case i < from:
			before += c.width
		case i < to:
			marked += c.width
		}
		b.WriteString(c.text)
	}
	if end < len(cells) {
		b.WriteString("…")
	}
	return strings.TrimRight(b.String(), " "), before, marked
}

// fit chooses the cells to show: about a third of the width before the caret,
// then as many as fit.
func fit(cells []cell, from, to, width int) (start, end int) {
	room := width - 2 // both …
	need := min(widthOf(cells[from:min(to, len(cells))]), room)
	start = from
	for left := min(room/3, room-need); start > 0 && left >= cells[start-1].width; {
		start--
		left -= cells[start].width
	}
	end = start
	for left := room; end < len(cells) && left >= cells[end].width; end++ {
		left -= cells[end].width
	}
	for left := room - widthOf(cells[start:end]); start > 0 && left >= cells[start-1].width; {
		start--
		left -= cells[start].width
	}
	return start, end
}

func widthOf(cells []cell) int {
	sum := 0
	for _, c := range cells {
		sum += c.width
	}
	return sum
}

// cellsOf splits a line into characters, in the way that columns count them: an
// invalid byte counts as one character.
func cellsOf(line string) []cell {
	var cells []cell
	column := 0
	for line != "" {
		r, size := utf8.DecodeRuneInString(line)
		c := cell{text: visible(r, line[:size]), width: runeWidth(r)}
		switch {
		case r == '\t':
			c.width = tabStop - column%tabStop
			c.text = "→" + strings.Repeat(" ", c.width-1)
		case c.text != line[:size]:
			c.width = len(c.text)
		}
		cells = append(cells, c)
		column += c.width
		line = line[size:]
	}
	return cells
}

// Visible writes out what a terminal would obey or hide instead of showing:
// control characters, characters without a width that turn or join the text,
// and invalid bytes.
func Visible(text string) string {
	var b strings.Builder
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		b.WriteString(visible(r, text[i:i+size]))
	}
	return b.String()
}

func visible(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r < 0x20 || r == 0x7f:
		return fmt.Sprintf(`\x%02x`, r)
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
		return fmt.Sprintf(`\u%04x`, r)
	}
	return raw
}

// runeWidth is the number of columns that a character takes on a terminal. The
// condition is spelled out because the package's own default follows the
// environment.
func runeWidth(r rune) int {
	return (&runewidth.Condition{StrictEmojiNeutral: true}).RuneWidth(r)
}
