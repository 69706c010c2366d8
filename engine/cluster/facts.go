package cluster

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/spec"
)

// simulatedNode is the annotation of nodes that KWOK plays.
const simulatedNode = "kwok.x-k8s.io/node"

// Facts are what expressions may know of the cluster: one LIST of the nodes, and
// discovery. Whether the cluster is realspec's own is for the caller to say.
func (c *Client) Facts(ctx context.Context) (*spec.Facts, error) {
	what := "list nodes"
	a, err := c.do(ctx, call{verb: "list", method: http.MethodGet, path: "/api/v1/nodes", what: what})
	if err != nil {
		return nil, err
	}
	var list corev1.NodeList
	if err := json.Unmarshal(a.body, &list); err != nil {
		return nil, c.garbled(what, err)
	}
	found, err := c.discovery.current(ctx)
	if err != nil {
		return nil, err
	}
	facts := &spec.Facts{
		Cluster: spec.Cluster{
			Version: c.info.Version, Server: c.info.Server, Context: c.info.Context,
			Simulated: len(list.Items) > 0, APIs: found.versions,
		},
		Nodes: []spec.Node{},
	}
	for i := range list.Items {
		node := nodeOf(&list.Items[i])
		facts.Nodes = append(facts.Nodes, node)
		facts.Cluster.Simulated = facts.Cluster.Simulated && node.Simulated
	}
	return facts, nil
}

func nodeOf(n *corev1.Node) spec.Node {
	node := spec.Node{
		Name:           n.Name,
		Schedulable:    !n.Spec.Unschedulable,
		Simulated:      isSimulated(n),
		Labels:         orEmpty(n.Labels),
		Annotations:    orEmpty(n.Annotations),
		Taints:         []spec.Taint{},
		Allocatable:    amounts(n.Status.Allocatable),
		Capacity:       amounts(n.Status.Capacity),
		Conditions:     map[string]string{},
		Zone:           n.Labels[corev1.LabelTopologyZone],
		OS:             n.Status.NodeInfo.OperatingSystem,
		Arch:           n.Status.NodeInfo.Architecture,
		KubeletVersion: n.Status.NodeInfo.KubeletVersion,
		Runtime:        n.Status.NodeInfo.ContainerRuntimeVersion,
	}
	for _, t := range n.Spec.Taints {
		node.Taints = append(node.Taints, spec.Taint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
	}
	for _, condition := range n.Status.Conditions {
		node.Conditions[string(condition.Type)] = string(condition.Status)
	}
	node.Ready = node.Conditions[string(corev1.NodeReady)] == string(corev1.ConditionTrue)
	return node
}

// isSimulated tells a node that no kubelet stands behind: KWOK's annotation, or
// the version that KWOK and other simulators report.
func isSimulated(n *corev1.Node) bool {
	return simulated(n.Annotations, n.Status.NodeInfo.KubeletVersion)
}

func simulated(annotations map[string]string, version string) bool {
	_, annotated := annotations[simulatedNode]
	return annotated || strings.HasPrefix(version, "kwok-") || strings.HasPrefix(version, "fake")
}

func amounts(list corev1.ResourceList) map[string]resource.Quantity {
	out := make(map[string]resource.Quantity, len(list))
	for name, quantity := range list {
		out[string(name)] = quantity
	}
	return out
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
