package step

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/realspec/realspec/engine/agent"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/probe"
	"github.com/realspec/realspec/engine/spec"
)

// What a network measure does where nothing is written.
const (
	networkRate  = 10 // transactions a second of each pair
	networkBytes = 64
	networkPairs = 12
)

// network is a network measure at work.
type network struct {
	w     *World
	m     *spec.Measure
	pairs []*pair
	notes []string

	began time.Time
}

// pair is one direction between two agents.
type pair struct {
	from, to *agent.Agent
	host     bool
	address  string

	begun  *sending
	at     time.Time
	report probe.Report
	err    error
}

func (p *pair) String() string {
	if p.host {
		return p.from.Node + " → " + p.to.Node + " (host)"
	}
	return p.from.Node + " → " + p.to.Node
}

// networkUnmeasurable says why there is nothing to measure between.
func (w *World) networkUnmeasurable(ctx context.Context, s *plan.Step, n *spec.NetworkMeasure) string {
	if why := w.Agents.Unmeasurable(); why != "" {
		return why
	}
	nodes, err := w.networkNodes(ctx, s, n)
	switch {
	case err != nil:
		return "" // it is told when the agents are placed
	case len(nodes) == 0:
		return "no real node that is ready and takes pods is selected"
	case len(nodes) == 1 && n.Between != "same":
		return "only one real node, " + nodes[0].Name + ", is ready and takes pods: between different nodes two are needed"
	}
	return ""
}

// networkNodes are the nodes between which is measured: real ones that are ready,
// and either those that are selected or those that take pods.
func (w *World) networkNodes(ctx context.Context, s *plan.Step, n *spec.NetworkMeasure) ([]measure.PairNode, error) {
	selector, err := w.labels(ctx, s, n.Nodes)
	if err != nil {
		return nil, err
	}
	real := w.Agents.Nodes()
	var out []measure.PairNode
	for _, node := range w.Facts.Nodes {
		if slices.Contains(real, node.Name) && selector.Matches(labels.Set(node.Labels)) && (!selector.Empty() || takesPods(node)) {
			out = append(out, measure.PairNode{Name: node.Name, Zone: node.Zone})
		}
	}
	return out, nil
}

func takesPods(n spec.Node) bool {
	keepsOff := func(t spec.Taint) bool { return t.Effect == "NoSchedule" || t.Effect == "NoExecute" }
	return n.Schedulable && !slices.ContainsFunc(n.Taints, keepsOff)
}

// prepareNetwork chooses the pairs, places the agents and waits until they reach
// each other.
func (w *World) prepareNetwork(ctx context.Context, s *plan.Step, m *spec.Measure) (traffic, error) {
	nodes, err := w.networkNodes(ctx, s, m.Network)
	if err != nil {
		return nil, err
	}
	n := &network{w: w, m: m}
	placed := w.placing(m.Name + ": waiting for an agent pod on each node")
	if m.Network.Between == "same" {
		err = n.placeSame(ctx, nodes)
	} else {
		err = n.placeAcross(ctx, nodes)
	}
	placed()
	if err != nil {
		return nil, err
	}
	return n, n.reach(ctx)
}

// placeSame puts two agents on each node.
func (n *network) placeSame(ctx context.Context, nodes []measure.PairNode) error {
	names := measure.Sames(nodes, cmp.Or(n.m.Network.Pairs, networkPairs))
	all, err := n.w.Agents.PerNode(ctx, names, 2, false)
	if err != nil {
		return err
	}
	for i := range names {
		n.pairs = append(n.pairs, &pair{from: all[2*i], to: all[2*i+1]})
	}
	return n.addresses(ctx)
}

// placeAcross puts an agent on each node that is in a pair, and with control one
// in its own network.
func (n *network) placeAcross(ctx context.Context, nodes []measure.PairNode) error {
	chosen := measure.Pairs(nodes, cmp.Or(n.m.Network.Pairs, networkPairs))
	var names []string
	for _, node := range nodes {
		if slices.ContainsFunc(chosen, func(p [2]string) bool { return p[0] == node.Name || p[1] == node.Name }) {
			names = append(names, node.Name)
		}
	}
	networks := []bool{false}
	if n.m.Network.Control {
		networks = append(networks, true)
	}
	for _, host := range networks {
		all, err := n.w.Agents.PerNode(ctx, names, 1, host)
		if err != nil {
			return err
		}
		on := map[string]*agent.Agent{}
		for i, name := range names {
			on[name] = all[i]
		}
		for _, p := range chosen {
			n.pairs = append(n.pairs, &pair{from: on[p[0]], to: on[p[1]], host: host})
		}
	}
	return n.addresses(ctx)
}

// clusterDomain ends the full names of Services; with the dot behind it no search
// domain is tried.
const clusterDomain = "svc.cluster.local."

// addresses says where each pair's transactions go.
func (n *network) addresses(ctx context.Context) error {
	for _, p := range n.pairs {
		if p.address = p.to.Echo(); p.host || n.m.Network.Path == "pod" && n.what() != "dns" {
			continue
		}
		ip, err := n.w.Agents.Service(ctx, p.to)
		if err != nil {
			return err
		}
		p.address = net.JoinHostPort(ip, strconv.Itoa(agent.EchoPort))
		if n.what() == "dns" {
			p.address = p.to.Name + "." + p.to.Namespace + "." + clusterDomain
		}
	}
	return nil
}

// reach waits until nodes know the Services that were just made. A pair that does
// not get through all the same is measured: what it loses is then the network's.
func (n *network) reach(ctx context.Context) error {
	errs := make([]error, len(n.pairs))
	var all sync.WaitGroup
	for i, p := range n.pairs {
		all.Go(func() {
			if n.what() == "dns" {
				errs[i] = resolves(ctx, p)
				return
			}
			errs[i] = p.from.Reaches(ctx, p.address)
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			n.notes = append(n.notes, err.Error())
		}
	}
	return ctx.Err()
}

// nameTime is how long the name of a new Service may take until it is known.
const nameTime = 10 * time.Second

func resolves(ctx context.Context, p *pair) error {
	for end := time.Now().Add(nameTime); ; {
		report, err := p.from.Do(ctx, probe.Job{RoundTrips: &probe.RoundTripJob{
			Transaction: "dns", Address: p.address, Rate: 10, For: 200 * time.Millisecond,
		}}, nil)
		switch {
		case err != nil:
			return err
		case report.RoundTrips != nil && len(report.RoundTrips.Samples) > 0 && report.RoundTrips.Lost == 0:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("%s does not resolve the name %s within %s", p.from, p.address, nameTime)
		}
	}
}

// what is the transaction.
func (n *network) what() string { return cmp.Or(n.m.Network.Transaction, "rtt") }
