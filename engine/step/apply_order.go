package step

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// order is an apply whose objects wait for others.
//
//	database ──ready──▶ backend ──ready──▶ frontend
//	cache ─────ready──▶ backend
//
// What waits for nothing is applied at once. Whatever has what it waits for is
// applied at that moment, whether other branches wait or have failed.
type order struct {
	*batch
	step  *plan.Step
	edges []*edge
	at    []time.Time // when each object was applied; zero: not yet
	gone  []bool      // objects that will not be applied any more
}

// edge is one dependency: an object, and the one that it waits for.
type edge struct {
	spec   *spec.Dependency
	of, on int // positions of the objects
	waiter *waiter
	fast   *failFast
	met    time.Time
	failed bool
}

// inOrder applies the objects in the order of their dependencies.
func (b *batch) inOrder(ctx context.Context, s *plan.Step, r *Result) {
	o := &order{batch: b, step: s, at: make([]time.Time, len(b.objects)), gone: make([]bool, len(b.objects))}
	for i := range s.Apply.Dependencies {
		o.edge(&s.Apply.Dependencies[i], r)
	}
	if r.Outcome != event.Passed {
		return
	}
	for {
		o.applyDue(ctx, r)
		o.open(ctx, r)
		changed := changes(o.waiters())
		next, waiting := o.look(ctx, r)
		if o.giveUp(r) || len(o.due()) > 0 {
			continue // there is more to apply, or to give up
		}
		if waiting == nil {
			o.stuck(r)
			return
		}
		b.w.Progress(fmt.Sprintf("%s waits for %s", ref(b.objects[waiting.of]), waiting.waiter.state.detail))
		if !await(ctx, changed, next) {
			o.outOfTime(ctx, r)
			return
		}
	}
}

// edge finds the two objects of a dependency.
func (o *order) edge(d *spec.Dependency, r *Result) {
	of, on := o.find(d, d.Of, r), o.find(d, d.On, r)
	if of >= 0 && on >= 0 {
		o.edges = append(o.edges, &edge{spec: d, of: of, on: on})
	}
}

// find is the position of KIND/NAME among the objects of the step.
func (o *order) find(d *spec.Dependency, name string, r *Result) int {
	var found []int
	for i, object := range o.objects {
		if ref(object) == name {
			found = append(found, i)
		}
	}
	wrong := "no object of this step is " + name
	switch {
	case len(found) == 1:
		return found[0]
	case len(found) > 1:
		wrong = fmt.Sprintf("%d objects of this step are %s: apply them in steps of their own", len(found), name)
	}
	r.add(event.Finding{Outcome: event.Errored, Reason: event.ReasonInvalid, Pos: d.At, Message: wrong})
	return -1
}

// due are the objects that wait for nothing any more.
func (o *order) due() []int {
	var out []int
	for i := range o.objects {
		waits := slices.ContainsFunc(o.edges, func(e *edge) bool { return e.of == i && e.met.IsZero() })
		if o.at[i].IsZero() && !o.gone[i] && !waits {
			out = append(out, i)
		}
	}
	return out
}

// applyDue applies what waits for nothing any more.
func (o *order) applyDue(ctx context.Context, r *Result) {
	due := o.due()
	o.apply(ctx, due, func(i int) { o.at[i] = time.Now() }, r)
	for _, i := range due {
		if o.gone[i] = o.at[i].IsZero(); o.gone[i] {
			continue
		}
		for _, e := range o.edges {
			if e.of == i {
				r.note("%s waited %s for %s", ref(o.objects[i]), round(e.met.Sub(o.at[e.on])), ref(o.objects[e.on]))
			}
		}
	}
}

// open begins to wait for objects that have been applied.
func (o *order) open(ctx context.Context, r *Result) {
	for _, e := range o.edges {
		if e.waiter != nil || e.failed || o.at[e.on].IsZero() {
			continue
		}
		c, err := o.condition(ctx, e)
		if err != nil {
			r.add(fault(ctx, e.spec.At, err))
			e.failed = true
			continue
		}
		e.waiter, e.fast = &waiter{condition: c}, o.w.newFailFast(time.Now())
	}
}

// condition is what a dependency waits for, as a condition of a wait.
func (o *order) condition(ctx context.Context, e *edge) (condition, error) {
	on := o.objects[e.on]
	res, err := o.w.Client.Resource(on.GetAPIVersion(), on.GetKind())
	if err != nil {
		return condition{}, err
	}
	sel := &selection{
		spec:     &spec.Selector{At: e.spec.At, APIVersion: on.GetAPIVersion(), Kind: on.GetKind()},
		resource: res, namespace: on.GetNamespace(), name: on.GetName(), labels: labels.Everything(),
	}
	c, err := o.w.overSelection(o.step, &spec.Condition{At: e.spec.At, For: cmp.Or(e.spec.For, "ready"), On: sel.spec}, sel)
	if err != nil {
		return condition{}, err
	}
	for _, f := range c.feeds() {
		if err := f.Synced(ctx); err != nil {
			return condition{}, err
		}
	}
	return c, nil
}

// waiters are those that are still open.
func (o *order) waiters() []*waiter {
	var out []*waiter
	for _, e := range o.edges {
		if e.open() {
			out = append(out, e.waiter)
		}
	}
	return out
}

// open tells whether the edge waits for an object that has been applied.
func (e *edge) open() bool { return e.waiter != nil && e.met.IsZero() && !e.failed }

// look sees which dependencies are met and which never will be. It returns one
// that is open, and when to look again at the latest.
func (o *order) look(ctx context.Context, r *Result) (next time.Time, waiting *edge) {
	now := time.Now()
	next = now.Add(heartbeat)
	for _, e := range o.edges {
		if !e.open() {
			continue
		}
		wt, deadline := e.waiter, o.deadline(e)
		wt.look(ctx, o.w, now)
		switch {
		case wt.state.fault != nil:
			e.failed = true
			r.add(*wt.state.fault)
		case wt.broken(now, r):
			e.failed = true
		case !wt.held.IsZero():
			e.met = now
		case !now.Before(deadline):
			o.late(ctx, e, r)
		case o.hopeless(ctx, e, &next, r):
			e.failed = true
		default:
			waiting = cmp.Or(waiting, e)
			if deadline.Before(next) {
				next = deadline
			}
		}
	}
	return next, waiting
}

// hopeless tells whether pods keep a dependency from ever being met, as in a wait,
// and else when to look again.
func (o *order) hopeless(ctx context.Context, e *edge, next *time.Time, r *Result) bool {
	one := Result{Attempt: event.Attempt{Outcome: event.Passed}}
	if again := e.fast.look(ctx, []*waiter{e.waiter}, &one); again.Before(*next) {
		*next = again
	}
	for _, f := range one.Findings {
		r.add(f)
	}
	if one.Outcome != event.Passed {
		o.w.explain(ctx, []*waiter{e.waiter}, r)
	}
	return one.Outcome != event.Passed
}

// deadline is when a dependency must be met.
func (o *order) deadline(e *edge) time.Time {
	return o.at[e.on].Add(cmp.Or(e.spec.Timeout.Value, plan.DependencyTimeout))
}

// late says what a dependency still lacks when its time is over.
func (o *order) late(ctx context.Context, e *edge, r *Result) {
	e.failed = true
	r.add(e.waiter.finding(event.ReasonTimeout, fmt.Sprintf("%s waited %s for %s, and it is not %s: %s",
		ref(o.objects[e.of]), round(time.Since(o.at[e.on])), ref(o.objects[e.on]),
		strings.ReplaceAll(cmp.Or(e.spec.For, "ready"), "create", "there"), e.waiter.state.detail)))
	o.w.explain(ctx, []*waiter{e.waiter}, r)
}

// giveUp gives up the objects whose dependencies will never be met, and tells
// whether there were any.
func (o *order) giveUp(r *Result) bool {
	var some bool
	for _, e := range o.edges {
		if o.gone[e.of] || !e.failed && !o.gone[e.on] {
			continue
		}
		some, o.gone[e.of] = true, true
		r.add(event.Finding{Outcome: event.Skipped, Reason: event.ReasonEarlier, Pos: o.sources[e.of].At,
			Message: fmt.Sprintf("%s was not applied: it waits for %s", ref(o.objects[e.of]), ref(o.objects[e.on]))})
	}
	return some
}

// stuck says which objects wait for each other, when nothing else is left.
func (o *order) stuck(r *Result) {
	var names []string
	for i, at := range o.at {
		if at.IsZero() && !o.gone[i] {
			names = append(names, ref(o.objects[i]))
		}
	}
	if len(names) > 0 {
		r.add(event.Finding{Outcome: event.Errored, Reason: event.ReasonInvalid, Pos: o.step.Apply.At,
			Message: "these wait for each other: " + strings.Join(names, ", ")})
	}
}

// outOfTime says what was still open when the step's time was over.
func (o *order) outOfTime(ctx context.Context, r *Result) {
	look := context.WithoutCancel(ctx)
	for _, e := range o.edges {
		if e.open() {
			e.waiter.look(look, o.w, time.Now())
			o.late(look, e, r)
		}
	}
	for o.giveUp(r) { // one after the other, along the chain
	}
}
