package ready

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// stuck are the reasons for which a container waits that rarely pass by
// themselves. ContainerCreating and PodInitializing are the normal ones.
var stuck = map[string]bool{
	"CrashLoopBackOff":           true,
	"ImagePullBackOff":           true,
	"ErrImagePull":               true,
	"ErrImageNeverPull":          true,
	"InvalidImageName":           true,
	"CreateContainerConfigError": true, // a ConfigMap or Secret is missing
	"CreateContainerError":       true,
	"RunContainerError":          true,
}

// pod is the rule for pods. A pod that has run to its end counts as ready: that
// is what it was made for.
func pod(u *unstructured.Unstructured) Status {
	phase := text(u.Object, "status", "phase")
	switch phase {
	case "Succeeded":
		return ready("it has run to its end")
	case "Failed":
		return failed("%s", podFailure(u))
	}
	if _, ok := isTrue(u, "Ready"); ok {
		return ready("its containers are ready")
	}
	if why := stuckContainer(u); why != "" {
		return failed("%s", why)
	}
	if c, ok := conditionOf(u, "PodScheduled"); ok && c.status == "False" {
		return progressing("not scheduled%s", c.why())
	}
	if c, ok := conditionOf(u, "Ready"); ok && c.message != "" {
		return progressing("not ready%s", c.why())
	}
	if phase == "" {
		return progressing("nothing has looked at it yet")
	}
	return progressing("its phase is %s", phase)
}

// containerStatuses are those of the init containers, then the others'.
func containerStatuses(u *unstructured.Unstructured) []map[string]any {
	return append(maps(u.Object, "status", "initContainerStatuses"), maps(u.Object, "status", "containerStatuses")...)
}

// stuckContainer describes the first container that waits for something that
// rarely comes: its name, the reason, the message, and how it ended before.
func stuckContainer(u *unstructured.Unstructured) string {
	for _, c := range containerStatuses(u) {
		reason := text(c, "state", "waiting", "reason")
		if !stuck[reason] {
			continue
		}
		why := fmt.Sprintf("container %s: %s", text(c, "name"), reason)
		if message := text(c, "state", "waiting", "message"); message != "" {
			why += ": " + message
		}
		if last, ok := at(c, "lastState", "terminated").(map[string]any); ok {
			why += "; it last ended with " + exit(last)
		}
		return why
	}
	return ""
}

// podFailure says why a pod failed: the kubelet's reason (Evicted, say), or the
// container that ended badly.
func podFailure(u *unstructured.Unstructured) string {
	var why []string
	for _, key := range []string{"reason", "message"} {
		if s := text(u.Object, "status", key); s != "" {
			why = append(why, s)
		}
	}
	for _, c := range containerStatuses(u) {
		ended, ok := at(c, "state", "terminated").(map[string]any)
		if ok && number(ended, 0, "exitCode") != 0 {
			why = append(why, fmt.Sprintf("container %s ended with %s", text(c, "name"), exit(ended)))
		}
	}
	if len(why) == 0 {
		return "its phase is Failed"
	}
	return strings.Join(why, ": ")
}

// exit describes how a container ended.
func exit(terminated map[string]any) string {
	s := fmt.Sprintf("exit code %d", number(terminated, 0, "exitCode"))
	if reason := text(terminated, "reason"); reason != "" && reason != "Error" {
		s += " (" + reason + ")"
	}
	return s
}
