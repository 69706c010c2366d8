package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/local"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/run"
	"github.com/realspec/realspec/engine/spec"
)

// kubeFlags choose a cluster the way kubectl does.
type kubeFlags struct {
	Kubeconfig string   `help:"The kubeconfig file. Default: the files of KUBECONFIG, then ~/.kube/config." placeholder:"FILE" type:"path"`
	Context    string   `help:"The context of the kubeconfig. Default: its current one." placeholder:"NAME"`
	As         string   `help:"User to act as." placeholder:"USER"`
	AsGroup    []string `help:"Group to act as; may be repeated." placeholder:"GROUP"`
	Config     string   `help:"The configuration: what is protected, and caps. Default: .realspec.yaml here, or in a folder above within the git repository." placeholder:"FILE"`

	onWrite func(cluster.Write) // is told of every write; may be nil
}

// options are those that the flags give.
func (k kubeFlags) options(a *app) cluster.Options {
	return cluster.Options{
		Kubeconfig: k.Kubeconfig, Context: k.Context, As: k.As, AsGroups: k.AsGroup, Env: a.getenv,
		UserAgent: "realspec/" + ownVersion(), OnWrite: k.onWrite,
	}
}

// open opens the cluster of a kubeconfig: that of the flags, or a local cluster's.
func (k kubeFlags) open(ctx context.Context, a *app, kubeconfig string) (*cluster.Client, error) {
	o := k.options(a)
	if kubeconfig != k.Kubeconfig { // the flags say nothing of it
		o.Kubeconfig, o.Context, o.As, o.AsGroups = kubeconfig, "", "", nil
	}
	return cluster.Open(ctx, o)
}

// The values of --cluster.
const (
	clusterAuto    = "auto"
	clusterCurrent = "current"
	clusterLocal   = "local"
	clusterReal    = "real" // local, with every node real
)

// clusters gives the scenarios of a run their clusters: the kubeconfig's, or
// local ones, one for each shape that scenarios ask for.
type clusters struct {
	app    *app
	kube   kubeFlags
	mode   string
	keep   bool // leave local clusters running for the next run
	runID  string
	notice func(string)
	agent  string // the image that --agent-image names
	images string // the folder of packed images that --image-map is in; "" for none

	mu      sync.Mutex
	decided bool
	why     string          // why the cluster is what it is
	config  *spec.Config    // what may not be done; nil where nobody has said so
	current *cluster.Client // nil: local ones
	uses    map[string]int  // scenarios that are not done with the shape
	locals  map[string]*localCluster
	done    []cluster.Account // of clients that are closed
	byHand  sync.Once
	found   *localCluster // that the kubeconfig's cluster is
}

// localCluster is a local cluster that scenarios of one shape share.
type localCluster struct {
	start     sync.Mutex
	binary    local.Binary
	about     *local.Cluster
	client    *cluster.Client
	owned     bool // started for this run alone
	agent     agentImage
	images    sync.Once // given
	imagesErr error
}

// clusters gives plans the clusters of one value of --cluster.
func (c *runCommand) clusters(a *app, mode, runID string, plans []*plan.Scenario, notice func(string)) *clusters {
	out := &clusters{app: a, kube: c.kubeFlags, mode: mode, keep: c.KeepCluster, runID: runID, notice: notice,
		agent: c.AgentImage, images: c.folder(), uses: map[string]int{}, locals: map[string]*localCluster{}}
	for _, p := range plans {
		out.uses[shape(p)]++
	}
	return out
}

func shape(p *plan.Scenario) string { return strings.Join(local.Flags(p.Spec.Spec.Local), " ") }

