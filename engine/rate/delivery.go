package rate

import (
	"context"
	"fmt"
	"time"
)

// Least is the share of the rate asked that must be achieved.
const Least = 0.99

// Slack is how late the last operation may be sent whatever share of a short
// schedule that is: ten operations at 1000/s take 9 ms, and one wake-up of the
// process would be 1 % of it. On a machine whose cores are busy a process waits
// tens of milliseconds for its turn.
const Slack = 50 * time.Millisecond

// Operation does operation i and says when it was sent. An error makes it
// failed. It should return soon after ctx has ended.
type Operation func(ctx context.Context, i int) (Done, error)

// Done are the stamps of an operation, from time.Now as they are (monotonic).
type Done struct {
	Sent  time.Time // the moment it left; zero: it never did
	Ended time.Time // zero: when the Operation returned
}

// Shot is one operation with its stamps. Its latency is Ended - Due; Sent - Due
// is its lag, the part for which this process or its concurrency is the cause.
type Shot struct {
	Index            int
	Due, Sent, Ended time.Time
	Err              error
}

// Delivery is what became of the schedule, without the warm-up.
//
// Both rates are in operations a second and over the same operations. Achieved
// is (Sent - 1) / (last sent - first due), Asked is (operations from the first
// to the last sent, less one) / (last due - first due). They are equal when
// nothing was late, on a ramp as well. Counted from the first due and not the
// first sent, a load that begins late is not faster for it. Each is 0 when its
// span is: one operation; Asked also for a burst.
type Delivery struct {
	Asked, Achieved float64

	Planned int // in the schedule
	Due     int // came due before the end; less than Planned when the context ended first
	Sent    int
	Failed  int // ended with an error, sent or not
	Dropped int // due and never sent, because the context ended

	WorstLag time.Duration // the largest Sent - Due
	LagP99   time.Duration // nearest rank, at most 1 % too large
	Elapsed  time.Duration // of the whole Run, warm-up included
}

// Delivered tells whether the load was delivered: every operation came due and
// was sent, and the rate achieved is at least Least of the rate asked or the
// last one no later than Slack. Otherwise it says why not. Lag alone is no
// reason, as long as it was made up for: WorstLag and LagP99 are judged by who
// knows the limit.
//
// Who ended the context on purpose (a load in the background of something else)
// sets Planned to Due first.
func (d Delivery) Delivered() (bool, string) {
	switch unsent := d.Due - d.Sent - d.Dropped; {
	case d.Due == 0:
		return false, "no operation came due outside the warm-up"
	case d.Due < d.Planned:
		return false, fmt.Sprintf("it was stopped when %d of %d operations had come due", d.Due, d.Planned)
	case d.Dropped > 0:
		return false, fmt.Sprintf("%d of %d operations were due and never sent, because it was stopped", d.Dropped, d.Due)
	case unsent > 0:
		return false, fmt.Sprintf("%d of %d operations failed before they were sent", unsent, d.Due)
	case d.slow():
		return false, fmt.Sprintf("%.4g of %.4g operations a second were achieved (%.1f %%, at least %g %% must be), the last ones %v late",
			d.Achieved, d.Asked, 100*d.Achieved/d.Asked, 100*Least, d.behind().Round(time.Millisecond))
	}
	return true, ""
}

func (d Delivery) slow() bool {
	return d.Asked > 0 && d.Achieved < Least*d.Asked && d.behind() > Slack
}

// behind is how much longer the sending took than the schedule.
func (d Delivery) behind() time.Duration {
	n := float64(d.Sent - 1)
	return time.Duration((n/d.Achieved - n/d.Asked) * float64(time.Second))
}

// Progress is how far a Run is, warm-up included.
type Progress struct {
	Elapsed  time.Duration
	Total    int // in the schedule
	Started  int // Started - Ended are in flight
	Ended    int
	Failed   int
	WorstLag time.Duration // of those that have ended, without the warm-up
}

// tally adds up the shots of a Run.
type tally struct {
	ended, failed int // warm-up included
	delivery      Delivery
	lastSent      time.Time
	lastIndex     int
	lags          lags
}

// add counts a shot; stopped tells whether the context had ended by then.
func (t *tally) add(shot Shot, warmUp, stopped bool) {
	t.ended++
	if shot.Err != nil {
		t.failed++
	}
	if warmUp {
		return
	}
	d := &t.delivery
	switch {
	case shot.Sent.IsZero() && stopped:
		d.Dropped++
		return
	case shot.Err != nil:
		d.Failed++
	}
	if shot.Sent.IsZero() {
		return
	}
	d.Sent++
	t.lastIndex = max(t.lastIndex, shot.Index)
	if shot.Sent.After(t.lastSent) {
		t.lastSent = shot.Sent
	}
	lag := max(shot.Sent.Sub(shot.Due), 0)
	d.WorstLag = max(d.WorstLag, lag)
	t.lags.add(lag)
}

// rates fills in what is known at the end: t0 is when the schedule began, and
// first the operation after the warm-up.
func (t *tally) rates(s Schedule, t0 time.Time, first int) {
	d := &t.delivery
	d.LagP99 = min(t.lags.quantile(0.99), d.WorstLag)
	if d.Sent < 2 {
		return
	}
	begin := s.Due(first)
	if span := s.Due(t.lastIndex) - begin; span > 0 {
		d.Asked = float64(t.lastIndex-first) / span.Seconds()
	}
	if span := t.lastSent.Sub(t0) - begin; span > 0 {
		d.Achieved = float64(d.Sent-1) / span.Seconds()
	}
}
