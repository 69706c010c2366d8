package main

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
)

// deployMetrics creates metrics-server, which answers for the API
// metrics.k8s.io: 'kubectl top', and the horizontal autoscaler.
// It has figures some 15 s later; nobody waits for that.
func (s *server) deployMetrics(ctx context.Context, client kubernetes.Interface) error {
	const name = "metrics-server"
	serving, err := s.ca.insideServing(name+".kube-system.svc", nil)
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", s.place.kubeconfig())
	if err != nil {
		return err
	}
	registry, err := aggregator.NewForConfig(config)
	if err != nil {
		return err
	}
	labels := map[string]string{"k8s-app": name}
	meta := metav1.ObjectMeta{Name: name, Namespace: metav1.NamespaceSystem, Labels: labels}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "system:" + name}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"nodes/metrics"}, Verbs: []string{"get"}},
		{APIGroups: []string{""}, Resources: []string{"pods", "nodes"}, Verbs: []string{"get", "list", "watch"}},
	}}
	reader := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name + "-auth-reader", Namespace: metav1.NamespaceSystem},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "extension-apiserver-authentication-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: name, Namespace: metav1.NamespaceSystem}},
	}
	keys := &corev1.Secret{ObjectMeta: meta, Type: corev1.SecretTypeTLS, Data: map[string][]byte{
		corev1.TLSCertKey: serving.certificate, corev1.TLSPrivateKeyKey: serving.key}}
	service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Selector: labels,
		Ports: []corev1.ServicePort{{Name: "https", Port: 443, TargetPort: intstr.FromInt32(10443)}}}}
	api := &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: "v1beta1.metrics.k8s.io"},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: "metrics.k8s.io", Version: "v1beta1", GroupPriorityMinimum: 100, VersionPriority: 100,
			CABundle: s.ca.pem.certificate,
			Service:  &apiregistrationv1.ServiceReference{Name: name, Namespace: metav1.NamespaceSystem},
		},
	}
	deployment := &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: s.metricsPod(name)},
	}}
	core := client.CoreV1()
	return inOrder(
		created(ctx, client.RbacV1().ClusterRoles().Create, role),
		created(ctx, client.RbacV1().ClusterRoleBindings().Create, bindingOf("system:"+name, name)),
		created(ctx, client.RbacV1().ClusterRoleBindings().Create, bindingOf("system:auth-delegator", name)),
		created(ctx, client.RbacV1().RoleBindings(meta.Namespace).Create, reader),
		created(ctx, core.ServiceAccounts(meta.Namespace).Create, &corev1.ServiceAccount{ObjectMeta: meta}),
		created(ctx, core.Secrets(meta.Namespace).Create, keys),
		created(ctx, core.Services(meta.Namespace).Create, service),
		created(ctx, client.AppsV1().Deployments(meta.Namespace).Create, deployment),
		created(ctx, registry.ApiregistrationV1().APIServices().Create, api),
	)
}

// metricsPod asks real kubelets only, every 10 s. It exits when a request may
// take as long as the time between two.
func (s *server) metricsPod(name string) corev1.PodSpec {
	pod := s.ownPod("80Mi", name, "--secure-port=10443",
		"--tls-cert-file=/keys/"+corev1.TLSCertKey, "--tls-private-key-file=/keys/"+corev1.TLSPrivateKeyKey,
		"--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
		"--kubelet-preferred-address-types=InternalIP", "--metric-resolution=10s", "--kubelet-request-timeout=5s",
		"--node-selector="+corev1.LabelInstanceTypeStable+"="+realType)
	pod.ServiceAccountName = name
	pod.PriorityClassName = "system-cluster-critical"
	pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "keys", VolumeSource: corev1.VolumeSource{
		Secret: &corev1.SecretVolumeSource{SecretName: name}}})
	container := &pod.Containers[0]
	container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: "keys", MountPath: "/keys", ReadOnly: true})
	container.ReadinessProbe = &corev1.Probe{PeriodSeconds: 2, ProbeHandler: corev1.ProbeHandler{
		HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: intstr.FromInt32(10443), Scheme: corev1.URISchemeHTTPS}}}
	return pod
}
