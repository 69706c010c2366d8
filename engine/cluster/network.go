package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/realspec/realspec/engine/spec"
)

// AnnotationNetworkPolicies is on nodes where somebody says what nobody can tell from
// outside: enforced or ignored.
const AnnotationNetworkPolicies = "realspec.dev/network-policies"

// What is told of NetworkPolicies.
const (
	enforced = "enforced"
	ignored  = "ignored"
	unknown  = "unknown"
)

// plugin is a network plugin and how its agents can be told: by their names, by
// the API groups that come with it, or by annotations that it leaves on nodes.
type plugin struct {
	name       string
	agents     []string // the names of its DaemonSets
	groups     []string // API groups
	annotation string   // the first part of a node annotation
	policies   string   // what becomes of NetworkPolicies with it
}

// plugins are the known ones; one that does policies for another comes first
// (canal is flannel's network with calico's policies). Where enforcement is a
// setting of the plugin (AWS, Azure, GKE's kubenet), or came with some version
// (kindnet), nobody can tell from outside.
func plugins() []plugin {
	return []plugin{
		{"canal", []string{"canal", "rke2-canal"}, nil, "", enforced},
		{"cilium", []string{"cilium", "anetd"}, []string{"cilium.io"}, "network.cilium.io/", enforced},
		{"calico", []string{"calico-node"}, []string{"crd.projectcalico.org"}, "projectcalico.org/", enforced},
		{"antrea", []string{"antrea-agent"}, []string{"crd.antrea.io"}, "node.antrea.io/", enforced},
		{"ovn-kubernetes", []string{"ovnkube-node"}, []string{"k8s.ovn.org"}, "k8s.ovn.org/", enforced},
		{"kube-ovn", []string{"kube-ovn-cni"}, []string{"kubeovn.io"}, "ovn.kubernetes.io/", enforced},
		{"kube-router", []string{"kube-router"}, nil, "kube-router.io/", enforced},
		{"weave", []string{"weave-net"}, nil, "", enforced},
		{"flannel", []string{"kube-flannel-ds", "kube-flannel"}, nil, "flannel.alpha.coreos.com/", ignored},
		{"aws-vpc-cni", []string{"aws-node"}, nil, "", unknown},
		{"azure-cni", []string{"azure-cns"}, nil, "", unknown},
		{"kindnet", []string{"kindnet"}, nil, "", unknown},
	}
}

// lookNetwork tells the network plugin. Between simulated nodes there is none,
// whatever is installed.
func (c *Client) lookNetwork(ctx context.Context, facts *spec.Facts) (func(*spec.Facts), error) {
	if facts.Cluster.Simulated {
		return func(f *spec.Facts) { f.Cluster.CNI, f.Cluster.NetworkPolicies = "none", ignored }, nil
	}
	var agents []string
	err := each(ctx, c, daemonSets, "", func(o metav1.PartialObjectMetadata) {
		agents = append(agents, o.Name)
	}, func() { agents = agents[:0] })
	return networkOf(pluginOf(agents, facts), facts.Nodes, err)
}

// networkOf puts together what the plugin's traces and the nodes' annotations tell. An
// error is what the plugin's agents could not be listed for.
func networkOf(p *plugin, nodes []spec.Node, err error) (func(*spec.Facts), error) {
	name, policies, hidden := unknown, unknown, ""
	if p != nil {
		name, policies, err = p.name, p.policies, nil // nodes and APIs told it, agents need not
	}
	said, wrong := policiesSaid(nodes)
	if said != "" {
		policies = said
		if isForbidden(err) {
			hidden, err = notAllowed(err), nil
		}
	}
	return func(f *spec.Facts) {
		f.Cluster.CNI, f.Cluster.NetworkPolicies = name, policies
		for field, why := range map[string]string{"cni": hidden, "networkPolicies": wrong} {
			if why != "" {
				f.Cluster.Unknown[field] = why
			}
		}
	}, err
}

