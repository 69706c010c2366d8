package step

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/ready"
	"github.com/realspec/realspec/engine/spec"
)

const (
	// firstLook is how long a wait goes on before pods are looked at: most are over
	// by then, and cost nothing.
	firstLook = time.Second
	// longestLook is the longest time between two looks. Each is a list of the
	// namespace's pods: a watch would keep thousands of them in memory for waits
	// that almost always end well.
	longestLook = 8 * time.Second
	// lookShare bounds the share of time that looking takes: after a look that took
	// t the next one comes no sooner than after 50t.
	lookShare = 50
	// generations is how many owners up a pod is followed: Pod, ReplicaSet,
	// Deployment, and what an operator made that for.
	generations = 4
)

// failFast finds pods that keep a wait from ever ending.
type failFast struct {
	w      *World
	next   time.Time     // of the look at the namespace's pods
	pause  time.Duration // to the one after it
	off    bool          // pods may not be listed
	seen   map[symptom]time.Time
	owners map[types.UID]*unstructured.Unstructured // nil: it is not there
}

// symptom is a state of a pod that is watched for how long it lasts.
type symptom struct {
	pod             types.UID
	kind, container string
}

func (w *World) newFailFast(start time.Time) *failFast {
	return &failFast{w: w, next: start.Add(firstLook), pause: firstLook,
		seen: map[symptom]time.Time{}, owners: map[types.UID]*unstructured.Unstructured{}}
}

// failsFast tells whether a condition gives up early. What waits for a failure
// does not.
func failsFast(c *spec.Condition) bool {
	if c.Never {
		return false
	}
	if c.FailFast != nil {
		return *c.FailFast
	}
	goal, err := spec.ParseFor(c.For)
	switch {
	case err != nil:
		return false
	case goal.Kind == spec.ForReady:
		return true
	}
	return goal.Kind == spec.ForCondition && !strings.EqualFold(goal.Value, "False") && !strings.Contains(strings.ToLower(goal.Name), "fail")
}

// look adds a finding to r for every open condition that pods keep from ever
// holding. It answers when it wants to look again at the latest.
func (f *failFast) look(ctx context.Context, waiters []*waiter, r *Result) time.Time {
	var open []*waiter
	var others bool // objects that have pods, and are none
	for _, wt := range waiters {
		if wt.done || wt.state.holds || len(wt.state.about) == 0 || !failsFast(wt.spec) {
			continue
		}
		open = append(open, wt)
		others = others || slices.ContainsFunc(wt.state.about, func(o *unstructured.Unstructured) bool { return !isPod(o) })
	}
	if len(open) == 0 {
		return time.Now().Add(longestLook)
	}
	due := others && !f.off && !time.Now().Before(f.next)
	var listed []*unstructured.Unstructured
	whole := false
	if due {
		listed, whole = f.list(ctx, open)
	}
	soonest := f.next
	if !others || f.off {
		soonest = time.Now().Add(longestLook)
	}
	present := map[symptom]bool{}
	for _, wt := range open {
		again := f.judge(ctx, wt, listed, present, r)
		if again.Before(soonest) {
			soonest = again
		}
	}
	if whole || !others {
		maps.DeleteFunc(f.seen, func(s symptom, _ time.Time) bool { return !present[s] })
	}
	return soonest
}

// list reads the pods of the namespaces that are waited in, and plans the next look.
// whole tells whether all could be read: else nothing is known to have passed.
func (f *failFast) list(ctx context.Context, open []*waiter) (out []*unstructured.Unstructured, whole bool) {
	began := time.Now()
	namespaces := map[string]bool{}
	for _, wt := range open {
		for _, o := range wt.state.about {
			if !isPod(o) && o.GetNamespace() != "" {
				namespaces[o.GetNamespace()] = true
			}
		}
	}
	whole = true
	for _, namespace := range slices.Sorted(maps.Keys(namespaces)) {
		pods, err := f.w.Client.Unready(ctx, namespace)
		whole = whole && err == nil
		f.off = f.off || cluster.IsRefused(err) // then the wait has its timeout, as any
		out = append(out, pods...)
	}
	f.pause = min(2*f.pause, longestLook)
	f.next = time.Now().Add(max(f.pause, lookShare*time.Since(began)))
	return out, whole
}

