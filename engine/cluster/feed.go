package cluster

import (
	"slices"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Feed is a watch of one kind and the objects that it has brought. It shows what
// is there now; a Tape records what happens, and keeps nothing.
type Feed struct {
	follower

	store   store         // with the follower's lock
	joining []*subscriber // likewise

	// Of the follower's goroutine only.
	subscribers []*subscriber
	inList      map[types.UID]bool // while a list comes in
}

type subscriber struct {
	fn   func(Change)
	left atomic.Bool
}

func newFeed(c *Client, key watchKey) *Feed {
	f := &Feed{store: store{entries: map[objectKey]*entry{}}}
	f.follower = newFollower(c, key, f)
	return f
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

// accept, and all that follows, makes the feed a sink.
func (f *Feed) accept() (list, watch string) { return "", "" }

func (f *Feed) gap(at time.Time) { f.tell([]Change{{Type: Gap, Received: at}}) }

func (f *Feed) begin() { f.inList = map[types.UID]bool{} }

func (f *Feed) page(body []byte, _ bool, w when) (metav1.ListMeta, error) {
	objects, meta, err := decodeList(body, f.key.resource)
	for _, u := range objects {
		if f.hides(u.Object) {
			continue
		}
		f.inList[u.GetUID()] = true
		f.update(func(s *store) []Change { return s.put(u, w) })
	}
	return meta, err
}

func (f *Feed) complete(w when) {
	for _, e := range f.store.missing(f.inList) {
		f.update(func(s *store) []Change { return []Change{s.remove(e, e.object, w)} })
	}
	f.inList = nil
}

func (f *Feed) decode(raw []byte, _ bool) (frame, error) { return decodeFrame(raw) }

func (f *Feed) deliver(e frame, w when) {
	if f.hides(e.object) {
		return
	}
	u := &unstructured.Unstructured{Object: e.object}
	f.update(func(s *store) []Change {
		if e.kind == "DELETED" {
			return s.drop(u, w)
		}
		return s.put(u, w)
	})
}

// hides tells what the feed does not show although the server sent it.
func (f *Feed) hides(object map[string]any) bool { return !f.key.canaries && isCanary(object) }

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
