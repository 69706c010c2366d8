package step

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

const (
	// logTail is how many lines of a container are read where nothing is written.
	logTail = 1000
	// logBytes bounds what one container gives, whatever its lines are like.
	logBytes = 8 << 20
	// logLines is how many of the last lines a finding shows.
	logLines = 20
)

// logs reads what containers wrote and checks it.
func (w *World) logs(ctx context.Context, s *plan.Step, r *Result) {
	w.lookAgain(ctx, s, r, func(ctx context.Context, look *Result) {
		pods, _, ok := w.selectPods(ctx, s, &s.Logs.On, look)
		if !ok {
			return
		}
		told, read := w.readLogs(ctx, s, pods, look)
		switch {
		case look.Outcome != event.Passed:
			return
		case read == 0:
			w.unmeasured(pods[0], look)
			return
		}
		look.Notes = append([]string{fmt.Sprintf("logs: %d lines of %d pods", len(told.Lines), read)}, look.Notes...)
		w.output(s.Logs.Output, told)
		w.rules(ctx, s, s.Logs.Checks, expr.Values{"logs": told}, strings.Join(lastLines(told.Text, logLines), "\n"), look)
	})
}

// readLogs reads pod by pod, and each pod container by container. read is the
// number of pods that could have written something: those on simulated nodes can
// not.
func (w *World) readLogs(ctx context.Context, s *plan.Step, pods []*unstructured.Unstructured, r *Result) (told *spec.LogLines, read int) {
	told = &spec.LogLines{Lines: []string{}, Pods: map[string][]string{}}
	container, err := w.text(ctx, s.Text(s.Logs.Container))
	if err != nil {
		r.add(fault(ctx, s.Logs.Container.At, err))
		return told, 0
	}
	for _, pod := range pods {
		if node := w.simulatedNode(pod); node != "" {
			r.Notes = append(r.Notes, fmt.Sprintf("%s is on the simulated node %s and writes nothing", ref(pod), node))
			continue
		}
		if container != "" && !hasContainer(pod, container, cmp.Or(s.Logs.Container.At, s.Logs.At), r) {
			return told, read
		}
		read++
		lines := []string{}
		for _, c := range cluster.Containers(pod) {
			if container != "" && c.Name != container {
				continue
			}
			more, err := w.readLog(ctx, s.Logs, pod, c, r)
			if err != nil {
				r.add(logFault(ctx, s.Logs.At, err))
				return told, read
			}
			lines = append(lines, more...)
		}
		told.Pods[pod.GetName()] = lines
		told.Lines = append(told.Lines, lines...)
	}
	told.Text = strings.Join(told.Lines, "\n")
	return told, read
}

// readLog reads one container. One that has not started has written nothing.
func (w *World) readLog(ctx context.Context, l *spec.Logs, pod *unstructured.Unstructured, c cluster.Container, r *Result) ([]string, error) {
	text, err := w.Client.Logs(ctx, pod.GetNamespace(), pod.GetName(), cluster.LogOptions{
		Container: c.Name, Previous: l.Previous, Since: l.Since.Value, Tail: cmp.Or(l.Tail, logTail), LimitBytes: logBytes,
	})
	var refused *cluster.Refused
	switch {
	case errors.As(err, &refused) && refused.Code == http.StatusBadRequest:
		r.Notes = append(r.Notes, fmt.Sprintf("%s has written nothing: %s", ref(pod), refused.Message))
		return nil, nil
	case err != nil:
		return nil, err
	case collected.MatchString(text):
		r.Notes = append(r.Notes, fmt.Sprintf("%s: there are no logs of container %s%s: the kubelet no longer has them", ref(pod), c.Name, beforeRestart(l)))
		return nil, nil
	case len(text) >= logBytes:
		r.Notes = append(r.Notes, fmt.Sprintf("%s: container %s wrote more than %d MiB; the rest was not read", ref(pod), c.Name, logBytes>>20))
	}
	return linesOf(text), nil
}

// collected is what the kubelet answers, with status 200 and in place of the logs,
// when the container's log file is gone.
var collected = regexp.MustCompile(`^unable to retrieve container logs for [a-z0-9.-]+://[0-9a-f]+\s*$`)

func beforeRestart(l *spec.Logs) string {
	if l.Previous {
		return " before its restart"
	}
	return ""
}

func linesOf(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines
}

// logFault is the finding for logs that could not be read: that says nothing about
// the system, but for a pod that has gone.
func logFault(ctx context.Context, at spec.Pos, err error) event.Finding {
	f := fault(ctx, at, err)
	if f.Reason == event.ReasonRefused && !cluster.IsNotFound(err) {
		f.Outcome, f.Reason = event.Errored, event.ReasonCluster
	}
	return f
}
