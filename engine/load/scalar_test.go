package load

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	. "github.com/onsi/gomega"
	"go.yaml.in/yaml/v3"

	"github.com/realspec/realspec/engine/spec"
)

// scalars are texts in every style of YAML. Each is the value of `k`.
var scalars = map[string]string{
	"plain":                    "k: object.status == 1\n",
	"plain umlauts":            "k: Größe über alles 世界 x\n",
	"plain multi-line":         "k: one two\n  three   four  \n\n\n  five\n",
	"plain in a list":          "k:\n  - x\n",
	"single":                   "k: 'it''s ''quoted'''\n",
	"single multi-line":        "k: ' one\n  two\n\n  three '\n",
	"double":                   `k: "a \"b\" \\ \t c \x41 \u00e9 \U0001F600 z"` + "\n",
	"double multi-line":        "k: \"one  \n   two\n\n   three\"\n",
	"double continued":         "k: \"one \\\n   two\\\n  \\ three\\\n\n  four\"\n",
	"double tab and break":     "k: \"a\t\n\tb\"\n",
	"literal":                  "k: |\n  one\n    two\n\n  three\n",
	"literal strip":            "k: |-\n  one\n  two\n\n\nl: x\n",
	"literal keep":             "k: |+\n  one\n\n\nl: x\n",
	"literal indicator":        "k: |2\n    one\n  two\n",
	"literal indicator strip":  "k: |-4\n      one\n    two\n",
	"literal comment":          "k: | # a comment\n  one\n",
	"literal leading blanks":   "k: |\n\n\n  one\n",
	"literal tabs":             "k: |\n  a\tb\n  \tc\n",
	"literal spaces in blanks": "k: |\n  one\n     \n  two\n",
	"literal deep":             "k:\n      l: |\n        Größe\n         ß\n",
	"literal unindented":       "- |\n one\n two\n",
	"folded":                   "k: >\n  one\n  two\n\n  three\n\n\n  four\n",
	"folded more indented":     "k: >-\n  one\n    two\n    three\n\n  four\n  five\n",
	"folded indicator":         "k: >1\n   one\n  two\n two\n",
	"folded leading":           "k: >\n\n  one\n  two\n",
	"anchored":                 "k: &a one\nl: *a\n",
	"tagged":                   "k: !!str 5\n",
	"tagged and anchored":      "k: !!str &a # why\n  'one'\n",
	"flow":                     "{k: one two, l: 'x', m: \"y\", n: [a b, c]}\n",
	"flow multi-line":          "k: {a: one\n    two, b: three}\n",
	"key":                      "'quoted key': x\n",
	"expression":               "k: ${{ vars.a }} and ${{ vars.b }}\n",
}

// TestPlaces holds for every character of every scalar: where it is said to
// stand in the file, it stands, or the backslash that begins its escape.
func TestPlaces(t *testing.T) {
	for name, src := range scalars {
		for ending, data := range map[string]string{
			"":               src,
			" with CRLF":     strings.ReplaceAll(src, "\n", "\r\n"),
			" with BOM":      "\ufeff" + src,
			" without end":   strings.TrimSuffix(src, "\n"),
			" after a break": "# for the parser only,\u2028# this is a line\n" + src,
		} {
			t.Run(name+ending, func(t *testing.T) {
				checkPlaces(t, "file.yaml", []byte(data), true)
			})
		}
	}
}

func checkPlaces(t *testing.T, path string, data []byte, strict bool) {
	t.Helper()
	f := newText(path, data)
	var n yaml.Node
	if err := yaml.Unmarshal(f.data, &n); err != nil {
		if strict {
			t.Fatal(err)
		}
		return
	}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			checkScalar(t, f, n, strict)
		}
		for _, c := range n.Content {
			visit(c)
		}
	}
	visit(&n)
}

// checkScalar compares every character with the one at its place. A scalar that
// could not be followed has no spans but that of its beginning, which is allowed
// only where the input is arbitrary.
func checkScalar(t *testing.T, f *text, n *yaml.Node, strict bool) {
	t.Helper()
	_, _, spans := f.extent(n)
	if spans == nil {
		if strict && strings.TrimSpace(n.Value) != "" {
			t.Errorf("%q was not followed", n.Value)
		}
		return
	}
	src := f.source(n)
	for offset, r := range src.Text {
		if unicode.IsSpace(r) {
			continue
		}
		pos := src.Locate(offset)
		got, _ := utf8.DecodeRune(f.data[f.at(pos):])
		if got != r && got != '\\' {
			t.Errorf("%q: character %d is %q, at %s stands %q", src.Text, offset, r, pos, got)
		}
	}
}

func TestLocate(t *testing.T) {
	g := NewWithT(t)
	at := func(line, column int) spec.Pos { return spec.Pos{File: "f", Line: line, Column: column} }
	src := spec.Source{Text: "aé世b\ncd", At: at(1, 4), Spans: []spec.Span{
		{Offset: 0, At: at(1, 5)}, {Offset: 8, At: at(2, 3)},
	}}
	for offset, want := range map[int]spec.Pos{
		0: at(1, 5), 1: at(1, 6), 2: at(1, 6), 3: at(1, 7), 5: at(1, 7), 6: at(1, 8), 7: at(1, 9),
		8: at(2, 3), 9: at(2, 4), 10: at(2, 5), 99: at(2, 5),
	} {
		g.Expect(src.Locate(offset)).To(Equal(want), "offset %d", offset)
	}
	g.Expect(spec.Source{At: at(3, 1)}.Locate(5)).To(Equal(at(3, 1)))
}

// TestLongLine reads a file of one line with very many values: every place is
// found by going on from the last.
func TestLongLine(t *testing.T) {
	data := []byte("{k: [" + strings.Repeat("é, ", 100_000) + "é], l: " + `"` + strings.Repeat(`\n `, 100_000) + `"}`)
	f := newText("long.yaml", data)
	var n yaml.Node
	NewWithT(t).Expect(yaml.Unmarshal(f.data, &n)).To(Succeed())
	list, quoted := n.Content[0].Content[1], n.Content[0].Content[3]
	for i, item := range list.Content {
		if got := f.node(item).Column; got != 6+3*i {
			t.Fatalf("item %d is said to be at column %d", i, got)
		}
	}
	NewWithT(t).Expect(f.source(quoted).Spans).To(HaveLen(200_000))
}
