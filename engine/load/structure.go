package load

import (
	"reflect"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/spec"
)

// structure is what the decoder knows of a type of package spec: its fields by
// the word in YAML, and the rules in their realspec tags.
type structure struct {
	fields []field
	at     int // index of the field At, or -1
}

type field struct {
	name     string
	index    int
	typ      reflect.Type
	required bool
	unary    string   // verb or kind: exactly one such field is written
	with     []string // the fields of which one must be written beside this one
	enum     []string
}

// structureOf reads the tags of a struct type, once.
func (l *loader) structureOf(t reflect.Type) *structure {
	if s, ok := l.types[t]; ok {
		return s
	}
	s := &structure{at: -1}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Name == "At" && f.Type == reflect.TypeFor[spec.Pos]():
			s.at = i
		case name != "" && name != "-":
			s.fields = append(s.fields, fieldOf(f, name, i))
		}
	}
	l.types[t] = s
	return s
}

func fieldOf(f reflect.StructField, name string, index int) field {
	out := field{name: name, index: index, typ: f.Type}
	for rule := range strings.SplitSeq(f.Tag.Get("realspec"), ",") {
		word, value, _ := strings.Cut(rule, "=")
		switch word {
		case "required":
			out.required = true
		case "verb", "kind":
			out.unary = word
		case "with":
			out.with = strings.Split(value, "|")
		case "enum":
			out.enum = strings.Split(value, "|")
		}
	}
	return out
}

func (s *structure) field(name string) (field, bool) {
	i := slices.IndexFunc(s.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return s.fields[i], true
}

// known are the words that may be written.
func (s *structure) known() []string {
	var names []string
	for _, f := range s.fields {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}

// unaries are the words of which exactly one is written.
func (s *structure) unaries() []string {
	var names []string
	for _, f := range s.fields {
		if f.unary != "" {
			names = append(names, f.name)
		}
	}
	slices.Sort(names)
	return names
}

// inner is the struct type whose fields stand below a field: that of a mapping,
// or of the items of a list or map. It is nil for every other type.
func inner(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[spec.Text](), reflect.TypeFor[spec.Expr](), reflect.TypeFor[spec.Duration](),
		reflect.TypeFor[spec.Quantity](), reflect.TypeFor[spec.Percent](), reflect.TypeFor[spec.Object]():
		return nil
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}
