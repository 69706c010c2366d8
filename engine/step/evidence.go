package step

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/ready"
)

const (
	evidenceTime = 5 * time.Second // evidence is worth a look, not another wait
	maxEvents    = 10              // the newest ones
	maxPods      = 10
)

// explain gathers evidence about the objects that kept a wait from ending.
func (w *World) explain(ctx context.Context, waiters []*waiter, r *Result) {
	var about []*unstructured.Unstructured
	for _, wt := range waiters {
		about = append(about, wt.state.about...)
	}
	r.Evidence = w.evidence(context.WithoutCancel(ctx), about)
}

// evidence is what someone would have typed next: the pods that are not ready,
// and the newest warnings and events of what failed.
func (w *World) evidence(ctx context.Context, about []*unstructured.Unstructured) []event.Evidence {
	ctx, cancel := context.WithTimeout(ctx, evidenceTime)
	defer cancel()
	var out []event.Evidence
	if lines := w.unreadyPods(ctx); len(lines) > 0 {
		out = append(out, event.Evidence{Title: "pods that are not ready", Lines: lines})
	}
	events, err := w.Client.List(ctx, cluster.Events, w.Namespace, cluster.ListOptions{})
	if err != nil {
		return append(out, event.Evidence{Title: "events", Lines: []string{"could not be read: " + err.Error()}})
	}
	if lines := eventLines(events, about); len(lines) > 0 {
		out = append(out, event.Evidence{Title: "events", Lines: lines})
	}
	return out
}

func (w *World) unreadyPods(ctx context.Context) []string {
	var lines []string
	var more int
	pods, err := w.Client.List(ctx, cluster.Pods, w.Namespace, cluster.ListOptions{})
	if err != nil {
		return []string{"could not be read: " + err.Error()}
	}
	for _, pod := range pods {
		s := ready.Of(pod)
		switch {
		case s.State == ready.Ready:
		case len(lines) == maxPods:
			more++
		default:
			lines = append(lines, fmt.Sprintf("Pod/%s %s: %s", pod.GetName(), strings.ToLower(string(s.State)), s.Message))
		}
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", more))
	}
	return lines
}

// eventLines are the newest warnings, and the newest events of the objects in
// question and of their pods.
func eventLines(events, about []*unstructured.Unstructured) []string {
	var picked []*unstructured.Unstructured
	for _, e := range events {
		if e.Object["type"] == "Warning" || involved(e, about) {
			picked = append(picked, e)
		}
	}
	slices.SortStableFunc(picked, func(a, b *unstructured.Unstructured) int {
		return strings.Compare(eventTime(a), eventTime(b))
	})
	if len(picked) > maxEvents {
		picked = picked[len(picked)-maxEvents:]
	}
	var lines []string
	for _, e := range picked {
		kind, _, _ := unstructured.NestedString(e.Object, "involvedObject", "kind")
		name, _, _ := unstructured.NestedString(e.Object, "involvedObject", "name")
		times := ""
		if n, _, _ := unstructured.NestedInt64(e.Object, "count"); n > 1 {
			times = fmt.Sprintf(" (%d times)", n)
		}
		lines = append(lines, fmt.Sprintf("%s %s/%s %v: %v%s", e.Object["type"], kind, name, e.Object["reason"], e.Object["message"], times))
	}
	return lines
}

func involved(e *unstructured.Unstructured, about []*unstructured.Unstructured) bool {
	uid, _, _ := unstructured.NestedString(e.Object, "involvedObject", "uid")
	return slices.ContainsFunc(about, func(o *unstructured.Unstructured) bool { return string(o.GetUID()) == uid })
}

// eventTime is when the event was last seen; the stamps sort as texts.
func eventTime(e *unstructured.Unstructured) string {
	for _, field := range []string{"lastTimestamp", "eventTime"} {
		if at, ok := e.Object[field].(string); ok && at != "" {
			return at
		}
	}
	return e.GetCreationTimestamp().UTC().Format(time.RFC3339)
}
