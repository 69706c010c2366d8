package spec

import (
	"fmt"
	"sort"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Pos is a place in a file. Line and Column count from 1, Column in characters.
// The zero Pos is no place.
type Pos struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// IsValid tells whether p is a place.
func (p Pos) IsValid() bool { return p.Line > 0 }

// String renders p as path:line:col, the form that editors and terminals open.
func (p Pos) String() string {
	switch {
	case !p.IsValid():
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Span ties a piece of a decoded YAML scalar to its place in the file: the text
// from byte Offset on stands at At, character by character on one line, until
// the next span. Folding, escapes and indentation each start a new span.
type Span struct {
	Offset int
	At     Pos
}

// Source is a text of a scenario with the places of its characters.
type Source struct {
	Text  string
	At    Pos // of the scalar: the quote, the | or the first character
	Spans []Span
}

// Locate is the place of the character at a byte offset of Text. An offset
// inside a character means that character, one past the end the place behind
// the last.
func (s Source) Locate(offset int) Pos {
	i := sort.Search(len(s.Spans), func(i int) bool { return s.Spans[i].Offset > offset }) - 1
	if i < 0 {
		return s.At
	}
	at, from := s.Spans[i].At, s.Spans[i].Offset
	for j := from + 1; j < min(offset+1, len(s.Text)); j++ {
		if utf8.RuneStart(s.Text[j]) {
			at.Column++
		}
	}
	if offset >= len(s.Text) && from < len(s.Text) {
		at.Column++
	}
	return at
}

// Expr is a CEL expression.
type Expr struct{ Source }

// IsSet tells whether an expression was written.
func (e Expr) IsSet() bool { return e.Text != "" }

// Text is a text in which ${{ expr }} stands for the value of a CEL expression.
type Text struct{ Source }

// String is the text as it was written.
func (t Text) String() string { return t.Text }

// Duration is a time span: 500ms, 30s, 3m, 1h30m, or one ${{ expr }} over vars.
type Duration struct {
	Value time.Duration
	At    Pos
	// Expr is set when the duration was written as ${{ expr }}; Value is then
	// filled in by the plan.
	Expr *Expr
}

// Or is the duration, or other when none was written.
func (d Duration) Or(other time.Duration) time.Duration {
	if d.Value == 0 && d.Expr == nil {
		return other
	}
	return d.Value
}

// Quantity is a Kubernetes quantity: 4, 500m, 8Gi. Nil when none was written.
type Quantity struct {
	*resource.Quantity
	At Pos
}

// Object is a free-form mapping: a manifest, a part of one, or vars.
type Object struct {
	Fields map[string]any
	At     Pos
	// Templates are the texts within Fields that hold ${{ expr }}.
	Templates []Template
	// Places of the values within Fields, keyed by JSON pointer ("/spec/replicas").
	Places map[string]Pos
}

// IsSet tells whether an object was written, an empty one included.
func (o Object) IsSet() bool { return o.Fields != nil }

// Template is a text with ${{ expr }} at a path inside an Object. The elements
// of Path are strings for fields and ints for list items.
type Template struct {
	Path []any
	Text Text
}
