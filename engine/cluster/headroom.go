package cluster

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/spec"
)

// runningPods leaves out the pods that have ended: they hold nothing.
const runningPods = "status.phase!=Succeeded,status.phase!=Failed"

// lookPods adds up what the pods on each node ask for. It reads all pods of the
// cluster, page by page, and keeps one sum a node.
func (c *Client) lookPods(ctx context.Context, _ *spec.Facts) (func(*spec.Facts), error) {
	sums := map[string]corev1.ResourceList{}
	err := each(ctx, c, Pods, runningPods, func(p corev1.Pod) {
		if p.Spec.NodeName == "" {
			return
		}
		sum := sums[p.Spec.NodeName]
		if sum == nil {
			sum = corev1.ResourceList{}
			sums[p.Spec.NodeName] = sum
		}
		addTo(sum, podRequests(&p))
		addTo(sum, corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(1, resource.DecimalSI)})
	}, func() { clear(sums) })
	return func(f *spec.Facts) {
		for i := range f.Nodes {
			n := &f.Nodes[i]
			n.Requested, n.Headroom = map[string]resource.Quantity{}, map[string]resource.Quantity{}
			for name, has := range n.Allocatable {
				asked := resource.Quantity{Format: has.Format}
				if q, ok := sums[n.Name][corev1.ResourceName(name)]; ok {
					asked = q
				}
				left := has.DeepCopy()
				left.Sub(asked)
				n.Requested[name], n.Headroom[name] = asked, left
			}
		}
	}, err
}

// podRequests is what the scheduler reserves for a pod (kubernetes/component-
// helpers, resource.PodRequests):
//
//	max(containers + sidecars, the largest init container with the sidecars
//	that start before it), or the pod's own requests where it has them,
//	+ overhead
//
// An init container that is restarted for ever is a sidecar.
func podRequests(p *corev1.Pod) corev1.ResourceList {
	sum, sidecars, start := corev1.ResourceList{}, corev1.ResourceList{}, corev1.ResourceList{}
	for _, c := range p.Spec.Containers {
		addTo(sum, c.Resources.Requests)
	}
	for _, c := range p.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			addTo(sum, c.Resources.Requests)
			addTo(sidecars, c.Resources.Requests)
			raiseTo(start, sidecars)
			continue
		}
		needs := sidecars.DeepCopy()
		addTo(needs, c.Resources.Requests)
		raiseTo(start, needs)
	}
	raiseTo(sum, start)
	if own := p.Spec.Resources; own != nil {
		for name, amount := range own.Requests {
			sum[name] = amount
		}
	}
	addTo(sum, p.Spec.Overhead)
	return sum
}

func addTo(sum, more corev1.ResourceList) {
	for name, amount := range more {
		total := sum[name]
		total.Add(amount)
		sum[name] = total
	}
}

// raiseTo takes the larger amount of each resource.
func raiseTo(sum, other corev1.ResourceList) {
	for name, amount := range other {
		if has, ok := sum[name]; !ok || has.Cmp(amount) < 0 {
			sum[name] = amount
		}
	}
}
