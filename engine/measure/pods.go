// Package measure turns what was seen of a cluster into samples, and samples into
// what thresholds judge and reports show.
//
// A recorder (Pods, Objects) begins before the first apply and takes every change
// with the moment at which it was received, on the monotonic clock; a measure
// reads from it afterwards. A server's stamp is never subtracted from a local one:
// the server's stamps only check what was measured.
package measure

import (
	"hash/maphash"
	"math"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/spec"
)

// SeenPod is one observation of a pod.
type SeenPod struct {
	// Pod is read during the call only; what is kept of it is copied.
	Pod *corev1.Pod
	// At is when it was received, with its monotonic reading.
	At time.Time
	// Earlier is how much before At the change may have been there already, because
	// the watch was interrupted. What began and ended again within that time, a pod
	// or its being ready, was not seen at all.
	Earlier time.Duration
	// Unbounded says that the pod came with the first list: when the change
	// happened is not known.
	Unbounded bool
}

// Stamps is what is known of a pod by the one who created it: when the request
// was due, when it left and when its answer had come. A zero time is not known.
type Stamps struct {
	Due, Sent, Accepted time.Time
	// WarmUp leaves the pod out of every measure.
	WarmUp bool
}

// Pods records the lives of pods. It is safe for concurrent use, and keeps less
// than 500 bytes of a pod.
type Pods struct {
	mu    sync.Mutex
	base  time.Time // what moments count from
	lives map[types.UID]*life
	words map[string]string // what many pods share: namespaces, nodes, owners
	// sets are the label sets, by their hash. With a seed of its own for every
	// recorder, two of 100,000 sets meet once in a billion runs.
	sets map[uint64]labelSet
	seed maphash.Seed
}

// moment is a time in nanoseconds since the recorder's base.
type moment int64

const never moment = math.MinInt64

// life is one pod's: when it was first seen, and when it first reached each of
// spec.Phases.
type life struct {
	name, namespace, node, owner string
	labels                       uint64 // in Pods.sets

	first        moment        // never: known by Sent only
	firstEarlier time.Duration // spec.Missing: its beginning is unknown
	reached      [4]moment
	earlier      [4]time.Duration // likewise
	created      int64            // by the server's stamps, in Unix seconds
	stamped      [4]int64         // likewise

	due, sent, accepted moment
	warmUp              bool
}

// NewPods is an empty recorder.
func NewPods() *Pods {
	return &Pods{
		lives: map[types.UID]*life{}, words: map[string]string{},
		sets: map[uint64]labelSet{}, seed: maphash.MakeSeed(),
	}
}

// See takes one observation of a pod.
func (p *Pods) See(s SeenPod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, earlier := p.moment(s.At), s.Earlier
	if s.Unbounded {
		earlier = spec.Missing
	}
	l := p.life(s.Pod.UID)
	if l.first == never {
		l.first, l.firstEarlier = at, earlier
		l.name, l.namespace = strings.Clone(s.Pod.Name), p.word(s.Pod.Namespace)
		l.owner = p.word(ownerOf(s.Pod))
		l.created = unix(s.Pod.CreationTimestamp)
	}
	if l.node == "" && s.Pod.Spec.NodeName != "" {
		l.node = p.word(s.Pod.Spec.NodeName)
	}
	l.labels = p.labels(s.Pod.Labels)
	for i, stamp := range phases(s.Pod) {
		if stamp != notYet && l.reached[i] == never {
			l.reached[i], l.earlier[i], l.stamped[i] = at, earlier, stamp
		}
	}
}

// Sent takes what the pod's creator knows of it, before or after the pod is seen.
func (p *Pods) Sent(uid types.UID, t Stamps) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.life(uid)
	l.due, l.sent, l.accepted = p.moment(t.Due), p.moment(t.Sent), p.moment(t.Accepted)
	l.warmUp = t.WarmUp
}

func (p *Pods) moment(t time.Time) moment {
	if t.IsZero() {
		return never
	}
	if p.base.IsZero() {
		p.base = t
	}
	return moment(t.Sub(p.base))
}

func (p *Pods) life(uid types.UID) *life {
	l := p.lives[uid]
	if l == nil {
		l = &life{
			first: never, reached: [4]moment{never, never, never, never},
			due: never, sent: never, accepted: never, created: noStamp,
		}
		p.lives[types.UID(strings.Clone(string(uid)))] = l
	}
	return l
}

// word is s, kept once.
func (p *Pods) word(s string) string {
	kept, ok := p.words[s]
	if !ok {
		kept = strings.Clone(s)
		p.words[kept] = kept
	}
	return kept
}

// labels is the hash under which the set is kept. It does not depend on the order
// of a map.
func (p *Pods) labels(set map[string]string) uint64 {
	var sum uint64
	for k, v := range set {
		// The two parts of a label must not be interchangeable.
		sum += maphash.String(p.seed, k) ^ 31*maphash.String(p.seed, v)
	}
	if _, ok := p.sets[sum]; !ok {
		p.sets[sum] = newLabelSet(set)
	}
	return sum
}
