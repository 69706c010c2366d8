package rate

import (
	"context"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// Options are how a Run is done.
type Options struct {
	Concurrency int            // most operations in flight; 0 is 1024
	WarmUp      int            // the first operations, which are done but neither counted nor handed to see
	Progress    func(Progress) // called once a second, never at the same time as see; nil is allowed
}

// Run starts every operation at its due time, on goroutines that are reused and
// grow to Concurrency in number. When all are busy, operations wait: they are
// late, which their lag shows, and never left out. Those that are behind start
// without a pause.
//
// see gets each shot, in the order in which they end, one at a time; it should
// be quick, since operations that end wait for it. It may be nil. An operation
// that never started, because ctx had ended, is no shot: it is in Dropped.
//
// Run returns when all operations have ended, or when ctx has ended and those in
// flight have returned.
func Run(ctx context.Context, s Schedule, op Operation, o Options, see func(Shot)) Delivery {
	if o.Concurrency <= 0 {
		o.Concurrency = 1024
	}
	r := &runner{
		ctx: ctx, schedule: s, op: op, options: o, see: see,
		warmUp: min(max(o.WarmUp, 0), s.Len()),
		jobs:   make(chan int), t0: time.Now(),
	}
	stopProgress := r.reportProgress()
	due := r.dispatch()
	close(r.jobs)
	r.workers.Wait()
	stopProgress()
	return r.result(due)
}

type runner struct {
	ctx      context.Context
	schedule Schedule
	op       Operation
	options  Options
	see      func(Shot)
	warmUp   int
	t0       time.Time

	jobs    chan int // unbuffered: who takes one starts it at once
	workers sync.WaitGroup
	grown   int // how many workers there are
	started atomic.Int64

	mu    sync.Mutex // for the tally, and for see and Progress
	tally tally
}

// dispatch hands out every operation at its time, until ctx ends. It returns how
// many have come due by then.
func (r *runner) dispatch() (due int) {
	pace := newPacer()
	defer pace.close()
	done := r.ctx.Done()
	for i := range r.schedule.Len() {
		pace.until(done, r.due(i))
		if r.ctx.Err() != nil || !r.start(i) {
			return r.dueBy(time.Now(), i)
		}
	}
	return r.schedule.Len()
}

// start gives operation i to an idle worker, a new one or the next that is free.
// It is false when ctx ends first.
func (r *runner) start(i int) bool {
	select {
	case r.jobs <- i:
		return true
	default:
	}
	if r.grown < r.options.Concurrency {
		r.grown++
		r.workers.Go(func() { r.work(i) })
		return true
	}
	select {
	case r.jobs <- i:
		return true
	case <-r.ctx.Done():
		return false
	}
}

// work does operation i, and then whatever it is given.
func (r *runner) work(i int) {
	for more := true; more; i, more = <-r.jobs {
		r.started.Add(1)
		done, err := r.op(r.ctx, i)
		if done.Ended.IsZero() {
			done.Ended = time.Now()
		}
		r.record(Shot{Index: i, Due: r.due(i), Sent: done.Sent, Ended: done.Ended, Err: err})
	}
}

func (r *runner) record(shot Shot) {
	warmUp, stopped := shot.Index < r.warmUp, r.ctx.Err() != nil
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.add(shot, warmUp, stopped)
	if r.see != nil && !warmUp {
		r.see(shot)
	}
}

func (r *runner) due(i int) time.Time { return r.t0.Add(r.schedule.Due(i)) }

// dueBy is how many operations are due by now, of which at least started are.
func (r *runner) dueBy(now time.Time, started int) int {
	behind := sort.Search(r.schedule.Len()-started, func(n int) bool {
		return r.due(started + n).After(now)
	})
	return started + behind
}

// result is called when nothing runs any more. due are the operations that came
// due: those that were never started are dropped.
func (r *runner) result(due int) Delivery {
	r.tally.rates(r.schedule, r.t0, r.warmUp)
	d := r.tally.delivery
	d.Planned = r.schedule.Len() - r.warmUp
	d.Due = max(due-r.warmUp, 0)
	d.Dropped += d.Due - max(int(r.started.Load())-r.warmUp, 0)
	d.Elapsed = time.Since(r.t0)
	return d
}

// reportProgress calls Progress every second until the function that it returns
// has returned.
func (r *runner) reportProgress() (stop func()) {
	if r.options.Progress == nil {
		return func() {}
	}
	end := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				r.progress()
			}
		}
	})
	return func() { close(end); reporter.Wait() }
}

func (r *runner) progress() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.options.Progress(Progress{
		Elapsed: time.Since(r.t0), Total: r.schedule.Len(),
		Started: int(r.started.Load()), Ended: r.tally.ended, Failed: r.tally.failed,
		WorstLag: r.tally.delivery.WorstLag,
	})
}
