package step

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
)

const (
	lastWordLines = 10      // of each container
	lastWordBytes = 1 << 20 // of the lines that are read for them
)

// containerState is what there is to say of a container; empty when it is well, or
// nobody has looked at it.
func containerState(c cluster.Container) string {
	var said []string
	switch {
	case c.Waiting != "":
		message, _, _ := strings.Cut(c.WaitingMessage, " restarting failed container=") // of this very pod
		said = append(said, strings.TrimSuffix("waiting: "+c.Waiting+": "+message, ": "))
	case c.Ended != nil && !(c.Init && c.Ended.ExitCode == 0):
		said = append(said, "ended with "+howEnded(c.Ended))
	case c.Running && !c.Ready && !c.Init:
		said = append(said, "running, and not ready")
	}
	if c.Restarts == 1 {
		said = append(said, "restarted once")
	} else if c.Restarts > 1 {
		said = append(said, fmt.Sprintf("restarted %d times", c.Restarts))
	}
	if c.Before != nil {
		said = append(said, "it last ended with "+howEnded(c.Before))
	}
	return strings.Join(said, "; ")
}

func howEnded(e *cluster.Ended) string {
	s := fmt.Sprintf("exit code %d", e.ExitCode)
	if e.Reason != "" && e.Reason != "Error" {
		s += " (" + e.Reason + ")"
	}
	if e.Message != "" && e.Reason != "StartError" { // that is what it waits with, too
		s += ": " + strings.TrimSpace(e.Message)
	}
	return s
}

// lastWords are the last lines of the containers that are not ready or have
// crashed; of one that waits to be started again, those before its restart.
func (w *World) lastWords(ctx context.Context, pods []*unstructured.Unstructured) []event.Evidence {
	var out []event.Evidence
	for _, pod := range pods {
		if w.simulatedNode(pod) != "" {
			continue
		}
		for _, c := range cluster.Containers(pod) {
			if ctx.Err() != nil {
				return out
			}
			if e, ok := w.lastWordsOf(ctx, pod, c); ok {
				out = append(out, e)
			}
		}
	}
	return out
}

func (w *World) lastWordsOf(ctx context.Context, pod *unstructured.Unstructured, c cluster.Container) (event.Evidence, bool) {
	well := c.Ready && c.Restarts == 0 || c.Init && c.Ended != nil && c.Ended.ExitCode == 0
	began := c.Running || c.Ended != nil || c.Before != nil
	if well || !began {
		return event.Evidence{}, false
	}
	previous := !c.Running && c.Ended == nil && c.Before != nil
	e := event.Evidence{Title: fmt.Sprintf("last lines of container %s of Pod/%s", c.Name, pod.GetName())}
	if previous {
		e.Title += ", before its restart"
	}
	text, err := w.Client.Logs(ctx, pod.GetNamespace(), pod.GetName(), cluster.LogOptions{
		Container: c.Name, Previous: previous, Tail: lastWordLines, LimitBytes: lastWordBytes,
	})
	var refused *cluster.Refused
	switch {
	case errors.As(err, &refused) && refused.Code == 400: // it has not begun, or was collected
		return e, false
	case collected.MatchString(text):
		return e, false
	case err != nil:
		e.Lines = []string{"could not be read: " + err.Error()}
		return e, true
	}
	if e.Lines = lastLines(text, lastWordLines); len(e.Lines) == 0 {
		e.Lines = []string{"(it wrote nothing)"}
	}
	return e, true
}

// unreadyNodes are the conditions of nodes that are not ready: those under the
// pods, and those that the step was about.
func (w *World) unreadyNodes(ctx context.Context, pods, about []*unstructured.Unstructured) []event.Evidence {
	names := map[string]bool{}
	for _, pod := range append(pods, about...) {
		name := nodeOf(pod)
		if pod.GetKind() == cluster.Nodes.GVK.Kind {
			name = pod.GetName()
		}
		names[name] = true
	}
	delete(names, "")
	if len(names) == 0 {
		return nil
	}
	nodes, err := w.Client.List(ctx, cluster.Nodes, "", cluster.ListOptions{})
	if err != nil {
		return nil // it may not be allowed, and is not what was asked
	}
	var out []event.Evidence
	for _, node := range nodes {
		if lines, ok := nodeLines(node); ok && names[node.GetName()] && len(out) < maxPods {
			out = append(out, event.Evidence{Title: fmt.Sprintf("Node/%s is not ready", node.GetName()), Lines: lines})
		}
	}
	return out
}

// nodeLines are the conditions of a node, and whether it is not ready.
func nodeLines(node *unstructured.Unstructured) (lines []string, unready bool) {
	conditions, _, _ := unstructured.NestedSlice(node.Object, "status", "conditions")
	unready = true
	for _, c := range conditions {
		c, _ := c.(map[string]any)
		if c["type"] == "Ready" && c["status"] == "True" {
			unready = false
		}
		lines = append(lines, fmt.Sprintf("%v is %v: %v: %v", c["type"], c["status"], c["reason"], c["message"]))
	}
	return lines, unready
}
