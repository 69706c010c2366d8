package agent

import (
	"context"
	"fmt"
	"slices"
)

// PerNode are agents on nodes by name, each of them `each` times, in the order of
// the nodes; with hostNetwork in the nodes' own network. They tolerate every taint
// of their node.
func (f *Fleet) PerNode(ctx context.Context, nodes []string, each int, hostNetwork bool) ([]*Agent, error) {
	if len(nodes) == 0 || each < 1 {
		return nil, fmt.Errorf("%d agents on each of %d nodes were asked for; at least 1 on 1 is needed", each, len(nodes))
	}
	for _, name := range nodes {
		if f.simulated(name) {
			return nil, &ErrNotMeasurable{Reason: "node " + name + " is simulated: no packets come or go"}
		}
	}
	leave, err := f.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	namespace, err := f.standIn(ctx, nil)
	if err != nil {
		return nil, err
	}
	var missing []order
	for _, name := range nodes {
		key := nodeKey(name, hostNetwork)
		for i := len(f.alive(key)); i < each; i++ {
			o := order{namespace: namespace, key: key, where: placement{nodes: []string{name}, tolerate: true},
				ports: standard, hostNetwork: hostNetwork}
			if hostNetwork {
				o.ports = f.onHost(i)
			}
			missing = append(missing, o)
		}
	}
	if len(missing) > 0 {
		b, err := f.batch(namespace, missing)
		if err == nil {
			err = f.place(ctx, b)
		}
		if err != nil {
			return nil, err
		}
	}
	var all []*Agent
	for _, name := range nodes {
		alive := f.alive(nodeKey(name, hostNetwork))
		if len(alive) < each {
			return nil, fmt.Errorf("an agent on node %s ended just after it had come up", name)
		}
		all = append(all, alive[:each]...)
	}
	return all, nil
}

func nodeKey(name string, hostNetwork bool) string {
	return fmt.Sprintf("node %s %t", name, hostNetwork)
}

func (f *Fleet) simulated(name string) bool {
	if f == nil || f.opts.Facts == nil {
		return false
	}
	for _, n := range f.opts.Facts.Nodes {
		if n.Name == name {
			return n.Simulated
		}
	}
	return false
}

// Nodes are the names of the real nodes on which agents can stand: ready ones, in
// the order of the facts.
func (f *Fleet) Nodes() []string {
	var out []string
	if f == nil || f.opts.Facts == nil {
		return nil
	}
	for _, n := range f.opts.Facts.Nodes {
		if !n.Simulated && n.Ready {
			out = append(out, n.Name)
		}
	}
	return slices.Clip(out)
}
