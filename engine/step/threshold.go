package step

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// thresholds judges the thresholds of a step whose measures were all taken, also
// when its time is over: what was measured until then is judged.
func (w *World) thresholds(ctx context.Context, s *plan.Step, r *Result) {
	ctx = context.WithoutCancel(ctx)
	for i := range s.Thresholds {
		t := &s.Thresholds[i]
		if w.have(s.Program(t.CEL)) {
			r.add(w.threshold(ctx, s, t))
		}
	}
}

// have tells whether every measure that an expression reads was taken. One that
// was not is in the findings already.
func (w *World) have(program *expr.Program) bool {
	for _, name := range program.Names() {
		if _, ok := w.taken[name]; !ok {
			return false
		}
	}
	return true
}

// quantiles are the fields of a series that need a number of samples.
var quantiles = map[string]float64{"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}

// threshold judges one threshold:
//
//	a measure that is not measurable here             → skipped
//	a quantile of too few samples, whatever its value → inconclusive
//	samples that the server's own stamps contradict   → inconclusive
//	another answer when every sample is at its lowest
//	or at its highest, within the error of measuring  → inconclusive
//	otherwise                                          → what it says
func (w *World) threshold(ctx context.Context, s *plan.Step, t *spec.Threshold) event.Finding {
	program := s.Program(t.CEL)
	f := event.Finding{Outcome: event.Passed, Reason: event.ReasonThreshold, Pos: t.CEL.At, Expr: t.CEL.Text}
	if f, skipped := w.skipped(program, f); skipped {
		return f
	}
	values := w.with(w.bindings(program, func(m taken) any { return m.value }))
	f.Parts = parts(ctx, program, values)
	f.Message = w.thresholdMessage(ctx, s, t)
	if problem, reason := w.doubt(program); problem != "" {
		f.Outcome, f.Reason, f.Message = event.Inconclusive, reason, problem
		return f
	}
	ok, err := program.Bool(ctx, values)
	if problem := w.unknown(program, f.Parts); problem != "" && err == nil {
		err = errors.New(problem)
	}
	if err != nil {
		broken := fault(ctx, t.CEL.At, err)
		f.Outcome, f.Reason, f.Message = broken.Outcome, broken.Reason, broken.Message
		return f
	}
	if problem := w.withinError(ctx, program, ok); problem != "" {
		f.Outcome, f.Reason, f.Message = event.Inconclusive, event.ReasonError, problem
		return f
	}
	if !ok {
		f.Outcome = event.Failed
		f.Message = "over the limit: " + f.Message
	}
	return f
}

// bindings are the measures that an expression reads.
func (w *World) bindings(program *expr.Program, pick func(taken) any) expr.Values {
	out := expr.Values{}
	for _, name := range program.Names() {
		out[name] = pick(w.taken[name])
	}
	return out
}

func (w *World) thresholdMessage(ctx context.Context, s *plan.Step, t *spec.Threshold) string {
	if p := s.Text(t.Message); p != nil {
		text, err := w.text(ctx, p)
		if err == nil && text != "" {
			return text
		}
	}
	return t.CEL.Text
}

// doubt says why the samples cannot support any answer.
func (w *World) doubt(program *expr.Program) (string, event.Reason) {
	for _, name := range program.Names() {
		if m := w.taken[name]; m.doubt != "" {
			return name + ": " + m.doubt, cmp.Or(m.doubtful, event.ReasonSamples)
		}
	}
	for _, stat := range program.Stats() {
		m := w.taken[stat.Measure]
		name := strings.TrimSuffix(stat.Measure+"."+stat.Series, ".")
		if q, ok := quantiles[stat.Field]; ok {
			series, _ := spec.SeriesOf(m.value, stat.Series)
			if n, needed := int(series.Count+series.Missing), stats.Needed(q); n < needed {
				return fmt.Sprintf("%s of %s needs at least %d samples, and there are %d", stat.Field, name, needed, n),
					event.ReasonSamples
			}
		}
		if l := m.measured.Lag; l != nil && l.P99 == nil && l.Missing > 0 {
			return fmt.Sprintf("the watch stalled while %s was measured: %d of %d changes of the probe never came back",
				stat.Measure, l.Missing, l.Missing+l.Count), event.ReasonError
		}
		if l := m.measured.Lag; l != nil && m.measured.Error == nil {
			return fmt.Sprintf("the error of measuring %s is not known: only %d changes of the probe came back in time",
				stat.Measure, l.Count), event.ReasonError
		}
		if m.late {
			return fmt.Sprintf("events came faster than they could be read while %s was measured, so their stamps are late",
				stat.Measure), event.ReasonError
		}
		if n := skewed(m.measured, stat.Series); n > 0 {
			return fmt.Sprintf("the server's own time stamps contradict %d samples of %s: "+
				"a clock was changed, or the watch stalled", n, name), event.ReasonSkew
		}
	}
	return "", ""
}

// skewed is the number of samples of a series that the server's stamps contradict.
func skewed(m event.Measured, path string) int64 {
	path = strings.TrimPrefix(path, spec.WorstGroup+".")
	for _, s := range m.Series {
		if s.Name == path && s.Group == "" {
			return s.Skewed
		}
	}
	return 0
}

// withinError says that the answer depends on the error of measuring.
func (w *World) withinError(ctx context.Context, program *expr.Program, nominal bool) string {
	bound := func(pick func(taken) any) (bool, error) {
		return program.Bool(ctx, w.with(w.bindings(program, func(m taken) any {
			if v := pick(m); v != nil {
				return v
			}
			return m.value
		})))
	}
	low, errLow := bound(func(m taken) any { return m.low })
	high, errHigh := bound(func(m taken) any { return m.high })
	if errLow == nil && errHigh == nil && low == nominal && high == nominal {
		return ""
	}
	var errors []string
	for _, name := range program.Names() {
		m := w.taken[name].measured
		var late int64
		for _, s := range m.Series {
			late += s.Late
		}
		switch {
		case late > 0:
			errors = append(errors, fmt.Sprintf("%s: the watch was interrupted, and some samples are known only within bounds", name))
		case m.Kind == "usage":
			errors = append(errors, name+": the kubelets' stamps lie before and behind the time that is measured; a longer time has a smaller error")
		case m.Failures != nil:
			errors = append(errors, fmt.Sprintf("%s: of %d requests the share that fails is known only to be from %.3g to %.3g (95 %%)",
				name, m.Delivery.Due, m.Failures.Low, m.Failures.High))
		case m.Error != nil:
			errors = append(errors, fmt.Sprintf("%s ± %s", name, time.Duration(*m.Error*float64(time.Second)).Round(10*time.Microsecond)))
		}
	}
	return "the limit lies within the error of measuring: " + strings.Join(errors, ", ")
}
