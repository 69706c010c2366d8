// Package schema makes the JSON Schemas of the language from the Go types of
// package spec and their comments, so that an editor completes, explains and
// checks what the loader reads. The schemas are draft-07, the newest draft that
// yaml-language-server supports in full.
//
// A schema says less than the loader does: it knows the shape of a document,
// not what holds between its values or between files.
package schema

import (
	"fmt"
	"reflect"

	"github.com/realspec/realspec/engine/spec"
)

const (
	draft   = "http://json-schema.org/draft-07/schema#"
	comment = "made from engine/spec by: make generate"
)

// Scenario is the schema of scenario.yaml, as the bytes of a file.
func Scenario(docs Docs) ([]byte, error) {
	b := &builder{docs: docs, definitions: map[string]*node{}, variables: true}
	ref, err := b.typ(reflect.TypeFor[spec.Scenario]())
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"apiVersion": spec.APIVersion, "kind": spec.KindScenario} {
		if err := b.definitions["Scenario"].constant(name, value); err != nil {
			return nil, err
		}
	}
	root := b.root("scenario.yaml of a realspec scenario", docs["Scenario"])
	root.AllOf = []*node{ref} // a $ref at the root would make validators ignore all beside it
	return root.write()
}

// Step is the schema of one YAML document of a numbered step file: a step, or a
// plain Kubernetes object.
func Step(docs Docs) ([]byte, error) {
	b := &builder{docs: docs, definitions: map[string]*node{}, variables: true}
	ref, err := b.typ(reflect.TypeFor[spec.Step]())
	if err != nil {
		return nil, err
	}
	b.definitions[kubernetesObject] = &node{
		Description: "A plain Kubernetes object: applied, or in an NN-assert or NN-errors file the part that must or must not be there.",
		Type:        "object",
		Required:    []string{"apiVersion", "kind"},
		Properties: properties{
			{"apiVersion", &node{Description: "Group and version of the kind.", Type: "string", MinLength: new(1)}},
			{"kind", &node{Description: "The kind of the object.", Type: "string", MinLength: new(1)}},
		},
	}
	root := b.root("step of a realspec scenario", docs["Step"])
	// One branch is chosen by what was written, so an editor reports the errors of
	// that branch alone. With anyOf it would have to guess which one was meant.
	root.If = &node{AnyOf: requiredOf([]string{"apiVersion", "kind"})}
	root.Then = &node{Ref: definition(kubernetesObject)}
	root.Else = ref
	return root.write()
}

// Config is the schema of .realspec.yaml.
func Config(docs Docs) ([]byte, error) {
	b := &builder{docs: docs, definitions: map[string]*node{}}
	ref, err := b.typ(reflect.TypeFor[spec.Config]())
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"apiVersion": spec.APIVersion, "kind": spec.KindConfig} {
		if err := b.definitions["Config"].constant(name, value); err != nil {
			return nil, err
		}
	}
	root := b.root(spec.ConfigFile+", the configuration of realspec", docs["Config"])
	root.AllOf = []*node{ref} // a $ref at the root would make validators ignore all beside it
	return root.write()
}

// kubernetesObject is the only definition without a Go type.
const kubernetesObject = "KubernetesObject"

// builder makes the schemas of Go types, each once.
type builder struct {
	docs        Docs
	definitions map[string]*node
	variables   bool // whether numbers may be expressions of them
}

func (b *builder) root(title, description string) *node {
	return &node{Schema: draft, Comment: comment, Title: title, Description: description,
		Type: "object", Definitions: b.definitions}
}

