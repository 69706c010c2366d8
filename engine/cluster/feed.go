package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Feed is a watch of one kind and the objects that it has brought.
//
// It begins with a list and goes on with a watch from the list's version:
//
//	list ──> watch ──> the stream ends: watch again from the last version
//	  ^        │
//	  └── the version is too old (410): Gap, list, and what differs as changes
//
// One goroutine reads the stream and stamps each frame; the feed's own decodes,
// stores and tells the subscribers, so that slow work delays no stamp.
type Feed struct {
	client *Client
	key    feedKey
	what   string // for people
	synced chan struct{}
	ended  chan struct{}
	wake   chan struct{} // somebody is joining

	mu        sync.Mutex
	store     store
	changed   chan struct{} // nil when nobody has asked since the last change
	joining   []*subscriber
	reached   uint64
	opaque    bool // versions are no numbers here
	failure   error
	downSince time.Time
	downErr   error

	// Of the feed's own goroutine only.
	subscribers []*subscriber
	version     string // where the next watch begins; empty: list first
	listed      bool   // a first list is in
}

type subscriber struct {
	fn   func(Change)
	left atomic.Bool
}

const (
	// settled is how long a stream must have lived for its end to be normal.
	// After a shorter life the next attempt waits longer than the last one did.
	settled = 5 * time.Second
	// longestPause bounds what a server may ask for by Retry-After.
	longestPause = time.Minute
)

func newFeed(c *Client, key feedKey) *Feed {
	return &Feed{
		client: c, key: key,
		what:      "watch " + title(key.resource, key.namespace, ""),
		synced:    make(chan struct{}),
		ended:     make(chan struct{}),
		wake:      make(chan struct{}, 1),
		store:     store{entries: map[objectKey]*entry{}},
		downSince: time.Now(),
	}
}

// run keeps the feed going until its context ends, or until the server refuses
// the first list for good.
func (f *Feed) run(ctx context.Context) {
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
func (f *Feed) follow(ctx context.Context) (time.Duration, error) {
	if f.version == "" {
		if err := f.list(ctx); err != nil {
			return 0, err
		}
	}
	q := watchCall(f.key.resource, f.key.namespace)
	q.query.Set("resourceVersion", f.version)
	if f.key.selector != "" {
		q.query.Set("labelSelector", f.key.selector)
	}
	body, err := f.client.stream(ctx, q)
	if isExpired(err) {
		f.version = ""
	}
	if err != nil {
		return 0, err
	}
	f.connected()
	start := time.Now()
	err = f.consume(ctx, body)
	return time.Since(start), err
}

// list reads all objects and turns what differs from the known ones into
// changes.
func (f *Feed) list(ctx context.Context) error {
	q := listCall(f.key.resource, f.key.namespace, ListOptions{Selector: f.key.selector})
	pages, version, err := f.client.pages(ctx, q, f.key.resource, 0)
	if err != nil {
		return err
	}
	if f.listed {
		f.client.ledger.relists.Add(1)
		f.tell([]Change{{Type: Gap, Received: time.Now()}})
	}
	uids := map[types.UID]bool{}
	for _, p := range pages {
		for _, u := range p.objects {
			uids[u.GetUID()] = true
			f.update(func(s *store) []Change { return s.put(u, p.at, true) })
		}
	}
	at := time.Now()
	if len(pages) > 0 {
		at = pages[len(pages)-1].at
	}
	for _, e := range f.store.missing(uids) {
		f.update(func(s *store) []Change { return []Change{s.remove(e, e.object, at, true)} })
	}
	f.version = version
	f.advance(version)
	if !f.listed {
		f.listed = true
		close(f.synced)
	}
	return nil
}

// take stores one event.
func (f *Feed) take(s stamped) error {
	e, err := decodeFrame(*s.raw)
	if err != nil {
		f.version = "" // we no longer know where we are
		return &Unavailable{What: f.what, Server: f.client.info.Server, Attempts: 1, Why: "an event cannot be read", Err: err}
	}
	if e.kind == "ERROR" {
		return f.refused(e)
	}
	u := &unstructured.Unstructured{Object: e.object}
	switch e.kind {
	case "ADDED", "MODIFIED":
		f.client.ledger.events.Add(1)
		f.update(func(st *store) []Change { return st.put(u, s.at, false) })
	case "DELETED":
		f.client.ledger.events.Add(1)
		f.update(func(st *store) []Change { return st.drop(u, s.at) })
	case "BOOKMARK": // only the version
	}
	if version := u.GetResourceVersion(); version != "" {
		f.version = version
		f.advance(version)
	}
	return nil
}

// refused is an ERROR event. Most often the version has become too old.
func (f *Feed) refused(e frame) error {
	if e.status.Code == http.StatusGone || e.status.Reason == "Expired" || e.status.Reason == "Gone" {
		f.version = ""
	}
	return &Unavailable{
		What: f.what, Server: f.client.info.Server, Attempts: 1,
		Why: answered(int(e.status.Code), e.status.Message),
	}
}

// update changes the store and tells the subscribers what it came to.
func (f *Feed) update(change func(*store) []Change) {
	f.mu.Lock()
	changes := change(&f.store)
	if len(changes) > 0 {
		f.notify()
	}
	f.mu.Unlock()
	f.tell(changes)
}

// tell calls the subscribers.
func (f *Feed) tell(changes []Change) {
	for _, change := range changes {
		for _, s := range f.subscribers {
			if !s.left.Load() {
				s.fn(change)
			}
		}
	}
}

// admit lets subscribers in and shows them what is there.
func (f *Feed) admit() {
	f.mu.Lock()
	joining := f.joining
	f.joining = nil
	var present []Change
	if len(joining) > 0 {
		for _, e := range f.store.order {
			present = append(present, e.change(Added))
		}
	}
	f.mu.Unlock()
	f.subscribers = slices.DeleteFunc(f.subscribers, func(s *subscriber) bool { return s.left.Load() })
	for _, s := range joining {
		for _, change := range present {
			if !s.left.Load() {
				s.fn(change)
			}
		}
		f.subscribers = append(f.subscribers, s)
	}
}

// advance notes a version that the feed has seen.
func (f *Feed) advance(version string) {
	n, ok := versionNumber(version)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opaque = f.opaque || !ok
	if n > f.reached {
		f.reached = n
		f.notify()
	}
}

// connected notes that the stream is open.
func (f *Feed) connected() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.downSince, f.downErr = time.Time{}, nil
	f.notify()
}

// lost notes that the stream has ended.
func (f *Feed) lost(err error) {
	f.client.ledger.reconnects.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.downSince.IsZero() {
		f.downSince = time.Now()
	}
	if err != nil && !IsUnavailable(err) && !isFinal(err) {
		err = &Unavailable{What: f.what, Server: f.client.info.Server, Attempts: 1, Why: plainNet(err), Err: err}
	}
	f.downErr = err
	f.notify()
}

// end notes that the feed is over.
func (f *Feed) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failure = err
	f.notify()
	close(f.ended)
}

// notify wakes who waits for a change. The lock is held.
func (f *Feed) notify() {
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// pause waits before the next attempt, and lets subscribers in meanwhile.
func (f *Feed) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return
		case <-f.wake:
			f.admit()
		case <-ctx.Done():
			return
		}
	}
}
