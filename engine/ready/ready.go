// Package ready says of any object whether it is ready: what `wait: for: ready`
// waits for. It looks at the object alone, never at a cluster or a clock, so the
// same object gives the same answer everywhere.
//
// The ladder, first rule that applies:
//
//	being deleted                              Terminating
//	the kind has a rule of its own here        that rule
//	kstatus: generation, Reconciling, Stalled,
//	its rules for built-in kinds, Ready        that
//	nothing to go by                           Ready
package ready

import (
	"fmt"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// State is how far an object is.
type State string

// The states. Failed may still turn into Ready: a container that crashed is
// started again.
const (
	Ready       State = "ready"
	Progressing State = "progressing"
	Failed      State = "failed"
	Terminating State = "terminating"
)

// Status is a state and what it was read from, in words for people.
type Status struct {
	State   State
	Message string
}

func ready(format string, args ...any) Status {
	return Status{Ready, fmt.Sprintf(format, args...)}
}

func progressing(format string, args ...any) Status {
	return Status{Progressing, fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) Status {
	return Status{Failed, fmt.Sprintf(format, args...)}
}

// Of says whether an object is ready.
func Of(u *unstructured.Unstructured) Status {
	if u.GetDeletionTimestamp() != nil {
		if finalizers := u.GetFinalizers(); len(finalizers) > 0 {
			return Status{Terminating, "being deleted; waits for finalizer " + strings.Join(finalizers, ", ")}
		}
		return Status{Terminating, "being deleted"}
	}
	if rule := ruleOf(u); rule != nil {
		return rule(u)
	}
	return byLibrary(u)
}

// ruleOf is the rule for a kind where kstatus has none, or one that does not say
// what `ready` means to a tester.
func ruleOf(u *unstructured.Unstructured) func(*unstructured.Unstructured) Status {
	switch u.GroupVersionKind().GroupKind().String() {
	case "Pod":
		// kstatus takes a failed pod for current, and reads the clock to tell a pod
		// that cannot be scheduled.
		return pod
	case "Job.batch":
		// kstatus takes a job for current as soon as it runs.
		return job
	case "Deployment.apps":
		return deployment
	case "StatefulSet.apps":
		return statefulSet
	case "ReplicaSet.apps":
		return replicaSet
	case "Service":
		// kstatus takes a load balancer for current before it has an address.
		return service
	case "PersistentVolumeClaim":
		return claim
	case "PersistentVolume":
		return volume
	case "Namespace":
		return namespace
	case "APIService.apiregistration.k8s.io":
		return apiService
	}
	return nil
}

// byLibrary asks kstatus, and adds the words of the condition that it went by.
func byLibrary(u *unstructured.Unstructured) Status {
	result, err := status.Compute(u)
	if err != nil { // its words are about Go types
		return progressing("its status or its conditions have a form that Kubernetes objects do not have")
	}
	switch result.Status {
	case status.CurrentStatus:
		return ready("%s", lower(u, result.Message))
	case status.FailedStatus:
		return failed("%s", because(u, result))
	case status.TerminatingStatus:
		return Status{Terminating, "being deleted"}
	}
	if c, ok := conditionOf(u, "Ready"); ok && c.status != "True" {
		return progressing("Ready is %s%s", c.status, c.why())
	}
	return progressing("%s", because(u, result))
}

// because is kstatus' message with the reason in front.
func because(u *unstructured.Unstructured, result *status.Result) string {
	message := lower(u, result.Message)
	for _, c := range result.Conditions {
		switch {
		case c.Reason == "LatestGenerationNotObserved":
			return "its controller has not seen the latest change yet"
		case c.Reason != "" && message != "":
			return c.Reason + ": " + message
		}
	}
	if message == "" {
		return "kstatus gives no reason"
	}
	return message
}

// lower begins a message with a small letter, unless it begins with the kind or
// another name, like CRD or AllowedDisruptions.
func lower(u *unstructured.Unstructured, message string) string {
	first, _, _ := strings.Cut(message, " ")
	if first == "" || first == u.GetKind() || strings.ToLower(first[1:]) != first[1:] {
		return message
	}
	return strings.ToLower(message[:1]) + message[1:]
}
