package step

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/ready"
	"github.com/realspec/realspec/engine/spec"
)

// condition is one condition of a wait, made ready to be looked at.
type condition struct {
	spec  *spec.Condition
	title string // what is waited for, in few words
	check func(context.Context) state
	feeds func() []*cluster.Feed
}

// state is what a look at a condition showed.
type state struct {
	holds    bool
	behind   bool   // the watch does not show our own last change yet
	detail   string // why not, or what holds
	parts    []event.Part
	observed string
	about    []*unstructured.Unstructured // the objects that do not meet it
	fault    *event.Finding               // it cannot or can no longer be met
}

// waiters prepares the conditions of a wait step.
func (w *World) waiters(ctx context.Context, s *plan.Step, r *Result) []*waiter {
	var out []*waiter
	for i := range s.Wait {
		c, err := w.condition(ctx, s, &s.Wait[i])
		if err == nil {
			for _, f := range c.feeds() {
				if err = f.Synced(ctx); err != nil {
					break
				}
			}
		}
		if err != nil {
			r.add(fault(ctx, s.Wait[i].At, err))
			continue
		}
		out = append(out, &waiter{condition: c})
	}
	return out
}

func (w *World) condition(ctx context.Context, s *plan.Step, c *spec.Condition) (condition, error) {
	switch {
	case len(c.Let) > 0:
		return w.overLists(ctx, s, c)
	case c.On == nil:
		return w.everythingReady(c), nil
	}
	sel, err := w.selection(ctx, s, c.On)
	if err != nil {
		return condition{}, err
	}
	return w.overSelection(s, c, sel)
}

// overSelection is a condition on every object of a selection.
func (w *World) overSelection(s *plan.Step, c *spec.Condition, sel *selection) (condition, error) {
	feed := sel.feed(w)
	out := condition{spec: c, title: sel.String(), feeds: func() []*cluster.Feed { return []*cluster.Feed{feed} }}
	goal, err := spec.ParseFor(c.For)
	if c.For != "" && err != nil {
		return condition{}, err
	}
	test, err := w.objectTest(s, c, goal)
	if err != nil {
		return condition{}, err
	}
	cache := verdicts{}
	out.check = func(ctx context.Context) state {
		if !w.current(sel.resource, sel.namespace, feed) {
			return behind()
		}
		picked, err := sel.watched(ctx, w)
		if err != nil {
			f := fault(ctx, c.At, err)
			return state{fault: &f}
		}
		return selected(ctx, sel, goal, picked, cache, test)
	}
	return out, nil
}

// behind is the state of a condition whose watch does not show our own last change
// yet: it would be judged by what was before.
func behind() state {
	return state{behind: true, detail: "waiting for the watch to show our own last change"}
}

// objectTest is the condition on a single object.
func (w *World) objectTest(s *plan.Step, c *spec.Condition, goal spec.For) (test, error) {
	switch {
	case c.CEL.IsSet():
		program := s.Program(c.CEL)
		return func(ctx context.Context, o *unstructured.Unstructured) state {
			return w.evaluate(ctx, c.CEL, program, expr.Values{"object": o.Object}, o)
		}, nil
	case goal.Kind == "ready":
		return func(_ context.Context, o *unstructured.Unstructured) state { return readiness(c, o) }, nil
	case goal.Kind == "condition":
		return func(_ context.Context, o *unstructured.Unstructured) state { return hasCondition(goal, o) }, nil
	case goal.Kind == "jsonpath":
		path, err := spec.JSONPath(goal.Name)
		if err != nil {
			return nil, err
		}
		return func(_ context.Context, o *unstructured.Unstructured) state { return hasValue(goal, path, o) }, nil
	}
	return nil, nil // create and deleted ask for presence only
}

type test func(context.Context, *unstructured.Unstructured) state

// verdicts remembers the state of objects that have not changed since, so that
// a change of one object among thousands costs one evaluation.
type verdicts map[string]verdict

type verdict struct {
	version string
	state   state
}

// selected is the state of a condition over the objects that are there now.
func selected(ctx context.Context, sel *selection, goal spec.For, picked []*unstructured.Unstructured, cache verdicts, test test) state {
	switch {
	case goal.Kind == "deleted" && len(picked) == 0:
		return state{holds: true, detail: fmt.Sprintf("%s is gone", sel)}
	case goal.Kind == "deleted":
		return state{detail: stillThere(picked), about: picked, observed: deletion(picked[0])}
	case len(picked) == 0:
		return state{detail: fmt.Sprintf("there is no %s yet", sel)}
	case goal.Kind == "create":
		return state{holds: true, detail: fmt.Sprintf("%s is there", sel)}
	}
	var open state
	var about []*unstructured.Unstructured
	for _, o := range picked {
		st := cache.of(ctx, o, test)
		if st.fault != nil {
			return st
		}
		if !st.holds {
			if about == nil {
				open = st
			}
			about = append(about, o)
		}
	}
	if about == nil {
		return state{holds: true, detail: fmt.Sprintf("%s: all %d", sel, len(picked))}
	}
	if len(picked) > 1 {
		open.detail = fmt.Sprintf("%d of %d: %s", len(picked)-len(about), len(picked), open.detail)
	}
	open.about = about
	return open
}

func (v verdicts) of(ctx context.Context, o *unstructured.Unstructured, test test) state {
	key, version := string(o.GetUID()), o.GetResourceVersion()
	if known, ok := v[key]; ok && known.version == version && version != "" {
		return known.state
	}
	st := test(ctx, o)
	v[key] = verdict{version, st}
	return st
}

