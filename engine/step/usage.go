package step

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// defaultEvery is the distance of the samples: as often as a kubelet looks itself.
const defaultEvery = 10 * time.Second

// startUsage starts the samplers of the measures that are of the whole scenario.
// One that cannot be started says so when it is read.
func (w *World) startUsage(ctx context.Context) {
	w.usage = map[spec.Pos]*usageSampler{}
	var visit func(s *plan.Step)
	visit = func(s *plan.Step) {
		for i := range s.Measure {
			if m := &s.Measure[i]; m.Usage != nil && !ownWindow(s, m) && w.unmeasurable(ctx, s, m) == "" {
				if sampler, err := w.sampleUsage(ctx, s, m); err == nil {
					w.usage[m.Usage.At] = sampler
				}
			}
		}
		for _, inner := range s.During {
			visit(inner)
		}
	}
	for _, s := range w.Plan.Steps {
		if s.Repeat <= 1 {
			visit(s)
		}
	}
}

// stopUsage ends the samplers of the whole scenario.
func (w *World) stopUsage() {
	for _, sampler := range w.usage {
		sampler.halt()
	}
}

// ownWindow tells a measure of its step's time from one since the scenario began.
func ownWindow(s *plan.Step, m *spec.Measure) bool {
	return len(s.During) > 0 || m.Usage.For.Value > 0
}

// sampleUsage begins to sample. When it returns, the first round is in: its stamps
// are those at or before the beginning of the time that is measured.
func (w *World) sampleUsage(ctx context.Context, s *plan.Step, m *spec.Measure) (*usageSampler, error) {
	u := m.Usage
	sampler := &usageSampler{
		client: w.Client, usage: measure.NewUsage(), every: u.Every.Or(defaultEvery), free: u.For.Value > 0,
		of: "nodes", against: u.Against,
		sources: map[string]string{}, summaries: map[string]time.Time{}, failed: map[string]failures{},
	}
	selector, err := w.labels(ctx, s, u.Selector)
	if err != nil {
		return nil, err
	}
	real := map[string]spec.Node{}
	for _, n := range w.Facts.Nodes {
		if n.Simulated {
			sampler.simulated++
			continue
		}
		real[n.Name] = n
		if u.Of != "pods" && selector.Matches(labels.Set(n.Labels)) {
			sampler.nodes = append(sampler.nodes, n)
		}
	}
	if u.Of == "pods" {
		ns, err := w.text(ctx, s.Text(u.Namespace))
		if err != nil {
			return nil, err
		}
		sampler.of, sampler.selector, sampler.real = "pods", selector, real
		sampler.namespace = w.namespaceFor(cluster.Pods, ns)
		sampler.feed = w.feed(cluster.Pods, ns)
		if err := sampler.feed.Synced(ctx); err != nil {
			return nil, err
		}
	}
	if sampler.against == "" {
		sampler.against = map[string]string{"nodes": "allocatable", "pods": "requests"}[sampler.of]
	}
	sampler.start(ctx)
	return sampler, nil
}

// usageUnmeasurable says why the usage cannot be measured here: the nodes that it
// is of, or that pods could be on, are all simulated.
func (w *World) usageUnmeasurable(ctx context.Context, s *plan.Step, u *spec.UsageMeasure) string {
	selector := labels.Everything()
	if u.Of != "pods" {
		if chosen, err := w.labels(ctx, s, u.Selector); err == nil {
			selector = chosen
		}
	}
	simulated := 0
	for _, n := range w.Facts.Nodes {
		if !selector.Matches(labels.Set(n.Labels)) {
			continue
		}
		if !n.Simulated {
			return ""
		}
		simulated++
	}
	if simulated == 0 {
		return ""
	}
	return "the nodes are simulated: no kubelet measures what they use"
}

