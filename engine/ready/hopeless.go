package ready

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// How long a state must last before nobody expects it to pass by itself.
const (
	// noNode is how long a pod may fit on no node: the time in which others end, or
	// a cluster that grows makes one.
	noNode = 30 * time.Second
	// unstarted is for what a write that comes a moment later may heal: a ConfigMap
	// that is applied after its pod, a name that the runtime still holds.
	unstarted = 10 * time.Second
	// crashes is how often a container must have been restarted: one that waits for
	// its database by ending is well after one or two.
	crashes = 3
)

// Hopelessness is a state of a pod that does not heal by itself.
type Hopelessness struct {
	// Why is what is wrong, to be read after the pod's name and a colon.
	Why string
	// Kind is the same for all the states that a pod shows for one cause: a kubelet
	// turns between ErrImagePull and ImagePullBackOff.
	Kind string
	// Container is the one that it is about; empty when it is the pod.
	Container string
	// After is how long the pod must have been seen in a state of this kind before
	// it counts. It is for the caller's clock: the server's stamps have whole
	// seconds, and a clock of their own.
	After time.Duration
}

// Hopeless tells whether a pod is in a state that does not heal by itself. The
// ladder, first rule that applies:
//
//	being deleted, ready or run to its end      no
//	phase Failed, and nothing owns the pod      at once
//	image name invalid, or not to be pulled     at once
//	ImagePullBackOff (a pull has failed)        at once; ErrImagePull after 10 s
//	CreateContainerConfigError                  after 10 s
//	CreateContainerError, RunContainerError     after 10 s, also between restarts
//	CrashLoopBackOff, or ended badly, after
//	three restarts                              at once
//	Unschedulable                               after 30 s
//
// Reasons of containers are the kubelet's, pkg/kubelet/images and
// pkg/kubelet/kuberuntime in kubernetes/kubernetes.
func Hopeless(pod *unstructured.Unstructured) (Hopelessness, bool) {
	if pod.GetDeletionTimestamp() != nil || Of(pod).State == Ready {
		return Hopelessness{}, false
	}
	if text(pod.Object, "status", "phase") == "Failed" {
		if len(pod.GetOwnerReferences()) > 0 {
			return Hopelessness{}, false // its owner makes another one, or gives up and says so
		}
		return Hopelessness{Why: "it has failed and nothing starts it again: " + podFailure(pod), Kind: "failed"}, true
	}
	for _, c := range containerStatuses(pod) {
		if h, ok := hopelessContainer(pod, c); ok {
			h.Container = text(c, "name")
			return h, true
		}
	}
	if c, ok := conditionOf(pod, "PodScheduled"); ok && c.status == "False" && c.reason == "Unschedulable" {
		return Hopelessness{Why: fmt.Sprintf("it has fitted on no node for %s: %s", noNode, c.message), Kind: "node", After: noNode}, true
	}
	return Hopelessness{}, false
}

func hopelessContainer(pod *unstructured.Unstructured, c map[string]any) (Hopelessness, bool) {
	name, reason := text(c, "name"), text(c, "state", "waiting", "reason")
	said := ""
	if message := text(c, "state", "waiting", "message"); message != "" {
		said = ": " + innermost(message)
	}
	switch reason {
	case "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName":
		return Hopelessness{Kind: "image", Why: fmt.Sprintf("image %q cannot be pulled (%s)%s", imageOf(pod, name), reason, said)}, true
	case "ErrImagePull":
		return Hopelessness{Kind: "image", After: unstarted,
			Why: fmt.Sprintf("image %q cannot be pulled (%s)%s", imageOf(pod, name), reason, said)}, true
	case "CreateContainerConfigError":
		return Hopelessness{Kind: "config", After: unstarted,
			Why: fmt.Sprintf("the configuration of container %s is wrong (%s)%s", name, reason, said)}, true
	case "CreateContainerError", "RunContainerError":
		return Hopelessness{Kind: "start", After: unstarted,
			Why: fmt.Sprintf("container %s cannot be started (%s)%s", name, reason, said)}, true
	case "CrashLoopBackOff":
		last, _ := at(c, "lastState", "terminated").(map[string]any)
		return crashing(c, name, last)
	}
	// A kubelet may leave the state at terminated for most of the pause.
	if last, ok := at(c, "state", "terminated").(map[string]any); ok && number(last, 0, "exitCode") != 0 {
		return crashing(c, name, last)
	}
	return Hopelessness{}, false
}

// crashing is a container that waits to be started again; last is how it ended.
func crashing(c map[string]any, name string, last map[string]any) (Hopelessness, bool) {
	restarts := number(c, 0, "restartCount")
	switch why := text(last, "reason"); {
	case why == "StartError" || why == "ContainerCannotRun":
		message := text(last, "message")
		if message != "" {
			message = ": " + innermost(message)
		}
		return Hopelessness{Kind: "start", After: unstarted,
			Why: fmt.Sprintf("container %s cannot be started (%s)%s", name, why, message)}, true
	case restarts < crashes:
		return Hopelessness{}, false
	}
	how := ""
	if last != nil {
		how = "; it last ended with " + exit(last)
	}
	return Hopelessness{Kind: "crash", Why: fmt.Sprintf("container %s crashes again and again (%d restarts)%s", name, restarts, how)}, true
}

// innermost keeps what the kernel says of a program that does not start, of the
// words of containerd, its shim and runc, each of which wraps those of the next.
func innermost(message string) string {
	if _, why, ok := strings.Cut(message, "unable to start container process: "); ok {
		message = strings.TrimSuffix(strings.TrimSpace(why), ": unknown")
	}
	return message
}

// imageOf is the image of a container, as its spec has it.
func imageOf(pod *unstructured.Unstructured, container string) string {
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range maps(pod.Object, "spec", list) {
			if text(c, "name") == container {
				return text(c, "image")
			}
		}
	}
	return ""
}
