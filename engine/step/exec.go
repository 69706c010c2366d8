package step

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/ready"
	"github.com/realspec/realspec/engine/spec"
)

// outputLines is how much of each output of a command a finding shows.
const outputLines = 10

// exec runs a command in a container and checks how it ended.
func (w *World) exec(ctx context.Context, s *plan.Step, r *Result) {
	w.lookAgain(ctx, s, r, func(ctx context.Context, look *Result) {
		e := s.Exec
		pod, container, ok := w.execPod(ctx, s, look)
		if !ok {
			return
		}
		command, err := w.command(ctx, s, e.Command)
		stdin, err2 := w.text(ctx, s.Text(e.Stdin))
		if err = cmp.Or(err, err2); err != nil {
			look.add(fault(ctx, e.At, err))
			return
		}
		got, err := w.Client.Exec(ctx, pod.GetNamespace(), pod.GetName(), container, command, stdin)
		ran := fmt.Sprintf("exec %s in %s", path.Base(command[0]), ref(pod))
		if err != nil {
			look.add(w.notRun(ctx, e.At, ran, got, err))
			return
		}
		result := &spec.CommandResult{
			ExitCode: int64(got.ExitCode), Stdout: got.Stdout, Stderr: got.Stderr, JSON: decoded(got.Stdout), Took: got.Took,
		}
		look.Notes = append(look.Notes, fmt.Sprintf("%s: exit code %d in %s", ran, got.ExitCode, round(got.Took)))
		w.output(e.Output, result)
		w.commandChecks(ctx, s, e.At, e.Checks, ran, result, look)
	})
}

// command fills in the words of a command.
func (w *World) command(ctx context.Context, s *plan.Step, words []spec.Text) ([]string, error) {
	out := make([]string, len(words))
	for i, word := range words {
		text, err := w.text(ctx, s.Text(word))
		if err != nil {
			return nil, err
		}
		out[i] = text
	}
	if len(out) == 0 || out[0] == "" {
		return nil, errors.New("the command is empty")
	}
	return out, nil
}

// commandChecks judges how a command ended: by the checks, or without any by its
// exit code.
func (w *World) commandChecks(ctx context.Context, s *plan.Step, at spec.Pos, checks []spec.Rule, ran string, result *spec.CommandResult, r *Result) {
	if len(checks) == 0 && result.ExitCode != 0 {
		r.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: at,
			Message: fmt.Sprintf("%s ended with exit code %d", ran, result.ExitCode), Observed: ending(result)})
	}
	w.rules(ctx, s, checks, expr.Values{"result": result}, ending(result), r)
}

// ending is how a command ended, with the last lines of what it wrote.
func ending(result *spec.CommandResult) string {
	return endingAs(fmt.Sprintf("exit code %d after %s", result.ExitCode, round(result.Took)), result.Stdout, result.Stderr)
}

func endingAs(how, stdout, stderr string) string {
	lines := []string{how}
	for _, out := range []struct{ name, text string }{{"stdout", stdout}, {"stderr", stderr}} {
		if last := lastLines(out.text, outputLines); len(last) > 0 {
			lines = append(append(lines, out.name+":"), indented(last)...)
		}
	}
	return strings.Join(lines, "\n")
}

func indented(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = "  " + line
	}
	return out
}

// notRun is the finding for a command that gave no exit code. One that cannot be
// started is wrong; one that we may not start says nothing about the system.
func (w *World) notRun(ctx context.Context, at spec.Pos, ran string, got cluster.ExecResult, err error) event.Finding {
	f := fault(ctx, at, err)
	var refused *cluster.Refused
	switch {
	case ctx.Err() != nil && f.Outcome == event.Failed:
		f.Message = fmt.Sprintf("%s had not ended after %s: %s", ran, round(got.Took), context.Cause(ctx))
	case errors.As(err, &refused) && (refused.Code == http.StatusForbidden || refused.Code == http.StatusUnauthorized):
		f.Outcome, f.Reason = event.Errored, event.ReasonCluster
	}
	if got.Stdout != "" || got.Stderr != "" {
		f.Observed = endingAs(fmt.Sprintf("no exit code after %s", round(got.Took)), got.Stdout, got.Stderr)
	}
	return f
}

