package rate

import "time"

const (
	// early is how long before the due time the timer of the runtime ends. Those
	// wait in epoll on Linux, whole milliseconds: measured, a timer ends 0.5 ms
	// late at the median and 1.1 ms at p99.
	early = 1250 * time.Microsecond
	// grain is the shortest nap. A nap costs some 30 µs of CPU, so above 4000/s
	// the operations that come due in the meantime are released in one go.
	grain = 250 * time.Microsecond
)

// pacer waits for due times: with a timer until shortly before, and where the
// system has a finer clock, with that for the rest.
type pacer struct {
	timer *time.Timer
	fine  napper
}

// napper sleeps for a short time, a good deal more exactly than a timer.
type napper interface {
	nap(time.Duration) error
	close()
}

func newPacer() *pacer {
	timer := time.NewTimer(0)
	timer.Stop()
	return &pacer{timer: timer, fine: newNapper()}
}

func (p *pacer) close() {
	p.timer.Stop()
	if p.fine != nil {
		p.fine.close()
	}
}

// until returns at due, or a little later, or when done is closed.
func (p *pacer) until(done <-chan struct{}, due time.Time) {
	for {
		wait := time.Until(due)
		switch {
		case wait <= 0:
			return
		case p.fine != nil && wait <= early:
			p.nap(wait)
			continue
		case p.fine != nil:
			wait -= early
		}
		p.timer.Reset(wait)
		select {
		case <-p.timer.C:
		case <-done:
			return
		}
	}
}

// nap sleeps, and gives the fine clock up when it fails or does not move
// time.Now: in a synctest bubble only timers do.
func (p *pacer) nap(wait time.Duration) {
	before := time.Now()
	if err := p.fine.nap(max(wait, grain)); err == nil && time.Now().After(before) {
		return
	}
	p.fine.close()
	p.fine = nil
}
