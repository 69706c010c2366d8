package measure

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What a phase's stamp can be besides Unix seconds.
const (
	notYet  int64 = math.MinInt64     // the phase was not reached
	noStamp int64 = math.MinInt64 + 1 // reached, and the server does not say when
)

// phases are the server's stamps of spec.Phases, in Unix seconds.
//
// Startup follows the official SLI (kubernetes/community, sig-scalability,
// slos/pod_startup_latency.md): all containers were reported as started.
// Readiness is deliberately another phase, for it depends on the application.
func phases(pod *corev1.Pod) [4]int64 {
	return [4]int64{
		condition(pod, corev1.PodScheduled),
		condition(pod, corev1.PodInitialized),
		started(pod),
		condition(pod, corev1.PodReady),
	}
}

// condition is the transition time of a condition that is True.
func condition(pod *corev1.Pod, kind corev1.PodConditionType) int64 {
	for i := range pod.Status.Conditions {
		c := &pod.Status.Conditions[i]
		if c.Type == kind && c.Status == corev1.ConditionTrue {
			return unix(c.LastTransitionTime)
		}
	}
	return notYet
}

// started is the latest start of the pod's containers, once all have started. A
// container that has ended again has started too, unless it has no time of its
// start: the kubelet reports one that could not be started as terminated, with
// the stamp 1970-01-01.
func started(pod *corev1.Pod) int64 {
	if n := len(pod.Spec.Containers); n == 0 || len(pod.Status.ContainerStatuses) < n {
		return notYet
	}
	latest := noStamp
	for i := range pod.Status.ContainerStatuses {
		state := &pod.Status.ContainerStatuses[i].State
		switch {
		case state.Running != nil:
			latest = max(latest, unix(state.Running.StartedAt))
		case state.Terminated != nil && unix(state.Terminated.StartedAt) > 0:
			latest = max(latest, unix(state.Terminated.StartedAt))
		default:
			return notYet
		}
	}
	return latest
}

func unix(t metav1.Time) int64 {
	if t.IsZero() {
		return noStamp
	}
	return t.Unix()
}
