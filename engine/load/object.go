package load

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/realspec/realspec/engine/spec"
)

// object reads a mapping with free content.
func (d *decoder) object(n *yaml.Node, s *scope) spec.Object {
	if n.Kind != yaml.MappingNode {
		d.wrongType(n, s, "a mapping")
		return spec.Object{}
	}
	w := &walk{d: d, out: spec.Object{At: d.pos(n), Places: map[string]spec.Pos{}}}
	w.out.Fields = w.mapping(n)
	return w.out
}

// walk makes the values of an object from its nodes, of the types that JSON
// has: int64, float64, bool, string, nil, map[string]any and []any. On the way
// it notes the place of each value, and the texts that hold ${{ }}.
type walk struct {
	d       *decoder
	out     spec.Object
	path    []any
	pointer []byte
}

func (w *walk) value(n *yaml.Node) (v any) {
	w.d.follow(n, func(n *yaml.Node) {
		w.out.Places[string(w.pointer)] = w.d.pos(n)
		switch n.Kind {
		case yaml.MappingNode:
			v = w.mapping(n)
		case yaml.SequenceNode:
			v = w.list(n)
		default:
			v = w.scalar(n)
		}
	})
	return v
}

func (w *walk) mapping(n *yaml.Node) map[string]any {
	out := make(map[string]any, len(n.Content)/2)
	for _, p := range w.d.pairs(n) {
		if strings.Contains(p.name, "${{") {
			w.d.add(p.key, "template-key", "the name of a field cannot hold ${{ }}")
			continue
		}
		w.enter(p.name, pointerStep(p.name))
		out[p.name] = w.value(p.value)
		w.leave()
	}
	return out
}

func (w *walk) list(n *yaml.Node) []any {
	out := make([]any, len(n.Content))
	for i, item := range n.Content {
		w.enter(i, strconv.Itoa(i))
		out[i] = w.value(item)
		w.leave()
	}
	return out
}

func (w *walk) enter(step any, pointer string) {
	w.path = append(w.path, step)
	w.pointer = append(append(w.pointer, '/'), pointer...)
}

func (w *walk) leave() {
	w.path = w.path[:len(w.path)-1]
	w.pointer = w.pointer[:bytes.LastIndexByte(w.pointer, '/')]
}

// pointerStep escapes a field's name for a JSON pointer (RFC 6901).
func pointerStep(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func (w *walk) scalar(n *yaml.Node) any {
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		return w.number(n)
	}
	if strings.Contains(n.Value, "${{") {
		w.out.Templates = append(w.out.Templates, spec.Template{
			Path: slices.Clone(w.path), Text: spec.Text{Source: w.d.t.source(n)},
		})
	}
	return n.Value
}

// number reads a number. The forms that YAML has besides JSON's (0644 and 0o644
// are octal, 0x1f, 1_000) are left to the parser.
func (w *walk) number(n *yaml.Node) any {
	if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil && (len(n.Value) < 2 || n.Value[0] != '0') {
		return i
	}
	var v any
	if err := n.Decode(&v); err == nil {
		switch v := v.(type) {
		case int:
			return int64(v)
		case int64:
			return v
		case uint64:
			return float64(v)
		case float64:
			if !math.IsInf(v, 0) && !math.IsNaN(v) {
				return v
			}
		}
	}
	w.d.add(n, "number", "%s is no number that Kubernetes can store", n.Value)
	return nil
}