// judge looks at the pods of one condition: those that it waits for, and those
// that belong to what it waits for.
func (f *failFast) judge(ctx context.Context, wt *waiter, listed []*unstructured.Unstructured, present map[symptom]bool, r *Result) time.Time {
	again := time.Now().Add(longestLook)
	var hopeless []*unstructured.Unstructured
	var why string
	pods := slices.DeleteFunc(slices.Clone(wt.state.about), func(o *unstructured.Unstructured) bool { return !isPod(o) })
	own := len(pods)
	for i, pod := range append(pods, listed...) {
		h, ok := ready.Hopeless(pod)
		if !ok || i >= own && !f.belongs(ctx, pod, wt.state.about) {
			continue
		}
		s := symptom{pod.GetUID(), h.Kind, h.Container}
		present[s] = true
		since, known := f.seen[s]
		if !known {
			since = time.Now()
			f.seen[s] = since
		}
		if due := since.Add(h.After); time.Now().Before(due) {
			if due.Before(again) {
				again = due
			}
			if due.Before(f.next) && i >= own {
				f.next = due
			}
			continue
		}
		if len(hopeless) == 0 {
			why = h.Why
		}
		hopeless = append(hopeless, pod)
	}
	if len(hopeless) > 0 {
		r.add(f.finding(wt, hopeless, why))
	}
	return again
}

func (f *failFast) finding(wt *waiter, pods []*unstructured.Unstructured, why string) event.Finding {
	for _, pod := range pods {
		if !slices.ContainsFunc(wt.state.about, func(o *unstructured.Unstructured) bool { return o.GetUID() == pod.GetUID() }) {
			wt.state.about = append(wt.state.about, pod) // for evidence
		}
	}
	found := wt.finding(event.ReasonHopeless, fmt.Sprintf("%s does not get ready by itself: %s", ref(pods[0]), why))
	if more := len(pods) - 1; more == 1 {
		found.Message += " (and one more pod)"
	} else if more > 1 {
		found.Message += fmt.Sprintf(" (and %d more pods)", more)
	}
	found.Observed = "" // the states of its containers are the evidence
	return found
}

// belongs tells whether a pod is one of the present revision of the objects.
func (f *failFast) belongs(ctx context.Context, pod *unstructured.Unstructured, objects []*unstructured.Unstructured) bool {
	child := pod
	for range generations {
		owner := controllerOf(child)
		if owner == nil {
			return false
		}
		for _, o := range objects {
			if string(o.GetUID()) == owner.uid {
				return ofPresentRevision(pod, child, o)
			}
		}
		if child = f.owner(ctx, pod.GetNamespace(), *owner); child == nil {
			return false
		}
	}
	return false
}

// ofPresentRevision tells a pod of the present revision from one that a rollout replaces:
// what is wrong with the old one is what the rollout is for.
func ofPresentRevision(pod, child, object *unstructured.Unstructured) bool {
	var is, want string
	switch object.GetKind() {
	case "Deployment":
		const revision = "deployment.kubernetes.io/revision"
		is, want = child.GetAnnotations()[revision], object.GetAnnotations()[revision]
	case "StatefulSet":
		is = pod.GetLabels()["controller-revision-hash"]
		want, _, _ = unstructured.NestedString(object.Object, "status", "updateRevision")
	case "DaemonSet":
		is, want = pod.GetLabels()["pod-template-generation"], object.GetAnnotations()["deprecated.daemonset.template.generation"]
	}
	observed, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	if observed > 0 && observed < object.GetGeneration() {
		return false // its controller has not made the pods of its present spec yet
	}
	return is == "" || want == "" || is == want
}

// owned is the controller that an object names as its owner.
type owned struct{ apiVersion, kind, name, uid string }

func controllerOf(o *unstructured.Unstructured) *owned {
	for _, r := range o.GetOwnerReferences() {
		if r.Controller != nil && *r.Controller {
			return &owned{r.APIVersion, r.Kind, r.Name, string(r.UID)}
		}
	}
	return nil
}

// owner reads an owner once: it is asked for pods that are in a bad state only.
func (f *failFast) owner(ctx context.Context, namespace string, o owned) *unstructured.Unstructured {
	uid := types.UID(o.uid)
	if known, ok := f.owners[uid]; ok {
		return known
	}
	res, err := f.w.Client.Resource(o.apiVersion, o.kind)
	if err != nil {
		f.owners[uid] = nil
		return nil
	}
	found, err := f.w.Client.Get(ctx, res, f.w.namespaceFor(res, namespace), o.name)
	if err != nil || found.GetUID() != uid {
		found = nil
	}
	f.owners[uid] = found
	return found
}

func isPod(o *unstructured.Unstructured) bool { return o.GetKind() == cluster.Pods.GVK.Kind }
