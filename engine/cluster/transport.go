package cluster

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// newHTTPClient builds a client with a connection pool of its own, and the
// function that closes all its connections. TLS, credentials, exec plugins, impersonation
// and proxies are client-go's; the pool is not, because client-go shares one
// between all clients and fixes its health checks by environment variables
// (30 s of silence and 15 s for the ping: too late to notice a dead watch).
func newHTTPClient(config *rest.Config, l *ledger, deadAfter time.Duration) (*http.Client, func(), error) {
	config = rest.CopyConfig(config)
	open := &connections{ledger: l, all: map[net.Conn]bool{}}
	config.Dial = open.dialer(config.Dial, deadAfter)
	conf, err := config.TransportConfig()
	if err != nil {
		return nil, nil, err
	}
	tlsConfig, err := transport.TLSConfigFor(conf)
	if err != nil {
		return nil, nil, err
	}
	proxy := conf.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	pool := &http.Transport{
		Proxy:               proxy,
		DialContext:         conf.DialHolder.Dial, // an exec plugin may have wrapped it
		TLSClientConfig:     tlsConfig,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 512, // matters without HTTP/2 only, where each request in flight has one
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  conf.DisableCompression,
		ForceAttemptHTTP2:   true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: deadAfter / 2,
			PingTimeout:     deadAfter / 2,
		},
	}
	rt, err := transport.HTTPWrappersForConfig(conf, pool)
	if err != nil {
		return nil, nil, err
	}
	client := &http.Client{Transport: rt, CheckRedirect: noRedirect}
	return client, func() { pool.CloseIdleConnections(); open.close() }, nil
}

// noRedirect hands a redirect out as the answer: an API server sends none, so
// it means that something else answers there (a login page, say).
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// connections are those that a client has open. net/http closes idle ones only,
// and an HTTP/2 connection whose last stream was closed a moment ago does not
// count as idle yet.
type connections struct {
	ledger *ledger

	mu     sync.Mutex
	all    map[net.Conn]bool
	closed bool
}

// dialer counts the bytes of every connection. Keep-alive probes notice a dead
// peer where there is no HTTP/2 ping to do it, behind a proxy, say.
func (cs *connections) dialer(dial dialFunc, deadAfter time.Duration) dialFunc {
	if dial == nil {
		dialer := &net.Dialer{
			Timeout: 10 * time.Second,
			KeepAliveConfig: net.KeepAliveConfig{
				Enable: true, Idle: deadAfter / 2, Interval: max(deadAfter/6, time.Second), Count: 3,
			},
		}
		dial = dialer.DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return cs.keep(conn)
	}
}

func (cs *connections) keep(conn net.Conn) (net.Conn, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		conn.Close()
		return nil, net.ErrClosed
	}
	cs.all[conn] = true
	return &countedConn{Conn: conn, of: cs, opened: time.Now()}, nil
}

func (cs *connections) close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	for conn := range cs.all {
		conn.Close()
	}
	clear(cs.all)
}

// countedConn is a connection whose bytes go into the ledger. It remembers when
// the last ones came.
type countedConn struct {
	net.Conn
	of     *connections
	opened time.Time
	last   atomic.Int64 // nanoseconds after opened, on the monotonic clock
}

// heard is when the last bytes came.
func (c *countedConn) heard() time.Time { return c.opened.Add(time.Duration(c.last.Load())) }

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.last.Store(int64(time.Since(c.opened)))
	}
	c.of.ledger.in.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.of.ledger.out.Add(int64(n))
	return n, err
}

func (c *countedConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.all, c.Conn)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
