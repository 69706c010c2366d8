package rate

import (
	"testing"
	"testing/synctest"
	"time"
)

// wait has a pacer wait three times, and tells whether it still has its fine
// clock then.
func wait(t *testing.T, p *pacer) bool {
	t.Helper()
	for _, long := range []time.Duration{time.Microsecond, early - 1, 3 * early} {
		due := time.Now().Add(long)
		p.until(t.Context().Done(), due)
		if early := time.Until(due); early > 0 {
			t.Errorf("returned %v before the due time", early)
		}
	}
	return p.fine != nil
}

func TestTheFineClockIsKeptOnTheRealClock(t *testing.T) {
	p := newPacer()
	defer p.close()
	had := p.fine != nil
	if has := wait(t, p); has != had {
		t.Errorf("a fine clock before: %v, after: %v", had, has)
	}
}

// On a clock that only timers move, naps would never end.
func TestTheFineClockIsGivenUpWhenTimeStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer()
		defer p.close()
		begin := time.Now()
		if wait(t, p) {
			t.Error("the fine clock is still in use")
		}
		if got, want := time.Since(begin), time.Microsecond+early-1+3*early; got != want {
			t.Errorf("waited %v, want %v", got, want)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer()
		defer p.close()
		begin, done := time.Now(), make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(done) })
		p.until(done, begin.Add(time.Hour))
		if got := time.Since(begin); got != time.Minute {
			t.Errorf("waited %v, want 1m", got)
		}
	})
}
