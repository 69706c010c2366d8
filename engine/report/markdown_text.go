package report

import (
	"fmt"
	"strings"
)

// markdownText is a text of one line in which nothing is markup: what has a
// meaning in GitHub's Markdown is escaped, and HTML is spelled out.
func markdownText(s string) string {
	var b strings.Builder
	for _, r := range oneLine(s) {
		switch r {
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '&':
			b.WriteString("&amp;")
		case '\\', '`', '*', '_', '[', ']', '|', '~', '$', '#', '!':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// code is a text of one line as a code span. Its fence is longer than any row of
// backticks within, and a space keeps one at an end apart from it.
func code(s string) string {
	s = oneLine(s)
	if s == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRow(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// tableCode is a code span in a cell of a table, where a bar ends the cell even
// inside of code unless it is escaped.
func tableCode(s string) string { return strings.ReplaceAll(code(s), "|", `\|`) }

// fenced is a block of text as it is, at most 8 KiB of it: a log that follows a
// failure must not take the place of the next one.
func fenced(text string) string {
	short := room{8 << 10}
	text = short.take(text)
	if strings.TrimSpace(text) == "" {
		return ""
	}
	fence := strings.Repeat("`", max(3, longestRow(text, '`')+1))
	return fmt.Sprintf("%stext\n%s\n%s\n", fence, text, fence)
}

func longestRow(s string, of rune) int {
	longest, row := 0, 0
	for _, r := range s {
		if r != of {
			row = 0
			continue
		}
		row++
		longest = max(longest, row)
	}
	return longest
}

func tableRow(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }
