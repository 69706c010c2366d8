package step

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// read reads a measure. fresh wants all that the API server would list now; what
// was recorded until a run failed is read without it.
func (w *World) read(ctx context.Context, s *plan.Step, m *spec.Measure, win window, fresh bool) (taken, error) {
	switch {
	case m.Pods != nil:
		return w.readPods(ctx, s, m, fresh)
	case m.Objects != nil:
		return w.readObjects(ctx, s, m, fresh)
	case m.APIServer != nil:
		return w.readAPIServer(ctx, m, win)
	case m.Prometheus != nil:
		return w.readPrometheus(ctx, s, m, win)
	case m.Elapsed != nil:
		return w.readElapsed(m, win.Span)
	case m.Usage != nil:
		return w.readUsage(ctx, s, m, win)
	case m.HTTP != nil, m.Network != nil:
		return w.readTraffic(ctx, m, win)
	}
	did, ok := win.calls[m.Name]
	if !ok {
		return taken{}, fmt.Errorf("the calls of %s were not made", m.Name)
	}
	return did.taken, nil
}

// podsQuery is what a measure of pods selects.
func (w *World) podsQuery(ctx context.Context, s *plan.Step, m *spec.Measure) (measure.PodsQuery, error) {
	q := measure.PodsQuery{From: m.Pods.From, By: m.Pods.By, Check: w.trusted()}
	ns, err := w.text(ctx, s.Text(m.Pods.Namespace))
	if err != nil {
		return q, err
	}
	q.Namespace = w.namespaceFor(cluster.Pods, ns)
	q.Selector, err = w.labels(ctx, s, m.Pods.Selector)
	return q, err
}

func (w *World) readPods(ctx context.Context, s *plan.Step, m *spec.Measure, fresh bool) (taken, error) {
	q, err := w.podsQuery(ctx, s, m)
	if err != nil {
		return taken{}, err
	}
	rec := w.recordPods(q.Namespace)
	if fresh {
		if err := w.catchUp(ctx, rec.tape, cluster.Pods, q.Namespace, q.Selector.String()); err != nil {
			return taken{}, err
		}
	}
	lag, bar := w.lag(ctx, "Pod", rec.pods.Window(q))
	q.Bar = bar.known()
	got := rec.pods.Measure(q)
	if got.Unknown > 0 {
		return taken{}, fmt.Errorf("from: %s is known only of pods that a load step created itself, and %d of %d were not",
			m.Pods.From, got.Unknown, int64(got.Unknown)+got.Samples)
	}
	if fresh && got.Unseen > 0 {
		return taken{}, fmt.Errorf("%d pods that were created were never seen on the watch", got.Unseen)
	}
	out := takenPods(m, got)
	out.measured.Lag, out.measured.Error = lag, bar.seconds()
	out.late = w.Client.Account().QueueFull > w.queueFull
	return out, nil
}

func takenPods(m *spec.Measure, got measure.PodsResult) taken {
	out := taken{
		value: got.Phases, low: got.Bounds.Low, high: got.Bounds.High, samples: got.Samples, missing: got.Missing,
		measured: event.Measured{Name: m.Name, Kind: m.Kind(), Unit: "s", From: cmp.Or(m.Pods.From, "stored"), Series: got.Series},
		pods:     &got,
	}
	if m.Pods.By != "" {
		out.value = spec.Grouped{Phases: got.Phases, Worst: got.Worst}
		out.low = spec.Grouped{Phases: got.Bounds.Low, Worst: got.Bounds.LowWorst}
		out.high = spec.Grouped{Phases: got.Bounds.High, Worst: got.Bounds.HighWorst}
	}
	return out
}

// trusted tells whether the server's stamp of a phase says when it happened:
// simulated nodes of other clusters may make theirs up.
func (w *World) trusted() func(phase, node string) bool {
	simulated := map[string]bool{}
	for _, n := range w.Facts.Nodes {
		simulated[n.Name] = n.Simulated
	}
	return func(phase, node string) bool {
		if phase == "scheduled" || node == "" || w.Facts.Cluster.Local {
			return true
		}
		made, known := simulated[node]
		return known && !made || !known && !w.Facts.Cluster.Simulated
	}
}

