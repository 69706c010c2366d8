package measure

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// phases tells for each of spec.Phases whether the pod has reached it: nil when
// not, otherwise the server's own stamp (zero where there is none).
//
// Startup follows the official SLI (kubernetes/community, sig-scalability,
// slos/pod_startup_latency.md): all containers were reported as started.
// Readiness is deliberately another phase, for it depends on the application.
func phases(pod *unstructured.Unstructured) [4]*time.Time {
	return [4]*time.Time{
		condition(pod, "PodScheduled"),
		condition(pod, "Initialized"),
		started(pod),
		condition(pod, "Ready"),
	}
}

// condition is the transition time of a condition that is True.
func condition(pod *unstructured.Unstructured, kind string) *time.Time {
	conditions, _, _ := unstructured.NestedSlice(pod.Object, "status", "conditions")
	for _, c := range conditions {
		c, ok := c.(map[string]any)
		if ok && c["type"] == kind && c["status"] == "True" {
			at := stamp(c["lastTransitionTime"])
			return &at
		}
	}
	return nil
}

// started is the latest start of the pod's containers, once all have started. A
// container that has ended again has started too.
func started(pod *unstructured.Unstructured) *time.Time {
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
	statuses, _, _ := unstructured.NestedSlice(pod.Object, "status", "containerStatuses")
	if len(containers) == 0 || len(statuses) < len(containers) {
		return nil
	}
	var latest time.Time
	for _, s := range statuses {
		s, _ := s.(map[string]any)
		state, _ := s["state"].(map[string]any)
		run, ok := state["running"].(map[string]any)
		if !ok {
			if run, ok = state["terminated"].(map[string]any); !ok {
				return nil
			}
		}
		if at := stamp(run["startedAt"]); at.After(latest) {
			latest = at
		}
	}
	return &latest
}

func stamp(v any) time.Time {
	s, _ := v.(string)
	at, _ := time.Parse(time.RFC3339, s) // an unreadable stamp is no stamp
	return at
}
