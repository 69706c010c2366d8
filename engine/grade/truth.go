package grade

import (
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// Truth is what the API server's audit log says of each pod: when its creation
// was received and done, and when it first reached each of spec.Phases. A moment
// is the stamp of the answer to the write that made it so, in microseconds. That
// is slightly after the moment itself, the commit to etcd, by the time which the
// server needs to encode the answer; it is the best the log has, and since both
// ends of a duration have that delay, most of it cancels. A pod was scheduled
// when its binding was answered, or when a status first said so if that was
// earlier or there was no binding.
type Truth struct {
	pods   map[string]*pod   // by UID
	names  map[string][]*pod // by namespace/name: a name may be used again
	orphan []binding
}

// phases is the number of spec.Phases, of which these are the indices.
const (
	scheduled = iota
	initialized
	startup
	ready
	phases
)

// pod is one pod's life.
type pod struct {
	created moment
	reached [phases]moment
}

// moment is a write: the server's receipt of the request, and its answer.
type moment struct{ received, answered time.Time }

func (m moment) known() bool { return !m.answered.IsZero() }

// earlier is the one that was answered first.
func (m moment) earlier(other moment) moment {
	if !m.known() || other.answered.Before(m.answered) {
		return other
	}
	return m
}

// binding is one that does not say which pod of the name it is for.
type binding struct {
	name string
	at   moment
}

func newTruth() *Truth {
	return &Truth{pods: map[string]*pod{}, names: map[string][]*pod{}}
}

// Pods is how many pods the log saw being created.
func (t *Truth) Pods() int {
	n := 0
	for _, p := range t.pods {
		if p.created.known() {
			n++
		}
	}
	return n
}

// pod is the life of the pod with this UID. Lines stand in the order in which
// requests ended, so any line of a pod may be its first.
func (t *Truth) pod(namespace, name, uid string) *pod {
	p := t.pods[uid]
	if p == nil {
		p = &pod{}
		t.pods[uid] = p
		key := namespace + "/" + name
		t.names[key] = append(t.names[key], p)
	}
	return p
}

// bind gives every binding without a UID to the latest pod of its name that had
// been created by then.
func (t *Truth) bind() {
	for _, b := range t.orphan {
		var latest *pod
		for _, p := range t.names[b.name] {
			if !p.created.known() || p.created.received.After(b.at.answered) {
				continue
			}
			if latest == nil || p.created.received.After(latest.created.received) {
				latest = p
			}
		}
		if latest != nil {
			latest.reached[scheduled] = latest.reached[scheduled].earlier(b.at)
		}
	}
	t.orphan = nil
}

// find is the pod of a sample: by its UID, otherwise by its name if only one
// pod ever had it.
func (t *Truth) find(namespace string, s event.Sample) *pod {
	if s.UID != "" {
		return t.pods[s.UID]
	}
	name := s.Object
	if !strings.Contains(name, "/") {
		name = namespace + "/" + name
	}
	if named := t.names[name]; len(named) == 1 {
		return named[0]
	}
	return nil
}

// span is a true duration and how far it may be off, because each of its ends
// lies somewhere between a request and its answer.
type span struct{ duration, blur time.Duration }

// took is the time from the creation to a phase, if the log has both. The
// receipt of a request, which begins the time of sent and due, is exact.
func (p *pod) took(from string, phase int) (span, bool) {
	if p == nil || !p.created.known() || !p.reached[phase].known() {
		return span{}, false
	}
	end := p.reached[phase]
	blur := end.answered.Sub(end.received)
	if from == "sent" || from == "due" {
		return span{end.answered.Sub(p.created.received), blur}, true
	}
	start := p.created
	return span{end.answered.Sub(start.answered), max(blur, start.answered.Sub(start.received))}, true
}
