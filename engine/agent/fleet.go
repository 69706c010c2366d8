package agent

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/spec"
)

// Options say for whom agents are placed.
type Options struct {
	// Image gives the cluster's reference of the agent image; it is asked once,
	// before the first agent is placed, and may bring the image to the cluster. Nil
	// where there is none.
	Image func(ctx context.Context) (string, error)
	// RunID, Scenario and Namespace (the scenario's own) are what agents are labelled
	// with and named after.
	RunID, Scenario, Namespace string
	// Facts are what is known of the nodes.
	Facts *spec.Facts
	// Watches, if there are some, are shared for watching the agents' pods.
	Watches *cluster.Watches
	// Notice gets what a reader of the report should know.
	Notice func(string)
	// Ready is how long agents may take until they answer. Default: 60s.
	Ready time.Duration
}

// Fleet is the agents of one scenario. They are placed when they are first asked
// for, and used again; Close removes them. It is safe for concurrent use.
type Fleet struct {
	*shared
	namespace string // of agents with labels of the scenario
}

// shared is what the fleets of a scenario's namespaces share.
type shared struct {
	client  *cluster.Client
	opts    Options
	watches *cluster.Watches
	token   string        // of the agents' control ports
	turn    chan struct{} // one call places agents at a time
	cancel  context.CancelFunc

	mu        sync.Mutex
	image     string
	count     int // of names given out
	home      home
	agents    map[string][]*Agent // by what was asked for
	services  map[string]string   // cluster IP by agent
	belonging []cluster.Leftover  // what was made outside of home
}

// New is a fleet without agents yet: it asks nothing of the cluster.
func New(client *cluster.Client, o Options) *Fleet {
	o.Ready = cmp.Or(o.Ready, time.Minute)
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	s := &shared{client: client, opts: o, watches: o.Watches, token: rand.Text(), turn: make(chan struct{}, 1), cancel: func() {},
		agents: map[string][]*Agent{}, services: map[string]string{}}
	s.home.name = o.Namespace + "-agents"
	if s.watches == nil {
		ctx, cancel := context.WithCancel(context.Background())
		s.watches, s.cancel = client.NewWatches(ctx), cancel
	}
	return &Fleet{shared: s, namespace: o.Namespace}
}

// In is the same fleet for another namespace of the scenario: agents with labels
// stand there, the others are shared.
func (f *Fleet) In(namespace string) *Fleet { return &Fleet{shared: f.shared, namespace: namespace} }

// One is an agent. With labels it stands in the scenario's namespace and carries
// them, so that the scenario's Services, policies and quotas mean it; without, in a
// namespace of the agents. What cannot be measured here is *ErrNotMeasurable.
func (f *Fleet) One(ctx context.Context, as map[string]string) (*Agent, error) {
	all, err := f.Several(ctx, 1, as)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// Several are n agents, as One is one: the pods of an Indexed Job. The scheduler
// places them.
func (f *Fleet) Several(ctx context.Context, n int, as map[string]string) ([]*Agent, error) {
	if n < 1 {
		return nil, fmt.Errorf("%d agents were asked for; at least 1 is needed", n)
	}
	leave, err := f.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	namespace, err := f.standIn(ctx, as)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("several %s %s", namespace, labelsKey(as))
	have := f.alive(key)
	if len(have) >= n {
		return have[:n], nil
	}
	o := order{namespace: namespace, as: as, key: key, where: f.anywhere(), ports: standard}
	b, err := f.alike(o, n-len(have))
	if err == nil {
		err = f.place(ctx, b)
	}
	if err != nil {
		return nil, err
	}
	if have = f.alive(key); len(have) < n {
		return nil, fmt.Errorf("%d of %d agents ended just after they had come up", n-len(have), n)
	}
	return have[:n], nil
}

// alike are n agents that differ in nothing: one is a pod, several an Indexed Job.
func (f *Fleet) alike(o order, n int) (*batch, error) {
	if n == 1 {
		return f.batch(o.namespace, []order{o})
	}
	return f.indexed(o, n)
}

func labelsKey(as map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(as)) {
		parts = append(parts, key+"="+as[key])
	}
	return strings.Join(parts, ",")
}

// enter is the turn of a call that places agents, once it is clear that they can
// be of use here.
func (f *Fleet) enter(ctx context.Context) (leave func(), err error) {
	if why := f.Unmeasurable(); why != "" {
		return nil, &ErrNotMeasurable{Reason: why}
	}
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	leave = func() { <-f.turn }
	if f.image == "" {
		image, err := f.opts.Image(ctx)
		if err != nil {
			leave()
			return nil, fmt.Errorf("the agent image could not be given to the cluster: %w", err)
		}
		f.image = image
	}
	return leave, nil
}

// alive are the agents of a key whose pods still run.
func (f *Fleet) alive(key string) []*Agent {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.agents[key] = slices.DeleteFunc(f.agents[key], func(a *Agent) bool {
		pod := f.watches.Open(cluster.Pods, a.Namespace).Get(a.Namespace, a.Name)
		return pod == nil || string(pod.GetUID()) != a.uid || pod.GetDeletionTimestamp() != nil || phase(pod) != "Running"
	})
	return slices.Clone(f.agents[key])
}
