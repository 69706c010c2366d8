package probe

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/rate"
	"github.com/realspec/realspec/engine/stats"
)

const (
	defaultTransactionTimeout = time.Second
	defaultBytes              = 64
	// mostWaiting is how many transactions wait for their answer at a time.
	mostWaiting = 4096
)

// transaction does one round trip. Of its stamps, what it leaves out is when it was
// called and when it returned.
type transaction func(ctx context.Context) (rate.Done, error)

// echoed is when an answer was received, or why there is none. It is stamped where
// it is read: until whoever waits for it gets its turn, time goes by that is not the
// network's.
type echoed struct {
	at  time.Time
	err error
}

// roundTrips times transactions. Each is due at its own time, whatever became of
// those before; one without an answer in time is lost.
func (r Runner) roundTrips(ctx context.Context, job RoundTripJob) (*RoundTripReport, error) {
	job.Timeout = cmp.Or(job.Timeout, defaultTransactionTimeout)
	job.Bytes = cmp.Or(job.Bytes, defaultBytes)
	schedule, err := rate.Constant(job.Rate, 0, job.For, 0)
	if err != nil {
		return nil, err
	}
	if schedule.Len() > stats.Exact {
		return nil, fmt.Errorf("%d transactions are due: one job has at most %d, give it a lower rate or less time", schedule.Len(), stats.Exact)
	}
	do, end, err := job.transaction(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	return job.run(ctx, schedule, do, r.Progress), nil
}

func (j RoundTripJob) run(ctx context.Context, schedule rate.Schedule, do transaction, progress func(string)) *RoundTripReport {
	out := &RoundTripReport{Errors: map[string]int64{}, Samples: []time.Duration{}}
	did := rate.Run(ctx, schedule, func(job context.Context, _ int) (rate.Done, error) {
		ctx, cancel := context.WithTimeout(job, j.Timeout)
		defer cancel()
		began := time.Now()
		done, err := do(ctx)
		if err != nil && job.Err() != nil {
			err = errStopped
		}
		if done.Sent.IsZero() {
			done.Sent = began
		}
		return done, err
	}, rate.Options{Concurrency: mostWaiting, Progress: func(p rate.Progress) {
		progress(fmt.Sprintf("%d of %d transactions, %d lost", p.Ended, p.Total, p.Failed))
	}}, func(shot rate.Shot) {
		if shot.Err != nil {
			count(out.Errors, kindOf(shot.Err))
			return
		}
		out.Samples = append(out.Samples, shot.Ended.Sub(shot.Due))
		out.Service = append(out.Service, shot.Ended.Sub(shot.Sent))
	})
	out.Due, out.Lost = did.Due, did.Due-len(out.Samples)
	out.WorstLag, out.LagP99 = did.WorstLag, did.LagP99
	_, out.Short = did.Delivered()
	return out
}

// transaction prepares the transactions of a job; end ends what they share.
func (j RoundTripJob) transaction(ctx context.Context) (do transaction, end func(), err error) {
	none := func() {}
	if j.Bytes < 1 || j.Bytes > 60<<10 {
		return nil, nil, fmt.Errorf("the payload is %d bytes: it must be from 1 to %d", j.Bytes, 60<<10)
	}
	if j.Transaction != "dns" {
		if _, _, err := net.SplitHostPort(j.Address); err != nil {
			return nil, nil, fmt.Errorf("the address is %q: it must be HOST:PORT, such as 10.0.0.7:7000", j.Address)
		}
	}
	switch j.Transaction {
	case "rtt":
		w := &warm{job: j, payload: make([]byte, j.Bytes)}
		w.begin(ctx)
		return w.do, w.end, nil
	case "connect":
		return j.connect, none, nil
	case "request":
		return j.request, none, nil
	case "udp":
		u, err := newDatagrams(ctx, j)
		if err != nil {
			return nil, nil, err
		}
		return u.do, u.end, nil
	case "dns":
		resolver := &net.Resolver{PreferGo: true}
		return func(ctx context.Context) (rate.Done, error) {
			_, err := resolver.LookupHost(ctx, j.Address)
			return rate.Done{}, err
		}, none, nil
	}
	return nil, nil, fmt.Errorf("the transaction is %q: it must be rtt, connect, request, udp or dns", j.Transaction)
}

func (j RoundTripJob) connect(ctx context.Context) (rate.Done, error) {
	conn, err := dial(ctx, "tcp", j.Address)
	done := rate.Done{Ended: time.Now()}
	if err == nil {
		conn.Close()
	}
	return done, err
}

// request opens a connection for one request and its answer.
func (j RoundTripJob) request(ctx context.Context) (done rate.Done, err error) {
	conn, err := dial(ctx, "tcp", j.Address)
	if err != nil {
		return done, err
	}
	defer conn.Close()
	until, _ := ctx.Deadline()
	if err := conn.SetDeadline(until); err != nil {
		return done, err
	}
	message := make([]byte, 1+j.Bytes)
	message[0] = echoMark
	if _, err = conn.Write(message); err == nil {
		_, err = io.ReadFull(conn, message[:j.Bytes])
	}
	done.Ended = time.Now()
	return done, err
}

// dial connects; TCP without delay of small packets, as net does by default.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// warm is a connection that is open before the first transaction. Requests are
// written to it when they are due, even while answers are outstanding, and the
// answers come in the same order.
type warm struct {
	job     RoundTripJob
	payload []byte

	mu      sync.Mutex // for writing, and for what follows
	conn    net.Conn
	waiting chan chan echoed // of conn, in the order of their requests
	readers sync.WaitGroup
}

// begin connects before anything is due. When that fails, the transactions will
// say why.
func (w *warm) begin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, w.job.Timeout)
	defer cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.connect(ctx)
}

// connect is called with the lock.
func (w *warm) connect(ctx context.Context) error {
	conn, err := dial(ctx, "tcp", w.job.Address)
	if err != nil {
		return err
	}
	if _, err := conn.Write([]byte{echoMark}); err != nil {
		conn.Close()
		return err
	}
	waiting := make(chan chan echoed, 2*mostWaiting)
	w.conn, w.waiting = conn, waiting
	w.readers.Go(func() { w.read(conn, waiting) })
	return nil
}

// do is lost when it finds the connection broken, even if it can make a new one:
// a round trip on a warm connection never has the making of one in it.
func (w *warm) do(ctx context.Context) (rate.Done, error) {
	answer, sent, err := w.send(ctx)
	if err != nil {
		return rate.Done{Sent: sent}, err
	}
	return answered(ctx, sent, answer)
}

// answered waits for the answer to what was sent.
func answered(ctx context.Context, sent time.Time, answer <-chan echoed) (rate.Done, error) {
	select {
	case a := <-answer:
		return rate.Done{Sent: sent, Ended: a.at}, a.err
	case <-ctx.Done():
		return rate.Done{Sent: sent}, ctx.Err()
	}
}

func (w *warm) send(ctx context.Context) (chan echoed, time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn == nil {
		if err := w.connect(ctx); err != nil {
			return nil, time.Time{}, err
		}
		return nil, time.Time{}, failure("the connection was broken")
	}
	answer := make(chan echoed, 1)
	select {
	case w.waiting <- answer:
	default:
		return nil, time.Time{}, failure("too many answers are outstanding")
	}
	sent := time.Now()
	until, _ := ctx.Deadline()
	_ = w.conn.SetWriteDeadline(until)
	if _, err := w.conn.Write(w.payload); err != nil {
		w.broken(w.conn)
		return nil, sent, err
	}
	return answer, sent, nil
}

// read hands out answers until the connection ends.
func (w *warm) read(conn net.Conn, waiting chan chan echoed) {
	buf := make([]byte, w.job.Bytes)
	for {
		_, err := io.ReadFull(conn, buf)
		got := echoed{time.Now(), err}
		if err != nil {
			w.mu.Lock()
			w.broken(conn)
			w.mu.Unlock()
			for answer := range waiting {
				answer <- got
			}
			return
		}
		answer, more := <-waiting
		if !more {
			return
		}
		answer <- got
	}
}

// broken is called with the lock.
func (w *warm) broken(conn net.Conn) {
	conn.Close()
	if w.conn == conn {
		w.conn = nil
		close(w.waiting)
	}
}

func (w *warm) end() {
	w.mu.Lock()
	if w.conn != nil {
		w.broken(w.conn)
	}
	w.mu.Unlock()
	w.readers.Wait()
}
