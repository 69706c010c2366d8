package step

import (
	"context"
	"errors"
	"sync"

	"github.com/realspec/realspec/engine/agent"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// traffic is a measure that sends something itself, beside the steps under during.
type traffic interface {
	// start begins to send: when it returns, the measure's time has begun.
	start(ctx context.Context) error
	// wait waits for the end: its own, or when stop is closed that of a measure which
	// has none. When ctx ends first, it has what there is until then.
	wait(ctx context.Context, stop <-chan struct{})
	// taken is what was measured. ctx is that of the step.
	taken(ctx context.Context) (taken, error)
}

// prepareTraffic makes everything ready that sending needs, agents above all, so
// that the steps under during do not begin before there is traffic.
func (w *World) prepareTraffic(ctx context.Context, s *plan.Step, win *window) {
	win.traffic = map[string]traffic{}
	for i := range s.Measure {
		m := &s.Measure[i]
		if m.HTTP == nil && m.Network == nil || win.not[m.Name] != "" {
			continue
		}
		var t traffic
		var err error
		if m.HTTP != nil {
			t, err = w.prepareRequests(ctx, s, m)
		} else {
			t, err = w.prepareNetwork(ctx, s, m)
		}
		win.keep(m, t, err)
	}
}

// startTraffic begins to send.
func (w *World) startTraffic(ctx context.Context, s *plan.Step, win *window) {
	for i := range s.Measure {
		m := &s.Measure[i]
		if t := win.traffic[m.Name]; t != nil {
			win.keep(m, t, t.start(ctx))
		}
	}
}

// keep notes what became of a measure that sends.
func (win *window) keep(m *spec.Measure, t traffic, err error) {
	var not *agent.ErrNotMeasurable
	switch {
	case err == nil:
		win.traffic[m.Name] = t
		return
	case errors.As(err, &not):
		win.not[m.Name] = not.Reason
	case outputMissing(err) != "":
		win.not[m.Name] = outputMissing(err)
	default:
		win.failed[m.Name] = err
	}
	delete(win.traffic, m.Name)
}

// waitTraffic waits in goroutines of their own.
func (win *window) waitTraffic(ctx context.Context, waiting *sync.WaitGroup, stop <-chan struct{}) {
	for _, t := range win.traffic {
		waiting.Go(func() { t.wait(ctx, stop) })
	}
}

// readTraffic is what was measured by sending.
func (w *World) readTraffic(ctx context.Context, m *spec.Measure, win window) (taken, error) {
	if err := win.failed[m.Name]; err != nil {
		return taken{}, err
	}
	t := win.traffic[m.Name]
	if t == nil {
		return taken{}, errors.New(m.Name + " was not measured: nothing was sent")
	}
	got, err := t.taken(ctx)
	if err != nil {
		return taken{}, err
	}
	got.measured.Name, got.measured.Kind = m.Name, m.Kind()
	got.measured.What = w.redact(got.measured.What)
	for i, note := range got.notes {
		got.notes[i] = m.Name + ": " + note
	}
	return got, nil
}

// takeTraffic keeps what was measured until the steps under during did not pass.
func (w *World) takeTraffic(ctx context.Context, s *plan.Step, win window, r *Result) {
	for i := range s.Measure {
		m := &s.Measure[i]
		if win.traffic[m.Name] == nil {
			continue
		}
		if got, err := w.readTraffic(ctx, m, win); err == nil {
			w.take(got, r)
		}
	}
}
