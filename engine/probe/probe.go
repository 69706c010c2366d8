package probe

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Run does a job and reports what came of it. Servers that do not answer are part
// of the report; an error means that there is no report, because the job cannot be
// done as it is written. It is one sentence for people.
//
// An open-ended job is stopped by ctx: it takes up no more requests, waits for
// those in flight and reports. Any other job is cut short by ctx: what is in
// flight is given up, and the report's Short says so.
func Run(ctx context.Context, job Job) (Report, error) {
	return Runner{}.Run(ctx, job)
}

// Runner is Run for who watches.
type Runner struct {
	// Progress gets a line for people about once a second; nil is allowed.
	Progress func(string)
}

// Run is the function Run.
func (r Runner) Run(ctx context.Context, job Job) (report Report, err error) {
	if r.Progress == nil {
		r.Progress = func(string) {}
	}
	before := readThrottling("/")
	switch kinds := job.kinds(); {
	case kinds != 1:
		return Report{}, fmt.Errorf("the job has %d of http, roundTrips and throughput: it must have exactly one", kinds)
	case job.HTTP != nil:
		report.HTTP, err = r.http(ctx, *job.HTTP)
	case job.RoundTrips != nil:
		report.RoundTrips, err = r.roundTrips(ctx, *job.RoundTrips)
	default:
		report.Throughput, err = r.throughput(ctx, *job.Throughput)
	}
	if err != nil {
		return Report{}, err
	}
	after := readThrottling("/")
	report.Throttled = after.For - before.For
	report.ThrottledTimes = after.Times - before.Times
	return report, nil
}

func (j Job) kinds() (n int) {
	for _, there := range []bool{j.HTTP != nil, j.RoundTrips != nil, j.Throughput != nil} {
		if there {
			n++
		}
	}
	return n
}

// sleep waits, and is false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

var errStopped = errors.New("stopped")
