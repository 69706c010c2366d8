package step

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// taken is one measure as it was read: what thresholds see, at its best and at
// its worst within the error of measuring, and what reports show.
type taken struct {
	value     any // of the CEL variable
	low, high any // nil: the value is exact
	measured  event.Measured
	samples   int64
	missing   int64
	late      bool // the event queue was full meanwhile
	// What repetitions are pooled from.
	pods    *measure.PodsResult
	objects *measure.ObjectsResult
}

// window is the time that a measure covers, and what was read when it began.
type window struct {
	Span
	metrics []byte
	calls   map[string]delivered // api measures that ran meanwhile, by name
}

// measure reads the step's measures and judges them by its thresholds. Without
// a timeout it reads once; with one it waits for samples that are missing.
func (w *World) measure(ctx context.Context, s *plan.Step, r *Result) {
	win, ok := w.during(ctx, s, r)
	if !ok {
		w.keep(ctx, s, r)
		return
	}
	for i := range s.Measure {
		m := &s.Measure[i]
		got, err := w.complete(ctx, s, m, win)
		if err != nil {
			r.add(fault(ctx, m.At, err))
			continue
		}
		w.take(got, r)
		if call, ok := win.calls[m.Name]; ok {
			call.judge(m.At, r)
		}
		w.enough(m, got, r)
	}
	w.thresholds(ctx, s, r)
	w.baseline(s, r)
}

// take keeps a measure for thresholds and reports.
func (w *World) take(got interface{ get() taken }, r *Result) {
	t := got.get()
	w.taken[t.measured.Name] = t
	r.Measures = append(r.Measures, t.measured)
}

func (t taken) get() taken { return t }

// during runs the steps that the measures wrap, and the calls of the api measures
// beside them, and answers with their time. The first step that does not pass
// ends the step.
func (w *World) during(ctx context.Context, s *plan.Step, r *Result) (window, bool) {
	win := window{metrics: w.metrics, calls: map[string]delivered{}}
	if len(s.During) > 0 {
		win.metrics = w.metricsBefore(ctx, s)
	}
	win.Start = time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var calling sync.WaitGroup
	var mu sync.Mutex
	for i := range s.Measure {
		m := &s.Measure[i]
		if m.API == nil {
			continue
		}
		calling.Go(func() {
			did, err := w.call(ctx, s, m)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				r.add(fault(ctx, m.At, err))
				return
			}
			win.calls[m.Name] = did
		})
	}
	ok := w.wrapped(ctx, s, r, &mu)
	if !ok {
		stop()
	}
	calling.Wait()
	win.End = time.Now()
	return win, ok
}

// wrapped runs the steps under during.
func (w *World) wrapped(ctx context.Context, s *plan.Step, r *Result, mu *sync.Mutex) bool {
	for _, inner := range s.During {
		one := w.inner(ctx, inner)
		mu.Lock()
		r.Measures = append(r.Measures, one.Measures...)
		if one.Outcome != event.Passed && one.Outcome != event.Skipped {
			for _, f := range one.Findings {
				r.add(f)
			}
			r.Evidence = one.Evidence
			mu.Unlock()
			return false
		}
		mu.Unlock()
	}
	return true
}

// inner runs one wrapped step within its own time.
func (w *World) inner(ctx context.Context, s *plan.Step) Result {
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.Timeout, fmt.Errorf("%w (%s)", ErrStepTimeout, s.Timeout))
		defer cancel()
	}
	return w.RunStep(ctx, s)
}

// complete reads a measure. A measure of pods or objects whose step has time left
// first waits until no sample is missing.
func (w *World) complete(ctx context.Context, s *plan.Step, m *spec.Measure, win window) (taken, error) {
	for s.Timeout > 0 && (m.Pods != nil || m.Objects != nil) {
		got, tape, err := w.read(ctx, s, m, win, true)
		if err != nil || got.missing == 0 && got.samples >= expected(m) {
			return got, err
		}
		w.Progress(fmt.Sprintf("%s: %d samples, %d missing", m.Name, got.samples, got.missing))
		if !w.settle(ctx, tape) {
			got, _, err := w.read(context.WithoutCancel(ctx), s, m, win, false)
			return got, err
		}
	}
	got, _, err := w.read(ctx, s, m, win, true)
	return got, err
}

// settle waits for a change that may complete a measure. It is false when the
// time is over.
func (w *World) settle(ctx context.Context, tape *cluster.Tape) bool {
	until := time.Now().Add(heartbeat)
	select {
	case <-time.After(readPause): // a busy watch changes all the time
	case <-ctx.Done():
		return false
	}
	return await(ctx, []<-chan struct{}{tape.Changed()}, until)
}

// readPause bounds how often a measure that waits for its last samples is read.
const readPause = 250 * time.Millisecond

