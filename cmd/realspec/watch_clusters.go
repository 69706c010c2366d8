package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/run"
	"github.com/realspec/realspec/engine/spec"
)

// watchClusters keeps the clusters of a watch warm from run to run: the
// kubeconfig's, or a local one for each shape that scenarios ask for.
type watchClusters struct {
	command *runCommand
	app     *app
	base    *clusters // decides between the kubeconfig's cluster and local ones

	mu     sync.Mutex
	local  map[string]*clusters // by shape
	wanted map[string]bool      // the shapes of the scenarios as they are now
	users  map[string]int       // runs of scenarios that are not cleaned up, by shape
	ending sync.WaitGroup       // local clusters that are taken down
	bus    event.Sink           // of the latest run
	// cleaning is, by scenario, closed when its latest run is cleaned up.
	cleaning map[string]chan struct{}
}

func newWatchClusters(c *runCommand, a *app) *watchClusters {
	w := &watchClusters{command: c, app: a, local: map[string]*clusters{}, wanted: map[string]bool{},
		users: map[string]int{}, cleaning: map[string]chan struct{}{}}
	w.base = c.clusters(a, c.Cluster, newRunID(), nil, w.notice)
	return w
}

func (w *watchClusters) notice(text string) {
	w.mu.Lock()
	bus := w.bus
	w.mu.Unlock()
	if bus != nil {
		bus.Emit(event.Notice{Text: text})
	}
}

// forRun gives one run its clusters.
func (w *watchClusters) forRun(plans []*plan.Scenario, bus event.Sink) run.Clusters {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bus = bus
	r := &runClusters{all: w, before: map[string]chan struct{}{}, mine: map[string]chan struct{}{},
		fresh: map[string]*cluster.Client{}}
	for _, p := range plans {
		r.before[p.Name], r.mine[p.Name] = w.cleaning[p.Name], make(chan struct{})
		w.cleaning[p.Name] = r.mine[p.Name]
		w.users[shape(p)]++
	}
	return r
}

// one is the clusters that have the scenario's.
func (w *watchClusters) one(ctx context.Context, p *plan.Scenario) (*clusters, error) {
	if err := w.base.decide(ctx); err != nil {
		return nil, err
	}
	if w.base.current != nil {
		return w.base, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.local[shape(p)]
	if c == nil {
		mode := clusterLocal
		if w.base.mode == clusterReal {
			mode = clusterReal
		}
		c = w.command.clusters(w.app, mode, newRunID(), nil, w.notice)
		c.decided, c.why, c.config = true, w.base.why, w.base.config
		w.local[shape(p)] = c
	}
	return c, nil
}

// want says which scenarios there are now. A local cluster of a shape that none
// of them asks for is taken down once it is not in use: a tester who tries out
// shapes would fill the machine with clusters otherwise.
func (w *watchClusters) want(plans []*plan.Scenario) {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.wanted)
	for _, p := range plans {
		w.wanted[shape(p)] = true
	}
	for s := range w.local {
		w.endUnused(s)
	}
}

// endUnused takes down the local cluster of a shape that nobody needs. The caller
// holds the lock.
func (w *watchClusters) endUnused(shape string) {
	c := w.local[shape]
	if c == nil || w.wanted[shape] || w.users[shape] > 0 {
		return
	}
	delete(w.local, shape)
	w.ending.Go(c.Close)
}

// thrownAway tells whether all clusters go with the watch.
func (w *watchClusters) thrownAway() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.local {
		if !c.ownsAll() {
			return false
		}
	}
	return w.base.current == nil
}

// ownsAll tells whether all local clusters were started for this run alone.
func (c *clusters) ownsAll() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.locals {
		l.start.Lock()
		owned := l.owned
		l.start.Unlock()
		if !owned {
			return false
		}
	}
	return true
}

// close ends all clusters that were started for the watch.
func (w *watchClusters) close() {
	w.mu.Lock()
	w.bus = nil
	all := append(slices.Collect(maps.Values(w.local)), w.base)
	w.mu.Unlock()
	for _, c := range all {
		w.ending.Go(c.Close)
	}
	w.ending.Wait()
}

// runClusters are the clusters for one run.
type runClusters struct {
	all    *watchClusters
	before map[string]chan struct{} // closed when the scenario's run before is cleaned up
	mine   map[string]chan struct{} // closed when this run's is

	mu    sync.Mutex
	fresh map[string]*cluster.Client // by scenario: clients for this run alone
}

// For is the cluster for a scenario. One that makes objects outside its namespace
// waits until its last run is cleaned up, because their names are the same each
// time, and gets a client that has not seen their kinds come and go.
func (r *runClusters) For(ctx context.Context, p *plan.Scenario) (*run.Cluster, error) {
	c, err := r.all.one(ctx, p)
	if err != nil {
		return nil, err
	}
	got, err := c.For(ctx, p)
	before := r.before[p.Name]
	if err != nil || before == nil || !reachesOut(got.Client, p.Steps) {
		return got, err
	}
	select {
	case <-before:
	default:
		r.all.notice(p.Name + " makes objects outside its namespace: waiting until its last run is cleaned up")
	}
	select {
	case <-before:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	fresh, err := c.kube.open(ctx, c.app, c.kubeconfig(p))
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.fresh[p.Name] = fresh
	r.mu.Unlock()
	return c.describe(ctx, p, fresh, got.About)
}

// kubeconfig is the file of the scenario's cluster.
func (c *clusters) kubeconfig(p *plan.Scenario) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.locals[shape(p)]; l != nil {
		return l.about.Kubeconfig
	}
	return c.kube.Kubeconfig
}

// Release says that the scenario is cleaned up.
func (r *runClusters) Release(p *plan.Scenario) {
	r.mu.Lock()
	if fresh := r.fresh[p.Name]; fresh != nil {
		fresh.Close()
	}
	r.mu.Unlock()
	close(r.mine[p.Name])
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.all.users[shape(p)]--
	r.all.endUnused(shape(p))
}

// reachesOut tells whether steps make objects outside the scenario's namespace
// under names that are the same in every run.
func reachesOut(client *cluster.Client, steps []*plan.Step) bool {
	return slices.ContainsFunc(steps, func(s *plan.Step) bool {
		var objects []spec.Object
		if s.Apply != nil {
			objects = append(slices.Clone(s.Apply.Objects), s.Apply.Manifests...)
		}
		if s.Load != nil {
			objects = append(objects, s.Load.Object)
		}
		return reachesOut(client, s.During) || slices.ContainsFunc(objects, func(o spec.Object) bool { return isOutside(client, o) })
	})
}

func isOutside(client *cluster.Client, o spec.Object) bool {
	apiVersion, _ := o.Fields["apiVersion"].(string)
	kind, _ := o.Fields["kind"].(string)
	metadata, _ := o.Fields["metadata"].(map[string]any)
	if name, _ := metadata["name"].(string); strings.Contains(name, "run.id") {
		return false
	}
	if _, named := metadata["namespace"]; named {
		return true
	}
	found, err := client.Resource(apiVersion, kind)
	return err == nil && !found.Namespaced // a kind that is not known yet comes with its definition
}
