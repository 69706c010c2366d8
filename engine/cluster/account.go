package cluster

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Account is what the work so far cost the API server and this machine.
type Account struct {
	// Requests by verb: get, list, watch, create, apply, patch, delete, evict, exec,
	// proxy (what a library client sent through RoundTripper) and other (the
	// version, discovery, what one may do). Every attempt counts, so a request that
	// was tried three times counts three.
	Requests map[string]int64
	// Retries by what was retried: 429, 409, 5xx, timeout, connection.
	Retries map[string]int64
	// Watches that lost their place and had to list again.
	Relists int64
	// Attempts to open a watch again after it ended, for whatever reason.
	Reconnects int64
	// Bytes on the wire, TLS included.
	BytesIn, BytesOut int64
	// Changes that watches brought, without those of realspec's own canaries.
	Events int64
	// The most frames that ever lay between receipt and decoding on one watch.
	// Stamps are taken before the queue, so a long queue delays the reaction to
	// a change and not its time.
	QueueHigh int64
	// How often a watch was not read on because its queue was full. What arrives
	// meanwhile is stamped late, so anything but 0 widens the error of a timing.
	QueueFull int64
}

// ledger is where the account is kept.
type ledger struct {
	mu       sync.Mutex
	requests map[string]int64
	retries  map[string]int64

	relists, reconnects  atomic.Int64
	in, out              atomic.Int64
	events               atomic.Int64
	queueHigh, queueFull atomic.Int64
}

func newLedger() *ledger {
	return &ledger{requests: map[string]int64{}, retries: map[string]int64{}}
}

func (l *ledger) request(verb string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests[verb]++
}

func (l *ledger) retry(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retries[reason]++
}

// queued notes that n frames are waiting on one watch.
func (l *ledger) queued(n int) {
	for {
		high := l.queueHigh.Load()
		if int64(n) <= high || l.queueHigh.CompareAndSwap(high, int64(n)) {
			return
		}
	}
}

func (l *ledger) account() Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Account{
		Requests:   maps.Clone(l.requests),
		Retries:    maps.Clone(l.retries),
		Relists:    l.relists.Load(),
		Reconnects: l.reconnects.Load(),
		BytesIn:    l.in.Load(),
		BytesOut:   l.out.Load(),
		Events:     l.events.Load(),
		QueueHigh:  l.queueHigh.Load(),
		QueueFull:  l.queueFull.Load(),
	}
}
