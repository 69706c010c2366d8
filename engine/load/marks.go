package load

import (
	"go.yaml.in/yaml/v3"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// unknownMark is noted for a mapping that has an unknown field.
const unknownMark = "?"

// has tells whether a field was written, even if it could not be read: what is
// wrong with it has been said, and the checks have nothing to add.
func (l *loader) has(at spec.Pos, field string) bool {
	_, ok := l.marks[mark{at, field}]
	return ok
}

// holds tells whether a field was written with something in it.
func (l *loader) holds(at spec.Pos, field string) bool {
	m, ok := l.marks[mark{at, field}]
	if !ok {
		return false
	}
	n := target(m.value)
	return n.Kind != yaml.SequenceNode || len(n.Content) > 0
}

// scalar is the text of a field as it was written; it is false for null, lists
// and mappings.
func (l *loader) scalar(at spec.Pos, field string) (string, bool) {
	m, ok := l.marks[mark{at, field}]
	if !ok {
		return "", false
	}
	n := target(m.value)
	return n.Value, n.Kind == yaml.ScalarNode && n.Tag != "!!null"
}

// isZero tells whether a field was written as the number 0.
func (l *loader) isZero(at spec.Pos, field string) bool {
	m, ok := l.marks[mark{at, field}]
	if !ok {
		return false
	}
	n := target(m.value)
	if f, ok := l.numbers[n]; ok {
		return f == 0
	}
	f, ok := numeral(n.Value)
	return ok && f == 0 && n.Kind == yaml.ScalarNode && (n.Tag == "!!int" || n.Tag == "!!float")
}

// isText tells whether the i-th item of a list is a text.
func (l *loader) isText(at spec.Pos, field string, i int) bool {
	m, ok := l.marks[mark{at, field}]
	if !ok {
		return false
	}
	list := target(m.value)
	return i < len(list.Content) && target(list.Content[i]).Tag == "!!str"
}

// wrong adds an error about the value of a field, or about the whole mapping
// where the field was not written.
func (l *loader) wrong(at spec.Pos, field, code, format string, args ...any) *diag.Diagnostic {
	pos, width := l.valueOf(at, field)
	return l.addAt(pos, width, code, format, args...)
}

// wrongKey adds an error about a field as such.
func (l *loader) wrongKey(at spec.Pos, field, code, format string, args ...any) *diag.Diagnostic {
	pos, width := at, 0
	if m, ok := l.marks[mark{at, field}]; ok {
		pos, width = m.t.place(m.key)
	}
	return l.addAt(pos, width, code, format, args...)
}

func (l *loader) addAt(pos spec.Pos, width int, code, format string, args ...any) *diag.Diagnostic {
	d := l.diags.Add(pos, code, format, args...)
	d.Width = width
	return d
}

// valueOf is the place of a field's value, or of the whole mapping where the
// field was not written.
func (l *loader) valueOf(at spec.Pos, field string) (spec.Pos, int) {
	if m, ok := l.marks[mark{at, field}]; ok {
		return m.t.place(target(m.value))
	}
	return at, 0
}

// item is the place of the i-th item of a list.
func (l *loader) item(at spec.Pos, field string, i int) (spec.Pos, int) {
	m, ok := l.marks[mark{at, field}]
	if !ok {
		return at, 0
	}
	list := target(m.value)
	if list.Kind != yaml.SequenceNode || i >= len(list.Content) {
		return m.t.place(list)
	}
	return m.t.place(target(list.Content[i]))
}

// entry is the place of a key within a mapping with free keys.
func (l *loader) entry(at spec.Pos, field, key string) (spec.Pos, int) {
	m, ok := l.marks[mark{at, field}]
	if !ok {
		return at, 0
	}
	entries := target(m.value)
	for i := 0; i+1 < len(entries.Content) && entries.Kind == yaml.MappingNode; i += 2 {
		if entries.Content[i].Value == key {
			return m.t.place(entries.Content[i])
		}
	}
	return m.t.place(entries)
}

func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
