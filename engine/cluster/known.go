package cluster

import "k8s.io/apimachinery/pkg/runtime/schema"

// The kinds that realspec itself reads or writes; every cluster serves them.
var (
	Pods       = builtIn("", "pods", "Pod", true)
	Events     = builtIn("", "events", "Event", true)
	ConfigMaps = builtIn("", "configmaps", "ConfigMap", true)
	Namespaces = builtIn("", "namespaces", "Namespace", false)
	Nodes      = builtIn("", "nodes", "Node", false)

	serviceAccounts = builtIn("", "serviceaccounts", "ServiceAccount", true)
	leases          = builtIn("coordination.k8s.io", "leases", "Lease", true)
	crds            = builtIn("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition", false)
)

func builtIn(group, resource, kind string, namespaced bool) Resource {
	gv := schema.GroupVersion{Group: group, Version: "v1"}
	return Resource{GVR: gv.WithResource(resource), GVK: gv.WithKind(kind), Namespaced: namespaced}
}
