package step

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
)

const (
	// unreachable is how long a watch may be broken before a wait gives up: what
	// it would report after that is not the state of the cluster.
	unreachable = 30 * time.Second
	// heartbeat is how often a wait looks at broken watches and says what is
	// still missing.
	heartbeat = time.Second
	// pace bounds the share of the processor that conditions over many objects
	// take in a busy namespace: after an evaluation that took t, the next one
	// comes no sooner than after 3t, and no later than this.
	pace = 20 * time.Millisecond
)

// waiter is one condition of a wait and what is known about it.
type waiter struct {
	condition
	held  time.Time // since when it holds without a break; zero when it does not
	done  bool      // a `never` that has stood its time
	blind bool      // a watch is down, or does not show our own last change yet
	state state     // the last one seen
}

// wait returns when every condition holds at the same moment. It is driven by
// the watches: it looks again when something changed, and costs no request.
func (w *World) wait(ctx context.Context, s *plan.Step, r *Result) {
	waiters := w.waiters(ctx, s, r)
	if r.Outcome != event.Passed {
		return
	}
	start := time.Now()
	hopeless := w.newFailFast(start)
	for {
		changed := changes(waiters)
		began := time.Now()
		for _, wt := range waiters {
			wt.look(ctx, w, began)
		}
		next, open := w.judge(waiters, start, r)
		if r.Outcome == event.Passed && open != nil {
			if again := hopeless.look(ctx, waiters, r); again.Before(next) {
				next = again
			}
		}
		if r.Outcome != event.Passed {
			w.explain(ctx, waiters, r)
			return
		}
		if open == nil {
			return
		}
		w.Progress(w.redact(open.state.detail))
		time.Sleep(min(3*time.Since(began), pace))
		if !await(ctx, changed, next) {
			w.outOfTime(ctx, s, waiters, r)
			return
		}
	}
}

// look evaluates the condition now.
func (wt *waiter) look(ctx context.Context, w *World, now time.Time) {
	if wt.done {
		return
	}
	wt.state = wt.check(ctx)
	wt.blind = wt.state.behind
	for _, f := range wt.feeds() {
		since, _ := f.Down()
		wt.blind = wt.blind || !since.IsZero()
	}
	switch {
	case wt.blind, !wt.state.holds: // what we do not see, we cannot vouch for
		wt.held = time.Time{}
	case wt.held.IsZero():
		wt.held = now
	}
}

// judge decides what the states mean: a verdict in r, or the first condition
// that is still open and when to look again at the latest.
func (w *World) judge(waiters []*waiter, start time.Time, r *Result) (next time.Time, open *waiter) {
	now := time.Now()
	next = now.Add(heartbeat)
	for _, wt := range waiters {
		stays := wt.spec.Stays.Value
		var at time.Time
		switch {
		case wt.done:
			continue
		case wt.state.fault != nil:
			r.add(*wt.state.fault)
			continue
		case wt.broken(now, r):
			continue
		case wt.spec.Never && wt.state.holds:
			r.add(wt.finding(event.ReasonAssertion, "became true, and must never: "+wt.state.detail))
			continue
		case wt.spec.Never && now.Before(start.Add(stays)):
			at = start.Add(stays)
			wt.state.detail = fmt.Sprintf("%s: must not happen for another %s", wt.title, round(at.Sub(now)))
		case wt.spec.Never && wt.blind:
			wt.state.detail = wt.title + ": must not have happened, and the watch does not show it yet"
		case wt.spec.Never:
			wt.done = true
			continue
		case wt.held.IsZero():
		default:
			at = wt.held.Add(stays)
			if !now.Before(at) {
				continue
			}
			wt.state.detail = fmt.Sprintf("%s: holds, and must for another %s", wt.title, round(at.Sub(now)))
		}
		if !at.IsZero() && at.Before(next) {
			next = at
		}
		if open == nil {
			open = wt
		}
	}
	return next, open
}

// broken tells whether the watch has been down for so long that the condition
// cannot be told, and says so in r.
func (wt *waiter) broken(now time.Time, r *Result) bool {
	for _, f := range wt.feeds() {
		err := f.Err()
		if since, down := f.Down(); err == nil && !since.IsZero() && now.Sub(since) > unreachable {
			err = fmt.Errorf("the watch has been broken for %s: %w", round(now.Sub(since)), down)
		}
		if err != nil {
			finding := wt.finding(event.ReasonCluster, err.Error())
			finding.Outcome = event.Errored
			r.add(finding)
			return true
		}
	}
	return false
}

func (wt *waiter) finding(reason event.Reason, message string) event.Finding {
	return event.Finding{
		Outcome: event.Failed, Reason: reason, Pos: wt.spec.At, Message: message,
		Expr: wt.spec.CEL.Text, Parts: wt.state.parts, Observed: wt.state.observed,
	}
}

// outOfTime says which conditions were still open when the time was over. When
// a watch is broken at that moment, nobody can tell whether they hold.
func (w *World) outOfTime(ctx context.Context, s *plan.Step, waiters []*waiter, r *Result) {
	look := context.WithoutCancel(ctx)
	now := time.Now()
	for _, wt := range waiters {
		wt.look(look, w, now)
		if wt.done || (!wt.spec.Never && !wt.held.IsZero() && now.Sub(wt.held) >= wt.spec.Stays.Value) {
			continue
		}
		f := wt.finding(event.ReasonTimeout, wt.state.detail)
		for _, feed := range wt.feeds() {
			if since, err := feed.Down(); !since.IsZero() {
				f.Outcome, f.Reason = event.Errored, event.ReasonCluster
				f.Message = fmt.Sprintf("the watch has been broken for %s: %v", round(now.Sub(since)), err)
			}
		}
		r.add(f)
	}
	if r.Outcome == event.Passed { // every condition came to hold in the very last moment, and too late
		r.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonTimeout, Pos: s.At,
			Message: context.Cause(ctx).Error()})
	}
	w.explain(look, waiters, r)
}

// changes are the channels that close when something changes for the waiters.
// They are taken before looking, so that no change falls in between.
func changes(waiters []*waiter) []<-chan struct{} {
	seen := map[*cluster.Feed]bool{}
	var all []<-chan struct{}
	for _, wt := range waiters {
		for _, f := range wt.feeds() {
			if !seen[f] {
				seen[f] = true
				all = append(all, f.Changed())
			}
		}
	}
	return all
}

// await returns when one of the channels closes or the time has come; false
// when ctx is over.
func await(ctx context.Context, changed []<-chan struct{}, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	cases := []reflect.SelectCase{
		{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())},
		{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(timer.C)},
	}
	for _, c := range changed {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)})
	}
	chosen, _, _ := reflect.Select(cases)
	return chosen != 0
}

// round makes a duration readable: 59.6s, not 59.637281s.
func round(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
