package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/local"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/run"
	"github.com/realspec/realspec/engine/spec"
)

// equip gives a cluster what it takes real nodes for: the image of realspec's
// agents, and on clusters of realspec-cluster control over the nodes and the images
// that lie beside the image map.
func (c *clusters) equip(ctx context.Context, p *plan.Scenario, to *run.Cluster) error {
	if c.agent != "" {
		to.AgentImage = func(context.Context) (string, error) { return c.agent, nil }
	}
	if !slices.ContainsFunc(to.Facts.Nodes, isReal) {
		return nil
	}
	l := c.owner(ctx, p, to)
	if l == nil {
		return nil
	}
	if err := settleMetrics(ctx, p, l.about.Name, to); err != nil {
		return err
	}
	to.Facts.Cluster.Local = true // also one that somebody started by hand
	to.Nodes = local.Nodes{Binary: l.binary, Cluster: l.about.Name}
	if err := c.giveImages(ctx, l); err != nil {
		return err
	}
	if to.AgentImage == nil {
		to.AgentImage = func(ctx context.Context) (string, error) { return l.agent.give(ctx, c.app, l, to.Client) }
	}
	return nil
}

// settleTime is how long the metrics API of a cluster of ours may take: it answers
// some 15 s after the nodes are ready, and later on a busy machine.
const settleTime = 2 * time.Minute

// settleMetrics waits until a cluster of ours with real nodes is what it will be. It
// always gets a metrics API; a scenario that asks for one must not be told that there
// is none because the cluster is young.
func settleMetrics(ctx context.Context, p *plan.Scenario, name string, to *run.Cluster) error {
	if !p.NeedsSurvey() {
		return nil
	}
	for deadline := time.Now().Add(settleTime); !to.Facts.Cluster.MetricsAPI; {
		if time.Now().After(deadline) {
			return fmt.Errorf("the metrics API of the local cluster %s did not answer within %s; "+
				"realspec-cluster down --name %s takes the cluster down, to start it again", name, settleTime, name)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		// A client remembers what is served, and asks again only for a kind that it misses.
		if _, err := to.Client.Resource("metrics.k8s.io/v1beta1", "NodeMetrics"); err != nil {
			continue
		}
		facts, err := to.Client.Survey(ctx)
		if err != nil {
			return err
		}
		facts.Cluster.Local = to.Facts.Cluster.Local
		to.Facts = facts
	}
	return nil
}

// giveImages gives the real nodes of a cluster of ours the images of the folder that
// realspec-cluster pack-images filled, once: they have no way to a registry.
func (c *clusters) giveImages(ctx context.Context, l *localCluster) error {
	if c.images == "" {
		return nil
	}
	l.images.Do(func() { l.imagesErr = l.binary.GiveImages(ctx, l.about.Name, c.images) })
	return l.imagesErr
}

func isReal(n spec.Node) bool { return !n.Simulated }

// realType is the instance type of the real nodes of realspec-cluster.
const realType = "realspec-real"

// owner is the local cluster that this is, or nil: also the kubeconfig's cluster can
// be one, when somebody has started it by hand.
func (c *clusters) owner(ctx context.Context, p *plan.Scenario, of *run.Cluster) *localCluster {
	if of.About.Kind == clusterLocal {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.locals[shape(p)]
	}
	ours := func(n spec.Node) bool { return n.Labels["node.kubernetes.io/instance-type"] == realType }
	if !slices.ContainsFunc(of.Facts.Nodes, ours) {
		return nil
	}
	c.byHand.Do(func() {
		binary, err := findLocal(c.app)
		if err != nil {
			return
		}
		all, err := binary.List(ctx)
		if err != nil {
			return
		}
		for i := range all {
			if all[i].Server == of.Client.Info().Server {
				c.found = &localCluster{binary: binary, about: &all[i]}
			}
		}
	})
	return c.found
}

// agentImage is what one cluster knows of the image of realspec's agents.
type agentImage struct {
	mu  sync.Mutex
	ref string // once it is on every real node
}

// give brings the image to the cluster, unless it is there, and says what it is
// called. It is made of the realspec-agent that belongs to this realspec.
func (g *agentImage) give(ctx context.Context, a *app, l *localCluster, client *cluster.Client) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ref != "" {
		return g.ref, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	program, err := local.FindAgent(a.getenv, self)
	if err != nil {
		return "", err
	}
	ref, err := local.AgentImage(program)
	if err != nil {
		return "", err
	}
	if !onEveryNode(ctx, client, ref) {
		if err := l.binary.GiveImage(ctx, l.about.Name, program, ref); err != nil {
			return "", err
		}
	}
	g.ref = ref
	return ref, nil
}

// onEveryNode tells whether every real node of a local cluster says that it has the
// image: a warm one got it in an earlier run.
func onEveryNode(ctx context.Context, client *cluster.Client, ref string) bool {
	nodes, err := client.Resource("v1", "Node")
	if err != nil {
		return false
	}
	all, err := client.List(ctx, nodes, "", cluster.ListOptions{Selector: "node.kubernetes.io/instance-type=" + realType})
	return err == nil && len(all) > 0 && !slices.ContainsFunc(all, func(u *unstructured.Unstructured) bool { return !hasImage(u, ref) })
}

func hasImage(node *unstructured.Unstructured, ref string) bool {
	images, _, _ := unstructured.NestedSlice(node.Object, "status", "images")
	for _, item := range images {
		image, _ := item.(map[string]any)
		names, _, _ := unstructured.NestedStringSlice(image, "names")
		if slices.Contains(names, ref) {
			return true
		}
	}
	return false
}

// makeReal makes a plan ask for a local cluster whose nodes are all real.
func (c *chosen) makeReal(p *plan.Scenario) {
	real, changed := local.Real(p.Spec.Spec.Local)
	spec := *p.Spec
	spec.Spec.Local = real
	p.Spec = &spec
	if notice := p.Name + ": " + changed; changed != "" && !slices.Contains(c.notices, notice) {
		c.notices = append(c.notices, notice)
	}
}
