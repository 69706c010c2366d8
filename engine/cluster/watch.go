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
	// Earlier is how much before Received it may have happened: 0 while the
	// stream runs; after a pause of the stream the time since it was last known
	// to be alive, for all that may have happened meanwhile. 0 too with the
	// first list, whose objects may be of any age.
	Earlier time.Duration
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
	feeds map[watchKey]*Feed
	tapes map[tapeKey]*Tape
}

// watchKey tells watches apart.
type watchKey struct {
	resource  Resource
	namespace string
	selector  string
	canaries  bool // shown like anything else
}

// labels is the label selector of the requests.
func (k watchKey) labels() string {
	if k.canaries {
		return k.selector
	}
	return withoutCanaries(k.resource, k.selector)
}

// NewWatches starts an empty set. It ends with the context or with Close.
func (c *Client) NewWatches(ctx context.Context) *Watches {
	ctx, cancel := context.WithCancel(ctx)
	return &Watches{client: c, ctx: ctx, cancel: cancel, feeds: map[watchKey]*Feed{}, tapes: map[tapeKey]*Tape{}}
}

// Close ends all watches and waits until they have ended.
func (w *Watches) Close() {
	w.mu.Lock()
	w.cancel() // under the lock: no watch starts after it
	w.mu.Unlock()
	w.wait.Wait()
}

// Open watches a kind in a namespace or, with none, in all of them. It returns
// at once; everybody who asks for the same gets the same feed, and one that has
// failed for good is begun anew.
func (w *Watches) Open(r Resource, namespace string) *Feed {
	return w.open(watchKey{resource: r, namespace: namespace})
}

func (w *Watches) open(key watchKey) *Feed {
	if !key.resource.Namespaced {
		key.namespace = ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if f, ok := w.feeds[key]; ok && f.Err() == nil {
		return f
	}
	f := newFeed(w.client, key)
	w.feeds[key] = f
	w.start(&f.follower)
	return f
}

// PodTape records the pods of a namespace or, with none, of all of them, as
// typed pods. It asks for protobuf, which costs a fraction of JSON; where a
// server answers in JSON nevertheless (some aggregated and proxied ones do),
// that is read.
func (w *Watches) PodTape(namespace string) *Tape {
	return w.tape(tapeKey{watchKey{resource: Pods, namespace: namespace, canaries: true}, true})
}

// ObjectTape records a kind in a namespace or, with none, in all of them.
func (w *Watches) ObjectTape(r Resource, namespace string) *Tape {
	return w.tape(tapeKey{watchKey{resource: r, namespace: namespace, canaries: true}, false})
}

func (w *Watches) tape(key tapeKey) *Tape {
	if !key.resource.Namespaced {
		key.namespace = ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if t, ok := w.tapes[key]; ok && t.Err() == nil {
		return t
	}
	t := newTape(w.client, key)
	w.tapes[key] = t
	w.start(&t.follower)
	return t
}

// start begins a watch. The lock is held.
func (w *Watches) start(f *follower) {
	if w.ctx.Err() != nil {
		f.end(fmt.Errorf("%s: the watches are closed: %w", f.what, context.Canceled))
		return
	}
	w.wait.Go(func() { f.run(w.ctx) })
}
