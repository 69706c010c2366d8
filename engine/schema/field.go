package schema

import (
	"reflect"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// Field is one field of the language: what its tags and its comment say.
type Field struct {
	Name     string // as it is written in YAML
	Type     reflect.Type
	Required bool
	Verb     bool     // exactly one of the fields of its type with Verb is written
	Kind     bool     // exactly one of the fields of its type with Kind is written
	With     []string // the fields of which one must be written beside this one
	Enum     []string
	Comment
	goName string
}

// Comment is the comment of a field in its parts. Where it has none, a part is
// empty.
type Comment struct {
	Text    string // all of it
	Says    string // without the other parts
	Default string // a value, or words: the scenario's own
	Example string // YAML
	Unit    string // objects a second
}

func (f Field) isUnary() bool { return f.Verb || f.Kind }

// Fields are the fields of a struct of package spec that are written in YAML, in
// the order in which they are explained.
func Fields(t reflect.Type, docs Docs) []Field {
	var out []Field
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		one := Field{Name: name, goName: f.Name, Type: f.Type, Comment: parts(docs[t.Name()+"."+f.Name])}
		one.rules(f.Tag.Get("realspec"))
		out = append(out, one)
	}
	return out
}

// rules reads the tag that states what holds for the field.
func (f *Field) rules(tag string) {
	for rule := range strings.SplitSeq(tag, ",") {
		word, value, _ := strings.Cut(rule, "=")
		switch word {
		case "required":
			f.Required = true
		case "verb":
			f.Verb = true
		case "kind":
			f.Kind = true
		case "with":
			f.With = strings.Split(value, "|")
		case "enum":
			f.Enum = strings.Split(value, "|")
		}
	}
}

// clause is a sentence of a comment that has a meaning of its own.
var clause = regexp.MustCompile(`(?s)(?:^|\s)(Default|Example|Unit): (.+?)\.(?:\s|$)`)

// parts takes a comment apart.
func parts(text string) Comment {
	c := Comment{Text: text, Says: text}
	for {
		m := clause.FindStringSubmatchIndex(c.Says)
		if m == nil {
			c.Says = strings.TrimSpace(c.Says)
			return c
		}
		value := strings.Join(strings.Fields(c.Says[m[4]:m[5]]), " ")
		switch c.Says[m[2]:m[3]] {
		case "Default":
			c.Default = value
		case "Example":
			c.Example = value
		case "Unit":
			c.Unit = value
		}
		c.Says = strings.TrimSpace(c.Says[:m[0]]) + " " + strings.TrimSpace(c.Says[m[1]:])
	}
}

// annotate puts a comment into a node: the whole text as its description, and
// beside it the default and the example where they are values that the field
// takes.
func (b *builder) annotate(n *node, f Field) {
	n.Description = f.Text
	takes := b.accepts(f.Type)
	if value, ok := literal(f.Default); ok && takes.scalar && takes.value(value) {
		n.Default = value
	}
	if value, ok := f.Value(); ok && takes.value(value) {
		n.Examples = []any{value}
	}
}

// onKey is the field on, which YAML 1.1 takes for true.
var onKey = regexp.MustCompile(`(^|[{,]\s*)on:`)

// Value is the example as JSON has it; false where there is none.
func (c Comment) Value() (any, bool) {
	var value any
	err := yaml.Unmarshal([]byte(onKey.ReplaceAllString(c.Example, `${1}"on":`)), &value)
	return value, err == nil && value != nil
}

// literal is the value of a default. Most defaults are said in words ("the
// scenario's own"), which are no value; "empty" is the empty text.
func literal(text string) (any, bool) {
	if text == "empty" {
		return "", true
	}
	if text == "" || strings.ContainsAny(text, " \t") && !strings.HasPrefix(text, `"`) {
		return nil, false
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil || value == nil {
		return nil, false
	}
	return value, true
}
