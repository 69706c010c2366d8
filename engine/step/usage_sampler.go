package step

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

const (
	// usageAsking is how long one round of questions may take.
	usageAsking = 5 * time.Second
	// usagePatience is how long a measure waits for stamps behind its end. A kubelet
	// looks at its node every 10 s, and at a pod that works every 10 to 20 s.
	usagePatience = 20 * time.Second
	// usagePoll is how often it looks for them.
	usagePoll = time.Second
	// usageSummary is how often file systems and network are asked for, which the
	// small metrics do not have.
	usageSummary = time.Minute
	// usageWidth is how many kubelets are asked at a time.
	usageWidth = 16
)

// usageSampler asks the kubelets, through the API server, one request a node and
// round. Between start and halt its own goroutine does; after that whoever holds it.
type usageSampler struct {
	client      *cluster.Client
	usage       *measure.Usage
	of, against string
	every       time.Duration
	free        bool        // the time begins with the first stamps in it
	nodes       []spec.Node // that are measured, of: nodes
	simulated   int         // nodes that are not

	// Of pods.
	feed      *cluster.Feed
	namespace string
	selector  labels.Selector
	real      map[string]spec.Node

	began, ended time.Time
	cancel       context.CancelFunc
	done         chan struct{}

	rounds      int
	onSimulated int                  // pods there, at most
	sources     map[string]string    // by node, once one answered
	summaries   map[string]time.Time // when a node's summary was read
	failed      map[string]failures  // by node
}

// failures are the rounds in which a node did not answer.
type failures struct {
	rounds int
	err    error // the last one
}

// start reads the first round, and goes on until halt. A time that begins with the
// first stamps in it loses as little as can be: it looks for them at once.
func (u *usageSampler) start(ctx context.Context) {
	u.round(ctx, true, nil)
	u.began = time.Now()
	ctx, u.cancel = context.WithCancel(context.WithoutCancel(ctx))
	u.done = make(chan struct{})
	go func() {
		defer close(u.done)
		if u.free {
			u.settle(ctx)
		}
		for due := u.began.Add(u.every); ; due = due.Add(u.every) {
			if !pause(ctx, time.Until(due)) {
				return
			}
			u.round(ctx, false, nil)
		}
	}()
}

// halt ends the sampling and waits for the round in hand.
func (u *usageSampler) halt() {
	u.cancel()
	<-u.done
}

// run samples for so long, or until ctx ends.
func (u *usageSampler) run(ctx context.Context, d time.Duration) {
	pause(ctx, time.Until(u.began.Add(d)))
	u.end(ctx)
}

// end reads the round that ends the time. A sampler that ended before, of a step
// that is tried again, ends later now: counters lose nothing in between.
func (u *usageSampler) end(ctx context.Context) {
	u.halt()
	if !u.ended.IsZero() && time.Since(u.ended) < usagePoll {
		return
	}
	u.ended = time.Now()
	u.round(ctx, true, nil)
	u.usage.End(u.ended)
}

// settle waits until every object has a newer stamp than now. After the round that
// ended the time, a stamp that was not there yet was taken behind the end, whatever
// the node's clock says. It gives up after a while, or with the step's time; the
// last stamps are then somewhat before the end.
func (u *usageSampler) settle(ctx context.Context) {
	deadline := time.Now().Add(usagePatience)
	old := map[measure.UsageObject]time.Time{}
	for _, o := range u.targets() {
		if at := u.usage.Stamp(o); !at.IsZero() {
			old[o] = at
		}
	}
	for len(old) > 0 && time.Now().Before(deadline) {
		if !pause(ctx, usagePoll) {
			return
		}
		stale := map[string]bool{}
		for o := range old {
			stale[o.Node] = true
		}
		u.round(ctx, false, stale)
		there := u.targets()
		maps.DeleteFunc(old, func(o measure.UsageObject, at time.Time) bool {
			return u.usage.Stamp(o).After(at) || !slices.Contains(there, o)
		})
	}
}

