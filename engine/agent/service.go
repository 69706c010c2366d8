package agent

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/realspec/realspec/engine/cluster"
)

// Service is the cluster IP of a Service that leads to exactly this agent: its echo
// server on port 7000, TCP and UDP. It is made once. Nodes know it some time later:
// see Agent.Reaches.
func (f *Fleet) Service(ctx context.Context, a *Agent) (clusterIP string, err error) {
	f.mu.Lock()
	ip := f.services[a.uid]
	f.mu.Unlock()
	if ip != "" {
		return ip, nil
	}
	if err := f.mark(ctx, a); err != nil {
		return "", err
	}
	port := func(name string, protocol corev1.Protocol) corev1.ServicePort {
		return corev1.ServicePort{Name: name, Protocol: protocol, Port: EchoPort, TargetPort: intstr.FromInt32(int32(a.ports.echo))}
	}
	u, err := manifest("v1", "Service", a.Namespace, a.Name, f.labels(order{}, a.Name), corev1.ServiceSpec{
		Selector: map[string]string{labelAgent: a.Name},
		Ports:    []corev1.ServicePort{port("echo", corev1.ProtocolTCP), port("echo-udp", corev1.ProtocolUDP)},
	})
	if err != nil {
		return "", err
	}
	r, err := f.client.Resource("v1", "Service")
	if err != nil {
		return "", err
	}
	made, err := f.client.Apply(ctx, u)
	if err != nil {
		return "", fmt.Errorf("the Service of an agent could not be made: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.belonging = append(f.belonging, cluster.Leftover{
		Resource: r, Namespace: a.Namespace, Name: a.Name, UID: made.GetUID(), Run: f.opts.RunID,
	})
	ip, _, _ = unstructured.NestedString(made.Object, "spec", "clusterIP")
	if ip == "" {
		return "", fmt.Errorf("the Service %s/%s has no cluster IP", a.Namespace, a.Name)
	}
	f.services[a.uid] = ip
	return ip, nil
}

// mark gives the pod of a Job a label of its own, by which a Service finds it.
func (f *Fleet) mark(ctx context.Context, a *Agent) error {
	pod := f.watches.Open(cluster.Pods, a.Namespace).Get(a.Namespace, a.Name)
	if pod != nil && pod.GetLabels()[labelAgent] == a.Name {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]string{labelAgent: a.Name}}})
	if err != nil {
		return err
	}
	_, err = f.client.Patch(ctx, cluster.Pods, a.Namespace, a.Name, types.MergePatchType, patch, "")
	return err
}
