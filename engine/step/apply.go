package step

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// apply creates or changes the step's objects by server-side apply, or proves
// that the API server refuses them.
func (w *World) apply(ctx context.Context, s *plan.Step, r *Result) {
	b := &batch{w: w, client: w.Client, sources: slices.Concat(s.Apply.Manifests, s.Apply.Objects)}
	var ok bool
	if b.objects, ok = w.render(ctx, s, b.sources, r); !ok {
		return
	}
	b.check(ctx, r)
	as, err := w.text(ctx, s.Text(s.Apply.As))
	if err != nil {
		r.add(fault(ctx, s.Apply.As.At, err))
	}
	if r.Outcome != event.Passed {
		return
	}
	if as != "" {
		b.client = w.Client.Impersonate(as)
		r.note("applied as %s", as)
	}
	if as != "" && s.Apply.Expect != "refused" {
		b.mayNow(ctx)
	}
	switch {
	case s.Apply.Expect == "refused":
		b.refused(ctx, s, r)
	case len(s.Apply.Dependencies) > 0:
		b.inOrder(ctx, s, r)
	default:
		b.apply(ctx, everyPosition(len(b.objects)), func(int) {}, r)
		slices.SortStableFunc(r.Findings, func(a, b event.Finding) int { return a.Pos.Line - b.Pos.Line })
	}
}

// batch is the objects of an apply step.
type batch struct {
	w       *World
	client  *cluster.Client // of the user that they are applied as
	sources []spec.Object   // as they are written
	objects []*unstructured.Unstructured
	applied int
}

