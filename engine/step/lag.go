package step

import (
	"context"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

// bar is how far a sample may be from the truth. It is not known where there is
// no probe, or too few of its echoes.
type bar struct {
	is    bool
	value time.Duration // spec.Missing when changes of the probe never came back
}

func (b bar) known() time.Duration {
	if !b.is {
		return 0
	}
	return b.value
}

func (b bar) seconds() *float64 {
	if !b.is || b.value == spec.Missing {
		return nil
	}
	s := b.value.Seconds()
	return &s
}

// lag is how late the watch was while it brought the samples of a measure: the
// echoes of the probe in that time, and a little more. It waits for the echoes
// that are still to come.
func (w *World) lag(ctx context.Context, kind string, span [2]time.Time) (*event.Lag, bar) {
	p := w.probeOf(kind)
	if p == nil {
		return nil, bar{}
	}
	if span[0].IsZero() {
		span = [2]time.Time{w.began, time.Now()}
	}
	window := measure.Probing{
		From: span[0].Add(-probeMargin), To: span[1].Add(probeMargin),
		Interval: probeInterval, Grace: probeMargin, What: p.what,
	}
	deadline := time.Now().Add(probePatience)
	for {
		lag, value, ok := measure.Lag(p.echoes(), window)
		if ok && lag.Missing == 0 && time.Now().After(window.To) || ctx.Err() != nil || time.Now().After(deadline) {
			return &lag, bar{is: ok, value: value}
		}
		pause(ctx, probeInterval)
	}
}

func (p *echoed) echoes() []measure.Echo {
	echoes := p.canary.Echoes()
	all := make([]measure.Echo, len(echoes))
	for i, e := range echoes {
		all[i] = measure.Echo(e)
	}
	return all
}

const (
	// probeInterval is the time between two changes of a probe: short enough for
	// hundreds of echoes within a minute, and few requests beside those of a load.
	probeInterval = 100 * time.Millisecond
	// probeMargin widens the time of the samples, so that even a short one has
	// the five echoes that say something.
	probeMargin = 500 * time.Millisecond
	// probePatience is how long a measure waits for the echoes of its time.
	probePatience = 10 * time.Second
)