// read reads a measure. fresh wants all that the API server would list now; what
// was recorded until a run failed is read without it.
func (w *World) read(ctx context.Context, s *plan.Step, m *spec.Measure, win window, fresh bool) (taken, *cluster.Tape, error) {
	switch {
	case m.Pods != nil:
		return w.readPods(ctx, s, m, fresh)
	case m.Objects != nil:
		return w.readObjects(ctx, s, m, fresh)
	}
	var got taken
	var err error
	switch {
	case m.API != nil:
		got = win.calls[m.Name].taken
		if got.value == nil {
			err = fmt.Errorf("the calls of %s were not made", m.Name)
		}
	case m.APIServer != nil:
		got, err = w.readAPIServer(ctx, m, win)
	case m.Prometheus != nil:
		got, err = w.readPrometheus(ctx, s, m, win)
	default:
		got, err = w.readElapsed(s, m, win.Span)
	}
	return got, nil, err
}

func (w *World) readPods(ctx context.Context, s *plan.Step, m *spec.Measure, fresh bool) (taken, *cluster.Tape, error) {
	ns, err := w.text(ctx, s.Text(m.Pods.Namespace))
	if err != nil {
		return taken{}, nil, err
	}
	query, err := w.text(ctx, s.Text(m.Pods.Selector))
	if err != nil {
		return taken{}, nil, err
	}
	selector, err := labels.Parse(query)
	if err != nil {
		return taken{}, nil, fmt.Errorf("the label selector %q cannot be read: %w", query, err)
	}
	ns = w.namespaceFor(cluster.Pods, ns)
	rec := w.recordPods(ns)
	if fresh {
		if err := w.catchUp(ctx, rec.tape, cluster.Pods, ns, query); err != nil {
			return taken{}, nil, err
		}
	}
	q := measure.PodsQuery{Namespace: ns, Selector: selector, From: m.Pods.From, By: m.Pods.By, Check: w.trusted}
	lag, bar := w.lag(ctx, "Pod", rec.pods.Window(q))
	q.Bar = bar.known()
	got := rec.pods.Measure(q)
	if got.Unknown > 0 {
		return taken{}, nil, fmt.Errorf("from: %s is known only of pods that a load step created itself, and %d of %d were not",
			m.Pods.From, got.Unknown, int64(got.Unknown)+got.Samples)
	}
	if fresh && got.Unseen > 0 {
		return taken{}, nil, fmt.Errorf("%d pods that were created were never seen on the watch", got.Unseen)
	}
	out := takenPods(m, got)
	out.measured.Lag, out.measured.Error = lag, bar.seconds()
	out.late = w.Client.Account().QueueFull > w.queueFull
	return out, rec.tape, nil
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
// simulated nodes of other clusters make theirs up.
func (w *World) trusted(phase, node string) bool {
	if phase == "scheduled" || node == "" || w.Facts.Cluster.Local {
		return true
	}
	for _, n := range w.Facts.Nodes {
		if n.Name == node {
			return !n.Simulated
		}
	}
	return !w.Facts.Cluster.Simulated
}

func (w *World) readObjects(ctx context.Context, s *plan.Step, m *spec.Measure, fresh bool) (taken, *cluster.Tape, error) {
	if _, err := w.recordObjects(ctx, s, m.Objects); err != nil {
		return taken{}, nil, err
	}
	sel, err := w.selection(ctx, s, &m.Objects.On)
	if err != nil {
		return taken{}, nil, err
	}
	rec := w.objects[m.Objects.At]
	if fresh {
		if err := w.catchUp(ctx, rec.tape, sel.resource, sel.namespace, sel.labels.String()); err != nil {
			return taken{}, nil, err
		}
	}
	lag, bar := w.lag(ctx, m.Objects.On.Kind, rec.objects.Window())
	got := rec.objects.Measure(bar.known())
	out := takenObjects(m, got)
	out.measured.Lag, out.measured.Error = lag, bar.seconds()
	out.late = w.Client.Account().QueueFull > w.queueFull
	return out, rec.tape, got.Err
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

func (w *World) readElapsed(s *plan.Step, m *spec.Measure, during Span) (taken, error) {
	span := during
	if m.Elapsed.From != "" || m.Elapsed.To != "" {
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

// span is the time of a step, or of all steps of a file.
func (w *World) span(name string) (Span, error) {
	if s, ok := w.spans[name]; ok && !s.End.IsZero() {
		return s, nil
	}
	var whole Span
	for _, step := range w.Plan.Steps {
		file := filepath.Base(step.At.File)
		s, ran := w.spans[step.ID]
		if strings.TrimSuffix(file, filepath.Ext(file)) != name || !ran || s.End.IsZero() {
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

func expected(m *spec.Measure) int64 {
	switch {
	case m.Pods != nil:
		return int64(max(m.Pods.Expect, 1))
	case m.Objects != nil:
		return int64(max(m.Objects.Expect, 1))
	}
	return 1
}

// enough fails a measure that saw fewer objects than there must be: no sample
// is no evidence.
func (w *World) enough(m *spec.Measure, got taken, r *Result) {
	if want := expected(m); got.samples < want {
		r.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonNothing, Pos: m.At,
			Message: fmt.Sprintf("%s: expected at least %d samples, and there are %d", m.Name, want, got.samples)})
	}
}
