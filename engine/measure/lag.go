package measure

import (
	"slices"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// Echo is one change of a probe object: when it was due, when the request left,
// when its answer had come (zero: it failed) and when the watch brought it (zero:
// not yet).
type Echo struct{ Due, Sent, Accepted, Seen time.Time }

// Probing says which echoes speak for a measure.
type Probing struct {
	From, To time.Time     // the time that is measured
	Interval time.Duration // between two changes
	// Grace is how long before To a change may have been due that has not come
	// back.
	Grace time.Duration
	What  string // the kind of the probe
}

// leastEchoes can be the basis of an error bar.
const leastEchoes = 5

// Lag is how late the watch was, by the echoes that were on their way in the time,
// and the error bar that follows: the p99 (nearest rank) of the time from the moment at
// which a change was due to its receipt. The request's own way is in it, so the
// bar is an upper bound of the watch's lateness.
//
// The probe has one change in flight at a time, so the slower the watch, the
// fewer changes there are. So that a stall counts for as long as it lasts, a due
// time that was left out, because a change was in flight or the process stood
// still, counts as if its change had come with the next one:
//
//	due    |    |    |    |    |        (interval)
//	sent   |    ──────────────>|
//	seen    |                   |
//	lag    -    ──────────────── and ────────── and ───── and -
//
// A change that was accepted and never came back is missing, and so is every due
// time after the last change; with a missing one at the p99 the bar is
// spec.Missing: the watch stood still. It is not ok with fewer than five echoes.
func Lag(echoes []Echo, p Probing) (lag event.Lag, bar time.Duration, ok bool) {
	var took []time.Duration
	missing := 0
	count := func(due, seen time.Time) {
		switch {
		case due.After(p.To) || !seen.IsZero() && seen.Before(p.From):
		case !seen.IsZero():
			took = append(took, max(seen.Sub(due), 0))
		case p.To.Sub(due) >= p.Grace:
			missing++
		}
	}
	var next time.Time // the due time after the last echo
	for _, e := range echoes {
		if e.Accepted.IsZero() {
			continue // it says nothing of the watch; the next one answers for it
		}
		for ; !next.IsZero() && e.Due.Sub(next) > p.Interval/2; next = next.Add(p.Interval) {
			count(next, e.Seen)
		}
		count(e.Due, e.Seen)
		next = e.Due.Add(p.Interval)
	}
	for ; !next.IsZero() && p.To.Sub(next) >= p.Grace; next = next.Add(p.Interval) {
		count(next, time.Time{})
	}
	lag = event.Lag{What: p.What, Count: int64(len(took)), Missing: int64(missing)}
	n := len(took) + missing
	if n == 0 {
		return lag, spec.Missing, false
	}
	slices.Sort(took)
	bar = stats.Quantile(took, missing, 0.99)
	lag.P50, lag.P99 = seconds(stats.Quantile(took, missing, 0.50)), seconds(bar)
	lag.Max = seconds(stats.Quantile(took, missing, 1))
	return lag, bar, n >= leastEchoes
}
