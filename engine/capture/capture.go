// Package capture turns a live object into the smallest assert that says what
// matters about it and holds again tomorrow: what a person wrote and what became
// of it, without what the server or a controller made up. It is pure.
package capture

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Options say how much to keep.
type Options struct {
	// Full keeps everything that is stable, not only what matters.
	Full bool
	// Namespace keeps the namespace. Without it the assert means the namespace of
	// the scenario that it is put into.
	Namespace bool
}

// Assert is what must hold of the object.
type Assert struct {
	// Object is the part of the object that must be there.
	Object map[string]any
	// CEL are further conditions over `captured`, the object.
	CEL []string
	// LeftOut says in words what a reader may miss.
	LeftOut []string

	source string
}

// Of captures an object. It is not changed.
func Of(object map[string]any, o Options) Assert {
	kind, _ := object["kind"].(string)
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	namespace, _ := metadata["namespace"].(string)
	a := Assert{Object: map[string]any{"apiVersion": object["apiVersion"], "kind": kind}, source: kind + "/" + name}
	if namespace != "" {
		a.source += " in namespace " + namespace
	}
	a.metadata(metadata, o)
	switch {
	case kind == "Secret":
		a.Object["type"] = object["type"]
		a.LeftOut = append(a.LeftOut, "the values of a Secret are never written")
	case o.Full:
		a.whole(object)
	default:
		a.essence(kind, object)
	}
	if !slices.Contains(essentials(kind), "status.readyReplicas") { // which says the same, and more
		a.conditions(object)
	}
	a.escape()
	return a
}

// metadata keeps the name, or the labels where the name was generated.
func (a *Assert) metadata(metadata map[string]any, o Options) {
	out := map[string]any{}
	labels := stableLabels(metadata)
	switch {
	case !generated(metadata):
		out["name"] = metadata["name"]
		if o.Full && len(labels) > 0 {
			out["labels"] = labels
		}
	case len(labels) > 0:
		out["labels"] = labels
		a.LeftOut = append(a.LeftOut, fmt.Sprintf("the name %v was generated: the labels select it", metadata["name"]))
	default:
		out["name"] = metadata["name"]
		a.LeftOut = append(a.LeftOut, fmt.Sprintf("the name %v was generated and will be another one: there are no labels to select by", metadata["name"]))
	}
	if annotations := stableAnnotations(metadata); o.Full && len(annotations) > 0 {
		out["annotations"] = annotations
	}
	if namespace, ok := metadata["namespace"].(string); ok {
		if o.Namespace {
			out["namespace"] = namespace
		} else {
			a.LeftOut = append(a.LeftOut, "the namespace: the scenario's own is meant (--with-namespace keeps it)")
		}
	}
	a.Object["metadata"] = out
}

// generated tells a name that will be another one next time: by generateName, by
// the hash of a pod template, or by the time at which a CronJob ran. Pods of a
// StatefulSet have a generateName too, and keep their names.
func generated(metadata map[string]any) bool {
	name, _ := metadata["name"].(string)
	labels, _ := metadata["labels"].(map[string]any)
	if _, stateful := labels["statefulset.kubernetes.io/pod-name"]; stateful {
		return false
	}
	prefix, _ := metadata["generateName"].(string)
	hash, _ := labels["pod-template-hash"].(string)
	if prefix != "" && strings.HasPrefix(name, prefix) || hash != "" && strings.HasSuffix(name, "-"+hash) {
		return true
	}
	owners, _ := metadata["ownerReferences"].([]any)
	return slices.ContainsFunc(owners, func(owner any) bool {
		o, _ := owner.(map[string]any)
		return o["kind"] == "CronJob"
	})
}

// stableLabels are the labels without those that a controller or a run makes up.
func stableLabels(metadata map[string]any) map[string]any {
	return without(metadata["labels"], []string{
		"pod-template-hash", "pod-template-generation", "controller-revision-hash", "controller-uid", "job-name",
		"apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name", "helm.sh/chart",
	}, "batch.kubernetes.io/", "realspec.dev/")
}

func stableAnnotations(metadata map[string]any) map[string]any {
	return without(metadata["annotations"], nil, "kubectl.kubernetes.io/", "deployment.kubernetes.io/",
		"pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/", "kwok.x-k8s.io/",
		"control-plane.alpha.kubernetes.io/", "cni.projectcalico.org/", "k8s.v1.cni.cncf.io/", "meta.helm.sh/", "realspec.dev/")
}

func without(value any, names []string, prefixes ...string) map[string]any {
	all, _ := value.(map[string]any)
	out := map[string]any{}
	for key, v := range all {
		begins := func(prefix string) bool { return strings.HasPrefix(key, prefix) }
		if !slices.Contains(names, key) && !slices.ContainsFunc(prefixes, begins) {
			out[key] = v
		}
	}
	return out
}

// goodConditions are the conditions that say that an object is as it should be;
// others say how it got there.
var goodConditions = []string{"Ready", "Available", "Complete", "Established", "Programmed", "Accepted", "Succeeded", "Healthy"}

// conditions adds the good conditions that hold. Their list has no fixed order,
// and a part of an object compares lists item by item.
func (a *Assert) conditions(object map[string]any) {
	status, _ := object["status"].(map[string]any)
	all, _ := status["conditions"].([]any)
	for _, name := range goodConditions {
		for _, item := range all {
			c, _ := item.(map[string]any)
			if c["type"] == name && c["status"] == "True" {
				a.CEL = append(a.CEL, fmt.Sprintf("captured.status.conditions.exists(c, c.type == '%s' && c.status == 'True')", name))
			}
		}
	}
	if want, has := status["desiredNumberScheduled"], status["numberReady"]; want != nil && want == has {
		a.CEL = append(a.CEL, "captured.status.numberReady == captured.status.desiredNumberScheduled")
	}
}

// escape writes the ${{ of a text so that it stays text. A field's name cannot be
// written so, and is left out.
func (a *Assert) escape() {
	escaped, _ := a.escaped("", a.Object).(map[string]any)
	a.Object = escaped
}

func (a *Assert) escaped(path string, value any) any {
	switch v := value.(type) {
	case string:
		return strings.ReplaceAll(v, "${{", "$${{")
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = a.escaped(path, v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below := strings.TrimPrefix(path+"."+key, ".")
			if strings.Contains(key, "${{") {
				a.LeftOut = append(a.LeftOut, "the field "+below+", whose name holds ${{")
				continue
			}
			out[key] = a.escaped(below, v[key])
		}
		return out
	}
	return value
}
