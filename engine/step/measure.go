package step

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

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
	// doubt says why there is too little for any verdict, without of what there is
	// no figure and why; notes are for a reader of the step.
	doubt    string
	doubtful event.Reason // of doubt; default: too few samples
	short    string       // why the load was not delivered as asked
	without  map[string]string
	notes    []string
	// What repetitions are pooled from.
	pods    *measure.PodsResult
	objects *measure.ObjectsResult
}

// window is the time that a measure covers, and what was read when it began.
type window struct {
	Span
	metrics []byte
	calls   map[string]delivered     // api measures that ran meanwhile, by name
	usage   map[string]*usageSampler // usage measures of this time, by name
	failed  map[string]error         // those that could not be started
	not     map[string]string        // measures that are not measurable here, by name, and why
	traffic map[string]traffic       // http and network measures, by name
	did     []string                 // what the steps under during did, for a reader
}

// measure reads the step's measures and judges them by its thresholds. Without
// a timeout it reads once; with one it waits for samples that are missing.
func (w *World) measure(ctx context.Context, s *plan.Step, r *Result) {
	win, ok := w.during(ctx, s, r)
	defer func() { r.Notes = append(r.Notes, win.did...) }()
	if !ok {
		for _, did := range win.calls {
			w.take(did.taken, r)
		}
		w.takeUsage(s, win, r)
		w.takeTraffic(ctx, s, win, r)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
		defer cancel()
		w.keep(ctx, s, r)
		return
	}
	for i := range s.Measure {
		m := &s.Measure[i]
		if why := win.not[m.Name]; why != "" {
			w.take(unmeasured(m, why), r)
			continue
		}
		got, err := w.complete(ctx, s, m, win, r)
		if why := outputMissing(err); why != "" {
			w.take(unmeasured(m, why), r)
			continue
		}
		if err != nil {
			r.add(fault(ctx, m.At, err))
			continue
		}
		w.take(got, r)
		if got.measured.Unmeasurable != "" {
			continue
		}
		if call, ok := win.calls[m.Name]; ok {
			call.judge(m.At, r)
		}
		if got.short != "" {
			r.add(event.Finding{Outcome: event.Inconclusive, Reason: event.ReasonDelivery, Pos: m.At,
				Message: m.Name + ": the load was not delivered: " + got.short})
		}
		w.enough(m, got, r)
	}
	w.thresholds(ctx, s, r)
	w.baseline(s, r)
	skipUnmeasured(s, r)
}

// keepTime is how long taking the measures of a step that has failed may take.
const keepTime = 5 * time.Second

// take keeps a measure for thresholds and reports.
func (w *World) take(t taken, r *Result) {
	w.taken[t.measured.Name] = t
	r.Measures = append(r.Measures, t.measured)
	r.Notes = append(r.Notes, t.notes...)
}

// during runs the steps that the measures wrap, and the calls of the api measures
// beside them, and answers with their time. The first step that does not pass
// ends the step.
func (w *World) during(ctx context.Context, s *plan.Step, r *Result) (window, bool) {
	win := window{metrics: w.metrics, calls: map[string]delivered{}, usage: map[string]*usageSampler{},
		failed: map[string]error{}, not: map[string]string{}}
	for i := range s.Measure {
		if why := w.unmeasurable(ctx, s, &s.Measure[i]); why != "" {
			win.not[s.Measure[i].Name] = why
		}
	}
	if len(s.During) > 0 {
		win.metrics = w.metricsBefore(ctx, s)
	}
	w.prepareTraffic(ctx, s, &win)
	w.beginUsage(ctx, s, &win)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	w.startTraffic(ctx, s, &win)
	win.Start = time.Now()
	wrapped := make(chan struct{})
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
			if why := outputMissing(err); why != "" {
				win.not[m.Name] = why
				return
			}
			if err != nil {
				r.add(fault(ctx, m.At, err))
				return
			}
			win.calls[m.Name] = did
		})
	}
	for name, sampler := range win.usage {
		if f := usageOf(s, name).For.Value; f > 0 {
			calling.Go(func() { sampler.run(ctx, f) })
		}
	}
	win.waitTraffic(ctx, &calling, wrapped)
	ok := w.wrapped(ctx, s, &win, r, &mu)
	close(wrapped)
	if !ok {
		stop()
	}
	calling.Wait()
	win.End = time.Now()
	for _, sampler := range win.usage {
		if sampler.ended.IsZero() {
			sampler.end(ctx)
		}
	}
	return win, ok
}