// everythingReady waits for all that the scenario has applied so far.
func (w *World) everythingReady(c *spec.Condition) condition {
	out := condition{spec: c, title: "everything applied"}
	out.feeds = func() []*cluster.Feed {
		var feeds []*cluster.Feed
		for a := range w.appliedNow() {
			if f := w.feed(a.resource, a.namespace); !slices.Contains(feeds, f) {
				feeds = append(feeds, f)
			}
		}
		return feeds
	}
	cache := verdicts{}
	out.check = func(ctx context.Context) state {
		var open state
		var about []*unstructured.Unstructured
		all := 0
		for a := range w.appliedNow() {
			all++
			st, o := w.appliedState(ctx, c, a, cache)
			if st.fault != nil {
				return st
			}
			if !st.holds {
				if open.detail == "" {
					open = st
				}
				open.behind = open.behind || st.behind
				if o != nil {
					about = append(about, o)
				}
			}
		}
		if all == 0 {
			return state{fault: &event.Finding{Outcome: event.Failed, Reason: event.ReasonNothing, Pos: c.At,
				Message: "there is nothing to wait for: no earlier step has applied anything"}}
		}
		if open.detail == "" {
			return state{holds: true, detail: fmt.Sprintf("all %d objects are ready", all)}
		}
		open.about = about
		return open
	}
	return out
}

func (w *World) appliedState(ctx context.Context, c *spec.Condition, a applied, cache verdicts) (state, *unstructured.Unstructured) {
	feed := w.feed(a.resource, a.namespace)
	o := feed.Get(w.namespaceFor(a.resource, a.namespace), a.name)
	switch {
	case !w.current(a.resource, a.namespace, feed):
		return behind(), nil
	case o == nil:
		return state{detail: fmt.Sprintf("%s/%s was applied and is not there", a.resource.GVK.Kind, a.name)}, nil
	}
	return cache.of(ctx, o, func(_ context.Context, o *unstructured.Unstructured) state { return readiness(c, o) }), o
}

// overLists is a condition over lists of objects.
func (w *World) overLists(ctx context.Context, s *plan.Step, c *spec.Condition) (condition, error) {
	names := slices.Sorted(maps.Keys(c.Let))
	selections := map[string]*selection{}
	var feeds []*cluster.Feed
	for _, name := range names {
		sel := c.Let[name]
		resolved, err := w.selection(ctx, s, &sel)
		if err != nil {
			return condition{}, err
		}
		selections[name] = resolved
		feeds = append(feeds, resolved.feed(w))
	}
	out := condition{spec: c, title: c.CEL.Text, feeds: func() []*cluster.Feed { return feeds }}
	program := s.Program(c.CEL)
	out.check = func(ctx context.Context) state {
		values := expr.Values{}
		for i, name := range names {
			sel := selections[name]
			if !w.current(sel.resource, sel.namespace, feeds[i]) {
				return behind()
			}
			picked, err := sel.watched(ctx, w)
			if err != nil {
				f := fault(ctx, c.At, err)
				return state{fault: &f}
			}
			value, ok := bind(sel, picked)
			if !ok {
				return state{detail: fmt.Sprintf("there is no %s yet", sel)}
			}
			values[name] = value
		}
		return w.evaluate(ctx, c.CEL, program, values, nil)
	}
	return out, nil
}

// bind is the value of a let: a list, or the one object when it was selected by
// name. It is not there when nothing is selected and that is not allowed.
func bind(sel *selection, picked []*unstructured.Unstructured) (any, bool) {
	if len(picked) == 0 && !sel.spec.AllowEmpty {
		return nil, false
	}
	if sel.name != "" {
		if len(picked) == 0 {
			return nil, true
		}
		return picked[0].Object, true
	}
	list := make([]any, len(picked))
	for i, o := range picked {
		list[i] = o.Object
	}
	return list, true
}

// evaluate is the state of a CEL condition. A field that is not there means not
// yet; any other trouble cannot heal by waiting.
func (w *World) evaluate(ctx context.Context, e spec.Expr, p *expr.Program, more expr.Values, o *unstructured.Unstructured) state {
	values := w.with(more)
	ok, err := p.Bool(ctx, values)
	var missing *expr.MissingError
	switch {
	case err == nil && ok:
		return state{holds: true, detail: e.Text}
	case err == nil:
		st := state{detail: e.Text + " is false", parts: parts(ctx, p, values)}
		return st.about1(o)
	case errors.As(err, &missing):
		st := state{detail: missing.Error(), parts: parts(ctx, p, values)}
		return st.about1(o)
	case ctx.Err() != nil:
		return state{detail: e.Text}
	}
	f := fault(ctx, e.At, err)
	f.Expr, f.Parts = e.Text, parts(ctx, p, values)
	return state{fault: &f}
}

func (st state) about1(o *unstructured.Unstructured) state {
	if o != nil {
		st.detail, st.observed = ref(o)+": "+st.detail, status(o)
	}
	return st
}

// readiness is kstatus' opinion of an object. A state that cannot heal ends the
// wait at once.
func readiness(c *spec.Condition, o *unstructured.Unstructured) state {
	s := ready.Of(o)
	st := state{holds: s.State == ready.Ready, detail: ref(o) + ": " + s.Message, observed: status(o)}
	if s.State == ready.Failed && final(o) {
		st.fault = &event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: c.At,
			Message: st.detail + ", and this does not heal", Observed: st.observed}
	}
	return st
}

// final tells whether a failed object stays failed. Containers that crash or
// wait for an image are tried again by the kubelet; a Job that has failed and a
// Deployment past its progress deadline are given up by their controllers.
func final(o *unstructured.Unstructured) bool {
	return o.GetKind() == "Job" || o.GetKind() == "Deployment"
}
