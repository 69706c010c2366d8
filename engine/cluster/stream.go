package cluster

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync/atomic"
	"time"
)

// stream opens a watch and returns its body. The head must come within the
// request timeout; after that the stream lasts until it is closed, the server
// ends it, or the context does.
func (c *Client) stream(ctx context.Context, q call) (*streamBody, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	patience := c.opts.RequestTimeout
	late := time.AfterFunc(patience, func() { cancel(context.DeadlineExceeded) })
	start := time.Now()
	var conn atomic.Pointer[countedConn]
	resp, err := c.open(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { conn.Store(counted(info.Conn)) },
	}), c.watching, q)
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
	body := &streamBody{
		ReadCloser: resp.Body, cancel: cancel, conn: conn.Load(), opened: time.Now(),
		protobuf: isProtobuf(resp.Header),
	}
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

// isProtobuf tells what an answer is written in; a server need not heed what it
// was asked for.
func isProtobuf(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && kind == "application/vnd.kubernetes.protobuf"
}

// counted finds our connection below TLS. A credential plugin may have wrapped
// it, so that it cannot be found.
func counted(conn net.Conn) *countedConn {
	for {
		switch c := conn.(type) {
		case *countedConn:
			return c
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

// streamBody is an open watch. It frees the request's context when it is closed.
type streamBody struct {
	io.ReadCloser
	cancel   context.CancelCauseFunc
	protobuf bool
	conn     *countedConn // nil when it is not known
	opened   time.Time
	arrivals *arrivals // of frames
}

func (b *streamBody) Close() error {
	b.cancel(nil)
	return b.ReadCloser.Close()
}

// frames reads the stream by the frame.
func (b *streamBody) frames() frames {
	b.arrivals = &arrivals{r: b.ReadCloser, at: b.opened}
	if b.protobuf {
		return newLengthReader(b.arrivals)
	}
	return newLineReader(b.arrivals)
}

// heard is the last moment at which the connection was certainly alive: when it
// brought the last bytes, be they an answer to HTTP/2's ping.
func (b *streamBody) heard() time.Time {
	at := b.arrivals.at
	if b.conn != nil && b.conn.heard().After(at) {
		at = b.conn.heard()
	}
	return at
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

// frames cuts a watch into its events. No byte is looked at before the stamp but
// to find a frame's end.
type frames interface {
	// next appends the next frame to buf, and says when its last byte came. It
	// ends with io.EOF.
	next(buf []byte) ([]byte, time.Time, error)
}

// lineReader reads JSON. The server ends each event with a newline, and JSON has
// none inside.
type lineReader struct {
	arrivals *arrivals
	lines    *bufio.Reader
}

func newLineReader(a *arrivals) *lineReader {
	return &lineReader{arrivals: a, lines: bufio.NewReaderSize(a, 64<<10)}
}

func (f *lineReader) next(buf []byte) ([]byte, time.Time, error) {
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

// lengthReader reads protobuf: each event follows its length, four bytes with
// the highest first.
type lengthReader struct {
	arrivals *arrivals
	data     *bufio.Reader
	head     [4]byte
}

func newLengthReader(a *arrivals) *lengthReader {
	return &lengthReader{arrivals: a, data: bufio.NewReaderSize(a, 64<<10)}
}

// largestFrame is far above what a server can send: etcd takes 1.5 MB.
const largestFrame = 64 << 20

func (f *lengthReader) next(buf []byte) ([]byte, time.Time, error) {
	if _, err := io.ReadFull(f.data, f.head[:]); err != nil {
		return nil, time.Time{}, err
	}
	size := binary.BigEndian.Uint32(f.head[:])
	if size > largestFrame {
		return nil, time.Time{}, fmt.Errorf("a frame of %d bytes is announced, which no API server sends", size)
	}
	buf = slices.Grow(buf, int(size))[:len(buf)+int(size)]
	if _, err := io.ReadFull(f.data, buf[len(buf)-int(size):]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // between a length and its frame is no good end
		}
		return nil, time.Time{}, err
	}
	return buf, f.arrivals.at, nil
}
