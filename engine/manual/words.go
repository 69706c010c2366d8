package manual

import (
	"reflect"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/engine/spec"
)

// leaves are the types of single values, in words.
var leaves = map[reflect.Type]string{
	reflect.TypeFor[spec.Text]():         "text",
	reflect.TypeFor[spec.Expr]():         "expression",
	reflect.TypeFor[spec.Duration]():     "duration",
	reflect.TypeFor[spec.Quantity]():     "quantity",
	reflect.TypeFor[spec.Percent]():      "share",
	reflect.TypeFor[spec.Object]():       "object",
	reflect.TypeFor[time.Duration]():     "duration",
	reflect.TypeFor[resource.Quantity](): "quantity",
}

// word is what a tester calls a type.
func word(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if name := leaves[t]; name != "" {
		return name
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "whole number"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list of " + plural(word(t.Elem()))
	case reflect.Map:
		return "mapping of " + plural(word(t.Elem()))
	}
	if t == reflect.TypeFor[spec.Series]() {
		return "series"
	}
	return "mapping"
}

func plural(word string) string {
	switch word {
	case "quantity":
		return "quantities"
	case "series", "true or false":
		return word
	}
	return word + "s"
}

// unit is the unit of a field, also where its type says it.
func unit(f schema.Field) string {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[spec.Duration]():
		return "written with it: 500ms, 30s, 3m, 1h30m"
	case reflect.TypeFor[spec.Percent]():
		return "%"
	case reflect.TypeFor[spec.Quantity]():
		if f.Unit != "" {
			return f.Unit + ", as Kubernetes writes them: 500m, 8Gi"
		}
	}
	return f.Unit
}

// unquoted takes the quotes of YAML off a default: "4" is 4.
func unquoted(text string) string { return strings.Trim(text, `"`) }

// sentence is the first sentence of a text.
func sentence(text string) string {
	text, _, _ = strings.Cut(text, "\n\n")
	for at := 0; ; {
		i := strings.Index(text[at:], ". ")
		if i < 0 {
			return text
		}
		at += i + 1
		if next := strings.TrimSpace(text[at:]); next != "" && strings.ToUpper(next[:1]) == next[:1] {
			return text[:at]
		}
	}
}

// wrap breaks a text into lines that begin with indent and have at most 80
// columns where its words allow it.
func wrap(text, indent string) []string {
	var lines []string
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, fill(words(paragraph), indent, " ")...)
	}
	return lines
}

// words are the words of a text; one ${{ expr }} is one word.
func words(text string) []string {
	var out []string
	open := false
	for w := range strings.FieldsSeq(text) {
		if open {
			out[len(out)-1] += " " + w
		} else {
			out = append(out, w)
		}
		last := out[len(out)-1]
		open = strings.LastIndex(last, "${{") > strings.LastIndex(last, "}}")
	}
	return out
}

// fill puts words on lines.
func fill(words []string, indent, between string) []string {
	var lines []string
	line := ""
	for _, w := range words {
		if line != "" && width(indent+line+between+w) > columns {
			lines, line = append(lines, indent+line), ""
		}
		if line != "" {
			line += between
		}
		line += w
	}
	if line != "" {
		lines = append(lines, indent+line)
	}
	return lines
}

// columns is the width of what explain writes.
const columns = 80

func width(text string) int { return len([]rune(text)) }

func pad(text string, to int) string { return text + strings.Repeat(" ", max(0, to-width(text))) }
