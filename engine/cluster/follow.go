package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// follower keeps one watch going, whatever is done with what it brings:
//
//	list ──> watch ──> the stream ends: watch again from the last version
//	  ^        │
//	  └── the version is too old (410): a gap, list, and what differs as changes
//
// One goroutine reads the stream and stamps each frame; the follower's own
// decodes and hands over, so that slow work delays no stamp.
type follower struct {
	client *Client
	key    watchKey
	sink   sink
	what   string // for people
	synced chan struct{}
	ended  chan struct{}
	wake   chan struct{} // somebody is joining

	mu        sync.Mutex
	changed   chan struct{} // nil when nobody has asked since the last change
	reached   uint64
	opaque    bool // versions are no numbers here
	failure   error
	downSince time.Time
	downErr   error

	// Of the follower's own goroutine only.
	version string // where the next watch begins; empty: list first
	listed  bool   // a first list is in
	gap     bool   // a gap is told, and the list after it is not complete
	late    lateness
}

// sink is what becomes of the objects that a watch brings. It is called on the
// follower's goroutine only, in order.
type sink interface {
	// accept is what a list and a watch are to be written in; empty is JSON.
	accept() (list, watch string)
	// gap: what happened since the last call is known only by its result.
	gap(at time.Time)
	// begin: a list begins; complete: what was not in it is no more.
	begin()
	page(body []byte, protobuf bool, w when) (metav1.ListMeta, error)
	complete(w when)
	// decode reads an event, deliver takes one of an object.
	decode(raw []byte, protobuf bool) (frame, error)
	deliver(f frame, w when)
	// admit lets those in who are joining.
	admit()
}

// when is the time of what a watch brings.
type when struct {
	at      time.Time
	earlier time.Duration // how much before at it may have been
	listed  bool          // from a list, not from the watch
	first   bool          // from the first list: it may be of any age
}

const (
	// settled is how long a stream must have lived for its end to be normal.
	// After a shorter life the next attempt waits longer than the last one did.
	settled = 5 * time.Second
	// longestPause bounds what a server may ask for by Retry-After.
	longestPause = time.Minute
)

func newFollower(c *Client, key watchKey, s sink) follower {
	return follower{
		client: c, key: key, sink: s,
		what:      "watch " + title(key.resource, key.namespace, ""),
		synced:    make(chan struct{}),
		ended:     make(chan struct{}),
		wake:      make(chan struct{}, 1),
		downSince: time.Now(),
	}
}

// run keeps the watch going until its context ends, or until the server refuses
// the first list for good.
func (f *follower) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		lived, err := f.follow(ctx)
		if ctx.Err() != nil {
			break
		}
		if !f.listed && isFinal(err) {
			f.end(err)
			return
		}
		f.lost(err)
		if lived >= settled {
			failures = 0
		}
		failures++
		f.pause(ctx, pauseAfter(failures, err))
	}
	f.end(fmt.Errorf("%s: ended: %w", f.what, context.Canceled))
}

// pauseAfter is the time before attempt n+1. The first reconnection is
// immediate, for a stream's end is mostly the server's routine.
func pauseAfter(failures int, err error) time.Duration {
	var u *Unavailable
	if errors.As(err, &u) && u.after > 0 {
		return min(u.after, longestPause)
	}
	if failures == 1 {
		return 0
	}
	return backoff(failures - 1)
}

// follow lists if it must, and watches until the stream ends. It tells how long
// the stream lived; the error is nil when the server ended it in good order.
func (f *follower) follow(ctx context.Context) (time.Duration, error) {
	if f.version == "" {
		if err := f.list(ctx); err != nil {
			return 0, err
		}
	}
	q := watchCall(f.key.resource, f.key.namespace)
	q.query.Set("resourceVersion", f.version)
	if selector := f.key.labels(); selector != "" {
		q.query.Set("labelSelector", selector)
	}
	_, q.accept = f.sink.accept()
	body, err := f.client.stream(ctx, q)
	if isExpired(err) {
		f.version = ""
	}
	if err != nil {
		return 0, err
	}
	f.connected()
	start := time.Now()
	forget := f.askHowLate(ctx)
	alive, err := f.consume(ctx, body)
	forget()
	f.late.parted(alive, f.reached)
	return time.Since(start), err
}

// list reads all objects and turns what differs from the known ones into
// changes.
func (f *follower) list(ctx context.Context) error {
	q := listCall(f.key.resource, f.key.namespace, ListOptions{Selector: f.key.labels()})
	q.accept, _ = f.sink.accept()
	var begun time.Time
	w := when{listed: true, first: !f.listed}
	meta, err := f.client.pages(ctx, q, 0, func(a answer, anew bool) (metav1.ListMeta, error) {
		w.at = a.at
		if anew {
			begun = a.sent
			f.relist(w.at)
			f.sink.begin()
		}
		if f.listed {
			w.earlier = f.late.since(w.at)
		}
		return f.sink.page(a.body, isProtobuf(a.header), w)
	})
	if err != nil {
		return err
	}
	f.sink.complete(w)
	f.gap = false
	f.version = meta.ResourceVersion
	f.late.alive = begun // the list shows no moment before
	f.advance(f.version)
	if !f.listed {
		f.listed = true
		close(f.synced)
	}
	return nil
}

// relist tells the gap that a new list comes after, once.
func (f *follower) relist(at time.Time) {
	if !f.listed || f.gap {
		return
	}
	f.gap = true
	f.client.ledger.relists.Add(1)
	f.sink.gap(at)
}

// take hands one event over.
func (f *follower) take(s stamped, protobuf bool) error {
	e, err := f.sink.decode(*s.raw, protobuf)
	if err != nil {
		f.version = "" // we no longer know where we are
		return &Unavailable{What: f.what, Server: f.client.info.Server, Attempts: 1, Why: "an event cannot be read", Err: err}
	}
	if e.kind == "ERROR" {
		return f.refused(&e.status)
	}
	version := e.version()
	switch e.kind {
	case "ADDED", "MODIFIED", "DELETED":
		if !e.canary() {
			f.client.ledger.events.Add(1)
		}
		f.sink.deliver(e, when{at: s.at, earlier: f.late.of(version, s.at)})
	case "BOOKMARK": // only the version
	}
	if version != "" {
		f.version = version
		f.advance(version)
	}
	return nil
}

// refused is an ERROR event. Most often the version has become too old.
func (f *follower) refused(status *metav1.Status) error {
	if status.Code == http.StatusGone || status.Reason == "Expired" || status.Reason == "Gone" {
		f.version = ""
	}
	return &Unavailable{
		What: f.what, Server: f.client.info.Server, Attempts: 1,
		Why: answered(int(status.Code), status.Message),
	}
}

// pause waits before the next attempt, and lets subscribers in meanwhile.
func (f *follower) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return
		case <-f.wake:
			f.sink.admit()
		case <-ctx.Done():
			return
		}
	}
}
