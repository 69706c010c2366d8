package measure

import "time"

// The server's stamps have whole seconds, cut off, so that a span between two of
// them is wrong by less than one; and the clocks of the nodes that write them may
// differ by the slack.
const (
	stampResolution = time.Second
	clockSlack      = 500 * time.Millisecond
)

// serverSpan is the time from creation to phase i by the server's stamps.
func (l *life) serverSpan(i int) (time.Duration, bool) {
	if l.created == noStamp || l.stamped[i] == noStamp {
		return 0, false
	}
	return time.Duration(l.stamped[i]-l.created) * time.Second, true
}

// contradicted is whether the server's span cannot be that of the measured
// moments: a clock was set or is wrong, or the watch stood still. What begins a
// measure does not matter here. The server stamps a pod's creation between the
// moment at which the request was sent, if that is known, and that at which the
// pod was seen.
func (l *life) contradicted(i int, server, bar time.Duration) bool {
	s := sample{bar: bar}
	s.between(l.first, l.firstEarlier, l.reached[i], l.earlier[i])
	if l.sent != never {
		s.high = max(s.high, time.Duration(l.reached[i]-l.sent))
	} else if !s.came {
		return false // nothing bounds the pod's beginning
	}
	low, high := s.widened()
	return high <= server-stampResolution-clockSlack || low >= plus(server, stampResolution+clockSlack)
}