// targets are the objects that are measured and there now.
func (u *usageSampler) targets() []measure.UsageObject {
	if u.of == "nodes" {
		all := make([]measure.UsageObject, len(u.nodes))
		for i, n := range u.nodes {
			all[i] = nodeObject(n, u.against)
		}
		return all
	}
	var all []measure.UsageObject
	simulated := 0
	for _, o := range u.feed.Objects() {
		if !u.selector.Matches(labels.Set(o.GetLabels())) {
			continue
		}
		object, runs := podObject(o, u.against)
		_, is := u.real[object.Node]
		switch {
		case !runs:
		case is:
			all = append(all, object)
		default:
			simulated++
		}
	}
	u.onSimulated = max(u.onSimulated, simulated)
	return all
}

// round asks every kubelet that has something to say, or some of them. whole wants
// file systems and network too; they are asked for once a minute otherwise.
func (u *usageSampler) round(ctx context.Context, whole bool, some map[string]bool) {
	given := ctx
	ctx, cancel := context.WithTimeout(given, usageAsking)
	defer cancel()
	objects := map[string][]measure.UsageObject{} // by node
	for _, o := range u.targets() {
		if some == nil || some[o.Node] {
			objects[o.Node] = append(objects[o.Node], o)
		}
	}
	ask := &asking{usageSampler: u, whole: whole, again: some != nil}
	ask.metrics = sync.OnceValues(func() (map[string][]measure.UsageReading, error) { return u.askMetricsAPI(ctx) })
	nodes := slices.Sorted(maps.Keys(objects))
	answers := make([]kubeletAnswer, len(nodes))
	slots := make(chan struct{}, usageWidth)
	var asking sync.WaitGroup
	for i, node := range nodes {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			answers[i] = ask.node(ctx, node)
		})
	}
	asking.Wait()
	u.usage.Round(time.Now())
	if some == nil {
		u.rounds++
	}
	for i, node := range nodes {
		u.note(node, answers[i], given.Err() != nil || some != nil)
		for _, o := range objects[node] {
			for _, r := range answers[i].readings {
				if u.isOf(r, o) {
					u.usage.See(o, r)
				}
			}
		}
	}
}

// isOf tells whether a reading, of the object's node, is of the object.
func (u *usageSampler) isOf(r measure.UsageReading, o measure.UsageObject) bool {
	if u.of == "nodes" {
		return r.Pod == ""
	}
	return r.Pod != "" && r.Namespace+"/"+r.Pod == o.Name
}

// note keeps what the next round must know. Of a round that was cut short, or that
// only looks for new stamps, a failure says nothing.
func (u *usageSampler) note(node string, a kubeletAnswer, hurried bool) {
	if a.source != "" {
		u.sources[node] = a.source
	}
	if a.summary {
		u.summaries[node] = time.Now()
	}
	if a.err != nil && !hurried {
		u.failed[node] = failures{u.failed[node].rounds + 1, a.err}
	}
}

// notes are what a reader must know of the sampling.
func (u *usageSampler) notes() []string {
	var all []string
	if u.of == "nodes" && u.simulated > 0 {
		all = append(all, fmt.Sprintf("%d simulated nodes are left out: no kubelet measures what they use", u.simulated))
	}
	if u.onSimulated > 0 {
		all = append(all, fmt.Sprintf("%d pods on simulated nodes are left out: no kubelet measures what they use", u.onSimulated))
	}
	for _, node := range slices.Sorted(maps.Keys(u.failed)) {
		f := u.failed[node]
		all = append(all, fmt.Sprintf("%s gave no reading in %d of %d rounds: %v", node, f.rounds, u.rounds, f.err))
	}
	return all
}

// refusal is why nothing could be read at all. A kubelet that may not be asked is
// no failure of the system under test: only what is unavailable is passed on.
func (u *usageSampler) refusal() error {
	node := slices.Sorted(maps.Keys(u.failed))[0]
	err := u.failed[node].err
	switch {
	case cluster.IsUnavailable(err):
		return fmt.Errorf("no source says what %s uses: %w", node, err)
	case cluster.IsRefused(err):
		return fmt.Errorf("no source says what %s uses; it takes the right to get nodes/proxy: %s", node, err.Error())
	}
	return fmt.Errorf("no source says what %s uses: %s", node, err.Error())
}
