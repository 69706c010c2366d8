package step

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/rate"
	"github.com/realspec/realspec/engine/spec"
)

// mostInFlight is how many requests of a load are in flight by default: enough
// for 1,000 a second at 250 ms each.
const mostInFlight = 256

// load creates the step's objects at their due times, keeps them for a while,
// and reports what was delivered of what was asked.
func (w *World) load(ctx context.Context, s *plan.Step, r *Result) {
	l := s.Load
	schedule, err := schedule(l.Rate, l.Count, l.For.Value, l.Ramp.Value, l.Stages)
	if err != nil {
		r.add(fault(ctx, l.At, err))
		return
	}
	m, err := w.maker(s, l.Object, l.WarmUp)
	if err != nil {
		r.add(fault(ctx, l.At, err))
		return
	}
	did := w.deliver(ctx, delivery{
		name: l.Measure(), kind: "load", schedule: schedule, concurrency: l.Concurrency, warmUp: l.WarmUp,
		call: m.create, ended: m.ended,
	})
	w.take(did.taken, r)
	did.judge(l.At, r)
	if l.Hold.Value > 0 && ctx.Err() == nil {
		w.hold(ctx, s, m, schedule.Len(), r)
	}
	w.thresholds(ctx, s, r)
}

// schedule gives the due times of a load or of calls.
func schedule(perSecond float64, count int, during, ramp time.Duration, stages []spec.Stage) (rate.Schedule, error) {
	if len(stages) > 0 {
		var all []rate.Stage
		for _, s := range stages {
			all = append(all, rate.Stage{Rate: s.Rate, For: s.For.Value, Ramp: s.Ramp})
		}
		return rate.Stages(all, count)
	}
	if perSecond == 0 {
		return rate.Burst(count), nil
	}
	return rate.Constant(perSecond, count, during, ramp)
}

// hold keeps the objects, and with churn replaces the oldest ones meanwhile.
func (w *World) hold(ctx context.Context, s *plan.Step, m *maker, made int, r *Result) {
	l := s.Load
	if l.Churn == 0 {
		w.Progress(fmt.Sprintf("holding %d objects for %s", made, l.Hold.Value))
		if !pause(ctx, l.Hold.Value) {
			r.add(fault(ctx, l.At, ctx.Err()))
		}
		return
	}
	churn, err := rate.Constant(l.Churn, 0, l.Hold.Value, 0)
	if err != nil {
		r.add(fault(ctx, l.At, err))
		return
	}
	did := w.deliver(ctx, delivery{
		name: l.Measure() + spec.ChurnSuffix, kind: "load", schedule: churn, concurrency: l.Concurrency,
		call: func(ctx context.Context, i int) (rate.Done, error) {
			gone, err := m.remove(ctx, i)
			if err != nil {
				return rate.Done{Sent: gone.Sent}, err
			}
			did, err := m.create(ctx, made+i)
			return rate.Done{Sent: gone.Sent, Ended: did.Ended}, err
		},
		ended: func(shot rate.Shot) { shot.Index += made; m.ended(shot) },
	})
	w.take(did.taken, r)
	did.judge(l.At, r)
}

// delivery is work at a rate: creating objects, or calling the API.
type delivery struct {
	name, kind  string
	schedule    rate.Schedule
	concurrency int
	warmUp      int
	call        rate.Operation
	ended       func(rate.Shot) // may be nil
}

// deliver does the work and tells what became of it.
func (w *World) deliver(ctx context.Context, d delivery) delivered {
	var calls measure.Calls
	var first error
	result := rate.Run(ctx, d.schedule, d.call, rate.Options{
		Concurrency: cmp.Or(d.concurrency, mostInFlight), WarmUp: d.warmUp,
		Progress: func(p rate.Progress) {
			w.Progress(fmt.Sprintf("%s: %d of %d, %d in flight", d.name, p.Ended, p.Total, p.Started-p.Ended))
		},
	}, func(shot rate.Shot) {
		calls.Shot(shot.Index, shot.Due, shot.Sent, shot.Ended, shot.Err)
		if shot.Err != nil && !errors.Is(shot.Err, context.Canceled) {
			first = cmp.Or(first, shot.Err)
		}
		if d.ended != nil {
			d.ended(shot)
		}
	})
	for i := range result.Dropped { // never sent, so they are no shots
		calls.Shot(result.Due-result.Dropped+i, time.Time{}, time.Time{}, time.Time{}, context.Canceled)
	}
	series, measured := calls.Series()
	measured.Name = "latency"
	_, short := result.Delivered()
	out := delivered{first: first}
	out.value = spec.Delivery{
		Count: int64(result.Sent - result.Failed), Failed: int64(result.Failed), Dropped: int64(result.Dropped),
		Asked: result.Asked, Rate: result.Achieved, Lag: result.WorstLag, Latency: series,
	}
	out.measured = event.Measured{
		Name: d.name, Kind: d.kind, Unit: "s", From: "due", Series: []event.MeasuredSeries{measured},
		Delivery: &event.Delivery{
			Asked: result.Asked, Rate: result.Achieved, Due: result.Planned, Sent: result.Sent,
			Failed: result.Failed, Dropped: result.Dropped, Short: short,
			WorstLag: result.WorstLag.Seconds(), LagP99: result.LagP99.Seconds(),
		},
	}
	out.samples, out.missing = series.Count+series.Missing, series.Missing
	return out
}