// decide chooses between the kubeconfig's cluster and local ones, once a run.
func (c *clusters) decide(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.decided {
		return nil
	}
	var err error
	if c.config, err = c.kube.config(c.app); err != nil {
		return err
	}
	if c.mode == clusterLocal || c.mode == clusterReal {
		c.decided, c.why = true, "--cluster "+c.mode
		return nil
	}
	client, err := c.kube.open(ctx, c.app, c.kube.Kubeconfig)
	var bad *cluster.ConfigError
	switch {
	case err == nil:
		if err := refuse(c.config, client.Info()); err != nil {
			client.Close()
			return err
		}
		c.current, c.decided, c.why = client, true, c.kube.connection(c.app, client.Info())
		return nil
	case c.mode == clusterCurrent && errors.Is(err, cluster.ErrNoConfig):
		return usage("%v\n  --cluster local runs on the embedded cluster", err)
	case errors.As(err, &bad):
		return usage("%v\n  --cluster local runs on the embedded cluster and needs no kubeconfig", err)
	case c.mode == clusterCurrent || ctx.Err() != nil:
		return err
	}
	c.decided, c.why = true, "no cluster answers: "+firstLine(err)
	c.notice(c.why + "; using the local cluster")
	return nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// For is the cluster for a scenario.
func (c *clusters) For(ctx context.Context, p *plan.Scenario) (*run.Cluster, error) {
	if err := c.decide(ctx); err != nil {
		return nil, err
	}
	if c.current != nil {
		info := c.current.Info()
		return c.describe(ctx, p, c.current, event.Cluster{Name: cmp.Or(info.Context, inCluster), Kind: clusterCurrent})
	}
	l, err := c.local(ctx, p)
	if err != nil {
		return nil, err
	}
	return c.describe(ctx, p, l.client, event.Cluster{Name: l.about.Name, Kind: clusterLocal})
}

// describe reads what the cluster is.
func (c *clusters) describe(ctx context.Context, p *plan.Scenario, client *cluster.Client, about event.Cluster) (*run.Cluster, error) {
	read := client.Facts
	if p.NeedsSurvey() {
		read = client.Survey // some requests more
	}
	facts, err := read(ctx)
	if cluster.IsRefused(err) { // what may be seen is enough to say what is not allowed
		facts, err = client.Survey(ctx)
	}
	if err != nil {
		return nil, err
	}
	facts.Cluster.Local = about.Kind == clusterLocal
	about.Server, about.Version, about.Why = facts.Cluster.Server, facts.Cluster.Version, c.why
	about.Nodes, about.Simulated = len(facts.Nodes), facts.Cluster.Simulated
	about.Environment = environment(facts)
	out := &run.Cluster{Client: client, Facts: facts, About: about, Config: c.config}
	if err := c.equip(ctx, p, out); err != nil {
		return nil, err
	}
	return out, nil
}

// local is the local cluster of the scenario's shape, started when it does not
// run yet.
func (c *clusters) local(ctx context.Context, p *plan.Scenario) (*localCluster, error) {
	c.mu.Lock()
	l := c.locals[shape(p)]
	if l == nil {
		l = &localCluster{}
		c.locals[shape(p)] = l
	}
	number := len(c.locals)
	c.mu.Unlock()
	l.start.Lock()
	defer l.start.Unlock()
	if l.client != nil {
		return l, nil
	}
	if err := c.begin(ctx, l, local.Flags(p.Spec.Spec.Local), number); err != nil {
		return nil, err
	}
	client, err := c.kube.open(ctx, c.app, l.about.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("the local cluster %[1]s does not answer: %[2]w\n"+
			"  realspec-cluster down --name %[1]s takes it down, and the next run starts another", l.about.Name, err)
	}
	l.client = client
	return l, nil
}

// begin finds a warm cluster of the shape, or starts one.
func (c *clusters) begin(ctx context.Context, l *localCluster, flags []string, number int) error {
	binary, err := findLocal(c.app)
	if err != nil {
		return err
	}
	l.binary = binary
	warm := local.Warm(flags)
	if l.about = binary.Running(ctx, warm); l.about != nil {
		return nil
	}
	name, owner := warm, 0
	if !c.keep {
		name, owner, l.owned = fmt.Sprintf("run-%s-%d", c.runID, number), os.Getpid(), true
		if c.mode == clusterReal { // there may be simulated ones of the same run
			name = fmt.Sprintf("run-%s-real-%d", c.runID, number)
		}
	}
	c.notice("starting the local cluster " + name)
	l.about, err = binary.Up(ctx, name, flags, owner, nil)
	return err
}

func findLocal(a *app) (local.Binary, error) {
	self, err := os.Executable()
	if err != nil {
		return local.Binary{}, err
	}
	return local.Find(a.getenv, self)
}

// Release ends a local cluster that no further scenario needs.
func (c *clusters) Release(p *plan.Scenario) {
	c.mu.Lock()
	c.uses[shape(p)]--
	last, l := c.uses[shape(p)] == 0, c.locals[shape(p)]
	c.mu.Unlock()
	if last && l != nil {
		c.end(l)
	}
}

// end closes the client and takes down a cluster that was started for this run.
func (c *clusters) end(l *localCluster) {
	l.start.Lock()
	defer l.start.Unlock()
	if l.client != nil {
		c.mu.Lock()
		c.done = append(c.done, l.client.Account())
		c.mu.Unlock()
		l.client.Close()
		l.client = nil
	}
	if l.owned && l.about != nil {
		if err := l.binary.Down(context.Background(), l.about.Name); err != nil {
			c.notice(fmt.Sprintf("the local cluster %s could not be taken down: %v", l.about.Name, err))
		}
		l.about = nil
	}
}

// Close ends what is still open.
func (c *clusters) Close() {
	for _, name := range slices.Sorted(maps.Keys(c.locals)) {
		c.end(c.locals[name])
	}
	if c.current != nil {
		c.done = append(c.done, c.current.Account())
		c.current.Close()
		c.current = nil
	}
}

// Account is what all clients of the run asked of API servers. It is complete
// after Close.
func (c *clusters) Account() event.Account {
	total := event.Account{Requests: map[string]int64{}, Retries: map[string]int64{}}
	for _, a := range c.done {
		for verb, n := range a.Requests {
			total.Requests[verb] += n
		}
		for reason, n := range a.Retries {
			total.Retries[reason] += n
		}
		total.Relists += a.Relists
		total.Reconnects += a.Reconnects
		total.BytesIn += a.BytesIn
		total.BytesOut += a.BytesOut
		total.Events += a.Events
		total.QueueHigh = max(total.QueueHigh, a.QueueHigh)
		total.QueueFull += a.QueueFull
	}
	return total
}