// policiesSaid is what the annotations of nodes say; wrong is why they say nothing.
func policiesSaid(nodes []spec.Node) (said, wrong string) {
	first := ""
	for _, n := range nodes {
		value, ok := n.Annotations[AnnotationNetworkPolicies]
		switch {
		case !ok:
		case value != enforced && value != ignored:
			return "", fmt.Sprintf("node %s has the annotation %s: %q, and it must be %s or %s", n.Name, AnnotationNetworkPolicies, value, enforced, ignored)
		case said != "" && said != value:
			return "", fmt.Sprintf("node %s has the annotation %s: %s, and node %s says %s", n.Name, AnnotationNetworkPolicies, value, first, said)
		default:
			said, first = value, n.Name
		}
	}
	return said, ""
}

// pluginOf is the first plugin that left a trace.
func pluginOf(agents []string, facts *spec.Facts) *plugin {
	for _, p := range plugins() {
		if slices.ContainsFunc(p.agents, func(a string) bool { return slices.Contains(agents, a) }) {
			return &p
		}
	}
	for _, p := range plugins() {
		served := slices.ContainsFunc(facts.Cluster.APIs, func(gv string) bool {
			group, _, _ := strings.Cut(gv, "/")
			return slices.Contains(p.groups, group)
		})
		if served || p.annotation != "" && slices.ContainsFunc(facts.Nodes, func(n spec.Node) bool { return annotated(n, p.annotation) }) {
			return &p
		}
	}
	return nil
}

func annotated(n spec.Node, prefix string) bool {
	for key := range n.Annotations {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// service is as much of a Service as is needed to know it again.
type service struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Ports []struct {
			Name string `json:"name"`
			Port int64  `json:"port"`
		} `json:"ports"`
	} `json:"spec"`
}

// lookServices finds Prometheus and Grafana among the Services, by the labels
// and names that their charts and operators give.
func (c *Client) lookServices(ctx context.Context, _ *spec.Facts) (func(*spec.Facts), error) {
	prometheus, grafana := []spec.Service{}, []spec.Service{}
	err := each(ctx, c, services, "", func(s service) {
		switch {
		case s.is("prometheus", []string{"prometheus-operated", "prometheus-server", "prometheus-k8s"}):
			prometheus = append(prometheus, s.found(9090))
		case s.is("grafana", nil):
			grafana = append(grafana, s.found(3000))
		}
	}, func() { prometheus, grafana = prometheus[:0], grafana[:0] })
	return func(f *spec.Facts) { f.Cluster.Prometheus, f.Cluster.Grafana = prometheus, grafana }, err
}

// is tells a Service of an application: the recommended label or the older one
// says so, or it has one of the names. The exporters and the operator, which
// carry the word too, have labels of their own.
func (s service) is(app string, names []string) bool {
	labels := s.Metadata.Labels
	if name := labels["app.kubernetes.io/name"]; name != "" {
		component := labels["app.kubernetes.io/component"]
		return name == app && (component == "" || component == app || component == "server")
	}
	return labels["app"] == app && (labels["component"] == "" || labels["component"] == "server") ||
		strings.HasSuffix(labels["app"], "-stack-"+app) || labels["operated-"+app] == "true" ||
		s.Metadata.Name == app || slices.Contains(names, s.Metadata.Name)
}

// found is the Service with the port that serves HTTP: one that is named so, or
// the application's own, or the first.
func (s service) found(usual int64) spec.Service {
	out := spec.Service{Name: s.Metadata.Name, Namespace: s.Metadata.Namespace, Port: usual}
	for i, p := range s.Spec.Ports {
		if i == 0 || p.Port == usual || strings.HasPrefix(p.Name, "http") || p.Name == "web" || p.Name == "service" {
			out.Port = p.Port
		}
		if p.Port == usual {
			break
		}
	}
	out.URL = fmt.Sprintf("/api/v1/namespaces/%s/services/%s:%d/proxy", out.Namespace, out.Name, out.Port)
	return out
}
