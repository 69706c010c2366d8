package cluster

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// queueLength and queueBytes bound what lies between receipt and decoding.
	// When it is full the stream is not read on, and nothing is lost.
	queueLength = 4096
	queueBytes  = 8 << 20
	// quiet is how long a stream may bring nothing, not even the bookmark that
	// servers send every minute, before it is opened again to be sure.
	quiet = 150 * time.Second
)

// stamped is a frame as it was read.
type stamped struct {
	raw *[]byte
	at  time.Time
}

// queue holds the frames of one stream that are not decoded yet.
type queue struct {
	frames chan stamped
	bytes  atomic.Int64
	room   chan struct{} // something has been taken out
	ledger *ledger
}

func newQueue(l *ledger) *queue {
	return &queue{frames: make(chan stamped, queueLength), room: make(chan struct{}, 1), ledger: l}
}

// put waits for room; it is false when nobody reads any more. One frame that is
// larger than the whole queue passes alone.
func (q *queue) put(s stamped, done <-chan struct{}) bool {
	size := int64(len(*s.raw))
	for waited := false; ; waited = true {
		if total := q.bytes.Add(size); total <= queueBytes || total == size {
			select {
			case q.frames <- s:
				q.ledger.queued(len(q.frames))
				return true
			default:
			}
		}
		q.bytes.Add(-size)
		if !waited {
			q.ledger.queueFull.Add(1)
		}
		select {
		case <-q.room:
		case <-done:
			return false
		}
	}
}

// took notes that a frame has left the queue.
func (q *queue) took(s stamped) {
	q.bytes.Add(-int64(len(*s.raw)))
	select {
	case q.room <- struct{}{}:
	default: // the reader is told already
	}
}

// consume reads the stream to its end. It returns the moment up to which the
// stream was certainly alive.
func (f *follower) consume(ctx context.Context, body *streamBody) (time.Time, error) {
	queue := newQueue(f.client.ledger)
	done := make(chan struct{})
	var end time.Time
	var readErr error
	var reader sync.WaitGroup
	reader.Go(func() { end, readErr = f.client.readFrames(body, queue, done) })
	stop := func() {
		close(done)
		_ = body.Close()
		reader.Wait()
	}
	for {
		select {
		case s, ok := <-queue.frames:
			if !ok {
				stop()
				return end, readErr
			}
			queue.took(s)
			err := f.take(s, body.protobuf)
			f.client.buffers.Put(s.raw)
			if err != nil {
				stop()
				return s.at, err
			}
		case <-f.wake:
			f.sink.admit()
		case <-ctx.Done():
			stop()
			return end, ctx.Err()
		}
	}
}

// readFrames reads and stamps until the stream ends, and closes the queue. The
// end that the server intends is no error, and nothing was missed before it; of
// any other end it is only known when the connection brought its last bytes.
func (c *Client) readFrames(body *streamBody, queue *queue, done <-chan struct{}) (time.Time, error) {
	defer close(queue.frames)
	var silent atomic.Bool
	idle := time.AfterFunc(quiet, func() { silent.Store(true); _ = body.Close() })
	defer idle.Stop()
	frames := body.frames()
	for {
		raw := c.buffers.Get().(*[]byte)
		text, at, err := frames.next((*raw)[:0])
		switch {
		case silent.Load():
			return body.arrivals.at, nil
		case errors.Is(err, io.EOF):
			return time.Now(), nil
		case err != nil:
			return body.heard(), err
		}
		*raw = text
		idle.Reset(quiet)
		if !queue.put(stamped{raw, at}, done) {
			return at, nil
		}
	}
}
