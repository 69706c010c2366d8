package step

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// recordPods records the lives of the pods of a namespace, once.
func (w *World) recordPods(namespace string) *cluster.Feed {
	feed := w.Watches.Open(cluster.Pods, namespace)
	if w.pods[namespace] == nil {
		pods := measure.NewPods()
		w.pods[namespace] = pods
		feed.Subscribe(recordInto(pods.See))
	}
	return feed
}

// recordInto hands changes to a recorder. The last state of a deleted object is
// nothing new, and a gap shows in the objects that are listed after it.
func recordInto(see func(measure.Seen)) func(cluster.Change) {
	return func(c cluster.Change) {
		if c.Type == cluster.Added || c.Type == cluster.Modified {
			see(measure.Seen{Object: c.Object, At: c.Received, Listed: c.Initial})
		}
	}
}

// recordObjects starts the recorders of the step's objects measures. A kind
// that is not served yet is recorded from the moment the measure asks for it.
func (w *World) recordObjects(ctx context.Context, s *plan.Step) error {
	if s.Measure == nil {
		return nil
	}
	for i := range s.Measure {
		m := &s.Measure[i]
		if m.Objects == nil || w.objects[m.Objects.At] != nil {
			continue
		}
		sel, err := w.selection(ctx, s, &m.Objects.On)
		var unknown *cluster.UnknownKindError
		if errors.As(err, &unknown) {
			continue
		}
		if err != nil {
			return err
		}
		recorder := measure.NewObjects(
			w.selects(sel), w.predicate(s, m.Objects.Start), w.predicate(s, m.Objects.End))
		w.objects[m.Objects.At] = recorder
		sel.feed(w).Subscribe(recordInto(recorder.See))
	}
	return nil
}

func (w *World) selects(sel *selection) measure.Predicate {
	return func(o *unstructured.Unstructured) (bool, error) {
		picked, _, err := sel.pick(context.Background(), w, []*unstructured.Unstructured{o})
		return len(picked) == 1, err
	}
}

// predicate is an expression over `object` as the recorder evaluates it, on the
// watch's goroutine: a field that is not there means not yet.
func (w *World) predicate(s *plan.Step, e spec.Expr) measure.Predicate {
	program := s.Program(e)
	if program == nil {
		return nil
	}
	values := w.values
	return func(o *unstructured.Unstructured) (bool, error) {
		mine := make(expr.Values, len(values)+1)
		for k, v := range values {
			mine[k] = v
		}
		mine["object"] = o.Object
		ok, err := program.Bool(context.Background(), mine)
		var missing *expr.MissingError
		if errors.As(err, &missing) {
			return false, nil
		}
		return ok, err
	}
}
