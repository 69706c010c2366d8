package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/report"
	"github.com/realspec/realspec/engine/run"
)

// watchedRun is one run of a watch. Its verdict comes before its cleanup ends:
// Kubernetes takes at least five seconds to delete a namespace, and nobody who
// edits a file wants to wait for that.
type watchedRun struct {
	since     time.Time // the save that it answers
	cancel    context.CancelFunc
	judged    chan struct{} // closed when every scenario has ended
	over      chan struct{} // closed when everything is cleaned up
	concluded bool          // its verdict was shown, or it was interrupted; of the watch's goroutine

	mu       sync.Mutex
	folder   event.Folder
	console  *report.Console
	open     map[string]string // folders of the scenarios that have not ended, by key
	verdict  *event.Result
	leftOver []string
}

// startRun begins a run.
func (w *watching) startRun(picked *chosen, since time.Time) *watchedRun {
	r := &watchedRun{
		since: since, judged: make(chan struct{}), over: make(chan struct{}), open: map[string]string{},
		console: report.NewConsole(w.command.consoleOptions(w.app)),
	}
	for _, p := range picked.plans {
		r.open[p.Key] = p.Dir
	}
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(w.app.first)
	bus := event.NewBus(event.NewClock(time.Now), r)
	id := newRunID()
	c := w.command
	runner := &run.Runner{
		Options:  c.runOptions(w.app, id, w.images, w.clusters.notice),
		Clusters: w.clusters.forRun(picked.plans, bus), Sink: newChosenSink(bus, picked),
	}
	bus.Emit(event.RunStarted{RunID: id, Version: ownVersion(), Args: c.args(), Strict: c.Strict})
	go func() {
		defer close(r.over)
		defer r.cancel()
		runner.Run(ctx, w.cleanup, picked.plans)
	}()
	return r
}

// Handle takes an event of the run: until its verdict it is shown, after it only
// what was left behind counts.
func (r *watchedRun) Handle(s event.Stamped) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := s.Event.(event.CleanupEnded); ok && !e.Kept {
		r.leftOver = append(r.leftOver, e.Left...)
	}
	if r.verdict != nil {
		return
	}
	r.folder.Add(s)
	r.console.Handle(s)
	if e, ok := s.Event.(event.ScenarioEnded); ok {
		delete(r.open, e.Scenario)
		if len(r.open) == 0 {
			r.settle(s)
		}
	}
}

// settle makes the verdict. The caller holds the lock.
func (r *watchedRun) settle(last event.Stamped) {
	r.folder.Add(event.Stamped{At: last.At, Since: last.Since, Event: event.RunEnded{}})
	r.verdict = r.folder.Result()
	r.console.Close()
	close(r.judged)
}

// result is the verdict; there is one once judged is closed.
func (r *watchedRun) result() *event.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.verdict
}

// interrupt ends the steps and silences the run. It answers with the folders of
// the scenarios that had not ended, and false when all had.
func (r *watchedRun) interrupt() (dirs []string, going bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.verdict != nil {
		return nil, false
	}
	r.cancel()
	for _, dir := range r.open {
		dirs = append(dirs, dir)
	}
	r.verdict = r.folder.Result()
	r.console.Close()
	return dirs, true
}

// isOver tells whether everything is cleaned up, and nothing was left.
func (r *watchedRun) isOver() bool {
	select {
	case <-r.over:
		return len(r.left()) == 0
	default:
		return false
	}
}

// left is what the run could not clean up.
func (r *watchedRun) left() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.leftOver)
}
