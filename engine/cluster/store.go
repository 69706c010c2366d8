package cluster

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// objectKey is where an object is.
type objectKey struct{ namespace, name string }

func (k objectKey) compare(other objectKey) int {
	return cmp.Or(cmp.Compare(k.namespace, other.namespace), cmp.Compare(k.name, other.name))
}

// entry is an object with its stamps.
type entry struct {
	key     objectKey
	uid     types.UID
	version string
	object  *unstructured.Unstructured
	when    when
	seen    time.Time
}

func (e *entry) change(t ChangeType) Change {
	return Change{
		Type: t, Object: e.object, Seen: e.seen,
		Received: e.when.at, Earlier: e.when.earlier, Initial: e.when.listed,
	}
}

// store holds the present objects. What it is told it turns into changes: an
// object is the same as before only if it has the same UID.
type store struct {
	entries map[objectKey]*entry
	order   []*entry // by key
	last    []*unstructured.Unstructured
}

// put takes an object in and returns what changed: nothing when this very
// version is known, two changes when another object has taken the name.
func (s *store) put(u *unstructured.Unstructured, w when) []Change {
	next := &entry{
		key: objectKey{u.GetNamespace(), u.GetName()}, uid: u.GetUID(), version: u.GetResourceVersion(),
		object: u, when: w,
	}
	old := s.entries[next.key]
	switch {
	case old == nil:
		return []Change{s.insert(next)}
	case old.uid != next.uid:
		unseen := w
		unseen.listed = true // its end was not seen
		return []Change{s.remove(old, old.object, unseen), s.insert(next)}
	case old.version == next.version && next.version != "":
		return nil
	}
	next.seen = old.seen
	*old = *next
	s.last = nil
	return []Change{old.change(Modified)}
}

func (s *store) insert(e *entry) Change {
	if !e.when.listed {
		e.seen = e.when.at
	}
	i, _ := s.place(e.key)
	s.entries[e.key] = e
	s.order = slices.Insert(s.order, i, e)
	s.last = nil
	return e.change(Added)
}

// drop removes an object by its last state.
func (s *store) drop(u *unstructured.Unstructured, w when) []Change {
	e := s.entries[objectKey{u.GetNamespace(), u.GetName()}]
	if e == nil || e.uid != u.GetUID() {
		return nil // its end was reported when a list no longer had it
	}
	return []Change{s.remove(e, u, w)}
}

func (s *store) remove(e *entry, last *unstructured.Unstructured, w when) Change {
	i, _ := s.place(e.key)
	delete(s.entries, e.key)
	s.order = slices.Delete(s.order, i, i+1)
	s.last = nil
	gone := entry{object: last, when: w, seen: e.seen}
	return gone.change(Deleted)
}

// missing are the entries that a new list does not have.
func (s *store) missing(listed map[types.UID]bool) []*entry {
	var out []*entry
	for _, e := range s.order {
		if !listed[e.uid] {
			out = append(out, e)
		}
	}
	return out
}

func (s *store) place(key objectKey) (int, bool) {
	return slices.BinarySearchFunc(s.order, key, func(e *entry, key objectKey) int { return e.key.compare(key) })
}

// snapshot is the sorted list of objects, made anew only after a change.
func (s *store) snapshot() []*unstructured.Unstructured {
	if s.last == nil {
		s.last = make([]*unstructured.Unstructured, len(s.order))
		for i, e := range s.order {
			s.last[i] = e.object
		}
	}
	return s.last
}

// versionNumber reads a resourceVersion; it is false when it is no number.
func versionNumber(resourceVersion string) (uint64, bool) {
	n, err := strconv.ParseUint(resourceVersion, 10, 64)
	return n, err == nil
}