// execPod chooses the pod and its container: of those that are ready on a real
// node the first by name. A pod that is named need not be ready.
func (w *World) execPod(ctx context.Context, s *plan.Step, r *Result) (*unstructured.Unstructured, string, bool) {
	e := s.Exec
	pods, sel, ok := w.selectPods(ctx, s, &e.On, r)
	if !ok {
		return nil, "", false
	}
	fit := slices.DeleteFunc(slices.Clone(pods), func(p *unstructured.Unstructured) bool {
		phase, _, _ := unstructured.NestedString(p.Object, "status", "phase")
		return sel.name == "" && (phase != "Running" || ready.Of(p).State != ready.Ready)
	})
	if len(fit) == 0 {
		r.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonNothing, Pos: e.On.At,
			Message:  fmt.Sprintf("no pod is ready of %s: %s: %s", sel, ref(pods[0]), ready.Of(pods[0]).Message),
			Observed: status(pods[0])})
		return nil, "", false
	}
	real := slices.DeleteFunc(slices.Clone(fit), func(p *unstructured.Unstructured) bool { return w.simulatedNode(p) != "" })
	if len(real) == 0 {
		w.unmeasured(fit[0], r)
		return nil, "", false
	}
	container, err := w.text(ctx, s.Text(e.Container))
	if err != nil {
		r.add(fault(ctx, e.Container.At, err))
		return nil, "", false
	}
	if container == "" {
		container = cluster.DefaultContainer(real[0])
	}
	return real[0], container, hasContainer(real[0], container, cmp.Or(e.Container.At, e.At), r)
}

// hasContainer says so in r when a pod has no such container.
func hasContainer(pod *unstructured.Unstructured, name string, at spec.Pos, r *Result) bool {
	var names []string
	for _, c := range cluster.Containers(pod) {
		names = append(names, c.Name)
	}
	if slices.Contains(names, name) {
		return true
	}
	r.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonNothing, Pos: at,
		Message: fmt.Sprintf("%s has no container %s; its containers: %s", ref(pod), name, strings.Join(names, ", "))})
	return false
}

// selectPods are the selected pods by name, at least one.
func (w *World) selectPods(ctx context.Context, s *plan.Step, on *spec.Selector, r *Result) ([]*unstructured.Unstructured, *selection, bool) {
	sel, err := w.selection(ctx, s, on)
	var pods []*unstructured.Unstructured
	if err == nil && sel.resource.GVR != cluster.Pods.GVR {
		r.add(event.Finding{Outcome: event.Errored, Reason: event.ReasonInvalid, Pos: on.At,
			Message: fmt.Sprintf("this takes pods, and %s selects none; select them by their labels: {kind: Pod, selector: app=…}", sel)})
		return nil, nil, false
	}
	if err == nil {
		pods, err = sel.live(ctx, w)
	}
	if err != nil {
		r.add(readFault(ctx, on.At, err))
		return nil, nil, false
	}
	if len(pods) == 0 {
		r.add(nothing(on.At, sel))
		return nil, nil, false
	}
	slices.SortFunc(pods, func(a, b *unstructured.Unstructured) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return pods, sel, true
}

// simulatedNode is the node of a pod if it is a simulated one, on which nothing
// runs; else "".
func (w *World) simulatedNode(pod *unstructured.Unstructured) string {
	name := nodeOf(pod)
	for _, n := range w.Facts.Nodes {
		if n.Name == name {
			if n.Simulated {
				return name
			}
			return ""
		}
	}
	if name != "" && w.Facts.Cluster.Simulated {
		return name // it came after the facts were gathered
	}
	return ""
}

// unmeasured skips a step because its pod has no process.
func (w *World) unmeasured(pod *unstructured.Unstructured, r *Result) {
	r.notMeasurable(fmt.Sprintf("%s runs on the simulated node %s: nothing runs in it", ref(pod), w.simulatedNode(pod)))
}