// readUsage ends the measure's time, unless that has been done, waits for the
// stamps behind it, and puts the readings together.
func (w *World) readUsage(ctx context.Context, s *plan.Step, m *spec.Measure, win window) (taken, error) {
	sampler := win.usage[m.Name]
	if err := win.failed[m.Name]; err != nil {
		return taken{}, err
	}
	if sampler == nil {
		sampler = w.usage[m.Usage.At]
	}
	if sampler == nil { // it could not be started when the scenario began
		var err error
		if sampler, err = w.sampleUsage(ctx, s, m); err != nil {
			return taken{}, err
		}
	}
	if win.usage[m.Name] == nil {
		sampler.end(ctx)
	}
	if f := m.Usage.For.Value; sampler.ended.Sub(sampler.began) < f && ctx.Err() != nil {
		return taken{}, fmt.Errorf("%s was to be measured for %s: %w", m.Name, f, ctx.Err())
	}
	w.Progress(m.Name + ": waits for the kubelets' next stamps")
	sampler.settle(ctx)
	return w.takenUsage(m, sampler)
}

// takenUsage is what the sampler has read so far.
func (w *World) takenUsage(m *spec.Measure, sampler *usageSampler) (taken, error) {
	got := sampler.usage.Measure(measure.UsageQuery{
		Of: sampler.of, Against: sampler.against, Asked: sampler.ended.Sub(sampler.began), Start: w.began,
		Free: sampler.free,
	})
	out := taken{value: got.Usage, low: got.Low, high: got.High, samples: got.Stamps, measured: got.Measured, doubt: got.Doubt, without: got.Without}
	out.measured.Name, out.measured.Kind, out.measured.Unit = m.Name, m.Kind(), "share"
	for _, note := range slices.Concat(got.Notes, sampler.notes()) {
		out.notes = append(out.notes, m.Name+": "+note)
	}
	if len(got.Measured.Series) > 0 || got.Stamps > 0 {
		return out, nil
	}
	switch {
	case sampler.of == "pods" && sampler.onSimulated > 0:
		out.measured.Unmeasurable = "the pods are on simulated nodes: no kubelet measures what they use"
		return out, nil
	case len(sampler.failed) > 0:
		return taken{}, sampler.refusal()
	}
	return out, nil // nothing was selected: `enough` says so
}

// unknown says what a threshold reads that there is no figure of.
func (w *World) unknown(program *expr.Program, parts []event.Part) string {
	for _, name := range program.Names() {
		for path, why := range w.taken[name].without {
			reads := func(p event.Part) bool { return strings.Contains(p.Expr, name+"."+path) }
			if slices.ContainsFunc(parts, reads) {
				return fmt.Sprintf("%s.%s is not known: %s", name, path, why)
			}
		}
	}
	if i := slices.IndexFunc(parts, func(p event.Part) bool { return strings.Contains(p.Value, "NaN") }); i >= 0 {
		return "there is no figure for " + parts[i].Expr
	}
	return ""
}

// beginUsage starts the samplers of the measures that are of the step's own time.
func (w *World) beginUsage(ctx context.Context, s *plan.Step, win *window) {
	for i := range s.Measure {
		m := &s.Measure[i]
		if m.Usage == nil || !ownWindow(s, m) || win.not[m.Name] != "" {
			continue
		}
		sampler, err := w.sampleUsage(ctx, s, m)
		if err != nil {
			win.failed[m.Name] = err
			continue
		}
		win.usage[m.Name] = sampler
	}
}

// takeUsage keeps what was read until the steps under `during` did not pass.
func (w *World) takeUsage(s *plan.Step, win window, r *Result) {
	for i := range s.Measure {
		if sampler := win.usage[s.Measure[i].Name]; sampler != nil {
			if got, err := w.takenUsage(&s.Measure[i], sampler); err == nil {
				w.take(got, r)
			}
		}
	}
}

// usageOf is the usage measure of that name.
func usageOf(s *plan.Step, name string) *spec.UsageMeasure {
	for i := range s.Measure {
		if s.Measure[i].Name == name {
			return s.Measure[i].Usage
		}
	}
	return nil
}
