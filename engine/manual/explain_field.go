package manual

import (
	"reflect"
	"strings"

	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/engine/spec"
)

// field explains a field, and what stands below it.
func (m *Manual) field(p *page, at place) {
	if at.field == nil {
		p.line("%s: a mapping", at.path)
		p.paragraph(m.docs[at.part.typ.Name()])
		m.places(p, at.part)
		m.fields(p, at.part)
		return
	}
	f := at.field
	p.line("%s: %s%s", at.path, word(f.Type), role(*f))
	p.paragraph(f.Says)
	p.paragraph(m.about(*f, at.part))
	var rows [][]string
	row := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	row("values", strings.Join(f.Enum, ", "))
	row("default", unquoted(f.Default))
	row("unit", unit(*f))
	row("goes with", strings.Join(f.With, " or "))
	p.rows("", rows)
	if example := exampleOf(*f); example != "" {
		p.space()
		p.line("  example")
		p.block(example)
	}
	if at.part != nil && at.part.typ == reflect.TypeFor[spec.Step]() {
		p.paragraph("What a step may have: realspec explain step")
		return
	}
	m.fields(p, at.part)
}

// about is what the comment of a mapping adds to that of a field that holds it.
// Most mappings stand at one place, and then their comments say the same.
func (m *Manual) about(f schema.Field, p *part) string {
	const few = 9 // words that only name the mapping
	if p == nil || p.typ == reflect.TypeFor[spec.Step]() {
		return ""
	}
	text := m.docs[p.typ.Name()]
	if strings.HasPrefix(f.Says, strings.TrimSuffix(text, ".")) || len(strings.Fields(text)) < few {
		return ""
	}
	return text
}

// role is what a field is to the mapping in which it stands.
func role(f schema.Field) string {
	switch {
	case f.Verb:
		return ", a verb: a step has exactly one"
	case f.Kind:
		return ", a kind: a measure has exactly one"
	case f.Required:
		return ", required"
	}
	return ""
}

// exampleOf is the example of a field as it is written in YAML. A field without
// one is shown with its default, its first value, or true.
func exampleOf(f schema.Field) string {
	value := f.Example
	switch {
	case value != "":
	case len(f.Enum) > 0:
		value = f.Enum[0]
	case word(f.Type) == "true or false":
		value = "true"
	case f.Default == "empty":
		value = `""`
	case f.Default != "" && !strings.Contains(f.Default, " "):
		value = f.Default
	default:
		return ""
	}
	return breakFlow(f.Name + ": " + yamlValue(f, value))
}

// yamlValue quotes a text that would mean something else in YAML.
func yamlValue(f schema.Field, value string) string {
	kind := word(f.Type)
	special := strings.Contains(value, ": ") || strings.HasPrefix(value, "%") || strings.ContainsAny(value[:1], "[]{}*&!>|'\"")
	if (kind == "text" || kind == "expression") && special && value[0] != '"' {
		return `"` + strings.ReplaceAll(value, `"`, `\"`) + `"`
	}
	return value
}

// breakFlow breaks a long line of YAML behind commas.
func breakFlow(line string) string {
	const room = columns - 4
	var lines []string
	for width(line) > room {
		i := strings.LastIndex(line[:room], ", ")
		if i <= 4 {
			break
		}
		lines = append(lines, line[:i+1])
		line = "  " + line[i+2:]
	}
	return strings.Join(append(lines, line), "\n") + "\n"
}

func (m *Manual) places(p *page, part *part) {
	if part.shared() {
		p.paragraph("It is written at " + strings.Join(part.places, ", ") + ".")
	}
}

// fields lists the fields of a part.
func (m *Manual) fields(p *page, part *part) {
	if part == nil {
		return
	}
	title := "fields"
	var rows [][]string
	for _, f := range part.fields {
		name := f.Name
		if f.Required {
			name, title = name+" *", "fields (* is required)"
		}
		says := sentence(f.Says)
		rows = append(rows, []string{name, word(f.Type), says})
	}
	p.rows(title, rows)
}
