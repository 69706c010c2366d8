package step

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// between is the least time between two looks of an assert that has a timeout:
// each look reads from the API server.
const between = 100 * time.Millisecond

// assert evaluates every check on what the API server says now. With a timeout
// it looks again whenever something changed, until all checks hold.
func (w *World) assert(ctx context.Context, s *plan.Step, r *Result) {
	feeds, err := w.assertFeeds(ctx, s)
	if err != nil {
		r.add(fault(ctx, s.At, err))
		return
	}
	var look *Result
	var about []*unstructured.Unstructured
	for {
		var changed []<-chan struct{}
		for _, f := range feeds {
			changed = append(changed, f.Changed())
		}
		now := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
		seen := w.checks(ctx, s, now)
		if look == nil || ctx.Err() == nil || now.Outcome == event.Passed { // else it was cut off, and tells less
			look, about = now, seen
		}
		if s.Timeout == 0 || look.Outcome == event.Passed || look.Reason == event.ReasonUnmeasured || ctx.Err() != nil {
			break
		}
		w.Progress(w.redact(look.Message))
		if !pause(ctx, between) || !await(ctx, changed, time.Now().Add(heartbeat)) {
			break
		}
	}
	w.endAssert(ctx, s, look, r, about)
}

// endAssert takes the last look into the result.
func (w *World) endAssert(ctx context.Context, s *plan.Step, look, r *Result, about []*unstructured.Unstructured) {
	for _, f := range look.Findings {
		if s.Timeout > 0 && f.Outcome == event.Failed {
			f.Reason = event.ReasonTimeout
		}
		r.add(f)
	}
	if r.Outcome != event.Passed && r.Reason != event.ReasonUnmeasured {
		r.Evidence = w.evidence(context.WithoutCancel(ctx), about)
	}
}

// assertFeeds are the watches that tell an assert with a timeout to look again.
func (w *World) assertFeeds(ctx context.Context, s *plan.Step) ([]*cluster.Feed, error) {
	if s.Timeout == 0 {
		return nil, nil
	}
	var feeds []*cluster.Feed
	watch := func(sel *spec.Selector) error {
		resolved, err := w.selection(ctx, s, sel)
		if err != nil {
			return err
		}
		feed := resolved.feed(w)
		feeds = append(feeds, feed)
		return feed.Synced(ctx)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Assert.Let)) {
		sel := s.Assert.Let[name]
		if err := watch(&sel); err != nil {
			return nil, err
		}
	}
	for i := range s.Assert.Checks {
		check := &s.Assert.Checks[i]
		for _, o := range []spec.Object{check.Object, check.AbsentObject} {
			if o.IsSet() {
				if err := watch(objectSelector(o)); err != nil {
					return nil, err
				}
			}
		}
		if check.Absent != nil {
			if err := watch(check.Absent); err != nil {
				return nil, err
			}
		}
	}
	return feeds, nil
}

// objectSelector selects what an object of a check describes, apart from its
// name and labels, which may hold ${{ }}.
func objectSelector(o spec.Object) *spec.Selector {
	apiVersion, _ := o.Fields["apiVersion"].(string)
	kind, _ := o.Fields["kind"].(string)
	return &spec.Selector{At: o.At, APIVersion: apiVersion, Kind: kind}
}

// checks is one look at all checks. It answers with the objects that did not
// meet one, for evidence.
func (w *World) checks(ctx context.Context, s *plan.Step, r *Result) []*unstructured.Unstructured {
	values, empty := w.bindLets(ctx, s, r)
	if r.Outcome == event.Errored {
		return nil
	}
	var about []*unstructured.Unstructured
	for i := range s.Assert.Checks {
		check := &s.Assert.Checks[i]
		switch {
		case check.CEL.IsSet():
			w.checkCEL(ctx, s, check, values, empty, r)
		case check.Object.IsSet():
			about = append(about, w.checkObject(ctx, s, check, r)...)
		case check.AbsentObject.IsSet():
			about = append(about, w.checkAbsentObject(ctx, s, check, r)...)
		case check.Absent != nil:
			about = append(about, w.checkAbsent(ctx, s, check, r)...)
		}
	}
	return about
}

// bindLets reads the selections of the assert. empty are those that select
// nothing and may not.
func (w *World) bindLets(ctx context.Context, s *plan.Step, r *Result) (expr.Values, map[string]*selection) {
	values, empty := expr.Values{}, map[string]*selection{}
	for _, name := range slices.Sorted(maps.Keys(s.Assert.Let)) {
		sel := s.Assert.Let[name]
		resolved, err := w.selection(ctx, s, &sel)
		var found []*unstructured.Unstructured
		if err == nil {
			found, err = resolved.live(ctx, w)
		}
		if err != nil {
			r.add(readFault(ctx, sel.At, err))
			continue
		}
		value, ok := bind(resolved, found)
		if !ok {
			empty[name] = resolved
		}
		values[name] = value
	}
	return values, empty
}

func (w *World) checkCEL(ctx context.Context, s *plan.Step, check *spec.Check, lets expr.Values, empty map[string]*selection, r *Result) {
	program := s.Program(check.CEL)
	for _, name := range program.Names() {
		if sel := empty[name]; sel != nil {
			f := nothing(check.At, sel)
			f.Expr = check.CEL.Text
			r.add(f)
			return
		}
	}
	values := w.with(lets)
	ok, err := program.Bool(ctx, values)
	if err == nil && ok {
		return
	}
	f := event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: check.CEL.At}
	if err != nil {
		f = fault(ctx, check.CEL.At, err)
	}
	if outputMissing(err) != "" {
		r.add(f)
		return
	}
	f.Expr, f.Parts = check.CEL.Text, parts(ctx, program, values)
	if message := w.message(ctx, s, check); message != "" {
		f.Message = joinMessage("not so: "+message, f.Message)
	} else if err == nil {
		f.Message = "this is false: " + check.CEL.Text
	}
	r.add(f)
}

func joinMessage(first, second string) string {
	if second == "" {
		return first
	}
	return first + " (" + second + ")"
}

// message is what the author wrote about a check; an error in it is shown in
// its place, because the check itself is what matters.
func (w *World) message(ctx context.Context, s *plan.Step, check *spec.Check) string {
	text, err := w.text(ctx, s.Text(check.Message))
	if err != nil {
		return fmt.Sprintf("%s (%v)", check.Message.Text, err)
	}
	return text
}

func (w *World) checkAbsent(ctx context.Context, s *plan.Step, check *spec.Check, r *Result) []*unstructured.Unstructured {
	sel, err := w.selection(ctx, s, check.Absent)
	var found []*unstructured.Unstructured
	if err == nil {
		found, err = sel.live(ctx, w)
	}
	if err != nil {
		f := fault(ctx, check.At, err)
		f.Outcome = event.Errored
		r.add(f)
		return nil
	}
	if len(found) > 0 {
		r.add(w.present(ctx, s, check, found))
	}
	return found
}

// present is the finding for objects that are there and must not be.
func (w *World) present(ctx context.Context, s *plan.Step, check *spec.Check, found []*unstructured.Unstructured) event.Finding {
	f := event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: check.At,
		Message:  fmt.Sprintf("%s is there, and must not be", ref(found[0])),
		Observed: excerpt(mask(found[0].Object)),
	}
	if len(found) > 1 {
		f.Message = fmt.Sprintf("%s and %d more are there, and must not be", ref(found[0]), len(found)-1)
	}
	if message := w.message(ctx, s, check); message != "" {
		f.Message = message + ": " + f.Message
	}
	return f
}
