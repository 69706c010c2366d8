package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// Usage records what nodes or pods use. Averages of CPU come from the kubelets'
// cumulative counters and the kubelets' own stamps, so that they are exact for the
// time between two stamps, however rarely somebody looks: the time-weighted mean
//
//	average = (core-seconds at the last stamp − at the first) / (last stamp − first)
//
// Memory and file systems have no such counter: theirs is the mean of the samples
// with different stamps. Use from one goroutine at a time.
type Usage struct {
	round   int
	began   time.Time
	ended   time.Time
	end     int // the round that ended the time
	objects map[string]*used
	order   []string
}

// UsageObject is a node or a pod as it is measured.
type UsageObject struct {
	Name string // for people: the node's, or NAMESPACE/NAME
	// UID tells a pod from a later one with the same name, whose counters begin
	// again. Of nodes empty.
	UID  string
	Node string
	// CPU (cores) and Memory (bytes) are what shares are of; 0 when there is none.
	CPU, Memory float64
}

// UsageQuery says how the readings are put into words and shares.
type UsageQuery struct {
	Of      string // nodes or pods
	Against string // allocatable, capacity, requests or limits
	// Asked is the time that was asked for; the time that stamps cover is another.
	Asked time.Duration
	// Free says that the time may begin and end at stamps: nothing begins or ends with
	// it that is measured. The stamps before it are then left out.
	Free bool
	// Start is when the run began, for the timelines.
	Start time.Time
}

// UsageResult is what a measure of usage gives.
type UsageResult struct {
	Usage spec.Usage
	// Low and High bound the averages of CPU over exactly the time that was asked for,
	// where that does not begin and end at stamps:
	//
	//	core-seconds between the stamps inside / time  ≤  truth  ≤  core-seconds
	//	between the stamps around it / time
	Low, High spec.Usage
	// Measured has the series, the timelines, and the source, the stamps and the
	// denominator in words.
	Measured event.Measured
	// Stamps is the number of different stamps of CPU, of all objects.
	Stamps int64
	// Doubt says why the readings support no verdict: an object with fewer than two
	// stamps. It is empty where they do.
	Doubt string
	// Without says of what there are no shares, or nothing at all, and why: by
	// cpu, memory, filesystem or network, and the field, as "cpu.worst".
	Without map[string]string
	// Notes are what a reader must know besides: restarts, an approximate source.
	Notes []string
}

// The sources, best first. The kubelets' metrics have stamps in milliseconds and
// are small, their summary has stamps in seconds, and file systems and network as
// well. The metrics API only knows an average over some last seconds.
const (
	SourceResource   = "/metrics/resource"
	SourceSummary    = "/stats/summary"
	SourceMetricsAPI = "metrics.k8s.io"
)

// UsageReading is what a source says of a node or a pod at one moment. What it does
// not say is nil.
type UsageReading struct {
	Source         string
	Namespace, Pod string    // empty: of the node itself
	At             time.Time // the kubelet's own stamp
	CPU            *float64  // core-seconds since it began
	// Cores is the average over the Window before At, of the metrics API.
	Cores    *float64
	Window   time.Duration
	Memory   *float64 // the working set, in bytes
	Stored   *float64 // bytes in the file system
	Storage  *float64 // its size
	Received *float64 // bytes since it began
	Sent     *float64
}

// NewUsage begins a record.
func NewUsage() *Usage { return &Usage{objects: map[string]*used{}} }

// Round begins a round of readings. All objects that are there are read in it.
func (u *Usage) Round(at time.Time) {
	u.round++
	if u.began.IsZero() {
		u.began = at
	}
}

// End says that the round in hand ends the time that is measured. Further rounds
// only bring the stamps behind its end.
func (u *Usage) End(at time.Time) {
	u.end, u.ended = u.round, at
	for _, o := range u.objects {
		o.ending = len(o.cpu)
	}
}

// See takes a reading of an object. One with the same stamp as the last one says
// nothing new.
func (u *Usage) See(o UsageObject, r UsageReading) {
	key := o.Name + " " + o.UID
	known := u.objects[key]
	if known == nil {
		known = &used{first: u.round}
		u.objects[key] = known
		u.order = append(u.order, key)
	}
	known.UsageObject, known.last = o, u.round
	known.see(r)
	if u.round == 1 {
		known.beginning = len(known.cpu)
	}
}

// Stamp is the latest stamp of an object's CPU; zero before the first one.
func (u *Usage) Stamp(o UsageObject) time.Time {
	known := u.objects[o.Name+" "+o.UID]
	if known == nil {
		return time.Time{}
	}
	return known.stamp()
}

