package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/local"
	"github.com/realspec/realspec/engine/spec"
)

// clusterCommand keeps local clusters warm between runs.
type clusterCommand struct {
	Up     clusterUp     `cmd:"" help:"Start the local cluster of a scenario's shape and keep it running."`
	Down   clusterDown   `cmd:"" help:"Take down the clusters that up started."`
	Status clusterStatus `cmd:"" help:"List the local clusters."`
}

type clusterUp struct {
	Path string `arg:"" optional:"" help:"A scenario folder: its shape is used. Default: one node of 4 CPU and 8Gi."`
	Real bool   `help:"Make all of its nodes real, as --cluster real does (Linux, root)."`
}

// Run is the command.
func (c *clusterUp) Run(a *app) error {
	binary, err := findLocal(a)
	if err != nil {
		return err
	}
	var nodes *spec.Local
	if c.Path != "" {
		all := loadAll(a, []string{c.Path}, nil)
		all.show(a)
		if all.diags.HasErrors() {
			return &exitError{code: exitUsage}
		}
		first := all.plans[0]
		for _, p := range all.plans[1:] {
			if shape(p) != shape(first) {
				return usage("%s and %s ask for clusters of different shapes: give the folder of one scenario", first.Dir, p.Dir)
			}
		}
		nodes = first.Spec.Spec.Local
	}
	if c.Real {
		var changed string
		if nodes, changed = local.Real(nodes); changed != "" {
			fmt.Fprintln(a.stderr, changed)
		}
	}
	flags := local.Flags(nodes)
	up, err := binary.Up(a.first, local.Warm(flags), flags, 0, func(line string) { fmt.Fprintln(a.stderr, line) })
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s runs Kubernetes %s on %s\n  kubectl:    export KUBECONFIG=%s\n  take down:  realspec cluster down\n",
		up.Name, strings.TrimPrefix(up.Version, "v"), nodesText(nodes, up.Nodes), up.Kubeconfig)
	return nil
}

// nodesText counts the nodes of a local cluster by what they are.
func nodesText(shape *spec.Local, all int) string {
	real := 0
	if shape != nil {
		for _, pool := range shape.Nodes {
			if pool.Real {
				real += max(pool.Count, 1)
			}
		}
	}
	switch {
	case real == 0:
		return plural(all, "simulated node", "simulated nodes")
	case real >= all:
		return plural(all, "real node", "real nodes")
	}
	return plural(real, "real", "real") + " and " + plural(all-real, "simulated node", "simulated nodes")
}

type clusterDown struct{}

// Run is the command.
func (clusterDown) Run(a *app) error {
	binary, all, err := listLocal(a)
	if err != nil {
		return err
	}
	var down int
	for _, c := range all {
		if !strings.HasPrefix(c.Name, "warm-") {
			continue // it belongs to a run, or to somebody who uses realspec-cluster himself
		}
		if err := binary.Down(a.first, c.Name); err != nil {
			return err
		}
		down++
	}
	fmt.Fprintf(a.stdout, "%s taken down\n", plural(down, "cluster", "clusters"))
	return nil
}

type clusterStatus struct{}

// Run is the command.
func (clusterStatus) Run(a *app) error {
	_, all, err := listLocal(a)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(a.stdout, "no local cluster runs; realspec run starts one when it needs it")
	}
	for _, c := range all {
		fmt.Fprintf(a.stdout, "%-16s %-8s Kubernetes %s, %s, %d MiB\n", c.Name, c.State,
			strings.TrimPrefix(c.Version, "v"), plural(c.Nodes, "node", "nodes"), c.Memory>>20)
	}
	return nil
}

// listLocal is every local cluster of this user, and the program that runs them.
func listLocal(a *app) (local.Binary, []local.Cluster, error) {
	binary, err := findLocal(a)
	if err != nil {
		return binary, nil, err
	}
	all, err := binary.List(a.first)
	return binary, all, err
}

// asUsage makes a mistake in the kubeconfig the user's.
func asUsage(err error) error {
	var bad *cluster.ConfigError
	if errors.As(err, &bad) || errors.Is(err, cluster.ErrNoConfig) {
		return usage("%v", err)
	}
	return err
}

func isUsage(err error) bool {
	var exit *exitError
	return errors.As(err, &exit) && exit.code == exitUsage
}