// delivered is what became of work at a rate.
type delivered struct {
	taken
	first error // of an operation
}

// judge fails the step for operations that were refused, and makes it
// inconclusive when the load was not what was asked for.
func (d delivered) judge(at spec.Pos, r *Result) {
	if n := d.measured.Delivery.Failed; n > 0 && d.first != nil {
		f := fault(context.Background(), at, d.first)
		f.Message = fmt.Sprintf("%d of %d failed, the first: %s", n, d.measured.Delivery.Due, f.Message)
		r.add(f)
	}
	if short := d.measured.Delivery.Short; short != "" {
		r.add(event.Finding{Outcome: event.Inconclusive, Reason: event.ReasonDelivery, Pos: at,
			Message: d.measured.Name + ": the load was not delivered: " + short})
	}
}

// maker makes objects from a template, each by its index.
type maker struct {
	w        *World
	template *expr.Object
	resource cluster.Resource
	warmUp   int // the first objects, which measures leave out

	mu    sync.Mutex
	there map[int]types.NamespacedName // the objects that were made and not removed
	uids  map[int]types.UID
}

func (w *World) maker(s *plan.Step, template spec.Object, warmUp int) (*maker, error) {
	apiVersion, _ := template.Fields["apiVersion"].(string)
	kind, _ := template.Fields["kind"].(string)
	res, err := w.Client.Resource(apiVersion, kind)
	if err != nil {
		return nil, err
	}
	return &maker{w: w, template: s.Object(template), resource: res, warmUp: warmUp,
		there: map[int]types.NamespacedName{}, uids: map[int]types.UID{}}, nil
}

// render is object i with the run's labels, in the scenario's namespace.
func (m *maker) render(ctx context.Context, i int) (*unstructured.Unstructured, error) {
	fields, err := m.template.Eval(ctx, m.w.with(expr.Values{"index": int64(i)}))
	if err != nil {
		return nil, err
	}
	o := &unstructured.Unstructured{Object: fields}
	m.w.label(o)
	if o.GetName() == "" && o.GetGenerateName() == "" {
		o.SetName(fmt.Sprintf("%s-%d", strings.ToLower(o.GetKind()), i))
	}
	switch {
	case !m.resource.Namespaced:
		o.SetNamespace("")
	case o.GetNamespace() == "":
		o.SetNamespace(m.w.Namespace)
	}
	return o, nil
}

// create creates object i, in exactly one request.
func (m *maker) create(ctx context.Context, i int) (rate.Done, error) {
	o, err := m.render(ctx, i)
	if err != nil {
		return rate.Done{}, err
	}
	if err := m.w.mayWrite(o, nil); err != nil {
		return rate.Done{}, err
	}
	body, err := json.Marshal(o.Object)
	if err != nil {
		return rate.Done{}, err
	}
	made, err := m.w.Client.Create(ctx, m.resource, o.GetNamespace(), body)
	if err != nil {
		return rate.Done{Sent: made.Sent, Ended: made.Accepted}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.there[i] = types.NamespacedName{Namespace: o.GetNamespace(), Name: made.Name}
	switch {
	case m.resource != cluster.Pods:
	case i < m.warmUp:
		m.stamp(made.UID, measure.Stamps{WarmUp: true})
	default:
		m.uids[i] = made.UID
	}
	if o.GetNamespace() != m.w.Namespace {
		m.w.made.Lock()
		defer m.w.made.Unlock()
		m.w.applied = append(m.w.applied, applied{
			resource: m.resource, namespace: o.GetNamespace(), name: made.Name, uid: made.UID,
		})
	}
	return rate.Done{Sent: made.Sent, Ended: made.Accepted}, nil
}

// ended tells the recorder of pods when the pod was due, sent and accepted.
func (m *maker) ended(shot rate.Shot) {
	if m.resource != cluster.Pods || shot.Err != nil {
		return
	}
	m.mu.Lock()
	uid := m.uids[shot.Index]
	delete(m.uids, shot.Index)
	m.mu.Unlock()
	m.stamp(uid, measure.Stamps{Due: shot.Due, Sent: shot.Sent, Accepted: shot.Ended})
}

func (m *maker) stamp(uid types.UID, s measure.Stamps) {
	for _, rec := range m.w.pods {
		rec.pods.Sent(uid, s)
	}
}

// remove deletes object i.
func (m *maker) remove(ctx context.Context, i int) (cluster.Called, error) {
	m.mu.Lock()
	o, there := m.there[i]
	delete(m.there, i)
	m.mu.Unlock()
	if !there {
		return cluster.Called{}, fmt.Errorf("there is no object %d to replace: it was not created", i)
	}
	return m.w.Client.Call(ctx, "delete", m.resource, o.Namespace, o.Name, nil, "", "")
}
