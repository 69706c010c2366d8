package probe

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/rate"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// mostInFlight is how many requests an agent has in flight unless the job says
// otherwise: enough for 1,000 a second at 250 ms each.
const mostInFlight = 256

// http sends the requests of a job.
func (r Runner) http(ctx context.Context, job HTTPJob) (*HTTPReport, error) {
	job.Concurrency = cmp.Or(job.Concurrency, mostInFlight)
	job.Request.Timeout = cmp.Or(job.Request.Timeout, defaultRequestTimeout)
	schedule, err := job.schedule()
	if err != nil {
		return nil, err
	}
	checks, err := newChecks(job)
	if err != nil {
		return nil, err
	}
	sender, err := newSender(job, checks.needs)
	if err != nil {
		return nil, err
	}
	defer sender.close()
	sleep(ctx, job.Offset)
	h := &httpRun{job: job, schedule: schedule, sender: sender, checks: checks, inFlight: ctx}
	if job.openEnded() {
		h.inFlight = context.WithoutCancel(ctx)
	}
	return h.run(ctx, r.Progress), nil
}

func (j HTTPJob) openEnded() bool { return j.Rate > 0 && j.Count == 0 && j.For == 0 }

// schedule gives the due times. All samples of a job are kept, so there is an end
// to what one can have.
func (j HTTPJob) schedule() (rate.Schedule, error) {
	s, err := j.due()
	if err == nil && s.Len() > stats.Exact+j.WarmUp {
		return s, fmt.Errorf("%d requests are due: one agent sends at most %d, give the measure more agents, a lower rate or less time", s.Len(), stats.Exact)
	}
	if err == nil && j.WarmUp >= s.Len() {
		return s, fmt.Errorf("all %d requests that are due belong to the warm-up of %d: there would be nothing to measure", s.Len(), j.WarmUp)
	}
	return s, err
}

func (j HTTPJob) due() (rate.Schedule, error) {
	switch {
	case j.Rate == 0 && j.For > 0:
		return rate.Schedule{}, fmt.Errorf("the job lasts %v and has no rate: give it a number of requests a second, such as 50", j.For)
	case j.Rate == 0:
		return rate.Burst(max(j.Count, 1)), nil
	case j.openEnded():
		long := math.Min(rate.Longest.Seconds(), stats.Exact/j.Rate)
		return rate.Constant(j.Rate, 0, time.Duration(long*float64(time.Second)), 0)
	}
	return rate.Constant(j.Rate, j.Count, j.For, 0)
}

// httpRun is a job at work.
type httpRun struct {
	job      HTTPJob
	schedule rate.Schedule
	sender   *sender
	checks   *checks
	inFlight context.Context // ends the requests that have been taken up
	t0       time.Time

	mu     sync.Mutex
	flying map[int]flight // what came of requests whose shot is not in yet
	last   *spec.Response

	out     HTTPReport
	failing map[int]int // failed requests by second
}

// flight is what is known of a request besides its shot.
type flight struct {
	service time.Duration
	code    int
	bytes   int64
}

func (h *httpRun) run(ctx context.Context, progress func(string)) *HTTPReport {
	h.flying, h.failing = map[int]flight{}, map[int]int{}
	h.out.Codes, h.out.Errors = map[string]int64{}, map[string]int64{}
	h.t0 = time.Now()
	did := rate.Run(ctx, h.schedule, h.send, rate.Options{
		Concurrency: h.job.Concurrency, WarmUp: h.job.WarmUp,
		Progress: func(p rate.Progress) { progress(h.line(p)) },
	}, h.ended)
	stopped := ctx.Err() != nil
	if h.job.openEnded() && stopped {
		h.stopped(&did)
	}
	h.out.take(did)
	if h.job.openEnded() && !stopped && h.out.Short == "" {
		h.out.Short = fmt.Sprintf("it ended by itself after %d requests, the most that one agent keeps: give the measure more agents, a lower rate or less time", h.schedule.Len())
	}
	h.out.Answer = h.last
	h.out.Seconds = seconds(h.out, h.dueBySecond(did.Due), h.failing)
	return &h.out
}

func (h *httpRun) line(p rate.Progress) string {
	text := fmt.Sprintf("%d of %d requests", p.Ended, p.Total)
	if h.job.openEnded() {
		text = fmt.Sprintf("%d requests", p.Ended)
	}
	return fmt.Sprintf("%s, %d in flight, %d failed", text, p.Started-p.Ended, p.Failed)
}

// send sends request i and checks its answer.
//
// It counts as sent from when it took a connection that was there, or began to
// make one: a server that is slow to take connections has its load all the same,
// and one that refuses them fails the request.
func (h *httpRun) send(_ context.Context, i int) (rate.Done, error) {
	a := h.sender.send(h.inFlight)
	a.response.Took = a.ended.Sub(h.t0.Add(h.schedule.Due(i)))
	err := h.checks.judge(h.inFlight, &a)
	f := flight{code: int(a.response.Status), bytes: a.bytes}
	if !a.written.IsZero() {
		f.service = a.ended.Sub(a.written)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if i >= h.job.WarmUp {
		h.flying[i] = f
	}
	if h.job.Request.Keep {
		h.last = &a.response
	}
	return rate.Done{Sent: a.sent, Ended: a.ended}, err
}

// ended keeps what came of a request; calls do not overlap.
func (h *httpRun) ended(shot rate.Shot) {
	h.mu.Lock()
	f := h.flying[shot.Index]
	delete(h.flying, shot.Index)
	h.mu.Unlock()
	due := h.schedule.Due(shot.Index) + h.job.Offset
	h.out.Bytes += f.bytes
	if f.code != 0 {
		h.out.Codes[codeName(f.code)]++
	}
	if shot.Err != nil {
		h.failing[int(due/time.Second)]++
		count(h.out.Errors, kindOf(shot.Err))
		return
	}
	h.out.Latency = append(h.out.Latency, shot.Ended.Sub(shot.Due))
	h.out.Service = append(h.out.Service, f.service)
	h.out.At = append(h.out.At, due)
}

// stopped takes what was not due any more out of the delivery of a job that was
// stopped on purpose. Stopping takes a moment, in which requests come due that are
// not sent: those of the last Slack are no drops.
func (h *httpRun) stopped(did *rate.Delivery) {
	first := h.job.WarmUp + did.Due - did.Dropped
	end := h.job.WarmUp + did.Due - 1
	if did.Dropped > 0 && h.schedule.Due(end)-h.schedule.Due(first) < rate.Slack {
		did.Due -= did.Dropped
		did.Dropped = 0
	}
	did.Planned = did.Due
}

// dueBySecond counts the requests that came due in each second of the job.
func (h *httpRun) dueBySecond(due int) (counts []int) {
	for i := h.job.WarmUp; i < h.job.WarmUp+due; i++ {
		second := int((h.schedule.Due(i) + h.job.Offset) / time.Second)
		for len(counts) <= second {
			counts = append(counts, 0)
		}
		counts[second]++
	}
	return counts
}

func (r *HTTPReport) take(did rate.Delivery) {
	r.Asked, r.Rate = did.Asked, did.Achieved
	r.Due, r.Sent, r.Failed, r.Dropped = did.Due, did.Sent, did.Failed, did.Dropped
	r.WorstLag, r.LagP99 = did.WorstLag, did.LagP99
	_, r.Short = did.Delivered()
}
