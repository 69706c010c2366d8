// Package measure turns what a watch shows into samples. A recorder begins
// before the first apply and takes every change with the moment at which it was
// received, on the monotonic clock; a measure reads from it afterwards.
package measure

import (
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// Seen is one observation of an object.
type Seen struct {
	Object *unstructured.Unstructured
	// At is when it was received, with its monotonic reading.
	At time.Time
	// Listed says that the object came from a list, so that the moment of its
	// change is unknown and lies before At.
	Listed bool
}

// Pods records the lives of pods. It is safe for concurrent use.
type Pods struct {
	mu    sync.Mutex
	lives map[types.UID]*life
}

// life is one pod's: when it was first seen, and when it first reached each of
// spec.Phases.
type life struct {
	namespace, name string
	labels          labels.Set
	first           time.Time
	listed          bool // first seen in a list: its beginning is unknown
	reached         [4]time.Time
	created         time.Time    // by the server's stamps, whole seconds
	stamped         [4]time.Time // likewise
}

// NewPods is an empty recorder.
func NewPods() *Pods { return &Pods{lives: map[types.UID]*life{}} }

// See takes one observation of a pod.
func (p *Pods) See(s Seen) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lives[s.Object.GetUID()]
	if l == nil {
		l = &life{
			namespace: s.Object.GetNamespace(), name: s.Object.GetName(),
			first: s.At, listed: s.Listed, created: s.Object.GetCreationTimestamp().Time,
		}
		p.lives[s.Object.GetUID()] = l
	}
	l.labels = s.Object.GetLabels()
	for i, stamp := range phases(s.Object) {
		if stamp != nil && l.reached[i].IsZero() {
			l.reached[i], l.stamped[i] = s.At, *stamp
		}
	}
}

// Measure is the series of every phase over the selected pods. The order of the
// samples is by namespace and name, so that reports are stable.
func (p *Pods) Measure(namespace string, selector labels.Selector) (map[string]spec.Series, []event.MeasuredSeries) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lives []*life
	for _, l := range p.lives {
		if l.namespace == namespace && selector.Matches(l.labels) {
			lives = append(lives, l)
		}
	}
	slices.SortFunc(lives, func(a, b *life) int { return strings.Compare(a.name, b.name) })
	series := map[string]spec.Series{}
	var measured []event.MeasuredSeries
	for i, phase := range spec.Phases {
		samples := make([]sample, len(lives))
		for j, l := range lives {
			samples[j] = l.sample(i)
		}
		s, m := summarize(phase, samples)
		series[phase] = s
		measured = append(measured, m)
	}
	return series, measured
}

// sample is the time from first sight to phase i. A pod whose beginning was not
// watched has no such time: it is missing, however ready it is.
func (l *life) sample(i int) sample {
	s := sample{object: l.name}
	if l.reached[i].IsZero() || l.listed {
		return s
	}
	s.came, s.took = true, l.reached[i].Sub(l.first)
	if !l.stamped[i].IsZero() && !l.created.IsZero() {
		server := l.stamped[i].Sub(l.created).Seconds()
		s.server = &server
	}
	return s
}

// sample is one sample of any series.
type sample struct {
	object string
	came   bool
	took   time.Duration
	server *float64
}

// summarize makes the series that thresholds judge and the one that reports show.
func summarize(name string, samples []sample) (spec.Series, event.MeasuredSeries) {
	m := event.MeasuredSeries{Name: name}
	var seen []time.Duration
	for _, s := range samples {
		one := event.Sample{Object: s.object, Server: s.server}
		if s.came {
			seen = append(seen, s.took)
			one.Seconds = seconds(s.took)
		}
		m.Samples = append(m.Samples, one)
	}
	sum := stats.Summarize(seen, len(samples)-len(seen))
	m.Count, m.Missing = sum.Count, sum.Missing
	if len(samples) == 0 {
		return sum, m
	}
	m.Min, m.Mean, m.Max, m.Stddev = seconds(sum.Min), seconds(sum.Mean), seconds(sum.Max), seconds(sum.Stddev)
	m.P50, m.P90, m.P95, m.P99 = seconds(sum.P50), seconds(sum.P90), seconds(sum.P95), seconds(sum.P99)
	return sum, m
}

// seconds is d for reports: nil where it was not reached.
func seconds(d time.Duration) *float64 {
	if d == spec.Missing {
		return nil
	}
	s := d.Seconds()
	return &s
}
