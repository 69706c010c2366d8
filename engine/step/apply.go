package step

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// apply creates or changes the step's objects by server-side apply.
func (w *World) apply(ctx context.Context, s *plan.Step, r *Result) {
	sources := slices.Concat(s.Apply.Manifests, s.Apply.Objects)
	objects, ok := w.render(ctx, s, sources, r)
	if !ok {
		return
	}
	for i, o := range objects {
		if err := w.mayTake(ctx, o); err != nil {
			r.add(fault(ctx, sources[i].At, err))
		}
	}
	if r.Outcome != event.Passed {
		return
	}
	var done int
	w.Client.ApplyAll(ctx, objects, func(i int, got *unstructured.Unstructured, err error) {
		if err != nil {
			f := fault(ctx, sources[i].At, err)
			f.Message = fmt.Sprintf("%s: %s", ref(objects[i]), f.Message)
			r.add(f)
			return
		}
		done++
		w.Progress(fmt.Sprintf("applied %d of %d objects", done, len(objects)))
		if err := w.note(got); err != nil {
			r.add(fault(ctx, sources[i].At, err))
		}
	})
	if r.Outcome != event.Passed {
		slices.SortStableFunc(r.Findings, func(a, b event.Finding) int { return a.Pos.Line - b.Pos.Line })
	}
}

// render fills in the objects and puts them into the scenario's namespace, with
// the run's labels.
func (w *World) render(ctx context.Context, s *plan.Step, sources []spec.Object, r *Result) ([]*unstructured.Unstructured, bool) {
	var objects []*unstructured.Unstructured
	for _, source := range sources {
		fields, err := s.Object(source).Eval(ctx, w.values)
		if err != nil {
			r.add(fault(ctx, source.At, err))
			continue
		}
		o := &unstructured.Unstructured{Object: fields}
		w.label(o)
		objects = append(objects, o)
	}
	scopes := definedScopes(objects)
	for i, o := range objects {
		namespaced, known := scopes[o.GroupVersionKind().GroupKind().String()]
		if !known {
			res, err := w.Client.Resource(o.GetAPIVersion(), o.GetKind())
			if err != nil {
				r.add(fault(ctx, sources[i].At, err))
				continue
			}
			namespaced = res.Namespaced
		}
		if namespaced && o.GetNamespace() == "" {
			o.SetNamespace(w.Namespace)
		}
	}
	return objects, r.Outcome == event.Passed
}

// label marks an object as this run's, so that it can be found and removed.
func (w *World) label(o *unstructured.Unstructured) {
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[cluster.LabelRun], labels[cluster.LabelScenario] = w.RunID, w.Plan.Name
	o.SetLabels(labels)
}

// definedScopes are the kinds that CRDs among the objects define, and whether
// they live in namespaces.
func definedScopes(objects []*unstructured.Unstructured) map[string]bool {
	scopes := map[string]bool{}
	for _, o := range objects {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		scope, _, _ := unstructured.NestedString(o.Object, "spec", "scope")
		scopes[kind+"."+group] = scope == "Namespaced"
	}
	return scopes
}

// mayTake refuses an object outside the scenario's own namespace that is there
// already and that this run did not make: cleaning up would delete it.
func (w *World) mayTake(ctx context.Context, o *unstructured.Unstructured) error {
	if o.GetNamespace() == w.Namespace {
		return nil
	}
	res, err := w.Client.Resource(o.GetAPIVersion(), o.GetKind())
	if err != nil {
		return nil // a kind that comes with this very apply has no objects yet
	}
	got, err := w.Client.Get(ctx, res, o.GetNamespace(), o.GetName())
	switch {
	case cluster.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case got.GetLabels()[cluster.LabelRun] == w.RunID:
		return nil
	}
	return &TakenError{Object: ref(o), Namespace: o.GetNamespace()}
}

// TakenError says that an object belongs to somebody else.
type TakenError struct{ Object, Namespace string }

// Error says what was found and what would be right.
func (e *TakenError) Error() string {
	where := ""
	if e.Namespace != "" {
		where = " in namespace " + e.Namespace
	}
	return fmt.Sprintf("%s%s is there already and was not made by this run; it is left alone: "+
		"use another name, or patch it", e.Object, where)
}

// note keeps an object that was applied, for readiness and for cleanup.
func (w *World) note(got *unstructured.Unstructured) error {
	res, err := w.Client.Resource(got.GetAPIVersion(), got.GetKind())
	if err != nil {
		return err
	}
	w.wrote(res, got)
	w.made.Lock()
	defer w.made.Unlock()
	for _, a := range w.applied {
		if a.uid == got.GetUID() {
			return nil
		}
	}
	w.applied = append(w.applied, applied{
		resource: res, namespace: got.GetNamespace(), name: got.GetName(), uid: got.GetUID(),
	})
	w.feed(res, got.GetNamespace())
	return nil
}

// workloads are the kinds that hold pods.
var workloads = []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"}

// ToRemove lists what cleaning up must delete besides the scenario's namespace,
// in the order in which it was made: what stands outside the namespace, and the
// workloads within. The namespace controller waits 5 s before it looks into a
// deleted namespace, and 5 s more when pods are still ending there, so the
// workloads go first.
func (w *World) ToRemove() []cluster.Leftover {
	var out []cluster.Leftover
	for _, a := range w.applied {
		if a.namespace != w.Namespace || slices.Contains(workloads, a.resource.GVK.Kind) {
			out = append(out, cluster.Leftover{
				Resource: a.resource, Namespace: a.namespace, Name: a.name, UID: a.uid, Run: w.RunID,
			})
		}
	}
	w.again.mu.Lock()
	defer w.again.mu.Unlock()
	return append(out, w.again.made...)
}
