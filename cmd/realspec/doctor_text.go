package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/spec"
)

// mostNodes is how many nodes the table shows; JSON has all of them.
const mostNodes = 20

// text shows the diagnosis as tables.
func (d *diagnosis) text(w io.Writer) {
	fmt.Fprintln(w, "connection")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range d.Sources {
		used := "-"
		if s.Used {
			used = "used"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", used, s.Name, s.Why)
	}
	flush(table)
	if d.Error != "" {
		fmt.Fprintf(w, "  no cluster: %s\n  the embedded local cluster: %s\n", strings.ReplaceAll(d.Error, "\n", "\n    "), d.Local)
	}
	if d.Cluster == nil {
		return
	}
	d.clusterText(w)
	d.nodesText(w)
	d.accessText(w)
}

func (d *diagnosis) clusterText(w io.Writer) {
	c := d.Cluster
	fmt.Fprintln(w, "\ncluster")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, field, value string) {
		if why := d.Unknown[field]; why != "" {
			value = why
		}
		fmt.Fprintf(table, "  %s\t%s\n", name, cmp.Or(value, "none"))
	}
	row("server", "", c.Server)
	row("context", "", c.Context)
	row("version", "", c.Version+" ("+d.GitVersion+")")
	row("nodes", "nodes", nodesSummary(d.Nodes))
	row("gpus", "gpus", gpuText(c.GPUs))
	row("apis", "", apisText(c.APIs))
	row("metrics api", "metricsAPI", yesNo(c.MetricsAPI))
	row("storage classes", "storageClasses", storageText(c.StorageClasses))
	row("ingress classes", "ingressClasses", ingressText(c.IngressClasses))
	row("network plugin", "cni", c.CNI)
	row("network policies", "networkPolicies", c.NetworkPolicies)
	if c.NetworkPolicies == "unknown" && d.Unknown["networkPolicies"] == "" {
		row("", "", "annotate a node: "+cluster.AnnotationNetworkPolicies+"=enforced")
	}
	row("prometheus", "prometheus", servicesText(c.Prometheus))
	row("grafana", "grafana", servicesText(c.Grafana))
	flush(table)
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func nodesSummary(nodes []spec.Node) string {
	var ready, schedulable, simulated int
	for _, n := range nodes {
		if n.Ready {
			ready++
		}
		if n.Ready && n.Schedulable {
			schedulable++
		}
		if n.Simulated {
			simulated++
		}
	}
	return fmt.Sprintf("%d, %d ready, %d of them schedulable, %d simulated", len(nodes), ready, schedulable, simulated)
}

func gpuText(all map[string]int64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, fmt.Sprintf("%d %s", all[name], name))
	}
	return strings.Join(parts, ", ")
}

// apisText counts the APIs and names those that are not Kubernetes' own.
func apisText(all []string) string {
	var own int
	var other []string
	for _, gv := range all {
		group, _, _ := strings.Cut(gv, "/")
		if !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") {
			own++
		} else {
			other = append(other, gv)
		}
	}
	text := fmt.Sprintf("%d of Kubernetes", own)
	if len(other) > 0 {
		text += ", and " + strings.Join(other, ", ")
	}
	return text
}

func storageText(all []spec.StorageClass) string {
	var parts []string
	for _, c := range all {
		about := []string{c.Provisioner, c.Binding}
		if c.Default {
			about = append([]string{"default"}, about...)
		}
		if c.Expandable {
			about = append(about, "expandable")
		}
		parts = append(parts, c.Name+" ("+strings.Join(about, ", ")+")")
	}
	return strings.Join(parts, "; ")
}

func ingressText(all []spec.IngressClass) string {
	var parts []string
	for _, c := range all {
		about := c.Controller
		if c.Default {
			about = "default, " + about
		}
		parts = append(parts, c.Name+" ("+about+")")
	}
	return strings.Join(parts, "; ")
}

func servicesText(all []spec.Service) string {
	var parts []string
	for _, s := range all {
		parts = append(parts, fmt.Sprintf("%s/%s:%d", s.Namespace, s.Name, s.Port))
	}
	return cmp.Or(strings.Join(parts, ", "), "none found")
}

func (d *diagnosis) nodesText(w io.Writer) {
	if len(d.Nodes) == 0 {
		return
	}
	fmt.Fprintln(w, "\nnodes (left of allocatable)")
	var columns bytes.Buffer
	table := tabwriter.NewWriter(&columns, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  NAME\tSTATE\tCPU\tMEMORY\tPODS")
	shown := d.Nodes[:min(len(d.Nodes), mostNodes)]
	for _, n := range shown {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", n.Name, stateText(n),
			headroomText(n, "cpu"), headroomText(n, "memory"), headroomText(n, "pods"))
	}
	flush(table)
	number := -1 // of the node; the first line is the head
	for line := range strings.Lines(columns.String()) {
		fmt.Fprint(w, line)
		if number >= 0 {
			fmt.Fprintf(w, "    %s\n", moreText(shown[number]))
		}
		number++
	}
	if more := len(d.Nodes) - len(shown); more > 0 {
		fmt.Fprintf(w, "  … and %d more: --output json\n", more)
	}
	if why := d.Unknown["headroom"]; why != "" {
		fmt.Fprintf(w, "  what is left is not known: %s\n", why)
	}
}

func stateText(n spec.Node) string {
	state := "ready"
	if !n.Ready {
		state = "not ready"
	}
	if !n.Schedulable {
		state += ", cordoned"
	}
	if n.Simulated {
		state += ", simulated"
	}
	return state
}

// headroomText is what is left of a resource: 3500m of 4.
func headroomText(n spec.Node, name string) string {
	has := n.Allocatable[name]
	left, known := n.Headroom[name]
	if !known {
		return "? of " + sizeText(has)
	}
	return sizeText(left) + " of " + sizeText(has)
}

// sizeText rounds large amounts of bytes for the reader's sake.
func sizeText(q resource.Quantity) string {
	const mi, gi = 1 << 20, 1 << 30
	switch v := q.Value(); {
	case q.Format != resource.BinarySI:
	case v >= 10*gi, v >= gi && v%gi == 0:
		return fmt.Sprintf("%dGi", v/gi)
	case v >= mi:
		return fmt.Sprintf("%dMi", v/mi)
	}
	return q.String()
}

func moreText(n spec.Node) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(n.Allocatable)) {
		if cluster.IsGPU(name) {
			parts = append(parts, headroomText(n, name)+" "+name)
		}
	}
	for _, taint := range n.Taints {
		parts = append(parts, "taint "+strings.TrimSuffix(taint.Key+"="+taint.Value, "=")+":"+taint.Effect)
	}
	for _, part := range []string{n.Zone, n.OS + "/" + n.Arch, n.Runtime} {
		if strings.Trim(part, "/") != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

func (d *diagnosis) accessText(w io.Writer) {
	fmt.Fprintln(w, "\npermissions of a plain scenario (realspec plan --server tells for yours)")
	verbs := map[string][]string{}
	var rows []string
	for _, p := range d.Permissions {
		allowed := "yes"
		if !p.Allowed {
			allowed = "NO"
		}
		key := allowed + "\t" + p.Text()
		if len(verbs[key]) == 0 {
			rows = append(rows, key)
		}
		verbs[key] = append(verbs[key], p.Verb)
	}
	slices.SortStableFunc(rows, func(a, b string) int { return cmp.Compare(a[:2], b[:2]) }) // NO first
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(table, "  %s\t%s\n", row, strings.Join(verbs[row], ", "))
	}
	flush(table)
}
