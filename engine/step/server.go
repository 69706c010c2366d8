package step

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// metricsAtStart reads the API server's metrics when the scenario begins, if a
// measure will ask for the difference. An error shows when that measure is read.
func (w *World) metricsAtStart(ctx context.Context) []byte {
	for _, s := range w.Plan.Steps {
		if len(s.During) == 0 {
			if text := w.metricsBefore(ctx, s); text != nil {
				return text
			}
		}
	}
	return nil
}

// metricsBefore reads the API server's metrics when a step begins that measures it.
func (w *World) metricsBefore(ctx context.Context, s *plan.Step) []byte {
	for i := range s.Measure {
		if s.Measure[i].APIServer == nil {
			continue
		}
		text, _, err := w.Client.Raw(ctx, "/metrics", nil)
		if err != nil {
			return nil // reading it again at the end says why
		}
		return text
	}
	return nil
}

// readAPIServer is what the API server measured itself between two readings.
func (w *World) readAPIServer(ctx context.Context, m *spec.Measure, win window) (taken, error) {
	after, _, err := w.Client.Raw(ctx, "/metrics", nil)
	if err != nil {
		return taken{}, err
	}
	if win.metrics == nil {
		return taken{}, fmt.Errorf("%s: the API server's metrics could not be read when the time began", m.Name)
	}
	got, err := measure.ServerLatency(win.metrics, after, m.APIServer.Resources)
	if err != nil {
		return taken{}, err
	}
	// The histogram tells the bucket of a call: the truth lies between its bounds.
	return taken{value: got.Latency, low: got.Low, high: got.Latency, samples: 1, measured: event.Measured{
		Name: m.Name, Kind: m.Kind(), Unit: "s", Series: got.Series,
		What: "apiserver_request_sli_duration_seconds, upper bounds of its buckets",
	}}, nil
}

// readPrometheus asks a Prometheus over the window, or since the scenario began.
func (w *World) readPrometheus(ctx context.Context, s *plan.Step, m *spec.Measure, win window) (taken, error) {
	p := m.Prometheus
	var texts [3]string
	for i, t := range []spec.Text{p.URL, p.Query, p.Token} {
		var err error
		if texts[i], err = w.text(ctx, s.Text(t)); err != nil {
			return taken{}, err
		}
	}
	address, transport := texts[0], http.DefaultTransport
	if strings.HasPrefix(address, "/") {
		address = strings.TrimSuffix(w.Client.Server().String(), "/") + address
		transport = w.Client.RoundTripper()
	}
	span := [2]time.Time{w.began, time.Now()}
	if len(s.During) > 0 {
		span = [2]time.Time{win.Start, win.End}
	}
	ctx, cancel := context.WithTimeout(ctx, prometheusTime)
	defer cancel()
	value, measured, err := measure.Prometheus(ctx, transport, measure.PromQuery{
		URL: address, Query: texts[1], Token: texts[2], From: span[0], To: span[1], Step: p.Step.Value,
	})
	if err != nil {
		return taken{}, fmt.Errorf("%s: %w", m.Name, err)
	}
	measured.Name, measured.Kind = m.Name, m.Kind()
	return taken{value: value, samples: value.Count, measured: measured}, nil
}

// prometheusTime is how long a query may take.
const prometheusTime = 30 * time.Second
