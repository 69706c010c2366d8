package step

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// taken is one measure as it was read: what thresholds see, what reports show,
// and how far it is from what was expected.
type taken struct {
	value    any // of the CEL variable
	measured event.Measured
	samples  int64
	missing  int64
}

// measure reads the step's measures and judges them by its thresholds. Without
// a timeout it reads once; with one it waits for samples that are missing.
func (w *World) measure(ctx context.Context, s *plan.Step, r *Result) {
	during, ok := w.during(ctx, s, r)
	if !ok {
		return
	}
	for i := range s.Measure {
		m := &s.Measure[i]
		got, err := w.complete(ctx, s, m, during)
		if err != nil {
			r.add(fault(ctx, m.At, err))
			continue
		}
		w.measured[m.Name] = got.value
		r.Measures = append(r.Measures, got.measured)
		w.enough(m, got, r)
	}
	if r.Outcome != event.Passed {
		return
	}
	for i := range s.Thresholds {
		w.threshold(ctx, s, &s.Thresholds[i], r)
	}
}

// during runs the steps that the measures wrap and answers with their time. The
// first one that does not pass ends the step.
func (w *World) during(ctx context.Context, s *plan.Step, r *Result) (Span, bool) {
	span := Span{Start: time.Now()}
	for _, inner := range s.During {
		one := w.inner(ctx, inner)
		if one.Outcome != event.Passed && one.Outcome != event.Skipped {
			for _, f := range one.Findings {
				r.add(f)
			}
			r.Evidence = one.Evidence
			return span, false
		}
	}
	span.End = time.Now()
	return span, true
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

// complete reads a measure, again and again while samples are missing and the
// step has time left.
func (w *World) complete(ctx context.Context, s *plan.Step, m *spec.Measure, during Span) (taken, error) {
	for {
		got, feed, err := w.read(ctx, s, m, during)
		if err != nil || s.Timeout == 0 || feed == nil || got.missing == 0 && got.samples >= expected(m) {
			return got, err
		}
		changed := feed.Changed()
		w.Progress(fmt.Sprintf("%s: %d samples, %d missing", m.Name, got.samples, got.missing))
		if !await(ctx, []<-chan struct{}{changed}, time.Now().Add(heartbeat)) {
			got, _, err := w.read(context.WithoutCancel(ctx), s, m, during)
			return got, err
		}
	}
}

func (w *World) read(ctx context.Context, s *plan.Step, m *spec.Measure, during Span) (taken, *cluster.Feed, error) {
	switch {
	case m.Pods != nil:
		return w.readPods(ctx, s, m)
	case m.Objects != nil:
		return w.readObjects(ctx, s, m)
	}
	got, err := w.readElapsed(m, during)
	return got, nil, err
}

func (w *World) readPods(ctx context.Context, s *plan.Step, m *spec.Measure) (taken, *cluster.Feed, error) {
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
	feed := w.recordPods(ns)
	if err := w.catchUp(ctx, feed, cluster.Pods, ns, query); err != nil {
		return taken{}, nil, err
	}
	series, measured := w.pods[ns].Measure(ns, selector)
	last := series[spec.Phases[len(spec.Phases)-1]]
	return taken{
		value: series, samples: last.Count + last.Missing, missing: last.Missing,
		measured: event.Measured{Name: m.Name, Kind: m.Kind(), Series: measured},
	}, feed, nil
}

func (w *World) readObjects(ctx context.Context, s *plan.Step, m *spec.Measure) (taken, *cluster.Feed, error) {
	if w.objects[m.Objects.At] == nil {
		if err := w.recordObjects(ctx, s); err != nil {
			return taken{}, nil, err
		}
	}
	sel, err := w.selection(ctx, s, &m.Objects.On)
	if err != nil {
		return taken{}, nil, err
	}
	feed := sel.feed(w)
	if err := w.catchUp(ctx, feed, sel.resource, sel.namespace, sel.labels.String()); err != nil {
		return taken{}, nil, err
	}
	series, measured, err := w.objects[m.Objects.At].Measure()
	return taken{
		value: series, samples: series.Count + series.Missing, missing: series.Missing,
		measured: event.Measured{Name: m.Name, Kind: m.Kind(), Series: []event.MeasuredSeries{measured}},
	}, feed, err
}

// catchUp waits until the watch has shown everything that the API server would
// list now. Watches of different kinds do not keep step: a Deployment may be
// seen ready while, on a busy server, hundreds of its pods are still to come.
func (w *World) catchUp(ctx context.Context, feed *cluster.Feed, res cluster.Resource, namespace, query string) error {
	if err := feed.Synced(ctx); err != nil {
		return err
	}
	there, err := w.Client.List(ctx, res, namespace, cluster.ListOptions{Selector: query})
	if err != nil {
		return err
	}
	var newest string
	for _, o := range there {
		if newer(o.GetResourceVersion(), newest) {
			newest = o.GetResourceVersion()
		}
	}
	deadline := time.Now().Add(unreachable)
	for changed := feed.Changed(); !feed.Reached(newest); changed = feed.Changed() {
		if feed.Reached(newest) {
			break
		}
		if err := feed.Err(); err != nil {
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
	return taken{value: took, samples: 1, measured: event.Measured{Name: m.Name, Kind: m.Kind(), Value: &seconds}}, nil
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

// quantiles are the fields of a series that need a number of samples.
var quantiles = map[string]float64{"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}

// threshold judges one threshold. A quantile that the samples cannot support is
// inconclusive, whatever its value.
func (w *World) threshold(ctx context.Context, s *plan.Step, t *spec.Check, r *Result) {
	program := s.Program(t.CEL)
	values := w.with(w.measured)
	f := event.Finding{Outcome: event.Passed, Reason: event.ReasonThreshold, Pos: t.CEL.At,
		Expr: t.CEL.Text, Parts: parts(ctx, program, values)}
	f.Message = w.message(ctx, s, t)
	if f.Message == "" {
		f.Message = t.CEL.Text
	}
	for _, stat := range program.Stats() {
		q, ok := quantiles[stat.Field]
		if !ok {
			continue
		}
		series := w.seriesOf(stat.Measure, stat.Series)
		if n, needed := int(series.Count+series.Missing), stats.Needed(q); n < needed {
			f.Outcome, f.Reason = event.Inconclusive, event.ReasonSamples
			f.Message = fmt.Sprintf("%s of %s needs at least %d samples, and there are %d", stat.Field,
				strings.TrimSuffix(stat.Measure+"."+stat.Series, "."), needed, n)
			r.add(f)
			return
		}
	}
	ok, err := program.Bool(ctx, values)
	switch {
	case err != nil:
		broken := fault(ctx, t.CEL.At, err)
		f.Outcome, f.Reason, f.Message = broken.Outcome, broken.Reason, broken.Message
	case !ok:
		f.Outcome = event.Failed
		f.Message = "over the limit: " + f.Message
	}
	r.add(f)
}

func (w *World) seriesOf(measure, series string) spec.Series {
	switch v := w.measured[measure].(type) {
	case spec.Series:
		return v
	case map[string]spec.Series:
		return v[series]
	}
	return spec.Series{}
}
