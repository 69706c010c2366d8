package load

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// written are the known fields of one mapping, in the order of the file.
type written struct {
	at      spec.Pos
	fields  []field
	pairs   []pair
	unknown []string // the names of unknown fields that stood there too
}

func (w *written) has(name string) bool {
	return slices.ContainsFunc(w.fields, func(f field) bool { return f.name == name })
}

// unknown reports a field that does not belong here, and where it does belong
// when that is near: around this mapping, or in a field of it.
func (d *decoder) unknown(p pair, s *scope) {
	at := d.add(p.key, "unknown-field", "unknown field %q in %s", p.name, s.name)
	for outer := s.outer; outer != nil; outer = outer.outer {
		if _, ok := outer.struc.field(p.name); ok {
			at.Help = fmt.Sprintf("%q belongs to %s, one level further out; known here: %s",
				p.name, outer.name, strings.Join(s.struc.known(), ", "))
			return
		}
	}
	if homes := d.below(s.struc, p.name); len(homes) > 0 {
		at.Help = fmt.Sprintf("%q belongs below %s; known here: %s",
			p.name, strings.Join(homes, " or "), strings.Join(s.struc.known(), ", "))
		return
	}
	at.Help = diag.DidYouMean(p.name, s.struc.known())
}

// below are the fields of a structure under which name is known.
func (d *decoder) below(s *structure, name string) []string {
	var homes []string
	for _, f := range s.fields {
		t := inner(f.typ)
		if t == nil {
			continue
		}
		if _, ok := d.l.structureOf(t).field(name); ok && f.typ.Kind() != reflect.Map {
			homes = append(homes, f.name)
		}
	}
	return homes
}

// required reports the fields that must be written and are not.
func (d *decoder) required(w *written, s *scope) {
	for _, f := range s.struc.fields {
		misspelled := slices.ContainsFunc(w.unknown, func(name string) bool { return diag.Nearest(name, s.struc.known()) == f.name })
		if f.required && !w.has(f.name) && !misspelled {
			d.l.diags.Add(w.at, "missing-field", "%s has no %s", s.subject(), f.name).Help = missingHelp(f.name, s)
		}
	}
}

func missingHelp(name string, s *scope) string {
	if s.fields == reflect.TypeFor[spec.Scenario]() {
		switch name {
		case "apiVersion":
			return "apiVersion: " + spec.APIVersion
		case "kind":
			return "kind: " + spec.KindScenario
		case "metadata":
			return "metadata: {name: high-load}"
		}
	}
	return "known here: " + strings.Join(s.struc.known(), ", ")
}

// unary reports a step without a verb or with several, and likewise a measure
// without a kind.
func (d *decoder) unary(w *written, s *scope) {
	names := s.struc.unaries()
	if len(names) == 0 {
		return
	}
	word := "verb"
	var got []pair
	for i, f := range w.fields {
		if f.unary != "" {
			got = append(got, w.pairs[i])
		}
	}
	for _, f := range s.struc.fields {
		if f.unary != "" {
			word = f.unary
		}
	}
	thing := map[string]string{"verb": "step", "kind": "measure"}[word]
	switch {
	case len(got) > 1:
		d.add(got[1].key, "two-"+word+"s", "%s %ss in one %s: %s", count(len(got)), word, thing, and(got)).Help =
			severalHelp(word)
	case len(got) == 0 && len(w.unknown) == 0:
		d.l.diags.Add(w.at, "no-"+word, "the %s has no %s", thing, word).Help =
			fmt.Sprintf("%ss: %s", word, strings.Join(names, ", "))
	}
}

func severalHelp(word string) string {
	if word == "verb" {
		return "a step has one verb; --- begins another step, and so does another file"
	}
	return "a measure has one kind; - begins another measure"
}

// beside reports fields that stand without the field that they go with.
func (d *decoder) beside(w *written, s *scope) {
	for i, f := range w.fields {
		if len(f.with) > 0 && !slices.ContainsFunc(f.with, w.has) {
			with := strings.Join(f.with, " or ")
			d.add(w.pairs[i].key, "needs-"+f.with[0], "%s goes with %s, and there is no %s in this %s",
				f.name, with, with, s.name)
		}
	}
}

func count(n int) string {
	words := []string{"no", "one", "two", "three", "four", "five"}
	if n < len(words) {
		return words[n]
	}
	return fmt.Sprint(n)
}

// and lists the names of pairs: a, b and c.
func and(pairs []pair) string {
	var b strings.Builder
	for i, p := range pairs {
		switch {
		case i > 0 && i == len(pairs)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(p.name)
	}
	return b.String()
}
