package diag

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// columns is the width of a line of output where the content allows it.
const columns = 80

// Render writes the diagnostics for people, in the order of files, lines and
// columns, exact duplicates once:
//
//	specs/high-load/01-wait.yaml:4:7: error: unknown field "fro" in wait
//	  4 |     - fro: ready
//	    |       ^~~
//	  did you mean "for"?  known here: cel, for, let, never, on, stays
//
// source gives the content of a file by the path used in positions; where it
// gives nothing, the source line is left out. RenderCount writes the last line.
func Render(w io.Writer, list List, source func(path string) []byte, color bool) {
	p := painter(color)
	lines := map[string][]string{}
	for i, d := range sorted(list) {
		if i > 0 {
			fmt.Fprintln(w)
		}
		paint := p.red
		if d.Severity == Warning {
			paint = p.yellow
		}
		if d.Pos.File != "" {
			fmt.Fprint(w, p.bold(Visible(d.Pos.String())+":"), " ")
		}
		fmt.Fprintf(w, "%s %s\n", paint(string(d.Severity)+":"), Visible(d.Message))
		if d.Pos.IsValid() {
			if _, ok := lines[d.Pos.File]; !ok {
				lines[d.Pos.File] = linesOf(source(d.Pos.File))
			}
			if all := lines[d.Pos.File]; d.Pos.Line <= len(all) {
				renderLine(w, d, all[d.Pos.Line-1], p)
			}
		}
		renderHelp(w, d.Help)
	}
}

// RenderCount writes how many diagnostics there were: 2 errors in 1 file. It
// writes nothing for an empty list.
func RenderCount(w io.Writer, list List) {
	if len(list) == 0 {
		return
	}
	files, counts := map[string]bool{}, map[Severity]int{}
	for _, d := range sorted(list) {
		if d.Pos.File != "" {
			files[d.Pos.File] = true
		}
		counts[d.Severity]++
	}
	var parts []string
	for _, s := range []Severity{Error, Warning} {
		if n := counts[s]; n > 0 {
			parts = append(parts, plural(n, string(s)))
		}
	}
	where := ""
	if len(files) > 0 {
		where = " in " + plural(len(files), "file")
	}
	fmt.Fprintf(w, "%s%s\n", strings.Join(parts, " and "), where)
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// sorted is a copy of the list, by place, without duplicates.
func sorted(list List) List {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		return cmp.Or(
			strings.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
		)
	})
	seen := map[Diagnostic]bool{}
	return slices.DeleteFunc(out, func(d Diagnostic) bool {
		again := seen[d]
		seen[d] = true
		return again
	})
}

// linesOf splits a file as editors do: \n, \r\n and a lone \r end a line. A byte
// order mark is no part of the first line.
func linesOf(data []byte) []string {
	if len(data) == 0 {
		return nil
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
}

// renderHelp indents the help and wraps it at spaces.
func renderHelp(w io.Writer, help string) {
	if help == "" {
		return
	}
	for line := range strings.Lines(help) {
		rest := Visible(strings.TrimRight(line, " \n"))
		indent := "  "
		for rest != "" {
			var head string
			head, rest = wrap(rest, columns-len(indent))
			fmt.Fprintln(w, indent+head)
			indent = "    "
		}
	}
}

// wrap cuts text at the last space that keeps it within width, or at the first
// space after it.
func wrap(text string, width int) (head, rest string) {
	cut, at := -1, 0
	for i, r := range text {
		if r == ' ' && i > 0 && text[i-1] != ' ' {
			if at > width && cut >= 0 {
				break
			}
			cut = i
			if at > width {
				break
			}
		}
		at += runeWidth(r)
	}
	if at <= width || cut < 0 {
		return text, ""
	}
	return text[:cut], strings.TrimLeft(text[cut:], " ")
}

// painter colours text for a terminal, when it is true.
type painter bool

func (p painter) bold(s string) string   { return p.paint("1", s) }
func (p painter) red(s string) string    { return p.paint("1;31", s) }
func (p painter) yellow(s string) string { return p.paint("1;33", s) }
func (p painter) dim(s string) string    { return p.paint("2", s) }
func (p painter) green(s string) string  { return p.paint("1;32", s) }

func (p painter) paint(code, s string) string {
	if !p {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
