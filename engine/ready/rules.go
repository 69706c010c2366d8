package ready

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// job is ready when it is complete. FailureTarget says that it is going to fail
// and only waits for its pods to end.
func job(u *unstructured.Unstructured) Status {
	parallel := number(u.Object, 1, "spec", "parallelism")
	wanted := number(u.Object, parallel, "spec", "completions")
	done := number(u.Object, 0, "status", "succeeded")
	if _, ok := isTrue(u, "Complete"); ok {
		return ready("complete: %d of %d pods succeeded", done, wanted)
	}
	for _, kind := range []string{"Failed", "FailureTarget"} {
		if c, ok := isTrue(u, kind); ok {
			return failed("failed%s", c.why())
		}
	}
	if c, ok := isTrue(u, "Suspended"); ok {
		return progressing("suspended%s", c.why())
	}
	if text(u.Object, "status", "startTime") == "" {
		return progressing("not started")
	}
	return progressing("%d of %d pods succeeded, %d active, %d failed", done, wanted,
		number(u.Object, 0, "status", "active"), number(u.Object, 0, "status", "failed"))
}

// deployment adds to kstatus the words of the conditions: which deadline was
// exceeded by what, and why pods cannot be created (a quota, say).
func deployment(u *unstructured.Unstructured) Status {
	if c, ok := conditionOf(u, "Progressing"); ok && c.reason == "ProgressDeadlineExceeded" && observed(u) {
		return failed("ProgressDeadlineExceeded: %s%s", c.message, replicaFailure(u))
	}
	if number(u.Object, 0, "metadata", "generation") > 0 && at(u.Object, "status", "observedGeneration") == nil {
		return progressing("its controller has not looked at it yet")
	}
	s := byLibrary(u)
	if s.State != Ready {
		s.Message += replicaFailure(u)
	}
	return s
}

// replicaFailure is why pods cannot be created, ready to be appended.
func replicaFailure(u *unstructured.Unstructured) string {
	if c, ok := isTrue(u, "ReplicaFailure"); ok {
		return "; pods cannot be created" + c.why()
	}
	return ""
}

// observed tells whether the controller has seen the present spec; conditions
// that are older speak of the last one.
func observed(u *unstructured.Unstructured) bool {
	return number(u.Object, 0, "status", "observedGeneration") >= number(u.Object, 0, "metadata", "generation")
}

// replicaSet adds to kstatus why pods cannot be created.
func replicaSet(u *unstructured.Unstructured) Status {
	s := byLibrary(u)
	if s.State != Ready {
		if c, ok := isTrue(u, "ReplicaFailure"); ok && observed(u) {
			return progressing("pods cannot be created%s", c.why())
		}
	}
	return s
}

// statefulSet differs from kstatus for the update strategy OnDelete, which
// kstatus takes for ready at once. Its pods must be ready as any other's; only
// their revision is left to whoever deletes them.
func statefulSet(u *unstructured.Unstructured) Status {
	if text(u.Object, "spec", "updateStrategy", "type") != "OnDelete" {
		return byLibrary(u)
	}
	wanted := number(u.Object, 1, "spec", "replicas")
	readyPods := number(u.Object, 0, "status", "readyReplicas")
	if !observed(u) || readyPods < wanted {
		return progressing("ready: %d/%d", readyPods, wanted)
	}
	return ready("all %d replicas are ready", wanted)
}

// service is ready at once, but for a load balancer, which is ready when it has
// an address: given by hand, or by whoever provides it.
func service(u *unstructured.Unstructured) Status {
	if text(u.Object, "spec", "type") != "LoadBalancer" {
		return ready("a Service of this type is ready at once")
	}
	given, _ := at(u.Object, "spec", "externalIPs").([]any)
	if len(given) > 0 || len(maps(u.Object, "status", "loadBalancer", "ingress")) > 0 {
		return ready("the load balancer has an address")
	}
	return progressing("the load balancer has no address yet; does this cluster provide any?")
}

// claim is ready when it is bound.
func claim(u *unstructured.Unstructured) Status {
	switch phase := text(u.Object, "status", "phase"); phase {
	case "Bound":
		return ready("bound to %s", text(u.Object, "spec", "volumeName"))
	case "Lost":
		return failed("its volume %s is lost", text(u.Object, "spec", "volumeName"))
	case "":
		return progressing("not bound")
	default:
		return progressing("not bound: its phase is %s", phase)
	}
}

// volume is ready when it can be bound, or is.
func volume(u *unstructured.Unstructured) Status {
	switch phase := text(u.Object, "status", "phase"); phase {
	case "Available", "Bound", "Released":
		return ready("its phase is %s", phase)
	case "Failed":
		return failed("its phase is Failed: %s", text(u.Object, "status", "message"))
	case "":
		return progressing("nothing has looked at it yet")
	default:
		return progressing("its phase is %s", phase)
	}
}

// namespace is ready when it is active.
func namespace(u *unstructured.Unstructured) Status {
	switch phase := text(u.Object, "status", "phase"); phase {
	case "Active":
		return ready("active")
	case "Terminating":
		return Status{Terminating, "being deleted"}
	case "":
		return progressing("not active yet")
	default:
		return progressing("its phase is %s", phase)
	}
}

// apiService is ready when the API server behind it answers.
func apiService(u *unstructured.Unstructured) Status {
	c, ok := conditionOf(u, "Available")
	switch {
	case !ok:
		return progressing("not available yet")
	case c.status == "True":
		return ready("available%s", c.why())
	}
	return progressing("not available%s", c.why())
}
