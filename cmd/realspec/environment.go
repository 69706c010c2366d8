package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// environment is what measures on this cluster depend on: the version, and the
// nodes by size. Names and addresses are no part of it.
func environment(f *spec.Facts) event.Environment {
	sizes := map[string]int{}
	for _, n := range f.Nodes {
		size := fmt.Sprintf("%s cpu, %s", quantity(n, "cpu"), quantity(n, "memory"))
		for _, resource := range slices.Sorted(maps.Keys(n.Allocatable)) {
			if strings.Contains(resource, "/") { // extended resources, as nvidia.com/gpu
				size += fmt.Sprintf(", %s %s", quantity(n, resource), resource)
			}
		}
		sizes[size]++
	}
	var nodes []string
	for _, size := range slices.Sorted(maps.Keys(sizes)) {
		nodes = append(nodes, fmt.Sprintf("%d x (%s)", sizes[size], size))
	}
	return event.Environment{
		Kubernetes: minor(f.Cluster.Version), Nodes: strings.Join(nodes, ", "),
		Simulated: f.Cluster.Simulated, Local: f.Cluster.Local, Realspec: ownVersion(),
	}
}

func quantity(n spec.Node, resource string) string {
	q := n.Allocatable[resource]
	return q.String()
}

// minor is a version without its patch: those are compared.
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}