// Measure puts the readings together.
//
//	worst  the largest share of any object
//	total  what all used / what all have; an object that was there for a part of
//	       the time counts for that part, in both
//	peak   the largest share of any object between two stamps
//	used   what all used together, likewise weighted by time
func (u *Usage) Measure(q UsageQuery) UsageResult {
	r := UsageResult{Without: map[string]string{}}
	var objects []*figures
	for _, key := range u.order {
		objects = append(objects, u.figuresOf(u.objects[key], q.Free))
	}
	slices.SortStableFunc(objects, func(a, b *figures) int { return cmp.Compare(a.Name, b.Name) })
	r.Usage.CPU = r.share("cpu", q, objects, func(f *figures) *amount { return &f.cpu })
	r.Usage.Memory = r.share("memory", q, objects, func(f *figures) *amount { return &f.memory })
	r.Usage.Filesystem = r.share("filesystem", q, objects, func(f *figures) *amount { return &f.storage })
	r.Usage.Network = r.traffic(objects)
	r.Low, r.High = r.Usage, r.Usage
	r.Low.CPU = bound(r.Usage.CPU, objects, func(f *figures) float64 { return f.low })
	r.High.CPU = bound(r.Usage.CPU, objects, func(f *figures) float64 { return f.high })
	for _, one := range []*spec.Usage{&r.Usage, &r.Low, &r.High} {
		r.unknown(one)
	}
	for _, f := range objects {
		r.Stamps += int64(f.stamps)
	}
	r.Doubt = doubtOf(objects)
	r.Notes = notesOf(objects)
	r.Measured = event.Measured{
		Series: usageSeries(objects), Timelines: timelines(objects, q.Start), What: r.words(q, objects),
	}
	return r
}

// share sums one thing up over all objects, and notes what has no share and why.
func (r *UsageResult) share(name string, q UsageQuery, objects []*figures, of func(*figures) *amount) spec.Share {
	var s spec.Share
	var used, have float64
	var without []string
	any := false
	for _, f := range objects {
		a := of(f)
		if !a.is {
			continue
		}
		any = true
		used += a.mean * f.weight
		have += a.of * f.weight
		if a.of == 0 {
			without = append(without, f.Name)
			continue
		}
		s.Worst, s.Peak = max(s.Worst, a.mean/a.of), max(s.Peak, a.peak/a.of)
	}
	s.Used = used
	switch {
	case !any:
		for _, field := range []string{"worst", "total", "peak", "used"} {
			r.Without[name+"."+field] = "no source says anything of it"
		}
	case len(without) > 0:
		why := fmt.Sprintf("shares are of %s, and there are none for %s on %s: set them, or choose another against",
			q.Against, name, few(without))
		for _, field := range []string{"worst", "total", "peak"} {
			r.Without[name+"."+field] = why
		}
	default:
		s.Total = used / have
	}
	return s
}

func (r *UsageResult) traffic(objects []*figures) (t spec.Traffic) {
	any := false
	for _, f := range objects {
		any = any || f.received.is || f.sent.is
		t.Received += f.received.mean * f.weight
		t.Sent += f.sent.mean * f.weight
	}
	if !any {
		for _, field := range []string{"received", "sent"} {
			r.Without["network."+field] = "no source says anything of it"
		}
	}
	return t
}

// bound is the CPU with the averages of all objects at one of their bounds.
func bound(s spec.Share, objects []*figures, of func(*figures) float64) spec.Share {
	var used, have float64
	s.Worst = 0
	for _, f := range objects {
		if f.cpu.is {
			used, have = used+of(f)*f.weight, have+f.CPU*f.weight
			s.Worst = max(s.Worst, of(f)/f.CPU)
		}
	}
	s.Used, s.Total = used, used/have
	return s
}

// unknown makes what nobody can tell NaN, which no limit is above or below of.
func (r *UsageResult) unknown(u *spec.Usage) {
	for path, value := range map[string]*float64{
		"cpu.worst": &u.CPU.Worst, "cpu.total": &u.CPU.Total, "cpu.peak": &u.CPU.Peak, "cpu.used": &u.CPU.Used,
		"memory.worst": &u.Memory.Worst, "memory.total": &u.Memory.Total,
		"memory.peak": &u.Memory.Peak, "memory.used": &u.Memory.Used,
		"filesystem.worst": &u.Filesystem.Worst, "filesystem.total": &u.Filesystem.Total,
		"filesystem.peak": &u.Filesystem.Peak, "filesystem.used": &u.Filesystem.Used,
		"network.received": &u.Network.Received, "network.sent": &u.Network.Sent,
	} {
		if r.Without[path] != "" {
			*value = math.NaN()
		}
	}
}
