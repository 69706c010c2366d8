package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/run"
)

// chosenSink tells of the steps that were not chosen, which the runner does not
// know: they are announced with the others, and skipped in their turn.
type chosenSink struct {
	to event.Sink

	mu    sync.Mutex
	turns map[string]*turns // by scenario; those that run whole have none
}

// turns are the steps of a scenario that have not had their turn.
type turns struct {
	planned []event.PlannedStep // of the whole scenario
	left    []event.PlannedStep
	runs    map[string]bool
	why     string
}

func newChosenSink(to event.Sink, c *chosen) *chosenSink {
	sink := &chosenSink{to: to, turns: map[string]*turns{}}
	for _, p := range c.plans {
		steps := c.whole[p.Dir]
		if steps == nil {
			continue
		}
		t := &turns{runs: map[string]bool{}, why: c.why}
		for _, s := range p.Steps {
			t.runs[s.ID] = true
		}
		whole := *p
		whole.Steps = steps
		t.planned = run.Planned(&whole).Steps
		t.left = t.planned
		sink.turns[p.Key] = t
	}
	return sink
}

// Emit hands an event on.
func (c *chosenSink) Emit(e event.Event) {
	switch e := e.(type) {
	case event.ScenarioPlanned:
		if t := c.turns[e.Scenario]; t != nil {
			e.Steps = t.planned
			c.to.Emit(e)
			return
		}
	case event.StepStarted:
		c.skip(e.Scenario, e.Step)
	case event.ScenarioEnded:
		if e.Outcome == "" {
			c.skip(e.Scenario, "")
		}
	}
	c.to.Emit(e)
}

// skip tells of the steps before one, or of all that are left.
func (c *chosenSink) skip(scenario, until string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.turns[scenario]
	for t != nil && len(t.left) > 0 {
		step := t.left[0]
		t.left = t.left[1:]
		if step.ID == until {
			return
		}
		if !t.runs[step.ID] {
			c.to.Emit(event.StepEnded{Scenario: scenario, Step: step.ID, Attempt: event.Attempt{
				Number: 1, Outcome: event.Skipped, Reason: event.ReasonSelection, Message: t.why}})
		}
	}
}

// limit is the time of a whole run. What it ends is ended as by an interrupt, and
// this sink says why. Cleaning up has a time of its own.
type limit struct {
	to    event.Sink
	ctx   context.Context
	stop  context.CancelFunc
	after time.Duration

	mu   sync.Mutex
	open int  // scenarios that have not ended
	over bool // the time was over before they had
}

// newLimit bounds a run of so many scenarios. A time of 0 is no limit.
func newLimit(to event.Sink, ctx context.Context, after time.Duration, scenarios int) *limit {
	l := &limit{to: to, ctx: ctx, stop: func() {}, after: after, open: scenarios}
	if after > 0 {
		l.ctx, l.stop = context.WithCancel(ctx)
		timer := time.AfterFunc(after, l.end)
		context.AfterFunc(l.ctx, func() { timer.Stop() })
	}
	return l
}

func (l *limit) end() {
	l.mu.Lock()
	l.over = l.open > 0 && l.ctx.Err() == nil
	over := l.over
	l.mu.Unlock()
	if over {
		l.to.Emit(event.Notice{Text: l.message() + ": cleaning up"})
		l.stop()
	}
}

func (l *limit) message() string {
	return fmt.Sprintf("the run's time is over (--timeout %s)", l.after)
}

// why is what ended the run, or "".
func (l *limit) why() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return l.message()
	}
	return ""
}

// Emit hands an event on.
func (l *limit) Emit(e event.Event) {
	why := l.why()
	switch e := e.(type) {
	case event.StepEnded:
		if why != "" && e.Attempt.Reason == event.ReasonInterrupted {
			e.Attempt = timedOut(e.Attempt, why)
			l.to.Emit(e)
			return
		}
	case event.ScenarioEnded:
		l.mu.Lock()
		l.open--
		l.mu.Unlock()
		if why != "" && e.Reason == event.ReasonInterrupted {
			e.Reason, e.Message = event.ReasonRun, why
			l.to.Emit(e)
			return
		}
	}
	l.to.Emit(e)
}

// timedOut is an attempt that the end of the run's time has interrupted.
func timedOut(a event.Attempt, why string) event.Attempt {
	a.Reason, a.Message = event.ReasonRun, why
	findings := a.Findings
	a.Findings = nil
	for _, f := range findings {
		if f.Reason == event.ReasonInterrupted {
			f.Reason = event.ReasonRun
		}
		a.Findings = append(a.Findings, f)
	}
	return a
}
