package load

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	kubeyaml "sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/spec"
)

// manifest reads the objects of one file, once.
func (l *loader) manifest(path string, pos spec.Pos) []spec.Object {
	if objects, ok := l.manifests[path]; ok {
		return objects
	}
	l.manifests[path] = nil
	t, ok := l.read(path, pos)
	if !ok {
		return nil
	}
	docs, ok := l.parse(t)
	if ok && len(docs) == 0 {
		l.diags.Add(spec.Pos{File: path}, "empty-file", "there is no object in this file")
	}
	var out []spec.Object
	for _, doc := range docs {
		out = append(out, l.plainObjects(t, doc)...)
	}
	l.manifests[path] = out
	return out
}

// plainObjects reads one document as kubectl does, with its positions and
// templates beside it. A List gives its items.
func (l *loader) plainObjects(t *text, doc document) []spec.Object {
	d := l.decoder(t, doc.node)
	d.kubectl = true
	if d.foreign(doc.node) {
		return nil
	}
	if doc.node.Kind != yaml.MappingNode {
		d.add(doc.node, "wrong-type", "a manifest is a mapping, found %s", found(doc.node))
		return nil
	}
	before := len(l.diags)
	var o spec.Object
	d.follow(doc.node, func(n *yaml.Node) { o = d.object(n, &scope{name: "manifest"}) })
	if l.diags[before:].HasErrors() {
		return nil
	}
	fields, err := kubectlRead(doc.raw)
	if err != nil {
		d.add(doc.node, "syntax", "kubectl cannot read this document: %s", plainError(err))
		return nil
	}
	o.Fields = fields
	return expand(o)
}

// kubectlRead reads a document by the rules of kubectl: YAML 1.1, by way of
// JSON, whole numbers as int64.
func kubectlRead(raw []byte) (map[string]any, error) {
	data, err := kubeyaml.YAMLToJSON(raw)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	err = utiljson.Unmarshal(data, &fields)
	return fields, err
}

func plainError(err error) string {
	if typed, ok := err.(*json.UnmarshalTypeError); ok {
		return "it is a " + typed.Value
	}
	text := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	return lineOfError.ReplaceAllString(text, "")
}

// expand gives the items of a List, and any other object itself.
func expand(o spec.Object) []spec.Object {
	items, isList := o.Fields["items"].([]any)
	if kind, _ := o.Fields["kind"].(string); kind != "List" || !isList {
		return []spec.Object{o}
	}
	var out []spec.Object
	for i, item := range items {
		prefix := fmt.Sprintf("/items/%d", i)
		fields, ok := item.(map[string]any)
		if !ok {
			fields = map[string]any{}
		}
		one := spec.Object{Fields: fields, At: o.Places[prefix], Places: map[string]spec.Pos{}}
		for pointer, pos := range o.Places {
			if rest, ok := strings.CutPrefix(pointer, prefix+"/"); ok {
				one.Places["/"+rest] = pos
			}
		}
		for _, tpl := range o.Templates {
			if len(tpl.Path) > 2 && tpl.Path[0] == "items" && tpl.Path[1] == i {
				one.Templates = append(one.Templates, spec.Template{Path: tpl.Path[2:], Text: tpl.Text})
			}
		}
		out = append(out, expand(one)...)
	}
	return out
}
