package cluster

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// wave is a step in the order of apply. Everything in a wave is sent at once;
// the next wave begins when all answers are in. Deletion goes the other way.
type wave int

const (
	// Namespaces hold the rest; CRDs make kinds of the rest exist. Both are
	// waited for.
	waveFoundations wave = iota
	// What others refer to by name and what is checked when they are admitted: a
	// pod is refused when its PriorityClass, its ServiceAccount or room in the
	// quota is missing, and gets the defaults of the LimitRange only if that is
	// there first.
	waveGround
	// Roles before the bindings that name them: a binding cannot change its role
	// later, and the server checks that the role is not more than we may.
	waveBindings
	// What pods mount and read: a pod that starts before its ConfigMap waits for
	// the kubelet's next try, which shows in its start-up time. Services too:
	// pods get the addresses of those that exist when they start.
	waveConfig
	// What runs pods.
	waveWorkloads
	// What refers to workloads, and disturbs nothing when it comes a moment late.
	waveAround
	// Kinds that the table does not know: mostly custom resources, whose
	// operators are workloads of an earlier wave. In the other direction they are
	// deleted while the operator that clears their finalizers still runs.
	waveCustom
	// What stands between everybody and the API server: before its backend runs,
	// a webhook would refuse the objects above.
	waveGates
)

// waveOf is the wave of a kind, by group and kind.
func waveOf(u *unstructured.Unstructured) wave {
	gk := u.GroupVersionKind().GroupKind()
	switch gk.String() {
	case "Namespace", "CustomResourceDefinition.apiextensions.k8s.io":
		return waveFoundations
	case "PriorityClass.scheduling.k8s.io", "StorageClass.storage.k8s.io", "CSIDriver.storage.k8s.io",
		"VolumeAttributesClass.storage.k8s.io", "RuntimeClass.node.k8s.io", "IngressClass.networking.k8s.io",
		"DeviceClass.resource.k8s.io", "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io", "Node",
		"ResourceQuota", "LimitRange", "ServiceAccount",
		"ClusterRole.rbac.authorization.k8s.io", "Role.rbac.authorization.k8s.io":
		return waveGround
	case "ClusterRoleBinding.rbac.authorization.k8s.io", "RoleBinding.rbac.authorization.k8s.io",
		"FlowSchema.flowcontrol.apiserver.k8s.io":
		return waveBindings
	case "Secret", "ConfigMap", "PersistentVolume", "PersistentVolumeClaim", "Service", "Endpoints",
		"EndpointSlice.discovery.k8s.io", "NetworkPolicy.networking.k8s.io",
		"ResourceClaim.resource.k8s.io", "ResourceClaimTemplate.resource.k8s.io", "ResourceSlice.resource.k8s.io":
		return waveConfig
	case "Pod", "ReplicationController", "PodTemplate", "ReplicaSet.apps", "Deployment.apps", "StatefulSet.apps",
		"DaemonSet.apps", "Job.batch", "CronJob.batch":
		return waveWorkloads
	case "HorizontalPodAutoscaler.autoscaling", "PodDisruptionBudget.policy", "Ingress.networking.k8s.io",
		"Lease.coordination.k8s.io":
		return waveAround
	case "APIService.apiregistration.k8s.io",
		"ValidatingWebhookConfiguration.admissionregistration.k8s.io",
		"MutatingWebhookConfiguration.admissionregistration.k8s.io",
		"ValidatingAdmissionPolicy.admissionregistration.k8s.io",
		"ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
		"MutatingAdmissionPolicy.admissionregistration.k8s.io",
		"MutatingAdmissionPolicyBinding.admissionregistration.k8s.io":
		return waveGates
	}
	return waveCustom
}

// waves sorts the positions of objects into waves, in order; within a wave they
// keep the order in which they were written.
func waves(objs []*unstructured.Unstructured) [][]int {
	byWave := map[wave][]int{}
	for i, u := range objs {
		byWave[waveOf(u)] = append(byWave[waveOf(u)], i)
	}
	var order []wave
	for w := range byWave {
		order = append(order, w)
	}
	slices.Sort(order)
	var out [][]int
	for _, w := range order {
		out = append(out, byWave[w])
	}
	return out
}
