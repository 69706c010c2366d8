package step

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// podRecord records the lives of the pods of a namespace.
type podRecord struct {
	tape *cluster.Tape
	pods *measure.Pods
}

// objectRecord times the objects of one measure.
type objectRecord struct {
	tape    *cluster.Tape
	objects *measure.Objects
}

// echoed is a probe: an object that realspec changes all through the scenario, to see how
// late its changes come back on the watch.
type echoed struct {
	canary *cluster.Canary
	what   string
}

// record starts the recorders of every measure of the scenario, so that nothing
// that the first step causes can be missed.
func (w *World) record(ctx context.Context) ([]*cluster.Tape, error) {
	var tapes []*cluster.Tape
	for _, s := range w.Plan.Steps {
		if s.Measure == nil || s.Repeat > 1 {
			continue // each repetition has a world of its own
		}
		more, err := w.recordStep(ctx, s)
		if err != nil {
			return nil, err
		}
		tapes = append(tapes, more...)
	}
	return tapes, nil
}

// recordStep starts the recorders of one step's measures that do not run yet. A
// kind that is not served yet is recorded from the moment the measure asks for it.
func (w *World) recordStep(ctx context.Context, s *plan.Step) ([]*cluster.Tape, error) {
	var tapes []*cluster.Tape
	for i := range s.Measure {
		m := &s.Measure[i]
		var tape *cluster.Tape
		var err error
		switch {
		case m.Pods != nil:
			var ns string
			if ns, err = w.text(ctx, s.Text(m.Pods.Namespace)); err == nil {
				tape = w.recordPods(w.namespaceFor(cluster.Pods, ns)).tape
			}
		case m.Objects != nil:
			tape, err = w.recordObjects(ctx, s, m.Objects)
		}
		var unknown *cluster.UnknownKindError
		if err != nil && !errors.As(err, &unknown) {
			return nil, err
		}
		if tape != nil {
			tapes = append(tapes, tape)
		}
	}
	return tapes, nil
}

// recordPods records the lives of the pods of a namespace, once.
func (w *World) recordPods(namespace string) *podRecord {
	if known := w.pods[namespace]; known != nil {
		return known
	}
	rec := &podRecord{tape: w.Watches.PodTape(namespace), pods: measure.NewPods()}
	w.pods[namespace] = rec
	rec.tape.Record(func(c cluster.Recorded) {
		if c.Type == cluster.Added || c.Type == cluster.Modified {
			rec.pods.See(measure.SeenPod{Pod: c.Pod, At: c.At, Earlier: c.Earlier, Unbounded: c.Unbounded})
		}
	})
	return rec
}

// recordObjects starts the recorder of an objects measure, once.
func (w *World) recordObjects(ctx context.Context, s *plan.Step, o *spec.ObjectsMeasure) (*cluster.Tape, error) {
	if known := w.objects[o.At]; known != nil {
		return known.tape, nil
	}
	sel, err := w.selection(ctx, s, &o.On)
	if err != nil {
		return nil, err
	}
	rec := &objectRecord{
		tape:    w.Watches.ObjectTape(sel.resource, sel.namespace),
		objects: measure.NewObjects(w.selects(sel), w.predicate(s, o.Start), w.predicate(s, o.End)),
	}
	w.objects[o.At] = rec
	rec.tape.Record(func(c cluster.Recorded) {
		if c.Type == cluster.Added || c.Type == cluster.Modified {
			rec.objects.See(measure.Seen{Object: c.Object, At: c.At, Earlier: c.Earlier, Unbounded: c.Unbounded})
		}
	})
	return rec.tape, nil
}

// startProbes makes the objects whose echo tells how late the watches are: a pod
// for measures of pods, a ConfigMap for those of other kinds, always in the
// scenario's own namespace. Without one the error of the measures is unknown,
// and reports say so.
func (w *World) startProbes(ctx context.Context) {
	var pods, others bool
	for _, s := range w.Plan.Steps {
		for i := range s.Measure {
			m := &s.Measure[i]
			onPods := m.Objects != nil && m.Objects.On.Kind == "Pod"
			pods = pods || m.Pods != nil || onPods
			others = others || m.Objects != nil && !onPods
		}
	}
	if pods {
		w.startProbe(ctx, cluster.Pods, w.Watches.PodTape(w.Namespace))
	}
	if others {
		w.startProbe(ctx, cluster.ConfigMaps, w.Watches.ObjectTape(cluster.ConfigMaps, w.Namespace))
	}
}

func (w *World) startProbe(ctx context.Context, res cluster.Resource, tape *cluster.Tape) {
	err := tape.Synced(ctx)
	var canary *cluster.Canary
	if err == nil {
		// It goes on until the world ends, whatever becomes of a step.
		canary, err = w.Client.StartCanary(context.WithoutCancel(ctx), tape, cluster.CanaryOptions{
			Resource: res, Namespace: w.Namespace, Interval: probeInterval,
			Labels: map[string]string{cluster.LabelRun: w.RunID, cluster.LabelScenario: w.Plan.Name},
		})
	}
	if err != nil {
		w.Notice(fmt.Sprintf("the error of measuring will not be known: the probe %s could not be made: %v", res.GVK.Kind, err))
		return
	}
	w.probes[res.GVK.Kind] = &echoed{canary: canary, what: res.GVK.Kind}
}

// probeOf is the probe that stands for a kind, or nil.
func (w *World) probeOf(kind string) *echoed {
	if kind != "Pod" {
		kind = "ConfigMap"
	}
	return w.probes[kind]
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
	return func(o *unstructured.Unstructured) (bool, error) {
		ok, err := program.Bool(context.Background(), w.with(expr.Values{"object": o.Object}))
		var missing *expr.MissingError
		if errors.As(err, &missing) {
			return false, nil
		}
		return ok, err
	}
}
