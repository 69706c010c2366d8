package step

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/agent"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/probe"
	"github.com/realspec/realspec/engine/spec"
)

// sender does jobs: an agent pod, or this process where there is none.
type sender struct{ agent *agent.Agent }

// String says where it sends from, as the end of a sentence.
func (s sender) String() string {
	if s.agent == nil {
		return " from here"
	}
	return fmt.Sprintf(" from the cluster (pod %s on node %s)", s.agent.Name, s.agent.Node)
}

// sender is one that sends from there. It is false when there is none, which is
// then in r: skipped where the cluster cannot run one.
func (w *World) sender(ctx context.Context, at spec.Pos, from string, as map[string]string, r *Result) (sender, bool) {
	if from == spec.FromHere {
		return sender{}, true
	}
	placed := w.placing("waiting for an agent pod")
	one, err := w.Agents.One(ctx, as)
	placed()
	var not *agent.ErrNotMeasurable
	switch {
	case errors.As(err, &not):
		r.notMeasurable("nothing can be sent from this cluster: " + not.Reason)
	case ctx.Err() != nil:
		f := fault(ctx, at, ctx.Err())
		f.Message = fmt.Sprintf("no agent pod was there in time: %s", f.Message)
		r.add(f)
	case err != nil:
		r.add(senderFault(ctx, at, from, err))
	}
	return sender{one}, err == nil
}

// placingTime is how long asking for an agent may take until it is told: one that
// is there already answers sooner.
const placingTime = 300 * time.Millisecond

// placing tells that agents are being placed, unless done is called before long.
func (w *World) placing(text string) (done func()) {
	progress := w.Progress
	timer := time.AfterFunc(placingTime, func() { progress(text) })
	return func() { timer.Stop() }
}

// senderFault is the finding for a sender that could not do its job: that says
// nothing about who was to answer.
func senderFault(ctx context.Context, at spec.Pos, from string, err error) event.Finding {
	f := fault(ctx, at, err)
	if from == spec.FromCluster && f.Reason != event.ReasonInterrupted {
		f.Outcome, f.Reason, f.Message = event.Errored, event.ReasonCluster, err.Error()
	}
	return f
}

// do does a job and waits for its report.
func (s sender) do(ctx context.Context, job probe.Job, progress func(string)) (probe.Report, error) {
	if s.agent == nil {
		return probe.Runner{Progress: progress}.Run(ctx, job)
	}
	return s.agent.Do(ctx, job, progress)
}

// start begins a job. When it returns, the job is under way.
func (s sender) start(ctx context.Context, job probe.Job, progress func(string)) (*sending, error) {
	out := &sending{}
	if s.agent != nil {
		running, err := s.agent.Start(ctx, job)
		if err != nil {
			return nil, err
		}
		running.Progress = progress
		out.running = running
		return out, nil
	}
	here, cancel := context.WithCancel(ctx)
	out.cancel, out.done = cancel, make(chan struct{})
	go func() {
		defer close(out.done)
		defer cancel()
		out.report, out.err = probe.Runner{Progress: progress}.Run(here, job)
	}()
	return out, nil
}

// sending is a job that was begun.
type sending struct {
	running *agent.Running // of an agent, or
	cancel  func()         // here
	done    chan struct{}
	report  probe.Report
	err     error
}

// abandon ends jobs that others could not be begun beside: what has begun must not
// go on. Those that are nil were not.
func abandon(ctx context.Context, begun []*sending) {
	stop := make(chan struct{})
	close(stop)
	var all sync.WaitGroup
	for _, s := range begun {
		if s != nil {
			all.Go(func() { _, _ = s.wait(ctx, stop) })
		}
	}
	all.Wait()
}

// wait waits until the job has ended: by itself, or when stop is closed. When ctx
// ends first, what there is until then is the report.
func (s *sending) wait(ctx context.Context, stop <-chan struct{}) (probe.Report, error) {
	if s.running == nil {
		select {
		case <-stop:
			s.cancel()
		case <-s.done:
		}
		<-s.done // ctx ends it too
		return s.report, s.err
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-stop:
			_ = s.running.Stop(ctx) // waiting for the report says what is wrong
		case <-ended:
		}
	}()
	report, err := s.running.Wait(ctx)
	if ctx.Err() == nil {
		return report, err
	}
	return s.running.End(context.WithoutCancel(ctx))
}
