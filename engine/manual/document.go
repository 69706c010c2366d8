package manual

import (
	"regexp"
	"strings"
	"unicode"
)

// document is a Markdown file.
type document struct {
	lines []string
	heads []head
}

type head struct {
	level int
	title string
}

// String is the file.
func (d *document) String() string {
	return strings.TrimRight(strings.Join(d.lines, "\n"), "\n") + "\n"
}

func (d *document) line(text string) { d.lines = append(d.lines, text) }

func (d *document) paragraph(text string) {
	if text != "" {
		d.lines = append(d.lines, "", strings.TrimSpace(text))
	}
}

func (d *document) head(level int, title string) {
	d.heads = append(d.heads, head{level, title})
	d.lines = append(d.lines, "", strings.Repeat("#", level)+" "+title)
}

// block is text in a fence.
func (d *document) block(language, text string) {
	if text != "" {
		d.lines = append(d.lines, "", "```"+language, strings.TrimRight(text, "\n"), "```")
	}
}

// table writes rows, the first of which names the columns. Columns in which all
// rows are empty are left out.
func (d *document) table(rows [][]string) {
	d.line("")
	var used []int
	for i := range rows[0] {
		for _, r := range rows[1:] {
			if r[i] != "" {
				used = append(used, i)
				break
			}
		}
	}
	for i, r := range rows {
		var cells, rule []string
		for _, at := range used {
			cells = append(cells, strings.ReplaceAll(strings.ReplaceAll(r[at], "|", `\|`), "\n", " "))
			rule = append(rule, "---")
		}
		d.line("| " + strings.Join(cells, " | ") + " |")
		if i == 0 {
			d.line("| " + strings.Join(rule, " | ") + " |")
		}
	}
}

// contents is the table of contents: the chapters, and side by side what is in
// them.
func (d *document) contents() []string {
	out := []string{"", "**Contents**", ""}
	for _, h := range d.heads {
		link := "[" + h.title + "](#" + anchor(h.title) + ")"
		switch h.level {
		case 2:
			out = append(out, "- "+link)
		case 3:
			last := &out[len(out)-1]
			if strings.HasPrefix(*last, "- ") {
				out = append(out, "  "+link)
			} else {
				*last += " · " + link
			}
		}
	}
	return out
}

// anchor is what a heading is called in links: as GitHub makes it.
func anchor(title string) string {
	var out strings.Builder
	for _, c := range strings.ToLower(title) {
		switch {
		case c == ' ':
			out.WriteByte('-')
		case unicode.IsLetter(c) || unicode.IsDigit(c) || c == '-' || c == '_':
			out.WriteRune(c)
		}
	}
	return out.String()
}

// bare is a piece of the language in running text: ${{ expr }}, vars.NAME.
var bare = regexp.MustCompile(`\$\{\{[^}]*\}\}|[\w.=]*\bNAME(?:[._=]\w+)*`)

// code marks the pieces of the language that a comment has bare: Markdown would
// read some of them as markup.
func code(text string) string {
	pieces := strings.Split(text, "`")
	for i := 0; i < len(pieces); i += 2 { // every second piece is marked already
		pieces[i] = bare.ReplaceAllString(pieces[i], "`$0`")
	}
	return strings.Join(pieces, "`")
}
