package load

import (
	"bytes"
	"sort"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/realspec/realspec/engine/spec"
)

// text is the content of a file with an index of its lines.
type text struct {
	path string
	data []byte // without a byte order mark
	// lines holds the offset of each line as editors count them, marks as the
	// YAML parser does: it also breaks lines at NEL, LS and PS, which YAML 1.2
	// does not. The two are one slice where it makes no difference.
	lines, marks []int
	// The last places that were looked up. Nodes are visited in the order of the
	// file, so continuing from there keeps a file of one long line (JSON)
	// linear.
	lastMark, lastPos place
}

type place struct{ line, column, offset int }

func newText(path string, data []byte) *text {
	t := &text{path: path, data: bytes.TrimPrefix(data, []byte("\ufeff"))}
	t.lines = lineStarts(t.data, false)
	t.marks = t.lines
	if bytes.ContainsAny(t.data, "\u0085\u2028\u2029") {
		t.marks = lineStarts(t.data, true)
	}
	return t
}

func lineStarts(data []byte, exotic bool) []int {
	starts := []int{0}
	for i := 0; i < len(data); {
		n := breakAt(data[i:], exotic)
		if n > 0 {
			starts = append(starts, i+n)
			i += n
			continue
		}
		i++
	}
	return starts
}

// breakAt is the length of the line break that data begins with, or 0.
func breakAt(data []byte, exotic bool) int {
	switch {
	case len(data) == 0:
		return 0
	case data[0] == '\n':
		return 1
	case data[0] == '\r':
		if len(data) > 1 && data[1] == '\n' {
			return 2
		}
		return 1
	case exotic && data[0] >= 0x80:
		for _, s := range []string{"\u0085", "\u2028", "\u2029"} {
			if bytes.HasPrefix(data, []byte(s)) {
				return len(s)
			}
		}
	}
	return 0
}

// offset is the byte offset of a place that the YAML parser gave.
func (t *text) offset(line, column int) int {
	if line < 1 || line > len(t.marks) {
		return len(t.data)
	}
	at := place{line, 1, t.marks[line-1]}
	if last := t.lastMark; last.line == line && last.column <= column {
		at = last
	}
	for ; at.column < column && at.offset < len(t.data); at.column++ {
		_, size := utf8.DecodeRune(t.data[at.offset:])
		at.offset += size
	}
	t.lastMark = at
	return at.offset
}

// start is the byte offset at which a node begins, its anchor and tag included.
func (t *text) start(n *yaml.Node) int { return t.offset(n.Line, n.Column) }

// node is the place at which a node begins, its anchor and tag included.
func (t *text) node(n *yaml.Node) spec.Pos { return t.pos(t.start(n)) }

// pos is the place of a byte offset.
func (t *text) pos(offset int) spec.Pos {
	offset = max(0, min(offset, len(t.data)))
	line := sort.SearchInts(t.lines, offset+1)
	at := place{line, 1, t.lines[line-1]}
	if last := t.lastPos; last.line == line && last.offset <= offset {
		at = last
	}
	at.column += utf8.RuneCount(t.data[at.offset:offset])
	at.offset = offset
	t.lastPos = at
	return spec.Pos{File: t.path, Line: at.line, Column: at.column}
}

// at is the byte offset of a place as pos gave it.
func (t *text) at(p spec.Pos) int {
	if p.Line > len(t.lines) {
		return len(t.data)
	}
	at := t.lines[p.Line-1]
	for n := 1; n < p.Column && at < len(t.data); n++ {
		_, size := utf8.DecodeRune(t.data[at:])
		at += size
	}
	return at
}

// end is the byte offset at which the line of an offset ends, without its break.
func (t *text) end(offset int) int {
	for offset < len(t.data) && breakAt(t.data[offset:], false) == 0 {
		offset++
	}
	return offset
}

// span counts the characters from one byte offset to another, to the end of the
// first line at most, and at least one.
func (t *text) span(from, to int) int {
	to = min(to, t.end(from))
	return max(1, utf8.RuneCount(t.data[from:max(from, to)]))
}
