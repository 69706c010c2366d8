package measure

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// Seen is one observation of an object.
type Seen struct {
	// Object is read during the call only.
	Object *unstructured.Unstructured
	// At, Earlier and Unbounded are those of SeenPod.
	At        time.Time
	Earlier   time.Duration
	Unbounded bool
}

// Predicate is a condition over an object. An error means that it could not be
// told, which is not the same as false.
type Predicate func(*unstructured.Unstructured) (bool, error)

// Objects times objects from one predicate to another. It is safe for
// concurrent use.
type Objects struct {
	selects, start, end Predicate

	mu    sync.Mutex
	base  time.Time
	spans map[types.UID]*span
	err   error
}

type span struct {
	name                     string
	start, end               moment
	startEarlier, endEarlier time.Duration
}

// ObjectsResult is what a measure of objects gives.
type ObjectsResult struct {
	// Series, and the same with every sample at its low and at its high bound.
	Series, Low, High spec.Series
	Measured          event.MeasuredSeries
	// Err is the first predicate that could not be told: the measure is an error.
	Err error

	set set
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
	if o.base.IsZero() {
		o.base = s.At
	}
	at, earlier := moment(s.At.Sub(o.base)), s.Earlier
	if s.Unbounded {
		earlier = spec.Missing
	}
	sp := o.spans[s.Object.GetUID()]
	if sp == nil {
		sp = &span{name: strings.Clone(s.Object.GetName()), start: never, end: never}
		o.spans[types.UID(strings.Clone(string(s.Object.GetUID())))] = sp
	}
	if sp.start == never && o.holds(o.start, s.Object) {
		sp.start, sp.startEarlier = at, earlier
	}
	if sp.start != never && sp.end == never && o.holds(o.end, s.Object) {
		sp.end, sp.endEarlier = at, earlier
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

// Count is how many objects were seen, and how many of them have no sample: what
// Measure would say, without the samples.
func (o *Objects) Count() (samples, missing int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, sp := range o.spans {
		samples++
		if sp.end == never || sp.startEarlier == spec.Missing {
			missing++
		}
	}
	return samples, missing
}

// Measure is the series over all objects seen, with the bar by which a moment of
// the watch may be wrong. An object whose time began in the first list, or has not
// ended, is missing.
func (o *Objects) Measure(bar time.Duration) ObjectsResult {
	samples, err := o.samples(bar)
	slices.SortFunc(samples, func(a, b sample) int {
		return cmp.Or(strings.Compare(a.of.object, b.of.object), strings.Compare(a.of.uid, b.of.uid))
	})
	return objectsResult(set{samples: samples}, err)
}

func (o *Objects) samples(bar time.Duration) ([]sample, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	samples := make([]sample, 0, len(o.spans))
	for uid, sp := range o.spans {
		one := sample{of: &subject{object: sp.name, uid: string(uid)}, bar: bar}
		if sp.end != never {
			one.between(sp.start, sp.startEarlier, sp.end, sp.endEarlier)
		}
		samples = append(samples, one)
	}
	return samples, o.err
}

func objectsResult(s set, err error) ObjectsResult {
	b := s.summarize()
	return ObjectsResult{Series: b.nominal, Low: b.low, High: b.high,
		Measured: s.measured(b.nominal, true), Err: err, set: s}
}
