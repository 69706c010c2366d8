package main

import (
	"context"
	"fmt"
	"io"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	nodeheartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/client/clientset/versioned"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/controllers"
	kwoklog "sigs.k8s.io/kwok/pkg/log"
	kwokclient "sigs.k8s.io/kwok/pkg/utils/client"
)

// kwokUser is who KWOK is for the API server. It plays the kubelets, so it is
// in their group: API priority and fairness then treats it as it treats them.
// Its name is not that of a node, so node authorization does not apply to it.
const (
	kwokUser  = "realspec:kwok"
	kwokGroup = "system:nodes"
)

// startKWOK starts the simulation of kubelets on all nodes that carry our
// label; real nodes, which do not, are left alone. It runs until ctx is over.
func startKWOK(ctx context.Context, kubeconfig, podRange string, log io.Writer) error {
	stages, err := simulatedLife()
	if err != nil {
		return err
	}
	settings, err := kwokClients(kubeconfig)
	if err != nil {
		return err
	}
	settings.Clock = clock.RealClock{}
	settings.LocalStages = stages
	settings.ManageNodesWithLabelSelector = simulatedLabel + "=" + simulatedValue
	settings.CIDR = podRange
	// The defaults of these live in KWOK's command, zero would be none at all.
	settings.PodPlayStageParallelism = 16
	settings.NodePlayStageParallelism = 8
	settings.PodsOnNodeSyncParallelism = 4
	settings.EnablePodsOnNodeSyncListPager = true
	settings.NodeLeaseParallelism = 4
	// No leases, heartbeats in the node's status instead: a KWOK that starts
	// again has to wait 40 s for leases of its predecessor, the nodes get
	// NotReady, and their pods stay unready for ever (kwok#1464).
	settings.NodeLeaseDurationSeconds = 0
	if settings.ID, err = controllers.Identity(); err != nil {
		return err
	}
	controller, err := controllers.NewController(settings)
	if err != nil {
		return err
	}
	// At its usual level it logs a line for every pod.
	return controller.Start(kwoklog.NewContext(ctx, kwoklog.NewLogger(log, kwoklog.LevelError)))
}

// podReadyAgain says that a pod is ready again after its node was taken for dead. On
// a machine that stands still for 50 s the heartbeats stop, and the node controller
// makes all pods of the node unready: only their condition Ready, not that of their
// containers, and without a reason. A real kubelet that comes back puts that right at
// once. States that a scenario writes into a pod itself stay as they are.
const podReadyAgain = `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata:
  name: pod-ready-again
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: DoesNotExist}
    - {key: '.status.phase', operator: In, values: [Running]}
    - {key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: In, values: ["False"]}
    - {key: '.status.conditions.[] | select( .type == "Ready" ) | .reason', operator: DoesNotExist}
    - {key: '.status.conditions.[] | select( .type == "ContainersReady" ) | .status', operator: In, values: ["True"]}
    - {key: '.status.containerStatuses.[] | select( .ready == false ) | .name', operator: DoesNotExist}
  delay:
    durationMilliseconds: 1000
  next:
    statusTemplate: |
      conditions:
      - lastTransitionTime: {{ Now | Quote }}
        status: "True"
        type: Ready
`

// simulatedLife returns what happens to simulated nodes and pods: nodes stay
// ready, pods run as soon as they are scheduled, pods of Jobs complete, pods
// that are deleted go at once.
func simulatedLife() (map[internalversion.StageResourceRef][]*internalversion.Stage, error) {
	stages := map[internalversion.StageResourceRef][]*internalversion.Stage{}
	for _, text := range []string{
		nodefast.DefaultNodeInit,
		nodeheartbeat.DefaultNodeHeartbeat,
		podfast.DefaultPodReady,
		podReadyAgain,
		podfast.DefaultPodComplete,
		podfast.DefaultPodDelete,
	} {
		stage, err := config.UnmarshalWithType[*internalversion.Stage](text)
		if err != nil {
			return nil, fmt.Errorf("built-in stage: %w", err)
		}
		ref := stage.Spec.ResourceRef
		stages[ref] = append(stages[ref], stage)
	}
	return stages, nil
}

// kwokClients returns settings with all clients. KWOK's clientset takes its
// own rate limit away; the API server's priority and fairness remains.
func kwokClients(kubeconfig string) (settings controllers.Config, err error) {
	set, err := kwokclient.NewClientset("", kubeconfig)
	if err != nil {
		return settings, err
	}
	base, err := set.ToRESTConfig()
	if err != nil {
		return settings, err
	}
	if settings.DynamicClient, err = set.ToDynamicClient(); err != nil {
		return settings, err
	}
	if settings.RESTMapper, err = set.ToRESTMapper(); err != nil {
		return settings, err
	}
	settings.ImpersonatingDynamicClient = set.ToImpersonatingDynamicClient()
	settings.ImpersonatingTypedClient = set.ToImpersonatingTypedClient()
	if settings.RESTClient, err = rest.RESTClientFor(base); err != nil {
		return settings, err
	}
	if settings.TypedKwokClient, err = versioned.NewForConfig(base); err != nil {
		return settings, err
	}
	// Protobuf is cheaper than JSON at both ends, and every pod passes here.
	binary := rest.CopyConfig(base)
	binary.ContentType = runtime.ContentTypeProtobuf
	settings.TypedClient, err = kubernetes.NewForConfig(binary)
	return settings, err
}

// allowKWOK gives KWOK's user what a kubelet needs, for all nodes.
func allowKWOK(ctx context.Context, client kubernetes.Interface) error {
	name := metav1.ObjectMeta{Name: kwokUser}
	role := &rbacv1.ClusterRole{ObjectMeta: name, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"get", "list", "watch", "patch", "update"}},
		{APIGroups: []string{""}, Resources: []string{"nodes/status", "pods/status"}, Verbs: []string{"patch", "update"}},
		{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get", "list", "watch", "patch", "update", "delete"}},
		{APIGroups: []string{"", "events.k8s.io"}, Resources: []string{"events"}, Verbs: []string{"create", "patch", "update"}},
	}}
	if _, err := client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
		return err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: name,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: kwokUser},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: kwokUser}},
	}
	_, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	return err
}
