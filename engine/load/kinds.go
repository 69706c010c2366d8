package load

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// clusterScoped are the kinds of Kubernetes itself that have no namespace, by
// their API groups.
var clusterScoped = map[string][]string{
	"":                             {"Namespace", "Node", "PersistentVolume"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding"},
	"storage.k8s.io":               {"StorageClass", "CSIDriver", "CSINode", "VolumeAttachment", "VolumeAttributesClass"},
	"apiextensions.k8s.io":         {"CustomResourceDefinition"},
	"apiregistration.k8s.io":       {"APIService"},
	"scheduling.k8s.io":            {"PriorityClass"},
	"networking.k8s.io":            {"IngressClass", "IPAddress", "ServiceCIDR"},
	"node.k8s.io":                  {"RuntimeClass"},
	"certificates.k8s.io":          {"CertificateSigningRequest", "ClusterTrustBundle"},
	"flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
	"resource.k8s.io":              {"DeviceClass", "ResourceSlice", "DeviceTaintRule"},
	"admissionregistration.k8s.io": {
		"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
		"ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
	},
}

// isClusterScoped tells whether a kind has no namespace. A selector may leave its
// apiVersion out.
func isClusterScoped(apiVersion, kind string) bool {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if apiVersion == "" {
		for _, kinds := range clusterScoped {
			if slices.Contains(kinds, kind) {
				return true
			}
		}
	}
	if !grouped {
		group = ""
	}
	return slices.Contains(clusterScoped[group], kind)
}

// namespaced are the kinds of Kubernetes itself that are written most; shortNames
// are what kubectl calls some of them.
var (
	namespaced = []string{
		"ConfigMap", "CronJob", "DaemonSet", "Deployment", "EndpointSlice", "Event", "HorizontalPodAutoscaler", "Ingress", "Job", "Lease",
		"LimitRange", "NetworkPolicy", "PersistentVolumeClaim", "Pod", "PodDisruptionBudget", "ReplicaSet", "ReplicationController",
		"ResourceQuota", "Role", "RoleBinding", "Secret", "Service", "ServiceAccount", "StatefulSet",
	}
	shortNames = map[string]string{
		"cj": "CronJob", "cm": "ConfigMap", "crd": "CustomResourceDefinition", "deploy": "Deployment", "ds": "DaemonSet",
		"ev": "Event", "hpa": "HorizontalPodAutoscaler", "ing": "Ingress", "netpol": "NetworkPolicy", "no": "Node", "ns": "Namespace",
		"pdb": "PodDisruptionBudget", "po": "Pod", "pv": "PersistentVolume", "pvc": "PersistentVolumeClaim", "quota": "ResourceQuota",
		"rs": "ReplicaSet", "sa": "ServiceAccount", "sts": "StatefulSet", "svc": "Service",
	}
)

// meantKind is the kind of Kubernetes itself that a word was meant for: pods, po,
// Pods and configmap are none. It is "" for a word that may be a kind as it is; of
// one that begins as kinds do, little is guessed, since it may be one of a CRD.
func meantKind(word string) string {
	if word == "" || slices.Contains(namespaced, word) {
		return ""
	}
	all := slices.Concat(namespaced, clusterScoped[""])
	if unicode.IsLower([]rune(word)[0]) {
		all = slices.Concat(append(slices.Collect(maps.Values(clusterScoped)), namespaced)...)
		if kind := shortNames[strings.ToLower(word)]; kind != "" {
			return kind
		}
	}
	for _, kind := range all {
		one := strings.ToLower(kind)
		names := []string{one, one + "s", one + "es", strings.TrimSuffix(one, "y") + "ies"}
		if word != kind && slices.Contains(names, strings.ToLower(word)) {
			return kind
		}
	}
	return ""
}