func (w *World) readObjects(ctx context.Context, s *plan.Step, m *spec.Measure, fresh bool) (taken, error) {
	if _, err := w.recordObjects(ctx, s, m.Objects); err != nil {
		return taken{}, err
	}
	sel, err := w.selection(ctx, s, &m.Objects.On)
	if err != nil {
		return taken{}, err
	}
	rec := w.objects[m.Objects.At]
	if fresh {
		if err := w.catchUp(ctx, rec.tape, sel.resource, sel.namespace, sel.labels.String()); err != nil {
			return taken{}, err
		}
	}
	lag, bar := w.lag(ctx, m.Objects.On.Kind, rec.objects.Window())
	got := rec.objects.Measure(bar.known())
	out := takenObjects(m, got)
	out.measured.Lag, out.measured.Error = lag, bar.seconds()
	out.late = w.Client.Account().QueueFull > w.queueFull
	return out, got.Err
}

func takenObjects(m *spec.Measure, got measure.ObjectsResult) taken {
	return taken{
		value: got.Series, low: got.Low, high: got.High,
		samples: got.Series.Count + got.Series.Missing, missing: got.Series.Missing,
		measured: event.Measured{Name: m.Name, Kind: m.Kind(), Unit: "s", From: "stored",
			Series: []event.MeasuredSeries{got.Measured}},
		objects: &got,
	}
}

// catchUp waits until the watch has shown everything that the API server would
// list now. Watches of different kinds do not keep step: a Deployment may be
// seen ready while, on a busy server, hundreds of its pods are still to come.
func (w *World) catchUp(ctx context.Context, tape *cluster.Tape, res cluster.Resource, namespace, query string) error {
	if err := tape.Synced(ctx); err != nil {
		return err
	}
	newest, err := w.Client.Newest(ctx, res, namespace, query)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(unreachable)
	for changed := tape.Changed(); !tape.Reached(newest); changed = tape.Changed() {
		if tape.Reached(newest) {
			break
		}
		if err := tape.Err(); err != nil {
			return err
		}
		if time.Now().After(deadline) || !await(ctx, []<-chan struct{}{changed}, deadline) {
			return fmt.Errorf("the watch of %s is behind the API server, so what it has shown is not all there is", res)
		}
	}
	return nil
}

func (w *World) readElapsed(m *spec.Measure, during Span) (taken, error) {
	span := during
	if m.Elapsed.From != "" || m.Elapsed.To != "" {
		if why := cmp.Or(w.unmeasuredStep(m.Elapsed.From), w.unmeasuredStep(m.Elapsed.To)); why != "" {
			return unmeasured(m, why), nil
		}
		from, err := w.span(m.Elapsed.From)
		if err != nil {
			return taken{}, err
		}
		to, err := w.span(m.Elapsed.To)
		if err != nil {
			return taken{}, err
		}
		span = Span{Start: from.Start, End: to.End}
	}
	took := span.End.Sub(span.Start)
	seconds := took.Seconds()
	return taken{value: took, samples: 1,
		measured: event.Measured{Name: m.Name, Kind: m.Kind(), Unit: "s", Value: &seconds}}, nil
}

// unmeasuredStep says why a step, or one of the steps of a file, was skipped as not
// measurable here; "" where none was. What such a step takes is no figure.
func (w *World) unmeasuredStep(name string) string {
	if why := w.skips[name]; why != "" {
		return why
	}
	for _, step := range w.Plan.Steps {
		if why := w.skips[step.ID]; why != "" && fileOf(step) == name {
			return why
		}
	}
	return ""
}

// fileOf is the name of the file that a step stands in, without its ending.
func fileOf(s *plan.Step) string {
	file := filepath.Base(s.At.File)
	return strings.TrimSuffix(file, filepath.Ext(file))
}

// span is the time of a step, or of all steps of a file.
func (w *World) span(name string) (Span, error) {
	if s, ok := w.spans[name]; ok && !s.End.IsZero() {
		return s, nil
	}
	var whole Span
	for _, step := range w.Plan.Steps {
		s, ran := w.spans[step.ID]
		if fileOf(step) != name || !ran || s.End.IsZero() {
			continue
		}
		if whole.Start.IsZero() {
			whole.Start = s.Start
		}
		whole.End = s.End
	}
	if whole.End.IsZero() {
		return whole, fmt.Errorf("the time of step %s is not known, because the step did not run", name)
	}
	return whole, nil
}
