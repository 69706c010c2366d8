package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// The annotations of a node that a run cordoned, by which sweep finds it when the
// run itself is no more.
const (
	AnnotationCordonedBy = "realspec.dev/cordoned-by" // the run's id
	AnnotationCordonedAt = "realspec.dev/cordoned-at" // RFC 3339
)

// Cordon makes a node take no new pods. With the id of a run, the node is
// annotated as that run's. It is false when the node was cordoned before: that is
// then somebody else's, and stays as it is.
func (c *Client) Cordon(ctx context.Context, node, run string, now time.Time) (bool, error) {
	annotations := map[string]any{}
	if run != "" {
		annotations[AnnotationCordonedBy] = run
		annotations[AnnotationCordonedAt] = now.UTC().Format(time.RFC3339)
	}
	return c.changeNode(ctx, node, annotations, true, func(n *unstructured.Unstructured) bool { return !isCordoned(n) })
}

// Uncordon makes a node take pods again, whoever cordoned it. It is false when it
// was not cordoned. by is the run that the cordon was annotated as, or "".
func (c *Client) Uncordon(ctx context.Context, node string) (did bool, by string, err error) {
	did, err = c.changeNode(ctx, node, unmarked(), false, func(n *unstructured.Unstructured) bool {
		by = n.GetAnnotations()[AnnotationCordonedBy]
		return isCordoned(n)
	})
	return did, by, err
}

// UncordonOf is Uncordon of a node that is still annotated as the run's; any other
// is left alone. A node that is gone needs none.
func (c *Client) UncordonOf(ctx context.Context, node, run string) error {
	_, err := c.changeNode(ctx, node, unmarked(), false, func(n *unstructured.Unstructured) bool {
		return n.GetAnnotations()[AnnotationCordonedBy] == run
	})
	if IsNotFound(err) {
		return nil
	}
	return err
}

func unmarked() map[string]any {
	return map[string]any{AnnotationCordonedBy: nil, AnnotationCordonedAt: nil}
}

func isCordoned(n *unstructured.Unstructured) bool {
	cordoned, _, _ := unstructured.NestedBool(n.Object, "spec", "unschedulable")
	return cordoned
}

// changeNode sets unschedulable where the node, as it is now, is wanted. The
// version in the patch makes looking and changing one step; heartbeats change
// nodes all the time, so it is tried again with the next version.
func (c *Client) changeNode(ctx context.Context, name string, annotations map[string]any, unschedulable bool, wanted func(*unstructured.Unstructured) bool) (bool, error) {
	for n := 1; ; n++ {
		node, err := c.Get(ctx, Nodes, "", name)
		if err != nil || !wanted(node) {
			return false, err
		}
		spec := map[string]any{"unschedulable": unschedulable}
		if !unschedulable {
			spec["unschedulable"] = nil
		}
		patch, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"resourceVersion": node.GetResourceVersion(), "annotations": annotations},
			"spec":     spec,
		})
		if err != nil {
			return false, err
		}
		_, err = c.Patch(ctx, Nodes, "", name, types.MergePatchType, patch, "")
		if !isConflict(err) || !sleep(ctx, backoff(n)) {
			return err == nil, err
		}
	}
}

// NodeReady tells whether a node is Ready as the API server sees it.
func NodeReady(node *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(node.Object, "status", "conditions")
	for _, item := range conditions {
		if condition, _ := item.(map[string]any); condition["type"] == "Ready" {
			return condition["status"] == "True"
		}
	}
	return false
}

// NodeSimulated tells a node that no kubelet stands behind, as spec.Node does.
func NodeSimulated(node *unstructured.Unstructured) bool {
	version, _, _ := unstructured.NestedString(node.Object, "status", "nodeInfo", "kubeletVersion")
	return simulated(node.GetAnnotations(), version)
}

// AwaitNode waits until a node is Ready and its kubelet has renewed its lease
// after beat: until the control plane notices that a kubelet is gone, a node
// stays Ready. An empty beat asks for Ready only.
func (c *Client) AwaitNode(ctx context.Context, name, beat string) error {
	what := "wait until Node " + name + " is Ready"
	if beat != "" {
		err := c.awaitObject(ctx, leases, nodeLeases, name, what, func(lease *unstructured.Unstructured) (bool, error) {
			return renewed(lease) != beat, nil
		})
		if err != nil {
			return fmt.Errorf("its kubelet does not answer: %w", err)
		}
	}
	return c.awaitObject(ctx, Nodes, "", name, what, func(node *unstructured.Unstructured) (bool, error) {
		return NodeReady(node), nil
	})
}

// NodeBeat is when a node's kubelet last renewed its lease; empty when it has none.
func (c *Client) NodeBeat(ctx context.Context, name string) (string, error) {
	lease, err := c.Get(ctx, leases, nodeLeases, name)
	switch {
	case IsNotFound(err):
		return "", nil
	case err != nil:
		return "", err
	}
	return renewed(lease), nil
}

// nodeLeases is the namespace of the kubelets' leases.
const nodeLeases = "kube-node-lease"

func renewed(lease *unstructured.Unstructured) string {
	at, _, _ := unstructured.NestedString(lease.Object, "spec", "renewTime")
	return at
}

// cordoned are the nodes that runs left cordoned; with a run's id, those of that run.
func (c *Client) cordoned(ctx context.Context, run string) ([]Leftover, error) {
	nodes, err := c.List(ctx, Nodes, "", ListOptions{})
	if err != nil {
		return nil, err
	}
	var out []Leftover
	for _, n := range nodes {
		by := n.GetAnnotations()[AnnotationCordonedBy]
		if by == "" || run != "" && by != run || n.GetLabels()[LabelRun] != "" {
			continue // not cordoned by the run, or made by one, and deleted
		}
		l := leftoverOf(Nodes, n)
		l.Cordoned, l.Run, l.Finalizers = true, by, nil
		if at, err := time.Parse(time.RFC3339, n.GetAnnotations()[AnnotationCordonedAt]); err == nil {
			l.Created = at
		}
		out = append(out, l)
	}
	return out, nil
}
