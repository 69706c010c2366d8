package step

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

// nodeObject is a node with what its shares are of.
func nodeObject(n spec.Node, against string) measure.UsageObject {
	has := n.Allocatable
	if against == "capacity" {
		has = n.Capacity
	}
	cpu, memory := has["cpu"], has["memory"]
	return measure.UsageObject{Name: n.Name, Node: n.Name,
		CPU: cpu.AsApproximateFloat64(), Memory: memory.AsApproximateFloat64()}
}

// podObject is a pod with what its shares are of. It is false for a pod that does
// not run: not on a node yet, or ended.
func podObject(o *unstructured.Unstructured, against string) (measure.UsageObject, bool) {
	var pod corev1.Pod
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &pod); err != nil {
		return measure.UsageObject{}, false
	}
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	return measure.UsageObject{
		Name: pod.Namespace + "/" + pod.Name, UID: string(pod.UID), Node: pod.Spec.NodeName,
		CPU: amountOf(&pod, against, corev1.ResourceCPU), Memory: amountOf(&pod, against, corev1.ResourceMemory),
	}, pod.Spec.NodeName != "" && pod.Status.StartTime != nil && !ended
}

// amountOf is what a pod's running containers ask for, or are limited to, together:
// the pod's own amount where it has one. It is 0, which is none, when a single
// container has none: a share of what the others have would be of nothing real.
func amountOf(pod *corev1.Pod, against string, name corev1.ResourceName) float64 {
	of := func(r corev1.ResourceRequirements) corev1.ResourceList {
		if against == "limits" {
			return r.Limits
		}
		return r.Requests
	}
	if pod.Spec.Resources != nil {
		if own, ok := of(*pod.Spec.Resources)[name]; ok {
			return own.AsApproximateFloat64()
		}
	}
	var sum float64
	running := slices.Clone(pod.Spec.Containers)
	for _, c := range pod.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			running = append(running, c) // a sidecar
		}
	}
	for _, c := range running {
		amount, ok := of(c.Resources)[name]
		if !ok {
			return 0
		}
		sum += amount.AsApproximateFloat64()
	}
	return sum
}
