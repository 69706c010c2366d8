package agent

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
)

// hopeless says why a pod will never be an agent; nil while it may still come.
func hopeless(p *corev1.Pod) error {
	for _, c := range p.Status.ContainerStatuses {
		switch w, t := c.State.Waiting, c.State.Terminated; {
		case w != nil && imageTrouble(w):
			return fmt.Errorf("the agent image %s cannot be pulled on node %s (%s: %s): --agent-image REF names one that can",
				p.Spec.Containers[0].Image, p.Spec.NodeName, w.Reason, cmp.Or(w.Message, "the kubelet says no more"))
		case w != nil && (w.Reason == "CreateContainerConfigError" || w.Reason == "CreateContainerError" || w.Reason == "RunContainerError"):
			return fmt.Errorf("the agent's container cannot be started on node %s (%s: %s)", p.Spec.NodeName, w.Reason, w.Message)
		case t != nil:
			return fmt.Errorf("the agent %s ended on node %s with exit code %d (%s); is %s an image of realspec-agent?",
				p.Name, p.Spec.NodeName, t.ExitCode, strings.TrimSpace(t.Reason+" "+t.Message), p.Spec.Containers[0].Image)
		}
	}
	switch {
	case p.Status.Phase == corev1.PodFailed:
		return fmt.Errorf("the agent pod %s failed on node %s: %s", p.Name, p.Spec.NodeName,
			cmp.Or(strings.TrimSpace(p.Status.Reason+" "+p.Status.Message), "the kubelet says no more"))
	case p.DeletionTimestamp != nil:
		return fmt.Errorf("the agent pod %s was deleted by someone else", p.Name)
	}
	return nil
}

// imageTrouble tells an image that does not come, in the kubelet's words. The first
// ErrImagePull is not enough, unless the registry answered that there is no such
// image: it may answer at the next attempt.
func imageTrouble(w *corev1.ContainerStateWaiting) bool {
	if w.Reason == "ErrImagePull" {
		return strings.Contains(w.Message, "not found")
	}
	return slices.Contains([]string{"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"}, w.Reason)
}

// state is how far a pod is, in words.
func state(p *corev1.Pod) string {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return "it has no node: " + cmp.Or(c.Message, c.Reason)
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil {
			return fmt.Sprintf("on node %s: %s", p.Spec.NodeName, strings.TrimSuffix(w.Reason+": "+w.Message, ": "))
		}
	}
	if p.Spec.NodeName != "" {
		return "the kubelet of node " + p.Spec.NodeName + " has not started it"
	}
	return "it waits for the scheduler"
}

func phase(u *unstructured.Unstructured) string {
	phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
	return phase
}

// with adds the last lines that an agent wrote to what became of it.
func (f *Fleet) with(ctx context.Context, p *corev1.Pod, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if len(p.Status.ContainerStatuses) == 0 || p.Status.ContainerStatuses[0].State.Terminated == nil {
		return err
	}
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/log", p.Namespace, p.Name)
	body, _, failed := f.client.Raw(ctx, path, url.Values{"tailLines": {"5"}})
	if text := strings.TrimSpace(string(body)); failed == nil && text != "" {
		return fmt.Errorf("%w; it said:\n%s", err, text)
	}
	return err
}

// warnings are the last warning of the namespace about a batch: what refuses the
// pods of a Job, or what the kubelet cannot mount, is told nowhere else.
func (f *Fleet) warnings(ctx context.Context, b *batch) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	events, err := f.client.List(ctx, cluster.Events, b.namespace, cluster.ListOptions{FieldSelector: "type=Warning"})
	if err != nil {
		return ""
	}
	for _, e := range slices.Backward(events) {
		name, _, _ := unstructured.NestedString(e.Object, "involvedObject", "name")
		message, _, _ := unstructured.NestedString(e.Object, "message")
		if _, ours := b.orders[name]; ours || strings.HasPrefix(name, b.group) {
			return "; " + message
		}
	}
	return ""
}
