package manual

import (
	"fmt"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/schema"
)

// Explain is the page of a topic, plain text in 80 columns. Without a topic it
// lists them. The error of an unknown topic says what may have been meant.
func (m *Manual) Explain(topic string) (string, error) {
	p := &page{}
	topic = strings.Trim(strings.TrimSpace(topic), ".")
	first, rest, _ := strings.Cut(topic, ".")
	switch {
	case topic == "":
		m.contents(p)
	case topic == "outcomes":
		m.outcomes(p)
	case topic == "exit-codes":
		exits(p)
	case topic == "codes":
		codes(p)
	case first == "cel":
		return m.expressions(p, rest)
	default:
		return m.other(p, topic)
	}
	return p.String(), nil
}

// other explains a field, a code, or a function or name of expressions by its bare
// name. A field goes before a name: logs is the verb, cel.logs the variable.
func (m *Manual) other(p *page, topic string) (string, error) {
	found, err := m.resolve(topic)
	if err == nil {
		m.field(p, found)
		return p.String(), nil
	}
	if code, ok := codeOf(topic); ok {
		code.explain(p)
		return p.String(), nil
	}
	if f, ok := functionOf(topic); ok {
		m.function(p, f)
		return p.String(), nil
	}
	first, rest, _ := strings.Cut(topic, ".")
	for _, v := range Variables() {
		if v.Name == first {
			return m.variable(p, v, rest)
		}
	}
	return "", err
}

// Topics are what can be explained, without the fields below those named here.
func (m *Manual) Topics() []string {
	out := []string{"cel", "codes", "exit-codes", "outcomes"}
	for _, part := range m.parts {
		out = append(out, part.title())
		for _, f := range part.fields {
			if part.places[0] == "step" {
				out = append(out, f.Name)
			}
		}
	}
	for _, c := range Codes() {
		out = append(out, c.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (m *Manual) contents(p *page) {
	p.line("realspec explain TOPIC, where a topic is one of these, or a field below one,")
	p.line("such as measure.pods.from or scenario.spec.requires:")
	var scenario, verbs, fields, kinds, shared []string
	for _, part := range m.parts {
		switch at := part.title(); {
		case strings.HasPrefix(at, "scenario"):
			scenario = append(scenario, at)
		case part.shared():
			shared = append(shared, at)
		}
		for _, f := range part.fields {
			switch {
			case f.Verb:
				verbs = append(verbs, f.Name)
			case f.Kind:
				kinds = append(kinds, below(part.title(), f.Name))
			case part.places[0] == "step":
				fields = append(fields, f.Name)
			}
		}
	}
	p.list("scenario.yaml", scenario)
	p.list("verbs of a step", verbs)
	p.list("what goes for every step", append([]string{"step"}, fields...))
	p.list("kinds of measures", kinds)
	p.list("parts of several fields", shared)
	p.list("expressions: their names and functions; and one of them", []string{"cel", "cel.nodes", "cel.measures.pods", "cel.quantity"})
	p.list("what comes of a run", []string{"outcomes", "exit-codes"})
	p.list("codes of errors in scenarios: all of them; and one of them", []string{"codes", "bad-duration"})
}

// place is a field or a whole part.
type place struct {
	path  string
	field *schema.Field
	part  *part
}

// resolve follows a path from a document, from a field of a step, or from a part
// that several fields have.
func (m *Manual) resolve(topic string) (place, error) {
	words := strings.Split(topic, ".")
	at := place{path: words[0]}
	for _, p := range m.parts {
		if p.title() == words[0] && (p.field == nil || p.shared()) {
			at.part = p
			words = words[1:]
			break
		}
	}
	if at.part == nil {
		at = place{path: "step", part: m.parts[slices.IndexFunc(m.parts, func(p *part) bool { return p.places[0] == "step" })]}
	}
	for i, word := range words {
		var known []string
		next := -1
		if at.part != nil {
			for j, f := range at.part.fields {
				if known = append(known, f.Name); f.Name == word {
					next = j
				}
			}
		}
		if next < 0 {
			return place{}, m.unknown(topic, at, word, known, i == 0 && len(words) == strings.Count(topic, ".")+1)
		}
		f := &at.part.fields[next]
		at = place{path: below(at.path, f.Name), field: f}
		if t := inner(f.Type); t != nil {
			at.part = m.part(t)
		}
	}
	return at, nil
}

// unknown says that there is no such topic, or no such field in one.
func (m *Manual) unknown(topic string, at place, word string, known []string, first bool) error {
	switch {
	case first:
		help := "realspec explain lists the topics"
		if near := diag.Nearest(word, m.names()); near != "" {
			help = fmt.Sprintf("did you mean %q?  %s", near, help)
		}
		return fmt.Errorf("there is no topic %q\n  %s", topic, help)
	case len(known) == 0:
		return fmt.Errorf("%s has no fields, so there is no %q\n  see: realspec explain %s", at.path, word, at.path)
	}
	return fmt.Errorf("%s has no field %q\n  %s", at.path, word, diag.DidYouMean(word, known))
}

// names are all words that begin a topic.
func (m *Manual) names() []string {
	out := m.Topics()
	for _, g := range Groups()[1:] {
		for _, f := range g.Functions {
			out = append(out, f.Name)
		}
	}
	for _, v := range Variables() {
		if v.Name != strings.ToUpper(v.Name) {
			out = append(out, v.Name)
		}
	}
	return out
}
