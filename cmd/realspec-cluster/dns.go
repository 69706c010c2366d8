package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// dnsAddress is the address of the Service kube-dns, the name server of pods.
const dnsAddress = "198.18.128.10"

// corefile answers for the cluster, and for nothing else: there is no way from
// a pod to a name server outside.
const corefile = `.:5353 {
    errors
    health :8080 {
        lameduck 1s
    }
    ready :8181
    kubernetes cluster.local in-addr.arpa {
        pods insecure
        ttl 30
    }
    prometheus :9153
    template ANY ANY . {
        rcode NXDOMAIN
    }
    cache 30
    loadbalance
}
`

// deployDNS creates CoreDNS as every cluster has it: a Deployment behind the
// Service kube-dns, on two real nodes if there are two.
func (s *server) deployDNS(ctx context.Context, client kubernetes.Interface) error {
	const name = "coredns"
	system := client.CoreV1()
	labels := map[string]string{"k8s-app": "kube-dns"}
	meta := metav1.ObjectMeta{Name: name, Namespace: metav1.NamespaceSystem, Labels: labels}
	read := []string{"list", "watch"}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "system:coredns"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"endpoints", "services", "pods", "namespaces"}, Verbs: read},
		{APIGroups: []string{discoveryv1.GroupName}, Resources: []string{"endpointslices"}, Verbs: read},
	}}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-dns", Namespace: metav1.NamespaceSystem, Labels: labels},
		Spec: corev1.ServiceSpec{ClusterIP: dnsAddress, Selector: labels, Ports: []corev1.ServicePort{
			{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP, TargetPort: intstr.FromInt32(5353)},
			{Name: "dns-tcp", Port: 53, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(5353)},
		}},
	}
	pod := s.ownPod("70Mi", "coredns", "-conf", "/etc/coredns/Corefile")
	pod.ServiceAccountName = name
	pod.PriorityClassName = "system-cluster-critical"
	pod.DNSPolicy = corev1.DNSDefault
	pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "config", VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}})
	// Not both on the first node that is ready.
	pod.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: corev1.LabelHostname,
		WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: &metav1.LabelSelector{MatchLabels: labels}}}
	container := &pod.Containers[0]
	container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: "config", MountPath: "/etc/coredns", ReadOnly: true})
	container.ReadinessProbe = &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
		HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(8181)}}}
	deployment := &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To(int32(min(2, countNodes(s.record.Real)))),
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod},
	}}
	return inOrder(
		created(ctx, client.RbacV1().ClusterRoles().Create, role),
		created(ctx, client.RbacV1().ClusterRoleBindings().Create, bindingOf("system:coredns", name)),
		created(ctx, system.ServiceAccounts(meta.Namespace).Create, &corev1.ServiceAccount{ObjectMeta: meta}),
		created(ctx, system.ConfigMaps(meta.Namespace).Create, &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"Corefile": corefile}}),
		created(ctx, system.Services(meta.Namespace).Create, service),
		created(ctx, client.AppsV1().Deployments(meta.Namespace).Create, deployment),
	)
}

// ownPod is a pod that runs a part of this very program, which it finds on its
// node: an image of that size would take seconds to load.
func (s *server) ownPod(memory string, args ...string) corev1.PodSpec {
	return corev1.PodSpec{
		NodeSelector: map[string]string{corev1.LabelInstanceTypeStable: realType},
		Volumes: []corev1.Volume{{Name: "program", VolumeSource: corev1.VolumeSource{
			HostPath: &corev1.HostPathVolumeSource{Path: realnode.HostFolder}}}},
		Containers: []corev1.Container{{
			Name:            args[0],
			Image:           realnode.PauseImage,
			ImagePullPolicy: corev1.PullNever,
			Command:         append([]string{"/program/realspec-cluster"}, args...),
			Env:             ownEnvironment(),
			VolumeMounts:    []corev1.VolumeMount{{Name: "program", MountPath: "/program", ReadOnly: true}},
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse(memory)}},
		}},
	}
}

// ownEnvironment is what a pod that runs this program gets from its environment.
func ownEnvironment() []corev1.EnvVar {
	var variables []corev1.EnvVar
	for _, entry := range realnode.OwnEnvironment() {
		name, value, _ := strings.Cut(entry, "=")
		variables = append(variables, corev1.EnvVar{Name: name, Value: value})
	}
	return variables
}

// bindingOf gives a role to a service account of the system.
func bindingOf(role, account string) *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role + ":" + account},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: account, Namespace: metav1.NamespaceSystem}},
	}
}

// created returns a step that creates an object. The API server makes its own
// namespaces, among them the one of the system, a moment after it is ready.
func created[T any](ctx context.Context, create func(context.Context, T, metav1.CreateOptions) (T, error), object T) func() error {
	return func() error {
		deadline := time.Now().Add(10 * time.Second)
		for {
			_, err := create(ctx, object, metav1.CreateOptions{})
			if !apierrors.IsNotFound(err) || time.Now().After(deadline) {
				return err
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// inOrder takes steps until one fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// awaitDNS waits until pods can ask for names.
func awaitDNS(ctx context.Context, client kubernetes.Interface) error {
	return eventually(ctx, 50*time.Millisecond, func() error {
		deployment, err := client.AppsV1().Deployments(metav1.NamespaceSystem).Get(ctx, "coredns", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if ready := deployment.Status.ReadyReplicas; ready < *deployment.Spec.Replicas {
			return fmt.Errorf("%d of %d CoreDNS pods are ready", ready, *deployment.Spec.Replicas)
		}
		return nil
	})
}