// typ is the schema of a type: a reference where the type has a name of its own.
func (b *builder) typ(t reflect.Type) (*node, error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n, ok := leaf(t); ok {
		n.Description = b.docs[t.Name()]
		b.definitions[t.Name()] = n
		return &node{Ref: definition(t.Name())}, nil
	}
	switch t.Kind() {
	case reflect.String:
		return &node{Type: "string"}, nil
	case reflect.Bool:
		return &node{Type: "boolean"}, nil
	case reflect.Int, reflect.Float64:
		return b.numeric(t), nil
	case reflect.Slice:
		items, err := b.typ(t.Elem())
		return &node{Type: "array", Items: items}, err
	case reflect.Map:
		values, err := b.typ(t.Elem())
		return &node{Type: "object", AdditionalProperties: values}, err
	case reflect.Struct:
		return &node{Ref: definition(t.Name())}, b.structure(t)
	}
	return nil, fmt.Errorf("the language has no values of type %s", t)
}

// structure defines the schema of a struct: its fields, and the rules that its
// tags state.
func (b *builder) structure(t reflect.Type) error {
	if b.definitions[t.Name()] != nil {
		return nil // also while it is being made: steps hold steps
	}
	if b.docs[t.Name()] == "" {
		return fmt.Errorf("type %s has no comment", t.Name())
	}
	n := &node{Description: b.docs[t.Name()], Type: "object", AdditionalProperties: false}
	b.definitions[t.Name()] = n
	var unary []string
	for _, f := range Fields(t, b.docs) {
		one, err := b.field(t, f)
		if err != nil {
			return err
		}
		n.Properties = append(n.Properties, property{f.Name, one})
		if f.Required {
			n.Required = append(n.Required, f.Name)
		}
		if f.isUnary() {
			unary = append(unary, f.Name)
			n.snippet(f, one)
		}
		n.dependency(f)
	}
	if len(unary) > 0 {
		n.OneOf = requiredOf(unary)
	}
	n.conditions(t.Name())
	return nil
}

// snippet offers a verb or kind with its example. It is put on the mapping, not
// on the field: yaml-language-server completes a field that is a mapping or a
// list with a skeleton of its own, whatever the field's snippets are.
func (n *node) snippet(f Field, one *node) {
	if len(one.Examples) == 0 {
		return
	}
	n.DefaultSnippets = append(n.DefaultSnippets, snippet{
		Label: f.Name + ": shortest form", Description: f.Says, Body: map[string]any{f.Name: one.Examples[0]},
	})
}

// dependency states that one of the fields of f.With stands beside f.
func (n *node) dependency(f Field) {
	if len(f.With) == 0 {
		return
	}
	if n.Dependencies == nil {
		n.Dependencies = map[string]any{}
	}
	n.Dependencies[f.Name] = f.With
	if len(f.With) > 1 {
		n.Dependencies[f.Name] = &node{AnyOf: requiredOf(f.With)}
	}
}

// field is the schema of one field.
func (b *builder) field(t reflect.Type, f Field) (*node, error) {
	key := t.Name() + "." + f.goName
	if b.docs[key] == "" {
		return nil, fmt.Errorf("field %s has no comment", key)
	}
	n, err := b.typ(f.Type)
	if err != nil {
		return nil, fmt.Errorf("field %s: %w", key, err)
	}
	// Draft-07 ignores what stands beside $ref, and that is right for comments:
	// editors show them, validators need not. Rules are never put there.
	b.annotate(n, f)
	if n.Enum = f.Enum; n.Type == "array" && f.Enum != nil {
		n.Enum, n.Items = nil, &node{Type: "string", Enum: f.Enum}
	}
	if (f.Required || f.isUnary()) && f.Enum == nil {
		switch n.Type {
		case "array":
			n.MinItems = new(1)
		case "string":
			n.MinLength = new(1)
		}
	}
	return n, nil
}

func definition(name string) string { return "#/definitions/" + name }

// requiredOf are alternatives, one for each name.
func requiredOf(names []string) []*node {
	var out []*node
	for _, name := range names {
		out = append(out, &node{Required: []string{name}})
	}
	return out
}

// constant makes a value the only one that a field takes.
func (n *node) constant(name, value string) error {
	for _, p := range n.Properties {
		if p.name == name {
			p.node.Const, p.node.MinLength = value, nil
			return nil
		}
	}
	return fmt.Errorf("there is no field %s to hold %s", name, value)
}
