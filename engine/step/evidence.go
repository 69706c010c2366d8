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

// evidence is what someone would have typed next: the pods that are not ready, the
// last lines of their containers, the nodes under them, and the newest warnings and
// events of what failed.
func (w *World) evidence(ctx context.Context, about []*unstructured.Unstructured) []event.Evidence {
	ctx, cancel := context.WithTimeout(ctx, evidenceTime)
	defer cancel()
	var out []event.Evidence
	pods, err := w.Client.Unready(ctx, w.Namespace)
	for _, o := range about {
		known := func(p *unstructured.Unstructured) bool { return p.GetUID() == o.GetUID() }
		if o.GetKind() == cluster.Pods.GVK.Kind && ready.Of(o).State != ready.Ready && !slices.ContainsFunc(pods, known) {
			pods = append(pods, o) // of another namespace, or just ready
		}
	}
	if err != nil {
		out = append(out, event.Evidence{Title: "pods that are not ready", Lines: []string{"could not be read: " + err.Error()}})
	} else if lines := podLines(pods); len(lines) > 0 {
		out = append(out, event.Evidence{Title: "pods that are not ready", Lines: lines})
	}
	events, err := w.Client.List(ctx, cluster.Events, w.Namespace, cluster.ListOptions{})
	if err != nil {
		out = append(out, event.Evidence{Title: "events", Lines: []string{"could not be read: " + err.Error()}})
	} else if lines := eventLines(events, about); len(lines) > 0 {
		out = append(out, event.Evidence{Title: "events", Lines: lines})
	}
	pods = pods[:min(len(pods), maxPods)]
	out = append(out, w.lastWords(ctx, pods)...)
	return append(out, w.unreadyNodes(ctx, pods, about)...)
}

// podLines are the states of pods and of their containers. What the state of the
// pod says of a container, its own line says better.
func podLines(pods []*unstructured.Unstructured) []string {
	var lines []string
	for _, pod := range pods[:min(len(pods), maxPods)] {
		s := ready.Of(pod)
		line, own := fmt.Sprintf("Pod/%s %s: %s", pod.GetName(), s.State, s.Message), []string{}
		for _, c := range cluster.Containers(pod) {
			if state := containerState(c); state != "" {
				own = append(own, fmt.Sprintf("  container %s: %s", c.Name, cutLine(state)))
				if strings.HasPrefix(s.Message, "container "+c.Name+":") {
					line = fmt.Sprintf("Pod/%s %s", pod.GetName(), s.State)
				}
			}
		}
		lines = append(append(lines, line), own...)
	}
	if more := len(pods) - maxPods; more > 0 {
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
		message, _ := e.Object["message"].(string) // a probe's output ends with a new line
		lines = append(lines, fmt.Sprintf("%s %s/%s %v: %s%s", e.Object["type"], kind, name, e.Object["reason"], strings.TrimSpace(message), times))
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
