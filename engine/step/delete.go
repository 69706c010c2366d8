package step

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// doomed is an object that was deleted and the watch that will show its end.
type doomed struct {
	object *unstructured.Unstructured
	feed   *cluster.Feed
	pos    spec.Pos
}

// delete removes objects and, unless told otherwise, waits until they are gone.
func (w *World) delete(ctx context.Context, s *plan.Step, r *Result) {
	var all []doomed
	for i := range s.Delete.On {
		sel, err := w.selection(ctx, s, &s.Delete.On[i])
		if err != nil {
			r.add(fault(ctx, s.Delete.On[i].At, err))
			continue
		}
		all = append(all, w.deleteSelected(ctx, s, sel, r)...)
	}
	all = append(all, w.deleteManifests(ctx, s, r)...)
	if r.Outcome != event.Passed || s.Delete.Wait != nil && !*s.Delete.Wait {
		return
	}
	w.awaitGone(ctx, all, r)
}

func (w *World) deleteSelected(ctx context.Context, s *plan.Step, sel *selection, r *Result) []doomed {
	found, err := sel.live(ctx, w)
	if err != nil {
		r.add(fault(ctx, sel.spec.At, err))
		return nil
	}
	if len(found) == 0 && !sel.spec.AllowEmpty {
		r.add(nothing(sel.spec.At, sel))
	}
	return w.deleteAll(ctx, s, sel.spec.At, sel.resource, found, r)
}

// deleteManifests removes the objects of files, the last one first. One that is
// not there is fine: the file says what must be gone.
func (w *World) deleteManifests(ctx context.Context, s *plan.Step, r *Result) []doomed {
	objects, ok := w.render(ctx, s, s.Delete.Manifests, r)
	if !ok {
		return nil
	}
	var all []doomed
	for i, o := range slices.Backward(objects) {
		pos := s.Delete.Manifests[i].At
		res, err := w.Client.Resource(o.GetAPIVersion(), o.GetKind())
		var found *unstructured.Unstructured
		if err == nil {
			found, err = w.Client.Get(ctx, res, o.GetNamespace(), o.GetName())
		}
		switch {
		case cluster.IsNotFound(err):
		case err != nil:
			r.add(fault(ctx, pos, err))
		default:
			all = append(all, w.deleteAll(ctx, s, pos, res, []*unstructured.Unstructured{found}, r)...)
		}
	}
	return all
}

func (w *World) deleteAll(ctx context.Context, s *plan.Step, pos spec.Pos, res cluster.Resource, objects []*unstructured.Unstructured, r *Result) []doomed {
	var all []doomed
	for _, o := range objects {
		feed := w.feed(res, o.GetNamespace())
		err := w.mayChange(o)
		if err == nil {
			err = feed.Synced(ctx)
		}
		if err == nil {
			err = w.Client.Delete(ctx, res, o.GetNamespace(), o.GetName(), cluster.DeleteOptions{UID: o.GetUID(), Grace: grace(s.Delete.GracePeriod)})
		}
		if err != nil && !cluster.IsNotFound(err) {
			r.add(faultOf(ctx, pos, o, err))
			continue
		}
		w.forget(o)
		all = append(all, doomed{o, feed, pos})
	}
	return all
}

// grace is a grace period as the API server takes it; nil is the object's own.
func grace(d *spec.Duration) *int64 {
	if d == nil {
		return nil
	}
	seconds := int64(d.Value / time.Second)
	return &seconds
}

// awaitGone waits until the watches no longer show the objects.
func (w *World) awaitGone(ctx context.Context, all []doomed, r *Result) {
	for {
		var changed []<-chan struct{}
		var left []doomed
		for _, d := range all {
			c := d.feed.Changed()
			if !d.gone() {
				changed, left = append(changed, c), append(left, d)
			}
		}
		if len(left) == 0 {
			return
		}
		all = left
		w.Progress(fmt.Sprintf("%d to go: %s", len(left), ref(left[0].object)))
		// A hundred channels are enough to notice a change among thousands.
		if !await(ctx, changed[:min(len(changed), 100)], time.Now().Add(heartbeat)) {
			break
		}
	}
	for _, d := range all {
		now := d.feed.Get(d.object.GetNamespace(), d.object.GetName())
		f := event.Finding{Outcome: event.Failed, Reason: event.ReasonTimeout, Pos: d.pos,
			Message: ref(d.object) + " is still there"}
		if now != nil {
			f.Message += ": " + deletion(now)
		}
		if since, err := d.feed.Down(); !since.IsZero() {
			f.Outcome, f.Reason, f.Message = event.Errored, event.ReasonCluster, err.Error()
		}
		r.add(f)
	}
}

// gone tells whether the watch has caught up with the object and no longer
// shows it.
func (d doomed) gone() bool {
	if !d.feed.Reached(d.object.GetResourceVersion()) {
		return false
	}
	now := d.feed.Get(d.object.GetNamespace(), d.object.GetName())
	return now == nil || now.GetUID() != d.object.GetUID()
}
