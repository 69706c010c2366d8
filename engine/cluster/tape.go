package cluster

import (
	"slices"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Recorded is something that happened to an object, as a tape tells it.
type Recorded struct {
	// Type is what happened, judged by the UID.
	Type ChangeType
	// Pod is the pod as it is now, of a PodTape. It is valid only during the call
	// and then used again: keep strings and maps of it (the labels), never a
	// slice or the pod. It has no managedFields, and only name, namespace and UID
	// when it was gone after a gap. Nil for a Gap.
	Pod *corev1.Pod
	// Object is the same, of an ObjectTape; it may be kept.
	Object *unstructured.Unstructured
	// At is when the last byte had arrived, before it was decoded, with the
	// monotonic clock's reading.
	At time.Time
	// Earlier is how much before At it may have been visible: 0 while the stream
	// runs; after a pause of the stream the time since it was last known to be
	// alive, for all that the server knew when the stream was open again, and
	// for all that a new list brings after a Gap.
	Earlier time.Duration
	// Unbounded: it came with the first list. When it happened is unknown, and
	// before the recording.
	Unbounded bool
}

// Tape is a watch that keeps no objects: it hands every change to its recorders,
// with the moment of its receipt. What it remembers of an object (UID, name,
// version: about 170 bytes) tells what is new after a gap.
type Tape struct {
	follower
	pods     bool // typed
	pod      corev1.Pod
	known    identities
	ordinary recorders[Recorded]
	canaries recorders[canarySeen]
}

// tapeKey tells tapes apart.
type tapeKey struct {
	watchKey
	pods bool
}

type canarySeen struct {
	uid     types.UID
	version string
	at      time.Time
}

// recorders can be added at any time and are called by one goroutine.
type recorders[T any] struct {
	atomic.Pointer[[]func(T)]
}

func newTape(c *Client, key tapeKey) *Tape {
	t := &Tape{pods: key.pods, known: identities{all: map[string]identity{}}}
	t.follower = newFollower(c, key.watchKey, t)
	return t
}

// Record calls fn for everything that happens, in order, on the tape's own
// goroutine. While fn runs nothing else is decoded, but stamps go on being
// taken. What is there already is not told again to a later recorder, so it is
// to be called right after the tape is opened, and before Synced returns. Two
// recorders may share a tape; a recorder lasts as long as the tape.
func (t *Tape) Record(fn func(Recorded)) { t.ordinary.add(fn) }

// RecordCanary calls fn for every version of realspec's own probes (LabelCanary),
// which the other recorders are not told of.
func (t *Tape) RecordCanary(fn func(uid types.UID, version string, at time.Time)) {
	t.canaries.add(func(s canarySeen) { fn(s.uid, s.version, s.at) })
}

func (r *recorders[T]) add(fn func(T)) {
	for {
		old := r.Load()
		var next []func(T)
		if old != nil {
			next = slices.Clone(*old)
		}
		next = append(next, fn)
		if r.CompareAndSwap(old, &next) {
			return
		}
	}
}

func (r *recorders[T]) tell(what T) {
	if all := r.Load(); all != nil {
		for _, fn := range *all {
			fn(what)
		}
	}
}

const protobufList = "application/vnd.kubernetes.protobuf,application/json"

// protobufWatch falls back to JSON like protobufList.
const protobufWatch = "application/vnd.kubernetes.protobuf;stream=watch,application/json"

// accept, and all that follows, makes the tape a sink.
func (t *Tape) accept() (list, watch string) {
	if t.pods {
		return protobufList, protobufWatch
	}
	return "", ""
}

func (t *Tape) admit() {}

func (t *Tape) gap(at time.Time) { t.ordinary.tell(Recorded{Type: Gap, At: at}) }

func (t *Tape) begin() { t.known.round++ }

func (t *Tape) page(body []byte, protobuf bool, w when) (metav1.ListMeta, error) {
	switch {
	case t.pods && protobuf:
		return eachPod(body, &t.pod, func() { t.deliver(frame{pod: &t.pod}, w) })
	case t.pods:
		return eachItem(body, func(raw []byte) error {
			err := decodeJSONPod(raw, &t.pod)
			if err == nil {
				t.deliver(frame{pod: &t.pod}, w)
			}
			return err
		})
	}
	return eachItem(body, func(raw []byte) error {
		u, err := decodeItem(raw, t.key.resource)
		if err == nil {
			t.deliver(frame{object: u.Object}, w)
		}
		return err
	})
}

func (t *Tape) complete(w when) {
	for _, gone := range t.known.missing() {
		r := Recorded{Type: Deleted, At: w.at, Earlier: w.earlier, Unbounded: w.first}
		if t.pods {
			t.pod.Reset()
			t.pod.UID, t.pod.Namespace, t.pod.Name = gone.uid, gone.namespace, gone.name
			r.Pod = &t.pod
		} else {
			r.Object = &unstructured.Unstructured{Object: map[string]any{}}
			r.Object.SetGroupVersionKind(t.key.resource.GVK)
			r.Object.SetNamespace(gone.namespace)
			r.Object.SetName(gone.name)
			r.Object.SetUID(gone.uid)
		}
		t.ordinary.tell(r)
	}
}

func (t *Tape) decode(raw []byte, protobuf bool) (frame, error) {
	switch {
	case t.pods && protobuf:
		return decodeProtoFrame(raw, &t.pod)
	case t.pods:
		return decodePodFrame(raw, &t.pod)
	}
	return decodeFrame(raw)
}

func (t *Tape) deliver(f frame, w when) {
	r := Recorded{At: w.at, Earlier: w.earlier, Unbounded: w.first, Pod: f.pod}
	var o metav1.Object = f.pod
	if f.pod == nil {
		r.Object = &unstructured.Unstructured{Object: f.object}
		o = r.Object
	}
	switch {
	case f.canary():
		if f.kind != "DELETED" {
			t.canaries.tell(canarySeen{o.GetUID(), o.GetResourceVersion(), w.at})
		}
		return
	case f.kind == "DELETED":
		r.Type = t.known.drop(o.GetUID())
	default:
		r.Type = t.known.put(o)
	}
	if r.Type != "" {
		t.ordinary.tell(r)
	}
}
