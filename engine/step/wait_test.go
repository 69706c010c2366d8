package step

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// What the watch does not show cannot be said never to have happened, however long
// it has been waited.
func TestNeverIsNotProvenBlindly(t *testing.T) {
	g := NewWithT(t)
	w, saw := &World{}, behind()
	wt := &waiter{condition: condition{
		spec:  &spec.Condition{Never: true, Stays: spec.Duration{Value: time.Second}},
		title: "Job/migrate",
		check: func(context.Context) state { return saw },
		feeds: func() []*cluster.Feed { return nil },
	}}
	r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
	start := time.Now().Add(-time.Minute)

	wt.look(t.Context(), w, time.Now())
	next, open := w.judge([]*waiter{wt}, start, r)
	g.Expect(open).To(BeIdenticalTo(wt))
	g.Expect(next).To(BeTemporally(">", time.Now()), "it is not asked without a pause")
	g.Expect(wt.state.detail).To(Equal("Job/migrate: must not have happened, and the watch does not show it yet"))

	saw = state{detail: "Job/migrate: condition Failed is False"}
	wt.look(t.Context(), w, time.Now())
	_, open = w.judge([]*waiter{wt}, start, r)
	g.Expect(open).To(BeNil())
	g.Expect(r.Outcome).To(Equal(event.Passed))
}

// Recorders and calls read the outputs while steps add to them.
func TestOutputsThatAreReadDoNotChange(t *testing.T) {
	g := NewWithT(t)
	var o outputs
	o.put("a", 1)
	before := o.known()
	o.put("b", 2)
	o.put("a", 3)
	g.Expect(before).To(Equal(map[string]any{"a": 1}))
	g.Expect(o.known()).To(Equal(map[string]any{"a": 3, "b": 2}))
	g.Expect((*outputs)(nil).known()).To(BeEmpty())
}
