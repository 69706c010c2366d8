package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/spec"
)

// raise is what changes the replicas of objects; an empty name means all.
type raise struct {
	kind, namespace, name string
	replicas              int64
	changes               bool    // and not only scales
	each, more            podSize // what each pod asks for then, and besides
}

// scaler is an autoscaler and what it scales.
type scaler struct{ namespace, name, targetKind, target string }

func (t *tally) autoscaler(m Manifest) {
	body, _ := m.Fields["spec"].(map[string]any)
	target, _ := body["scaleTargetRef"].(map[string]any)
	kind, _ := target["kind"].(string)
	name, _ := target["name"].(string)
	t.scalers = append(t.scalers, scaler{m.Namespace, m.Name, kind, name})
	replicas, ok := whole(body["maxReplicas"])
	if !ok {
		t.cannot(m, "how far it scales")
		return
	}
	t.raises = append(t.raises, raise{kind: kind, namespace: m.Namespace, name: name, replicas: replicas})
}

// patch counts as a change, for the replicas that it sets, and for what it lets pods
// ask for: what a merge patch says counts instead of what is there, all else besides.
func (t *tally) patch(s *Step, w spec.Written) {
	r := raise{kind: w.On.Kind, namespace: t.home(t.text(s, w.On.Namespace)), name: t.text(s, w.On.Name), changes: true}
	if spec.PodPath(r.kind) == nil && replicasAt[r.kind] == nil {
		return
	}
	if w.Merge.IsSet() {
		r.each = t.patched(&r, t.manifest(s, w.Merge).Fields)
	}
	if w.Strategic.IsSet() {
		r.more = t.patched(&r, t.manifest(s, w.Strategic).Fields)
	}
	for _, source := range w.JSON {
		if fields := t.manifest(s, source).Fields; fields["op"] != "remove" && fields["op"] != "test" {
			r.more = r.more.plus(t.patched(&r, atPath(fields)))
		}
	}
	if r.kind != "HorizontalPodAutoscaler" {
		t.raises = append(t.raises, r)
		return
	}
	for _, a := range t.scalers {
		if a.namespace == r.namespace && (r.name == "" || a.name == r.name) {
			t.raises = append(t.raises, raise{kind: a.targetKind, namespace: a.namespace, name: a.target, replicas: r.replicas})
		}
	}
}

// replicasAt is where kinds say how many pods they have.
var replicasAt = map[string][]string{
	"HorizontalPodAutoscaler": {"spec", "maxReplicas"},
	"Job":                     {"spec", "parallelism"},
	"CronJob":                 {"spec", "jobTemplate", "spec", "parallelism"},
}

// patched adds the replicas of a patch to a raise, and gives what its pods ask for.
func (t *tally) patched(r *raise, fields map[string]any) podSize {
	at := replicasAt[r.kind]
	if at == nil {
		at = []string{"spec", "replicas"}
	}
	value, set, _ := unstructured.NestedFieldNoCopy(fields, at...)
	n, ok := whole(value)
	if set && !ok || fields == nil {
		t.notCounted(fmt.Sprintf("the patch of %s (its replicas are known only during the run)", r.kind))
	}
	r.replicas = max(r.replicas, n)
	each, err := podsOf(r.kind, fields)
	if err != nil {
		t.notCounted(fmt.Sprintf("the patch of %s (what its pods ask for then cannot be told)", r.kind))
	}
	return each
}

// atPath is an operation of a JSON patch as what it changes, in its place; nil when
// its path is not known.
func atPath(operation map[string]any) map[string]any {
	path, ok := operation["path"].(string)
	if !ok {
		return nil
	}
	value := operation["value"]
	for _, step := range slices.Backward(strings.Split(path, "/")[1:]) {
		if _, err := strconv.Atoi(step); err == nil || step == "-" {
			value = []any{value}
		} else {
			value = map[string]any{step: value}
		}
	}
	fields, _ := value.(map[string]any)
	return fields
}

func (t *tally) raise(r raise) {
	for _, o := range t.objects {
		if o.kind == r.kind && o.namespace == r.namespace && (r.name == "" || o.name == r.name) {
			o.replicas, o.changed = max(o.replicas, r.replicas), o.changed || r.changes
			o.each = o.each.max(r.each).plus(r.more)
		}
	}
}
