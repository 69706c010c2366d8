package rate

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// takes is an operation that is sent at once and takes a time.
func takes(d time.Duration) Operation {
	return func(ctx context.Context, i int) (Done, error) {
		sent := time.Now()
		time.Sleep(d)
		return Done{Sent: sent}, nil
	}
}

func collect(shots *[]Shot) func(Shot) { return func(s Shot) { *shots = append(*shots, s) } }

// The clock of these tests is synctest's: it moves only when everything waits.
func TestOperationsLeaveWhenTheyAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := constant(t, 100, 0, 20*time.Second, 10*time.Second)
		begin := time.Now()
		var shots []Shot
		d := Run(t.Context(), s, takes(30*time.Millisecond), Options{}, collect(&shots))
		for _, shot := range shots {
			due := begin.Add(s.Due(shot.Index))
			if !shot.Due.Equal(due) || !shot.Sent.Equal(due) || shot.Ended.Sub(due) != 30*time.Millisecond {
				t.Fatalf("operation %d, due at %v: %+v", shot.Index, due, shot)
			}
		}
		if len(shots) != 1500 || d.Due != 1500 || d.Planned != 1500 || d.Sent != 1500 || d.Failed+d.Dropped != 0 {
			t.Errorf("%d shots of 1500: %+v", len(shots), d)
		}
		if d.WorstLag != 0 || d.LagP99 != 0 || d.Achieved != d.Asked || d.Asked < 74.98 || d.Asked > 75 {
			t.Errorf("nothing was late: %+v", d)
		}
		if want := s.Due(1499) + 30*time.Millisecond; d.Elapsed != want {
			t.Errorf("took %v, want %v", d.Elapsed, want)
		}
		if ok, why := d.Delivered(); !ok {
			t.Error(why)
		}
	})
}

// stalls is a server that answers at once, but not between from and from + for.
func stalls(from, lasting time.Duration) Operation {
	begin := time.Now()
	return func(ctx context.Context, i int) (Done, error) {
		sent := time.Now()
		if at := sent.Sub(begin); at >= from && at < from+lasting {
			time.Sleep(from + lasting - at)
		}
		return Done{Sent: sent}, nil
	}
}

func TestAStallShowsInEveryOperationThatItDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		latency := make([]time.Duration, 1000)
		d := Run(t.Context(), constant(t, 100, 1000, 0, 0), stalls(time.Second, 2*time.Second), Options{Concurrency: 1024},
			func(s Shot) { latency[s.Index] = s.Ended.Sub(s.Due) })
		for i, got := range latency {
			want := time.Duration(0)
			if i >= 100 && i < 300 {
				want = 2*time.Second - time.Duration(i-100)*10*time.Millisecond
			}
			if got != want {
				t.Fatalf("operation %d took %v from its due time, want %v", i, got, want)
			}
		}
		if ok, why := d.Delivered(); !ok || d.WorstLag != 0 {
			t.Errorf("all left in time: %s, %+v", why, d)
		}
	})
}

func TestWithoutConcurrencyAStallMakesTheFollowingLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lag, latency := make([]time.Duration, 1000), make([]time.Duration, 1000)
		d := Run(t.Context(), constant(t, 100, 1000, 0, 0), stalls(time.Second, 2*time.Second), Options{Concurrency: 1},
			func(s Shot) { lag[s.Index], latency[s.Index] = s.Sent.Sub(s.Due), s.Ended.Sub(s.Due) })
		for i := range lag {
			want := time.Duration(0)
			if i > 100 && i < 300 {
				want = 2*time.Second - time.Duration(i-100)*10*time.Millisecond
			}
			if lag[i] != want {
				t.Fatalf("operation %d was %v late, want %v", i, lag[i], want)
			}
		}
		if latency[100] != 2*time.Second || latency[101] != 1990*time.Millisecond {
			t.Errorf("latencies %v, %v", latency[100], latency[101])
		}
		if d.WorstLag != 1990*time.Millisecond || d.LagP99 < 1890*time.Millisecond || d.LagP99 > 1910*time.Millisecond || d.Sent != 1000 {
			t.Errorf("199 of 1000 were up to 1.99s late: %+v", d)
		}
		if ok, why := d.Delivered(); !ok {
			t.Errorf("what was behind left in one go, and the rate was held: %s", why)
		}
	})
}

func TestASlowServerIsNotALoadDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var most, now atomic.Int64
		d := Run(t.Context(), constant(t, 100, 1000, 0, 0), func(ctx context.Context, i int) (Done, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			return takes(100*time.Millisecond)(ctx, i)
		}, Options{Concurrency: 5}, nil)
		if most.Load() != 5 {
			t.Errorf("%d in flight, want 5", most.Load())
		}
		// The last leaves at 19.94 s and was due at 9.99 s.
		if d.Sent != 1000 || math.Abs(d.Achieved-999/19.94) > 1e-9 || d.WorstLag != 9950*time.Millisecond {
			t.Errorf("5 at 100 ms each are 50/s: %+v", d)
		}
		ok, why := d.Delivered()
		if ok || !strings.Contains(why, "50.1 of 100 operations a second were achieved (50.1 %, at least 99 % must be), the last ones 9.95s late") {
			t.Errorf("delivered %v: %s", ok, why)
		}
	})
}

func TestTheEndOfTheContextDropsWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second+time.Millisecond)
		defer cancel()
		var shots []Shot
		// Both goroutines are busy from the second 1.99 on, until the context ends.
		d := Run(ctx, constant(t, 100, 1000, 0, 0), func(ctx context.Context, i int) (Done, error) {
			sent := time.Now()
			if i >= 198 {
				<-ctx.Done()
			}
			return Done{Sent: sent}, ctx.Err()
		}, Options{Concurrency: 2}, collect(&shots))
		if d.Planned != 1000 || d.Due != 501 || d.Sent != 200 || d.Failed != 2 || d.Dropped != 301 {
			t.Errorf("%+v", d)
		}
		if len(shots) != 200 || d.Elapsed != 5001*time.Millisecond {
			t.Errorf("%d shots in %v", len(shots), d.Elapsed)
		}
		if ok, why := d.Delivered(); ok || !strings.Contains(why, "501 of 1000 operations had come due") {
			t.Errorf("delivered %v: %s", ok, why)
		}
		d.Planned = d.Due
		if ok, why := d.Delivered(); ok || !strings.Contains(why, "301 of 501 operations were due and never sent") {
			t.Errorf("delivered %v: %s", ok, why)
		}
	})
}

func TestALoadStoppedOnPurposeIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second+time.Millisecond)
		defer cancel()
		d := Run(ctx, constant(t, 100, 1000, 0, 0), takes(0), Options{}, nil)
		if d.Due != 501 || d.Sent != 501 || d.Dropped != 0 {
			t.Errorf("%+v", d)
		}
		d.Planned = d.Due
		if ok, why := d.Delivered(); !ok {
			t.Error(why)
		}
	})
}

func TestAnOperationThatTheEndStoppedBeforeItLeftIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 95*time.Millisecond)
		defer cancel()
		d := Run(ctx, constant(t, 100, 1000, 0, 0), func(ctx context.Context, i int) (Done, error) {
			<-ctx.Done()
			return Done{}, ctx.Err()
		}, Options{}, nil)
		if d.Due != 10 || d.Dropped != 10 || d.Sent+d.Failed != 0 {
			t.Errorf("%+v", d)
		}
	})
}

func TestAContextThatHasEndedStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := Run(ctx, Burst(5), func(context.Context, int) (Done, error) {
		t.Error("an operation was started")
		return Done{}, nil
	}, Options{}, nil)
	if d.Due != 5 || d.Dropped != 5 {
		t.Errorf("%+v", d)
	}
}

func TestFailuresAreCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		failed := 0
		d := Run(t.Context(), constant(t, 100, 100, 0, 0), func(ctx context.Context, i int) (Done, error) {
			switch i % 10 {
			case 3:
				return Done{Sent: time.Now()}, refused
			case 7:
				return Done{}, refused
			}
			return Done{Sent: time.Now()}, nil
		}, Options{}, func(s Shot) {
			if errors.Is(s.Err, refused) {
				failed++
			}
			if s.Ended.IsZero() {
				t.Error("an operation has no end")
			}
		})
		if failed != 20 || d.Failed != 20 || d.Sent != 90 || d.Dropped != 0 {
			t.Errorf("%d shots failed: %+v", failed, d)
		}
		if ok, why := d.Delivered(); ok || !strings.Contains(why, "10 of 100 operations failed before they were sent") {
			t.Errorf("delivered %v: %s", ok, why)
		}
	})
}

func TestTheWarmUpIsNotInTheFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shots []Shot
		var done atomic.Int64
		d := Run(t.Context(), constant(t, 100, 100, 0, 0), func(ctx context.Context, i int) (Done, error) {
			done.Add(1)
			if i == 0 {
				time.Sleep(90 * time.Millisecond) // the first connection
				return Done{}, errors.New("refused")
			}
			return Done{Sent: time.Now()}, nil
		}, Options{WarmUp: 10, Concurrency: 1}, collect(&shots))
		if done.Load() != 100 || len(shots) != 90 || shots[0].Index != 10 {
			t.Errorf("%d done, %d shots from %d on", done.Load(), len(shots), shots[0].Index)
		}
		if d.Planned != 90 || d.Due != 90 || d.Sent != 90 || d.Failed != 0 || d.WorstLag != 0 || d.Asked != 100 || d.Achieved != 100 {
			t.Errorf("%+v", d)
		}
		d = Run(t.Context(), Burst(3), takes(0), Options{WarmUp: 5}, nil)
		if ok, why := d.Delivered(); ok || !strings.Contains(why, "outside the warm-up") {
			t.Errorf("a load that is all warm-up is delivered: %+v", d)
		}
	})
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []Progress
		s := constant(t, 10, 35, 0, 0)
		Run(t.Context(), s, takes(1250*time.Millisecond), Options{Progress: func(p Progress) { seen = append(seen, p) }}, nil)
		var ended, started []int
		for _, p := range seen {
			if p.Total != 35 || p.Elapsed%time.Second != 0 {
				t.Errorf("%+v", p)
			}
			started, ended = append(started, p.Started), append(ended, p.Ended)
		}
		// At a whole second one operation starts at the very moment of the report.
		if !slices.Equal(ended, []int{0, 8, 18, 28}) || len(started) != 4 || started[0] < 10 || started[0] > 11 {
			t.Errorf("started %v, ended %v", started, ended)
		}
	})
}

func TestABurstKeepsToItsConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := Run(t.Context(), Burst(1000), takes(time.Second), Options{Concurrency: 100}, nil)
		if d.Elapsed != 10*time.Second || d.WorstLag != 9*time.Second || d.Asked != 0 || d.Sent != 1000 {
			t.Errorf("%+v", d)
		}
		if ok, why := d.Delivered(); !ok {
			t.Errorf("a burst asks for no rate: %s", why)
		}
	})
}

func TestGoroutinesAreReusedAndEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	most := 0
	var mu sync.Mutex
	Run(t.Context(), constant(t, 2000, 400, 0, 0), func(context.Context, int) (Done, error) {
		mu.Lock()
		defer mu.Unlock()
		most = max(most, runtime.NumGoroutine()-before)
		return Done{Sent: time.Now()}, nil
	}, Options{}, nil)
	if most > 100 {
		t.Errorf("%d goroutines for operations that take no time", most)
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// The real clock: never early, each once, all of them, and cancelled in time.
func TestOnTheRealClock(t *testing.T) {
	times := make([]int, 500)
	d := Run(t.Context(), constant(t, 1000, len(times), 0, 0), takes(2*time.Millisecond), Options{}, func(s Shot) {
		times[s.Index]++
		if s.Sent.Before(s.Due) {
			t.Errorf("operation %d left %v early", s.Index, s.Due.Sub(s.Sent))
		}
	})
	for i, n := range times {
		if n != 1 {
			t.Errorf("operation %d was done %d times", i, n)
		}
	}
	if d.Sent != len(times) || d.Elapsed < 499*time.Millisecond {
		t.Errorf("%+v", d)
	}
	t.Logf("worst lag %v, p99 %v, %.2f/s", d.WorstLag, d.LagP99, d.Achieved)
}

func TestDeliveredAllowsForOneWakeUp(t *testing.T) {
	short := Delivery{Planned: 10, Due: 10, Sent: 10, Asked: 1000, Achieved: 9 / 0.012}
	if ok, why := short.Delivered(); !ok {
		t.Errorf("3 ms late on 9 ms: %s", why)
	}
	short.Achieved = 9 / 0.060
	if ok, _ := short.Delivered(); ok {
		t.Error("51 ms late on 9 ms is delivered")
	}
	long := Delivery{Planned: 10001, Due: 10001, Sent: 10001, Asked: 100, Achieved: 99.1}
	if ok, why := long.Delivered(); !ok {
		t.Error(why)
	}
	long.Achieved = 98.9
	if ok, _ := long.Delivered(); ok {
		t.Error("98.9 % is delivered")
	}
}
