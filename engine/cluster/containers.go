package cluster

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Container is a container of a pod and what the kubelet says of it. One that the
// kubelet has not looked at has its name only.
type Container struct {
	Name     string
	Init     bool // it runs before the others, or beside them when it is a sidecar
	Ready    bool
	Restarts int64
	Running  bool
	// Waiting is why it does not run yet, and what is said about it. Example:
	// ImagePullBackOff.
	Waiting, WaitingMessage string
	Ended                   *Ended // how it ended; nil when it did not
	Before                  *Ended // how it ended before its last restart
}

// Ended is how a container ended.
type Ended struct {
	ExitCode int64
	Signal   int64
	Reason   string // Example: OOMKilled
	Message  string
}

// Containers are those of a pod in the order of its spec, init containers first.
func Containers(pod *unstructured.Unstructured) []Container {
	var all []Container
	for _, kind := range []struct {
		spec, status string
		init         bool
	}{{"initContainers", "initContainerStatuses", true}, {"containers", "containerStatuses", false}} {
		states := map[string]map[string]any{}
		statuses, _, _ := unstructured.NestedSlice(pod.Object, "status", kind.status)
		for _, s := range statuses {
			if s, ok := s.(map[string]any); ok {
				name, _ := s["name"].(string)
				states[name] = s
			}
		}
		containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", kind.spec)
		for _, c := range containers {
			c, _ := c.(map[string]any)
			name, _ := c["name"].(string)
			all = append(all, containerOf(name, kind.init, states[name]))
		}
	}
	return all
}

// defaultContainer is kubectl's annotation for the container that is meant when
// none is named.
const defaultContainer = "kubectl.kubernetes.io/default-container"

// DefaultContainer is the container that is meant when none is named: the one of
// the annotation kubectl.kubernetes.io/default-container, else the first.
func DefaultContainer(pod *unstructured.Unstructured) string {
	var first string
	for _, c := range Containers(pod) {
		if c.Name == pod.GetAnnotations()[defaultContainer] {
			return c.Name
		}
		if first == "" && !c.Init {
			first = c.Name
		}
	}
	return first
}

func containerOf(name string, init bool, status map[string]any) Container {
	c := Container{Name: name, Init: init}
	c.Ready, _, _ = unstructured.NestedBool(status, "ready")
	c.Restarts, _, _ = unstructured.NestedInt64(status, "restartCount")
	_, c.Running, _ = unstructured.NestedMap(status, "state", "running")
	c.Waiting, _, _ = unstructured.NestedString(status, "state", "waiting", "reason")
	c.WaitingMessage, _, _ = unstructured.NestedString(status, "state", "waiting", "message")
	c.Ended = endedOf(status, "state")
	c.Before = endedOf(status, "lastState")
	return c
}

func endedOf(status map[string]any, state string) *Ended {
	ended, ok, _ := unstructured.NestedMap(status, state, "terminated")
	if !ok {
		return nil
	}
	e := &Ended{}
	e.ExitCode, _, _ = unstructured.NestedInt64(ended, "exitCode")
	e.Signal, _, _ = unstructured.NestedInt64(ended, "signal")
	e.Reason, _, _ = unstructured.NestedString(ended, "reason")
	e.Message, _, _ = unstructured.NestedString(ended, "message")
	return e
}
