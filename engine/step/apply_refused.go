package step

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
)

// refused tries to apply every object and proves that the API server says no to
// each, in the words that are expected. One that is accepted is cleaned up like
// others.
func (b *batch) refused(ctx context.Context, s *plan.Step, r *Result) {
	message, err := b.w.text(ctx, s.Text(s.Apply.Message))
	if err != nil {
		r.add(fault(ctx, s.Apply.Message.At, err))
		return
	}
	for i, o := range b.objects {
		pos := b.sources[i].At
		got, err := b.try(ctx, o)
		if err == nil {
			text := ref(o) + " was accepted, and must be refused"
			if err := b.w.note(got); err != nil {
				text += "; " + err.Error()
			}
			r.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: pos, Message: text})
			continue
		}
		if uncounted(err) { // the time is over, and it has refused nothing
			f := fault(ctx, pos, ctx.Err())
			f.Message = fmt.Sprintf("%s must be refused: %s; %s", ref(o), f.Message, err)
			r.add(f)
			return
		}
		var no *cluster.Refused
		if !errors.As(err, &no) || no.Code == 0 { // code 0: realspec itself did not send it
			f := fault(ctx, pos, err)
			f.Message = fmt.Sprintf("%s must be refused, and could not be tried: %s", ref(o), f.Message)
			r.add(f)
			continue
		}
		if wrong := otherWords(no, s.Apply.Reason, message); wrong != "" {
			r.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: pos,
				Message:  fmt.Sprintf("%s was refused, but %s", ref(o), wrong),
				Observed: fmt.Sprintf("%s (%d): %s", no.Reason, no.Code, no.Message)})
			continue
		}
		r.note("%s was refused, %s (%d): %s", ref(o), no.Reason, no.Code, no.Message)
		b.w.Progress(fmt.Sprintf("%d of %d objects refused", i+1, len(b.objects)))
	}
}

// settleTime is how long the API server may take to learn what it refuses for.
// Its quotas, limits, policies and rights come by watches of its own: a pod that
// is sent right after a quota was seen to be accepted (measured: 30 ms after).
const settleTime = 2 * time.Second

// try applies an object as soon as the server would refuse it, or really does not
// within the time to settle. An error that is uncounted means that the step's time
// is over.
func (b *batch) try(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	for {
		last := b.settle(ctx, o, func(err error) bool { return cluster.IsRefused(err) && !uncounted(err) })
		if uncounted(last) {
			return nil, last
		}
		got, err := b.client.Apply(ctx, o)
		if !uncounted(err) {
			return got, err
		}
	}
}

// uncounted tells a refusal that is none yet: a quota that was made a moment ago
// refuses everything until its controller has counted what is there.
func uncounted(err error) bool {
	return cluster.IsRefused(err) && strings.Contains(err.Error(), "status unknown for quota")
}

// settle rehearses until the server answers as it will from then on, and returns
// the last answer. When the time is over while a rehearsal is under way, that is
// the one before.
func (b *batch) settle(ctx context.Context, o *unstructured.Unstructured, final func(error) bool) (last error) {
	for start := time.Now(); uncounted(last) || time.Since(start) < settleTime; {
		_, err := b.client.DryRun(ctx, o)
		if ctx.Err() != nil && uncounted(last) && cluster.IsUnavailable(err) {
			return last
		}
		last = err
		if final(err) || err != nil && !cluster.IsRefused(err) || !pause(ctx, settlePause) {
			break
		}
	}
	return last
}

// settlePause is the time between two rehearsals.
const settlePause = 50 * time.Millisecond

// mayNow waits until the user's rights, which an earlier step may have given a
// moment ago, have come to the API server.
func (b *batch) mayNow(ctx context.Context) {
	for _, o := range b.objects {
		_ = b.settle(ctx, o, func(err error) bool { // what it says then, the apply will say
			var no *cluster.Refused
			return !errors.As(err, &no) || no.Reason != "Forbidden" || uncounted(err) // quotas come after rights
		})
	}
}

// otherWords is in how far a refusal is not the expected one; "" when it is.
func otherWords(no *cluster.Refused, reason, message string) string {
	switch {
	case reason != "" && no.Reason != reason:
		return fmt.Sprintf("the reason is %s, not %s", no.Reason, reason)
	case !strings.Contains(no.Message, message):
		return fmt.Sprintf("the API server does not say %q", message)
	}
	return ""
}
