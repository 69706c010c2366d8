package load

import (
	"cmp"

	"github.com/realspec/realspec/engine/spec"
)

// orAt is the place of a value in an object, or that of the object.
func orAt(o spec.Object, pointer string) spec.Pos { return cmp.Or(o.Places[pointer], o.At) }

// checkApplied looks at an object that is created, changed or deleted: it needs
// a name that is the same in every run.
func (l *loader) checkApplied(o spec.Object) {
	if !o.IsSet() || !l.checkKind(o) {
		return
	}
	metadata, _ := o.Fields["metadata"].(map[string]any)
	if name, _ := metadata["name"].(string); name != "" {
		return
	}
	if _, ok := metadata["generateName"]; ok {
		l.diags.Add(orAt(o, "/metadata/generateName"), "generate-name", "generateName gives another name in every run").Help =
			"write metadata.name: the scenario has a namespace of its own, where the name is free"
		return
	}
	l.diags.Add(orAt(o, "/metadata"), "missing-field", "this %s has no metadata.name", o.Fields["kind"])
}

// checkPart looks at an object that is compared with what is there.
func (l *loader) checkPart(o spec.Object) {
	if !l.checkKind(o) {
		return
	}
	metadata, _ := o.Fields["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	labels, _ := metadata["labels"].(map[string]any)
	if name == "" && len(labels) == 0 {
		l.diags.Add(orAt(o, "/metadata"), "missing-field", "this %s has neither metadata.name nor metadata.labels", o.Fields["kind"]).
			Help = "one of them says which objects are compared"
	}
}

// checkKind looks at apiVersion and kind, which every object has.
func (l *loader) checkKind(o spec.Object) bool {
	for _, field := range []string{"apiVersion", "kind"} {
		value, written := o.Fields[field]
		text, isText := value.(string)
		if written && value != nil && !isText {
			l.diags.Add(orAt(o, "/"+field), "wrong-type", "the %s of an object is a text", field)
			return false
		}
		if text == "" {
			l.diags.Add(orAt(o, "/"+field), "missing-field", "this object has no %s", field).Help =
				"a Kubernetes object begins with apiVersion and kind"
			return false
		}
	}
	kind, _ := o.Fields["kind"].(string)
	if meant := meantKind(kind); meant != "" {
		l.diags.Add(orAt(o, "/kind"), "bad-kind", "%q is no kind", shorten(kind)).Help = "write kind: " + meant
		return false
	}
	return true
}