func everyPosition(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// check refuses what the scenario must not touch, before anything is written.
func (b *batch) check(ctx context.Context, r *Result) {
	for i, o := range b.objects {
		err := b.w.mayWrite(o, b.objects)
		if err == nil {
			err = b.w.mayTake(ctx, o)
		}
		if err != nil {
			r.add(fault(ctx, b.sources[i].At, err))
		}
	}
}

// apply applies the objects at some positions, wave by wave, and tells of each
// when it is applied.
func (b *batch) apply(ctx context.Context, positions []int, done func(i int), r *Result) {
	var some []*unstructured.Unstructured
	for _, i := range positions {
		some = append(some, b.objects[i])
	}
	b.client.ApplyAll(ctx, some, func(n int, got *unstructured.Unstructured, err error) {
		i := positions[n]
		if got != nil { // also when others cannot build on it: it is there, and must go
			err = cmp.Or(err, b.w.note(got))
		}
		if err != nil {
			r.add(faultOf(ctx, b.sources[i].At, b.objects[i], err))
			return
		}
		done(i)
		b.applied++
		b.w.Progress(fmt.Sprintf("applied %d of %d objects", b.applied, len(b.objects)))
	})
}

// render fills in the objects and puts them into the scenario's namespace, with
// the run's labels.
func (w *World) render(ctx context.Context, s *plan.Step, sources []spec.Object, r *Result) ([]*unstructured.Unstructured, bool) {
	var objects []*unstructured.Unstructured
	var from []spec.Object // of the objects
	for _, source := range sources {
		fields, err := s.Object(source).Eval(ctx, w.known())
		if err != nil {
			r.add(fault(ctx, source.At, err))
			continue
		}
		o := &unstructured.Unstructured{Object: fields}
		w.label(o)
		objects, from = append(objects, o), append(from, source)
	}
	scopes := definedScopes(objects)
	for i, o := range objects {
		namespaced, known := scopes[o.GroupVersionKind().GroupKind().String()]
		if !known {
			res, err := w.Client.Resource(o.GetAPIVersion(), o.GetKind())
			if err != nil {
				r.add(fault(ctx, from[i].At, err))
				continue
			}
			namespaced = res.Namespaced
		}
		switch {
		case !namespaced:
			o.SetNamespace("") // the API server takes it away in silence, and so past mayWrite
		case o.GetNamespace() == "":
			o.SetNamespace(w.Namespace)
		}
	}
	return objects, r.Outcome == event.Passed
}

// label marks an object as this run's, so that it can be found and removed, and
// puts in the images that run instead of those that it names.
func (w *World) label(o *unstructured.Unstructured) {
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[cluster.LabelRun], labels[cluster.LabelScenario] = w.RunID, w.Plan.Name
	o.SetLabels(labels)
	w.Images.Rewrite(o.Object)
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

// mayWrite refuses an object that takes an opt-in which the scenario has not. What a
// manifest says of it was checked when it was loaded; a kind of a CRD, or what an
// expression gives, is only known now.
func (w *World) mayWrite(o *unstructured.Unstructured, beside []*unstructured.Unstructured) error {
	if err := w.mayReach(ref(o), spec.Reaches(o.GetKind(), o.Object)); err != nil {
		return err
	}
	return w.mayChange(o, beside...)
}

// mayReach refuses fields by which pods reach beyond themselves.
func (w *World) mayReach(object string, reaches []spec.Reach) error {
	for _, r := range reaches {
		if !slices.Contains(w.Plan.Spec.Spec.Allow, r.Allow) {
			return &OptInError{Object: object, Why: "has " + r.At + " (" + r.Why + ")", Allow: r.Allow}
		}
	}
	return nil
}

// mayChange refuses an object for where it is: without a namespace, or in one that is
// not of this run.
func (w *World) mayChange(o *unstructured.Unstructured, beside ...*unstructured.Unstructured) error {
	allow := w.Plan.Spec.Spec.Allow
	switch ns := o.GetNamespace(); {
	case ns == "" && !slices.Contains(allow, spec.AllowClusterScoped):
		return &OptInError{Object: ref(o), Why: "has no namespace", Allow: spec.AllowClusterScoped}
	case ns == "" || ns == w.Namespace || w.ownNamespace(ns, beside) || slices.Contains(allow, spec.AllowNamespaces):
		return nil
	default:
		return &OptInError{Object: ref(o), Why: "is in namespace " + ns + ", which the scenario did not make", Allow: spec.AllowNamespaces}
	}
}

// ownNamespace tells whether a namespace is the scenario's, or becomes so beside.
func (w *World) ownNamespace(namespace string, beside []*unstructured.Unstructured) bool {
	for a := range w.appliedNow() {
		if a.resource == cluster.Namespaces && a.name == namespace {
			return true
		}
	}
	return slices.ContainsFunc(beside, func(o *unstructured.Unstructured) bool {
		return o.GroupVersionKind() == cluster.Namespaces.GVK && o.GetName() == namespace
	})
}

// OptInError says that an object takes an opt-in of the scenario.
type OptInError struct{ Object, Why, Allow string }

// Error says what was found and what to write.
func (e *OptInError) Error() string {
	return fmt.Sprintf("%s %s, and that must be allowed in scenario.yaml: spec.allow: [%s]", e.Object, e.Why, e.Allow)
}

// mayTake refuses an object outside the scenario's own namespace that is there
// already and that this run did not make: cleaning up would delete it.
func (w *World) mayTake(ctx context.Context, o *unstructured.Unstructured) error {
	if o.GetNamespace() == w.Namespace {
		return nil
	}
	res, err := w.Client.Resource(o.GetAPIVersion(), o.GetKind())
	var unknown *cluster.UnknownKindError
	if errors.As(err, &unknown) {
		return nil // a kind that comes with this very apply has no objects yet
	}
	if err != nil {
		return err
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
	for i, a := range w.applied {
		if a.uid == got.GetUID() {
			w.applied[i].deleted = false
			return nil
		}
	}
	w.applied = append(w.applied, applied{
		resource: res, namespace: got.GetNamespace(), name: got.GetName(), uid: got.GetUID(),
	})
	w.feed(res, got.GetNamespace())
	return nil
}

// appliedNow are the objects that were made and that no step has deleted since.
func (w *World) appliedNow() iter.Seq[applied] {
	w.made.Lock()
	all := w.applied // calls that go on beside only append to it
	w.made.Unlock()
	return func(yield func(applied) bool) {
		for _, a := range all {
			if !a.deleted && !yield(a) {
				return
			}
		}
	}
}

// forget takes an object that a step deleted out of what must become ready. For
// cleanup it stays: a finalizer may still hold it.
func (w *World) forget(o *unstructured.Unstructured) {
	w.made.Lock()
	defer w.made.Unlock()
	for i := range w.applied {
		if w.applied[i].uid == o.GetUID() {
			w.applied[i].deleted = true
		}
	}
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
	w.made.Lock()
	defer w.made.Unlock()
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
