package capture

import (
	"slices"
	"strings"
)

// containers is what matters of a pod: which containers, of which images, and
// what they ask for.
var containers = []string{"containers[].name", "containers[].image", "containers[].resources",
	"initContainers[].name", "initContainers[].image"}

// essentials are the fields that matter, by kind: what a person decides, and what
// shows that it became true. A path goes through the items of a list with [].
func essentials(kind string) []string {
	switch kind {
	case "Deployment":
		return append(under("spec.template.spec.", containers), "spec.replicas",
			"status.readyReplicas", "status.availableReplicas", "status.updatedReplicas")
	case "StatefulSet":
		return append(under("spec.template.spec.", containers), "spec.replicas", "spec.serviceName",
			"status.readyReplicas", "status.updatedReplicas")
	case "ReplicaSet":
		return append(under("spec.template.spec.", containers), "spec.replicas", "status.readyReplicas")
	case "DaemonSet":
		return under("spec.template.spec.", containers) // how many depends on the nodes: see conditions
	case "Pod":
		return append(under("spec.", containers), "status.phase")
	case "Job":
		return append(under("spec.template.spec.", containers), "spec.completions", "spec.parallelism", "status.succeeded")
	case "CronJob":
		return append(under("spec.jobTemplate.spec.template.spec.", containers), "spec.schedule", "spec.suspend")
	case "Service":
		return []string{"spec.type", "spec.selector", "spec.externalName", "spec.ports[].name", "spec.ports[].port", "spec.ports[].targetPort"}
	case "PersistentVolumeClaim":
		return []string{"spec.accessModes", "spec.resources", "spec.storageClassName", "status.phase", "status.capacity"}
	case "HorizontalPodAutoscaler":
		return []string{"spec.scaleTargetRef", "spec.minReplicas", "spec.maxReplicas", "spec.metrics"}
	case "PodDisruptionBudget":
		return []string{"spec.minAvailable", "spec.maxUnavailable", "spec.selector"}
	case "Namespace":
		return []string{"status.phase"}
	case "Node":
		return []string{"spec.taints", "spec.unschedulable", "status.allocatable"}
	case "ServiceAccount", "Event", "Lease":
		return []string{}
	}
	return nil
}

func under(prefix string, paths []string) []string {
	var out []string
	for _, p := range paths {
		out = append(out, prefix+p)
	}
	return out
}

// stableStatus are the fields of a status that say what became of an object, of
// kinds that are not known.
var stableStatus = []string{"phase", "state", "ready", "replicas", "readyReplicas", "availableReplicas", "succeeded"}

// essence keeps the fields that matter; of a kind that is not known, all but the
// status and what the server adds.
func (a *Assert) essence(kind string, object map[string]any) {
	if paths := essentials(kind); paths != nil {
		for _, path := range paths {
			copyPath(a.Object, object, strings.Split(path, "."))
		}
		return
	}
	a.whole(object)
	delete(a.Object, "status")
	for _, field := range stableStatus {
		copyPath(a.Object, object, []string{"status", field})
	}
}

// copyPath copies what is at a path, if anything is. A list keeps its length: a
// part of an object compares lists item by item.
func copyPath(to, from map[string]any, path []string) {
	name, isList := strings.CutSuffix(path[0], "[]")
	value, ok := from[name]
	switch {
	case !ok || value == nil || isEmpty(value):
		return
	case len(path) == 1:
		to[name] = value
		return
	case isList:
		copyItems(to, name, value, path[1:])
		return
	}
	inner, ok := value.(map[string]any)
	if !ok {
		return
	}
	below, there := to[name].(map[string]any)
	if !there {
		below = map[string]any{}
	}
	copyPath(below, inner, path[1:])
	if len(below) > 0 {
		to[name] = below
	}
}

func copyItems(to map[string]any, name string, value any, path []string) {
	items, ok := value.([]any)
	if !ok {
		return
	}
	out, there := to[name].([]any)
	if !there {
		out = make([]any, len(items))
		for i := range out {
			out[i] = map[string]any{}
		}
	}
	for i, item := range items {
		inner, _ := item.(map[string]any)
		copyPath(out[i].(map[string]any), inner, path)
	}
	to[name] = out
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// whole keeps all but what the server and controllers make up.
func (a *Assert) whole(object map[string]any) {
	for key, value := range object {
		switch key {
		case "apiVersion", "kind", "metadata":
		default:
			kept := value
			if key != "data" && key != "binaryData" { // whose keys a person chose, whatever they are called
				kept = stable(value)
			}
			if kept != nil && !isEmpty(kept) {
				a.Object[key] = kept
			}
		}
	}
}

// madeUp are fields that are others next time, wherever they stand.
var madeUp = []string{
	"uid", "resourceVersion", "observedGeneration", "generation", "managedFields", "collisionCount",
	"clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort", "nodeName", "volumeName",
	"podIP", "podIPs", "hostIP", "hostIPs", "containerID", "imageID", "startTime", "startedAt", "finishedAt",
	"currentRevision", "updateRevision", "claimRef", "machineID", "systemUUID", "bootID", "caBundle",
}

// stable is a value without what is made up; nil when nothing is left of it. The
// items of a list stay as many as they are.
func stable(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, inner := range v {
			made := slices.Contains(madeUp, key) || strings.HasSuffix(key, "Time") || strings.HasSuffix(key, "Timestamp")
			if kept := stable(inner); !made && kept != nil {
				out[key] = kept
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = stable(v[i])
		}
		return out
	}
	return value
}
