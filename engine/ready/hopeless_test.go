package ready

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestHopeless: each row is a pod's status and what is said of it; an empty text
// means that it may still heal.
func TestHopeless(t *testing.T) {
	waiting := func(reason, message string) string {
		return fmt.Sprintf(`containerStatuses: [{name: web, state: {waiting: {reason: %s, message: "%s"}}}]`, reason, message)
	}
	crashed := func(restarts int, reason string) string {
		return fmt.Sprintf(`containerStatuses: [{name: web, restartCount: %d, state: {waiting: {reason: CrashLoopBackOff}},
    lastState: {terminated: {exitCode: 3, reason: %s, message: no such file}}}]`, restarts, reason)
	}
	for _, row := range []struct {
		name, metadata, status, want string
		after                        time.Duration
	}{
		{"new", "", "phase: Pending", "", 0},
		{"pulling", "", waiting("ContainerCreating", ""), "", 0},
		{"first pull failed", "", waiting("ErrImagePull", "not found"), `image "web:1" cannot be pulled (ErrImagePull): not found`, 10 * time.Second},
		{"pull given up for now", "", waiting("ImagePullBackOff", "not found"), `image "web:1" cannot be pulled (ImagePullBackOff): not found`, 0},
		{"image name", "", waiting("InvalidImageName", "bad"), `image "web:1" cannot be pulled (InvalidImageName): bad`, 0},
		{"never pulled", "", waiting("ErrImageNeverPull", "absent"), `image "web:1" cannot be pulled (ErrImageNeverPull): absent`, 0},
		{"no ConfigMap", "", waiting("CreateContainerConfigError", "no x"), "the configuration of container web is wrong (CreateContainerConfigError): no x", 10 * time.Second},
		{"not started", "", waiting("RunContainerError", "runc create failed: unable to start container process: no y: unknown"), "container web cannot be started (RunContainerError): no y", 10 * time.Second},
		{"not started, between restarts", "", crashed(1, "StartError"), "container web cannot be started (StartError): no such file", 10 * time.Second},
		{"crashed twice", "", crashed(2, "Error"), "", 0},
		{"crashed again", "", crashed(3, "Error"), "container web crashes again and again (3 restarts); it last ended with exit code 3", 0},
		{"out of memory", "", crashed(4, "OOMKilled"), "container web crashes again and again (4 restarts); it last ended with exit code 3 (OOMKilled)", 0},
		{"crashed again, and the kubelet does not say so yet", "", "containerStatuses: [{name: web, restartCount: 3, state: {terminated: {exitCode: 2}}}]",
			"container web crashes again and again (3 restarts); it last ended with exit code 2", 0},
		{"ended well again", "", "containerStatuses: [{name: web, restartCount: 3, state: {terminated: {exitCode: 0}}}]", "", 0},
		{"no node", "", "conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: 0/3 nodes are available}]",
			"it has fitted on no node for 30s: 0/3 nodes are available", 30 * time.Second},
		{"gated", "", "conditions: [{type: PodScheduled, status: 'False', reason: SchedulingGated}]", "", 0},
		{"failed and bare", "", "phase: Failed\n  reason: Evicted", "it has failed and nothing starts it again: Evicted", 0},
		{"failed and owned", "ownerReferences: [{kind: Job, name: j, uid: u}]", "phase: Failed", "", 0},
		{"being deleted", "deletionTimestamp: '2026-01-01T00:00:00Z'", waiting("ImagePullBackOff", ""), "", 0},
		{"done", "", "phase: Succeeded", "", 0},
		{"ready", "", "conditions: [{type: Ready, status: 'True'}]\n  " + crashed(9, "Error"), "", 0},
		{"init container", "", strings.Replace(waiting("ImagePullBackOff", ""), "containerStatuses", "initContainerStatuses", 1),
			`image "web:1" cannot be pulled (ImagePullBackOff)`, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			pod := objectOf(t, fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata:
  name: web
  %s
spec: {containers: [{name: web, image: "web:1"}]}
status:
  %s
`, row.metadata, row.status))
			got, hopeless := Hopeless(pod)
			if hopeless != (row.want != "") || got.Why != row.want || got.After != row.after {
				t.Errorf("got  %v %q after %s\nwant %q after %s", hopeless, got.Why, got.After, row.want, row.after)
			}
		})
	}
}
