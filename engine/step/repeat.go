package step

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// repetitions are the namespaces of repeated measures. They are removed beside
// the next repetition, and once more when the scenario is cleaned up.
type repetitions struct {
	removing sync.WaitGroup
	mu       sync.Mutex
	made     []cluster.Leftover
}

// repeat runs the wrapped steps several times, each in a fresh namespace with
// recorders of its own, and judges the samples of all repetitions together. One
// that did not pass is counted, and fails the step.
func (w *World) repeat(ctx context.Context, s *plan.Step, r *Result) {
	var runs []repetition
	failed := 0
	for n := 1; n <= s.Repeat && ctx.Err() == nil; n++ {
		w.Progress(fmt.Sprintf("repetition %d of %d", n, s.Repeat))
		one := w.repetition(ctx, s, n)
		if one.Outcome != event.Passed && one.Outcome != event.Skipped {
			failed++
			if failed == 1 {
				for _, f := range one.Findings {
					f.Message = fmt.Sprintf("repetition %d of %d: %s", n, s.Repeat, f.Message)
					r.add(f)
				}
				r.Evidence = one.Evidence
			}
		}
		runs = append(runs, one)
	}
	if err := ctx.Err(); err != nil {
		r.add(fault(ctx, s.At, err))
	}
	for i := range s.Measure {
		m := &s.Measure[i]
		got := pool(m, runs)
		got.measured.Repetitions, got.measured.FailedRuns = len(runs), failed
		w.take(got, r)
	}
	if failed > 0 {
		r.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: s.At,
			Message: fmt.Sprintf("%d of %d repetitions did not pass", failed, len(runs))})
	}
	w.thresholds(ctx, s, r)
	w.baseline(s, r)
	skipUnmeasured(s, r)
}

// repetition is one of them: how it ended, and what it measured.
type repetition struct {
	Result
	taken map[string]taken
}

// pool takes the samples of all repetitions together. The error of measuring is
// the largest of them.
func pool(m *spec.Measure, runs []repetition) taken {
	var pods []measure.PodsResult
	var objects []measure.ObjectsResult
	var elapsed []measure.Elapse
	var worst taken
	for _, run := range runs {
		one, ok := run.taken[m.Name]
		if why := one.measured.Unmeasurable; why != "" {
			return unmeasured(m, why)
		}
		if ok && (worst.measured.Error == nil || one.measured.Error != nil && *one.measured.Error > *worst.measured.Error) {
			worst = one
		}
		if one.pods != nil {
			pods = append(pods, *one.pods)
		}
		if one.objects != nil {
			objects = append(objects, *one.objects)
		}
		took, _ := one.value.(time.Duration)
		elapsed = append(elapsed, measure.Elapse{Took: took, Failed: !ok || run.Outcome != event.Passed})
	}
	var out taken
	switch {
	case m.Pods != nil:
		out = takenPods(m, measure.PoolPods(pods))
	case m.Objects != nil:
		out = takenObjects(m, measure.PoolObjects(objects))
	default:
		e := measure.PoolElapsed(elapsed)
		out = taken{value: e.Series, low: e.Low, high: e.High,
			samples: e.Series.Count + e.Series.Missing, missing: e.Series.Missing,
			measured: event.Measured{Name: m.Name, Kind: m.Kind(), Unit: "s", Series: []event.MeasuredSeries{e.Measured}}}
	}
	out.measured.Lag, out.measured.Error, out.late = worst.measured.Lag, worst.measured.Error, worst.late
	return out
}

// repetition runs the wrapped steps and takes the measures in a world of its own.
func (w *World) repetition(ctx context.Context, s *plan.Step, n int) repetition {
	r := repetition{Result: Result{Attempt: event.Attempt{Outcome: event.Passed}}}
	once := *s.Step
	once.Repeat, once.Thresholds, once.Baseline = 0, nil, nil
	step := *s
	step.Step = &once
	scenario := *w.Plan
	scenario.Steps = []*plan.Step{&step}
	scenario.Watches = s.Watches()
	namespace := fmt.Sprintf("%s-r%d", w.Namespace, n)
	child := &World{
		Setting: w.Setting, Watches: w.Client.NewWatches(context.WithoutCancel(ctx)), Plan: &scenario, Namespace: namespace,
		Progress: func(text string) { w.Progress(fmt.Sprintf("repetition %d of %d: %s", n, s.Repeat, text)) },
		Agents:   w.Agents.In(namespace), repeated: true, outputs: w.outputs, probes: w.probes, undo: w.undo,
	}
	made, err := w.Client.CreateNamespace(ctx, child.Namespace, map[string]string{
		cluster.LabelRun: w.RunID, cluster.LabelScenario: w.Plan.Name,
	})
	if err != nil {
		r.add(fault(ctx, s.At, fmt.Errorf("the namespace of repetition %d could not be made: %w", n, err)))
		made = w.madeAfterAll(ctx, namespace)
	}
	if made == nil {
		child.End()
		return r
	}
	defer w.again.remove(ctx, child, made.GetUID())
	if err != nil {
		return r
	}
	if err := child.Begin(ctx); err != nil {
		r.add(fault(ctx, s.At, err))
		return r
	}
	r.Result, r.taken = child.RunStep(ctx, &step), child.taken
	if ctx.Err() == nil { // else the scenario undoes it
		for _, err := range child.Undo(ctx) {
			r.add(event.Finding{Outcome: event.Errored, Reason: event.ReasonCluster, Pos: s.At, Message: err.Error()})
		}
	}
	return r
}

// madeAfterAll is a namespace whose creation gave an error, if it is there and the
// run's: the answer was lost, or it did not settle in time.
func (w *World) madeAfterAll(ctx context.Context, namespace string) *unstructured.Unstructured {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	got, err := w.Client.Get(ctx, cluster.Namespaces, "", namespace)
	if err != nil || got.GetLabels()[cluster.LabelRun] != w.RunID {
		return nil
	}
	return got
}

// Repetitions waits until the namespaces of repeated measures are removed, so that
// what is still there is known.
func (w *World) Repetitions(ctx context.Context) {
	gone := make(chan struct{})
	go func() { w.again.removing.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-ctx.Done():
	}
}

// remove ends a repetition and removes its namespace while others run.
func (again *repetitions) remove(ctx context.Context, child *World, uid types.UID) {
	child.End()
	left := append([]cluster.Leftover{{Resource: cluster.Namespaces, Name: child.Namespace, UID: uid, Run: child.RunID}},
		child.ToRemove()...)
	again.mu.Lock()
	again.made = append(again.made, left...)
	again.mu.Unlock()
	again.removing.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTime)
		defer cancel()
		_, _ = child.Client.Remove(ctx, left, nil) // what is left is found, and told, when the scenario is cleaned up
	})
}

// removeTime is how long the namespace of one repetition may take to go.
const removeTime = time.Minute
