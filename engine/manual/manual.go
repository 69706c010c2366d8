// Package manual is what there is to say about the language: schemas/reference.md
// and `realspec explain` are made from it. What it says of fields comes from the
// types of package spec and their comments, what it says of expressions from
// package expr; every example in it is evaluated or loaded by a test.
package manual

import (
	"reflect"
	"strings"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/engine/spec"
)

// Manual answers questions about the language.
type Manual struct {
	docs  schema.Docs
	parts []*part
	uses  map[string]expr.Function // by name
}

// New makes the manual of comments that schema.ReadDocs has read.
func New(docs schema.Docs) (*Manual, error) {
	functions, err := expr.Functions()
	if err != nil {
		return nil, err
	}
	m := &Manual{docs: docs, uses: map[string]expr.Function{}}
	for _, f := range functions {
		m.uses[f.Name] = f
	}
	m.visit("scenario", nil, reflect.TypeFor[spec.Scenario]())
	m.visit("step", nil, reflect.TypeFor[spec.Step]())
	m.visit("config", nil, reflect.TypeFor[spec.Config]())
	return m, nil
}

// part is a mapping of the language: what may be written in it.
type part struct {
	typ    reflect.Type
	places []string      // the paths at which it stands
	field  *schema.Field // at the first of them; nil for a whole document
	fields []schema.Field
}

// title is the path of a part, or its own name where it stands at several.
func (p *part) title() string {
	if p.shared() {
		return strings.ToLower(p.typ.Name())
	}
	return p.places[0]
}

// shared tells whether a part stands at several places. A step does too, under
// during, and is a document all the same.
func (p *part) shared() bool { return len(p.places) > 1 && p.field != nil }

// visit collects the parts at and below a place, each once.
func (m *Manual) visit(path string, f *schema.Field, t reflect.Type) {
	t = inner(t)
	if t == nil {
		return
	}
	if p := m.part(t); p != nil {
		p.places = append(p.places, path)
		return
	}
	p := &part{typ: t, places: []string{path}, field: f, fields: schema.Fields(t, m.docs)}
	m.parts = append(m.parts, p)
	for i := range p.fields {
		m.visit(below(path, p.fields[i].Name), &p.fields[i], p.fields[i].Type)
	}
}

// part is the part of a type, or nil.
func (m *Manual) part(t reflect.Type) *part {
	for _, p := range m.parts {
		if p.typ == t {
			return p
		}
	}
	return nil
}

// below is the path of a field. Those of a step are known by their own name.
func below(path, name string) string {
	if path == "step" {
		return name
	}
	return path + "." + name
}

// inner is the type whose fields stand below a field: that of a mapping, or of
// the items of a list or mapping; nil where there are none.
func inner(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || leaves[t] != "" {
		return nil
	}
	return t
}
