package cluster

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// stream opens a watch and returns its body. The head must come within the
// request timeout; after that the stream lasts until it is closed, the server
// ends it, or the context does.
func (c *Client) stream(ctx context.Context, q call) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	patience := c.opts.RequestTimeout
	late := time.AfterFunc(patience, func() { cancel(context.DeadlineExceeded) })
	start := time.Now()
	resp, err := c.open(ctx, c.watching, q)
	if !late.Stop() && err == nil {
		resp.Body.Close()
		err = context.DeadlineExceeded
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			err = context.DeadlineExceeded // net/http says "canceled"
		}
		cancel(nil)
		return nil, c.unavailable(q, faultOf(q, err, patience), 1, start)
	}
	body := &streamBody{ReadCloser: resp.Body, cancel: cancel}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = body.Close() }()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		f := faultIn(q, resp, text)
		if f.final != nil {
			return nil, f.final
		}
		return nil, c.unavailable(q, f, 1, start)
	}
	return body, nil
}

// streamBody frees the request's context with the body.
type streamBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *streamBody) Close() error {
	b.cancel(nil)
	return b.ReadCloser.Close()
}

// arrivals remembers when the last bytes came.
type arrivals struct {
	r  io.Reader
	at time.Time
}

func (a *arrivals) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if n > 0 {
		a.at = time.Now()
	}
	return n, err
}

// frameReader cuts a watch into frames. The server ends each event with a
// newline, and JSON has none inside, so that no byte is looked at before the
// stamp but to find that newline.
type frameReader struct {
	arrivals arrivals
	lines    *bufio.Reader
}

func newFrameReader(r io.Reader) *frameReader {
	f := &frameReader{arrivals: arrivals{r: r}}
	f.lines = bufio.NewReaderSize(&f.arrivals, 64<<10)
	return f
}

// next appends the next frame to buf, and says when its last byte came.
func (f *frameReader) next(buf []byte) ([]byte, time.Time, error) {
	for {
		part, err := f.lines.ReadSlice('\n')
		buf = append(buf, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, time.Time{}, err // a frame that is cut off is no frame
		case len(buf) > 1:
			return buf, f.arrivals.at, nil
		}
		buf = buf[:0]
	}
}