// wrapped runs the steps under during. Where one of them is not measurable here, or
// none ran, nor is the time that they take.
func (w *World) wrapped(ctx context.Context, s *plan.Step, win *window, r *Result, mu *sync.Mutex) bool {
	ran, why := 0, ""
	for _, inner := range s.During {
		one := w.inner(ctx, inner)
		mu.Lock()
		switch {
		case one.Outcome != event.Skipped:
			ran++
		case one.Reason == event.ReasonUnmeasured:
			why = cmp.Or(why, one.Message)
		}
		r.Measures = append(r.Measures, one.Measures...)
		win.did = append(win.did, one.Notes...)
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
	if ran == 0 {
		why = cmp.Or(why, "none of the steps that it measures ran")
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range s.Measure {
		m := &s.Measure[i]
		if m.Elapsed != nil && m.Elapsed.From == "" && m.Elapsed.To == "" && why != "" {
			win.not[m.Name] = why
		}
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

// complete reads a measure. A measure of pods or objects whose step has a timeout
// first waits until no sample is missing. When that does not come in time, the
// step fails, and what was recorded until then is judged all the same.
func (w *World) complete(ctx context.Context, s *plan.Step, m *spec.Measure, win window, r *Result) (taken, error) {
	if s.Timeout == 0 || m.Pods == nil && m.Objects == nil {
		return w.read(ctx, s, m, win, true)
	}
	settled, err := w.settle(ctx, s, m)
	switch {
	case err != nil:
		return taken{}, err
	case settled:
		return w.read(ctx, s, m, win, true)
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	got, err := w.read(late, s, m, win, false)
	if err == nil {
		f := fault(ctx, m.At, ctx.Err())
		f.Message = fmt.Sprintf("%s: %d of %d samples, at least %d are expected: %s", m.Name,
			got.samples-got.missing, got.samples, expected(m), f.Message)
		r.add(f)
	}
	return got, err
}

// settle waits until every object that a measure expects is there and has all its
// samples. It is false when the time is over.
func (w *World) settle(ctx context.Context, s *plan.Step, m *spec.Measure) (bool, error) {
	for {
		samples, missing, tape, err := w.count(ctx, s, m)
		switch {
		case ctx.Err() != nil:
			return false, nil
		case err != nil || missing == 0 && samples >= expected(m):
			return true, err
		}
		w.Progress(fmt.Sprintf("%s: %d samples, %d missing", m.Name, samples, missing))
		// A busy watch changes all the time.
		if !pause(ctx, pauseBetween) || !await(ctx, []<-chan struct{}{tape.Changed()}, time.Now().Add(heartbeat)) {
			return false, nil
		}
	}
}

// count is how many samples a measure has, and how many of them are missing.
func (w *World) count(ctx context.Context, s *plan.Step, m *spec.Measure) (samples, missing int64, tape *cluster.Tape, err error) {
	if m.Pods != nil {
		q, err := w.podsQuery(ctx, s, m)
		if err != nil {
			return 0, 0, nil, err
		}
		rec := w.recordPods(q.Namespace)
		samples, missing = rec.pods.Count(q)
		return samples, missing, rec.tape, rec.tape.Err()
	}
	if tape, err = w.recordObjects(ctx, s, m.Objects); err != nil {
		return 0, 0, nil, err
	}
	samples, missing = w.objects[m.Objects.At].objects.Count()
	return samples, missing, tape, tape.Err()
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
