package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ChangeType says what happened to an object.
type ChangeType string

// The types of changes.
const (
	Added    ChangeType = "added"
	Modified ChangeType = "modified"
	Deleted  ChangeType = "deleted"
	// Gap says that the watch lost its place: what happened since the last change
	// is known only by its result, which follows as changes that are Initial.
	Gap ChangeType = "gap"
)

// Change is something that happened to an object.
type Change struct {
	Type ChangeType
	// Object as it is now; of a deleted one, as it last was. Read only, and
	// shared with everybody. Nil for a Gap.
	Object *unstructured.Unstructured
	// Received is when the bytes had arrived, before they were decoded, with the
	// monotonic clock's reading.
	Received time.Time
	// Initial: this comes from a list and not from the watch, so that when it
	// happened is unknown; it was before Received.
	Initial bool
	// Seen is when the watch brought the object for the first time: as soon after
	// its creation as one can tell. Zero when it came with a list.
	Seen time.Time
}

// Watches is a set of watches that begin and end together: a scenario's.
type Watches struct {
	client *Client
	ctx    context.Context
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu    sync.Mutex
	feeds map[feedKey]*Feed
}

// feedKey tells feeds apart.
type feedKey struct {
	resource  Resource
	namespace string
	selector  string
}

// NewWatches starts an empty set. It ends with the context or with Close.
func (c *Client) NewWatches(ctx context.Context) *Watches {
	ctx, cancel := context.WithCancel(ctx)
	return &Watches{client: c, ctx: ctx, cancel: cancel, feeds: map[feedKey]*Feed{}}
}

// Close ends all watches and waits until they have ended.
func (w *Watches) Close() {
	w.mu.Lock()
	w.cancel() // under the lock: no feed starts after it
	w.mu.Unlock()
	w.wait.Wait()
}

// Open watches a kind in a namespace or, with none, in all of them. It returns
// at once; everybody who asks for the same gets the same feed, and one that has
// failed for good is begun anew.
func (w *Watches) Open(r Resource, namespace string) *Feed {
	return w.open(r, namespace, "")
}

// open watches the objects that a label selector selects.
func (w *Watches) open(r Resource, namespace, selector string) *Feed {
	if !r.Namespaced {
		namespace = ""
	}
	key := feedKey{resource: r, namespace: namespace, selector: selector}
	w.mu.Lock()
	defer w.mu.Unlock()
	if f, ok := w.feeds[key]; ok && f.Err() == nil {
		return f
	}
	f := newFeed(w.client, key)
	w.feeds[key] = f
	if w.ctx.Err() != nil {
		f.end(fmt.Errorf("watch %s: the watches are closed: %w", title(r, namespace, ""), context.Canceled))
		return f
	}
	w.wait.Go(func() { f.run(w.ctx) })
	return f
}

// Synced waits for the first list. It fails at once where the server refuses the
// watch for good: not allowed (403), no such kind (404), not watchable (405).
func (f *Feed) Synced(ctx context.Context) error {
	select {
	case <-f.synced:
	case <-f.ended:
	case <-ctx.Done():
	}
	select {
	case <-f.synced: // whatever came with it
		return nil
	default:
	}
	if err := f.Err(); err != nil {
		return err
	}
	since, err := f.Down()
	if err != nil {
		return err
	}
	return &Unavailable{
		What: f.what, Server: f.client.info.Server, Attempts: 1, Elapsed: time.Since(since),
		Why: "no answer yet", Err: ctx.Err(),
	}
}

// Err is why the feed has ended for good, or nil while it lives.
func (f *Feed) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failure
}

// Down tells since when the feed has had no connection, and why. The time is
// zero while it is connected; the error is nil until a first attempt has failed.
func (f *Feed) Down() (since time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.downSince, f.downErr
}

// Changed is closed at the next change of what the feed knows: an object, a
// version, the connection. Take it before you read, so that nothing is missed in
// between.
func (f *Feed) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return f.changed
}

// Objects are the present objects, sorted by namespace and name. The slice and
// the objects are shared: read only.
func (f *Feed) Objects() []*unstructured.Unstructured {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.store.snapshot()
}

// Get is one present object, or nil.
func (f *Feed) Get(namespace, name string) *unstructured.Unstructured {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.store.entries[objectKey{namespace, name}]; e != nil {
		return e.object
	}
	return nil
}

// Reached tells whether the feed has seen the cluster at least as it was at a
// resourceVersion: the one that Apply or Patch returned for an object of this
// kind, so that one reads what one wrote. Versions are compared as integers, as
// Kubernetes allows since 1.35; one that is none counts as reached.
func (f *Feed) Reached(resourceVersion string) bool {
	wanted, ok := versionNumber(resourceVersion)
	if !ok {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reached >= wanted || f.opaque
}

// Subscribe calls fn for every change, in order, on the feed's own goroutine:
// first for the objects that are there, as Added, with the stamps of the state
// that they are in. While fn runs, nothing else is stored, but stamps go on
// being taken. After cancel no further call begins.
func (f *Feed) Subscribe(fn func(Change)) (cancel func()) {
	s := &subscriber{fn: fn}
	f.mu.Lock()
	f.joining = append(f.joining, s)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default: // it has been woken already
	}
	return func() { s.left.Store(true) }
}
