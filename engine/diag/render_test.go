package diag

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/spec"
)

var update = flag.Bool("update", false, "rewrite the goldens")

const wait = `name: When
wait:
  - for: ready
  - fro: ready
`

var sources = map[string]string{
	"specs/high-load/01-wait.yaml": strings.Repeat("\n", 9) + wait,
	"a.yaml":                       "\ufeff" + wait,
	"crlf.yaml":                    "name: x\r\ntabs:\tand\t\tmore\r\rlast",
	"wide.yaml":                    "名前: 世界 für é\nemoji: 😀 x\n",
	"control.yaml":                 "a: \x1b[31mred\x07 \u202edlrow\u202c \xff end\n",
	"long.yaml": "long: " + strings.Repeat("abcdefghi ", 20) + "\n" +
		strings.Repeat("世界", 60) + "\n" + strings.Repeat("x", 200) + "\n",
}

func diagnostics() List {
	at := func(file string, line, column int) spec.Pos { return spec.Pos{File: file, Line: line, Column: column} }
	var l List
	add := func(pos spec.Pos, width int, message, help string) {
		d := l.Add(pos, "code", "%s", message)
		d.Width, d.Help = width, help
	}
	add(at("specs/high-load/01-wait.yaml", 13, 5), 3, `unknown field "fro" in wait`,
		DidYouMean("fro", []string{"stays", "for", "cel", "on", "never", "let"}))
	add(at("specs/high-load/01-wait.yaml", 2, 1), 0, "an empty line above the others", "")
	add(at("a.yaml", 1, 1), 4, "first line, behind a byte order mark", "")
	add(at("a.yaml", 4, 5), 3, "twice", "")
	add(at("a.yaml", 4, 5), 3, "twice", "")
	add(at("a.yaml", 4, 5), 3, "twice, but not the same", "")
	add(at("a.yaml", 99, 1), 3, "a line that is not there", "")
	add(at("a.yaml", 4, 99), 3, "a column that is not there", "")
	add(at("a.yaml", 4, 14), 30, "wider than the line", "")
	add(at("crlf.yaml", 2, 11), 4, "after tabs", "")
	add(at("crlf.yaml", 2, 6), 1, "a tab", "")
	add(at("crlf.yaml", 4, 1), 4, "after a lone carriage return", "")
	add(at("wide.yaml", 1, 5), 2, "wide characters", "")
	add(at("wide.yaml", 1, 12), 1, "after wide characters", "")
	add(at("wide.yaml", 2, 10), 1, "after an emoji", "")
	add(at("control.yaml", 1, 9), 3, "control \x1b[31m characters\nand lines", "help with \x1b[0m\nand a second line")
	add(at("control.yaml", 1, 22), 1, "after an invalid byte", "")
	add(at("long.yaml", 1, 1), 4, "at the beginning", strings.Repeat("a long help that has to be wrapped, ", 5))
	add(at("long.yaml", 1, 107), 9, "in the middle", strings.Repeat("x", 100))
	add(at("long.yaml", 1, 206), 1, "at the end", "")
	add(at("long.yaml", 1, 7), 190, "all of it", "")
	add(at("long.yaml", 2, 61), 2, "between wide characters", "")
	add(at("long.yaml", 3, 3), 150, "a mark wider than the screen", "")
	add(spec.Pos{File: "notes.txt"}, 0, "not read: notes.txt", "")
	l[len(l)-1].Severity = Warning
	add(spec.Pos{File: "gone.yaml", Line: 3, Column: 2}, 0, "a file without content", "")
	add(spec.Pos{}, 0, "no file at all", "with help")
	return l
}

func TestRender(t *testing.T) {
	for name, color := range map[string]bool{"plain": false, "color": true} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			list := diagnostics()
			before := append(List(nil), list...)
			var b bytes.Buffer
			Render(&b, list, func(path string) []byte { return []byte(sources[path]) }, color)
			RenderCount(&b, list)
			g.Expect(list).To(Equal(before), "the list itself stays as it was")
			golden := "testdata/render." + name + ".golden"
			if *update {
				g.Expect(os.WriteFile(golden, b.Bytes(), 0o644)).To(Succeed())
			}
			want, err := os.ReadFile(golden)
			g.Expect(err).NotTo(HaveOccurred())
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestWidth holds the shown source lines and help to 80 columns.
func TestWidth(t *testing.T) {
	for _, d := range diagnostics() {
		var b bytes.Buffer
		Render(&b, List{d}, func(path string) []byte { return []byte(sources[path]) }, false)
		_, below, _ := strings.Cut(b.String(), "\n")
		for line := range strings.Lines(below) {
			width := 0
			for _, r := range strings.TrimRight(line, "\n") {
				width += runeWidth(r)
			}
			if width > columns && !strings.Contains(line, strings.Repeat("x", columns)) {
				t.Errorf("%d columns: %s", width, line)
			}
		}
	}
}

func TestRenderCount(t *testing.T) {
	e := func(file string) Diagnostic { return Diagnostic{Pos: spec.Pos{File: file}, Severity: Error} }
	w := func(file string) Diagnostic { return Diagnostic{Pos: spec.Pos{File: file}, Severity: Warning} }
	for want, list := range map[string]List{
		"":                                    nil,
		"1 error in 1 file\n":                 {e("a"), e("a")},
		"2 errors in 2 files\n":               {e("a"), e("b")},
		"1 warning in 1 file\n":               {w("a")},
		"1 error and 1 warning in 1 file\n":   {e("a"), w("a")},
		"2 errors and 1 warning in 2 files\n": {e("a"), e("b"), w("a")},
		"1 error\n":                           {e("")},
	} {
		var b bytes.Buffer
		RenderCount(&b, list)
		NewWithT(t).Expect(b.String()).To(Equal(want))
	}
}

func TestNearest(t *testing.T) {
	known := []string{"for", "on", "let", "cel", "stays", "never", "selector", "continueOnFailure"}
	for word, want := range map[string]string{
		"fro": "for", "For": "for", "foor": "for", "stay": "stays", "sel": "selector", "slector": "selector",
		"continueonfailure": "continueOnFailure", "continueOnError": "", "xyz": "", "n": "", "": "", "neverr": "never",
		"nothing": "", "世界": "",
	} {
		NewWithT(t).Expect(Nearest(word, known)).To(Equal(want), word)
	}
	NewWithT(t).Expect(Nearest("b", nil)).To(BeEmpty())
	NewWithT(t).Expect(DidYouMean("fro", []string{"on", "for"})).To(Equal(`did you mean "for"?  known here: for, on`))
	NewWithT(t).Expect(DidYouMean("zzz", []string{"on", "for"})).To(Equal(`known here: for, on`))
}
