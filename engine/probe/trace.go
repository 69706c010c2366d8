package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// trace is when a request left, and whether its connection was closed on it.
//
// net/http sends a request that changes nothing a second time when the server
// closes a connection, which had been used before, without an answer. Who measures
// how many are dropped must see the first: it is noticed where the connection is
// read, before net/http knows of it, and ends the request.
type trace struct {
	cancel context.CancelFunc

	mu      sync.Mutex
	sent    time.Time // when it took a connection that was idle
	written time.Time // when its head began to be encoded: see engine/cluster, written
	wire    *wire
	dropped error
}

func (t *trace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn:              t.gotConn,
		WroteHeaderField:     func(string, []string) { t.wroteField() },
		GotFirstResponseByte: t.detach,
	}
}

// gotConn may be called again, when nothing could be written to a connection that
// the server had closed while it was idle: that is no drop.
func (t *trace) gotConn(info httptrace.GotConnInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent, t.written = time.Time{}, time.Time{}
	if info.WasIdle {
		t.sent = time.Now()
	}
	if t.wire = wireOf(info.Conn); t.wire != nil {
		t.wire.wrote.Store(false)
		t.wire.request.Store(t)
	}
}

func (t *trace) wroteField() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.written.IsZero() {
		t.written = time.Now()
	}
}

// detach ends the watch over the connection: there is an answer, or no more request.
func (t *trace) detach() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wire != nil {
		t.wire.request.CompareAndSwap(t, nil)
	}
}

func (t *trace) drop(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropped = err
	t.cancel()
}

func (t *trace) droppedBy() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dropped
}

// stamps are when the request took its connection, or began to make one, and when
// it was written.
func (t *trace) stamps(began time.Time) (sent, written time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent.IsZero() {
		return began, t.written
	}
	return t.sent, t.written
}

// wire is a connection that knows the request which waits for an answer on it.
type wire struct {
	net.Conn
	request atomic.Pointer[trace]
	wrote   atomic.Bool // anything, since that request has it
}

// dialWire dials for net/http, which goes on dialling when the request that wanted
// the connection has been given up: hence a time of its own.
func dialWire(within time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: within, KeepAlive: 15 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &wire{Conn: conn}, nil
	}
}

func (w *wire) Write(p []byte) (int, error) {
	w.wrote.Store(true) // before: the server may hang up before Write returns
	n, err := w.Conn.Write(p)
	if n == 0 {
		w.wrote.Store(false)
	}
	return n, err
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	// A connection that this side has closed was not closed by the server.
	if err != nil && !errors.Is(err, net.ErrClosed) && w.wrote.Load() {
		if t := w.request.Load(); t != nil {
			t.drop(err)
		}
	}
	return n, err
}

// wireOf is the wire below a connection; nil for HTTP/2, where many requests share
// one and are sent again only when the server says that it has not begun on them.
func wireOf(conn net.Conn) *wire {
	if secure, ok := conn.(*tls.Conn); ok {
		if secure.ConnectionState().NegotiatedProtocol == "h2" {
			return nil
		}
		conn = secure.NetConn()
	}
	w, _ := conn.(*wire)
	return w
}
