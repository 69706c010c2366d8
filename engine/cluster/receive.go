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
	// queueLength bounds the frames between receipt and decoding. When it is full
	// the stream is not read on, and nothing is lost.
	queueLength = 4096
	// quiet is how long a stream may bring nothing, not even the bookmark that
	// servers send every minute, before it is opened again to be sure.
	quiet = 150 * time.Second
)

// stamped is a frame as it was read.
type stamped struct {
	raw *[]byte
	at  time.Time
}

// consume reads the stream to its end.
func (f *Feed) consume(ctx context.Context, body io.ReadCloser) error {
	frames := make(chan stamped, queueLength)
	done := make(chan struct{})
	var readErr error
	var reader sync.WaitGroup
	reader.Go(func() { readErr = f.client.readFrames(body, frames, done) })
	defer reader.Wait()
	defer body.Close()
	defer close(done)
	for {
		select {
		case s, ok := <-frames:
			if !ok {
				reader.Wait()
				return readErr
			}
			err := f.take(s)
			f.client.buffers.Put(s.raw)
			if err != nil {
				return err
			}
		case <-f.wake:
			f.admit()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readFrames reads and stamps until the stream ends, and closes frames. The end
// that the server intends is no error.
func (c *Client) readFrames(body io.ReadCloser, frames chan<- stamped, done <-chan struct{}) error {
	defer close(frames)
	var silent atomic.Bool
	idle := time.AfterFunc(quiet, func() { silent.Store(true); body.Close() })
	defer idle.Stop()
	lines := newFrameReader(body)
	for {
		raw := c.buffers.Get().(*[]byte)
		text, at, err := lines.next((*raw)[:0])
		if errors.Is(err, io.EOF) || silent.Load() {
			return nil
		}
		if err != nil {
			return err
		}
		*raw = text
		idle.Reset(quiet)
		select {
		case frames <- stamped{raw, at}:
			c.ledger.queued(len(frames))
		case <-done:
			return nil
		}
	}
}
