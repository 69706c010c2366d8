package cluster

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/jsonpath"
)

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

// JSONPath compiles a kubectl JSONPath such as {.status.phase}. The function
// that it gives answers with the text at that path, and whether there is one.
func JSONPath(path string) (func(object map[string]any) (string, bool), error) {
	compiled := jsonpath.New("for").AllowMissingKeys(true)
	if err := compiled.Parse(path); err != nil {
		return nil, fmt.Errorf("the jsonpath %s cannot be read: %w", path, err)
	}
	return func(object map[string]any) (string, bool) {
		found, err := compiled.FindResults(object)
		if err != nil {
			return "", false // the path leads through something that is not there yet
		}
		var texts []string
		for _, results := range found {
			for _, value := range results {
				texts = append(texts, fmt.Sprint(value.Interface()))
			}
		}
		return strings.Join(texts, " "), len(texts) > 0
	}, nil
}
