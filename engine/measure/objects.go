package measure

import (
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// Predicate is a condition over an object. An error means that it could not be
// told, which is not the same as false.
type Predicate func(*unstructured.Unstructured) (bool, error)

// Objects times objects from one predicate to another. It is safe for
// concurrent use.
type Objects struct {
	selects, start, end Predicate

	mu    sync.Mutex
	spans map[types.UID]*span
	err   error
}

type span struct {
	name       string
	listed     bool // first seen in a list
	start, end time.Time
}

// NewObjects is an empty recorder of the objects that selects picks. A nil start
// begins the time when an object is first seen.
func NewObjects(selects, start, end Predicate) *Objects {
	if start == nil {
		start = func(*unstructured.Unstructured) (bool, error) { return true, nil }
	}
	return &Objects{selects: selects, start: start, end: end, spans: map[types.UID]*span{}}
}

// See takes one observation of an object.
func (o *Objects) See(s Seen) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.holds(o.selects, s.Object) {
		return
	}
	sp := o.spans[s.Object.GetUID()]
	if sp == nil {
		sp = &span{name: s.Object.GetName()}
		o.spans[s.Object.GetUID()] = sp
	}
	if sp.start.IsZero() && o.holds(o.start, s.Object) {
		sp.start, sp.listed = s.At, s.Listed
	}
	if !sp.start.IsZero() && sp.end.IsZero() && o.holds(o.end, s.Object) {
		sp.end = s.At
	}
}

// holds remembers the first error: a predicate that cannot be told on one
// object makes the whole measure an error, not a missing sample.
func (o *Objects) holds(p Predicate, object *unstructured.Unstructured) bool {
	ok, err := p(object)
	if err != nil && o.err == nil {
		o.err = err
	}
	return ok
}

// Measure is the series over all objects seen. An object whose time began in a
// list, or has not ended, is missing.
func (o *Objects) Measure() (spec.Series, event.MeasuredSeries, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var samples []sample
	for _, sp := range o.spans {
		one := sample{object: sp.name}
		if !sp.end.IsZero() && !sp.listed {
			one.came, one.took = true, sp.end.Sub(sp.start)
		}
		samples = append(samples, one)
	}
	slices.SortFunc(samples, func(a, b sample) int { return strings.Compare(a.object, b.object) })
	s, m := summarize("", samples)
	return s, m, o.err
}
