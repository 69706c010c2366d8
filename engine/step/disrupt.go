package step

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// NodeControl does to real nodes what takes more than the API server: stop, start,
// freeze, thaw, cut, heal and delay. Only clusters that realspec started have one.
type NodeControl interface {
	Do(ctx context.Context, action, node string, delay time.Duration) error
	// Command is what a person types to do the same.
	Command(action, node string) string
}

// The actions of disrupt.
const (
	actionCordon   = "cordon"
	actionUncordon = "uncordon"
	actionDrain    = "drain"
	actionEvict    = "evict"
	actionStop     = "stop"
	actionStart    = "start"
	actionFreeze   = "freeze"
	actionThaw     = "thaw"
	actionCut      = "cut"
	actionHeal     = "heal"
	actionDelay    = "delay"
)

// disrupt does to nodes and pods what happens to them in production, and notes
// how to undo it.
func (w *World) disrupt(ctx context.Context, s *plan.Step, r *Result) {
	d := s.Disrupt
	if !slices.Contains(w.Plan.Spec.Spec.Allow, spec.AllowDisruption) {
		r.add(event.Finding{Outcome: event.Errored, Reason: event.ReasonInvalid, Pos: d.At,
			Message: "disrupt steps must be allowed in scenario.yaml: spec.allow: [disruption]"})
		return
	}
	sel, err := w.selection(ctx, s, &d.On)
	if err != nil {
		r.add(fault(ctx, d.On.At, err))
		return
	}
	if d.Action == actionEvict {
		w.evict(ctx, s, sel, r)
		return
	}
	nodes, ok := w.disrupted(ctx, d, sel, r)
	if !ok {
		return
	}
	switch d.Action {
	case actionCordon, actionUncordon:
		for _, n := range nodes {
			w.cordon(ctx, d, n, r)
		}
	case actionDrain:
		w.drain(ctx, d, nodes, r)
	default:
		w.power(ctx, d, nodes, r)
	}
}

// disrupted are the nodes that are meant, in the order of their names: those that
// are selected, or those that the selected pods run on.
func (w *World) disrupted(ctx context.Context, d *spec.Disrupt, sel *selection, r *Result) ([]*unstructured.Unstructured, bool) {
	found, err := sel.live(ctx, w)
	if err != nil {
		r.add(fault(ctx, d.On.At, err))
		return nil, false
	}
	var nodes []*unstructured.Unstructured
	switch sel.resource.GVR {
	case cluster.Nodes.GVR:
		nodes = found
	case cluster.Pods.GVR:
		if nodes, err = w.nodesOf(ctx, found); err != nil {
			r.add(fault(ctx, d.On.At, err))
			return nil, false
		}
	default:
		r.add(event.Finding{Outcome: event.Errored, Reason: event.ReasonInvalid, Pos: d.On.At,
			Message: fmt.Sprintf("%s takes nodes, or pods that stand for the nodes that they run on, and this selects a %s",
				d.Action, sel.resource.GVK.Kind)})
		return nil, false
	}
	if len(nodes) == 0 {
		f := nothing(d.On.At, sel)
		if len(found) > 0 {
			f.Message = fmt.Sprintf("nothing is selected: %s runs on no node yet", sel)
		}
		if !d.On.AllowEmpty {
			r.add(f)
		}
		return nil, false
	}
	return firstOf(nodes, d.Count), true
}

// nodesOf are the nodes that pods run on, each once.
func (w *World) nodesOf(ctx context.Context, pods []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	var nodes []*unstructured.Unstructured
	seen := map[string]bool{}
	for _, pod := range pods {
		name := nodeOf(pod)
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		node, err := w.Client.Get(ctx, cluster.Nodes, "", name)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

func nodeOf(pod *unstructured.Unstructured) string {
	name, _, _ := unstructured.NestedString(pod.Object, "spec", "nodeName")
	return name
}

// firstOf are the first so many by name; all with none.
func firstOf(all []*unstructured.Unstructured, count int) []*unstructured.Unstructured {
	slices.SortFunc(all, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetNamespace(), b.GetNamespace()))
	})
	if count > 0 && len(all) > count {
		return all[:count]
	}
	return all
}

// cordon cordons or uncordons one node. It is false when that went wrong.
func (w *World) cordon(ctx context.Context, d *spec.Disrupt, node *unstructured.Unstructured, r *Result) bool {
	name := node.GetName()
	did, by, err := false, "", error(nil)
	if d.Action == actionUncordon {
		did, by, err = w.Client.Uncordon(ctx, name)
	} else {
		// Noted before it is done: the answer may be lost on the way.
		w.undo.push(deed{of: w.Namespace, action: actionUncordon, node: name, ready: cluster.NodeReady(node)})
		did, err = w.Client.Cordon(ctx, name, w.RunID, time.Now())
	}
	if err != nil {
		r.add(faultOf(ctx, d.At, node, err))
		return false
	}
	switch {
	case d.Action == actionUncordon && did:
		w.undo.drop(name, actionUncordon)
		if by != w.RunID { // it was somebody else's
			w.undo.push(deed{of: w.Namespace, action: actionCordon, node: name})
		}
		r.note("uncordoned %s", ref(node))
	case d.Action == actionUncordon:
		r.note("%s was not cordoned", ref(node))
	case did:
		r.note("cordoned %s", ref(node))
	default:
		r.note("%s was cordoned before, and stays so", ref(node))
	}
	return true
}

// power stops, starts, freezes, thaws, cuts, heals or delays real nodes.
func (w *World) power(ctx context.Context, d *spec.Disrupt, nodes []*unstructured.Unstructured, r *Result) {
	if why := w.powerless(d, nodes); why != "" {
		r.notMeasurable(why)
		return
	}
	for _, node := range nodes {
		name := node.GetName()
		if inverse := inverses[d.Action]; inverse != "" {
			w.undo.push(deed{of: w.Namespace, action: inverse, node: name, ready: cluster.NodeReady(node), silent: d.Action != actionDelay})
		}
		start := time.Now()
		if err := w.Nodes.Do(ctx, d.Action, name, d.Delay.Value); err != nil {
			f := fault(ctx, d.At, err)
			f.Message = fmt.Sprintf("%s could not be %s: %v", ref(node), done[d.Action], err)
			if f.Reason == event.ReasonExpression {
				f.Reason = event.ReasonCluster
			}
			r.add(f)
			return
		}
		w.undo.drop(name, d.Action)
		by := ""
		if d.Action == actionDelay {
			by = fmt.Sprintf(" by %s in each direction", d.Delay.Value)
		}
		r.note("%s %s%s, in %s", done[d.Action], ref(node), by, round(time.Since(start)))
	}
}

// powerless is why nobody can do that to these nodes; "" when it can be done.
func (w *World) powerless(d *spec.Disrupt, nodes []*unstructured.Unstructured) string {
	if w.Nodes == nil {
		return fmt.Sprintf("only clusters that realspec started can %s a node, and this is another one", d.Action)
	}
	for _, node := range nodes {
		if cluster.NodeSimulated(node) {
			return fmt.Sprintf("only real nodes can be %s, and %s is simulated: start the cluster with --real-nodes 2",
				done[d.Action], ref(node))
		}
	}
	return ""
}

// inverses are the actions that undo others.
var inverses = map[string]string{
	actionStop: actionStart, actionFreeze: actionThaw, actionCut: actionHeal, actionDelay: actionHeal,
}

// done is what a node is after an action.
var done = map[string]string{
	actionCordon: "cordoned", actionUncordon: "uncordoned",
	actionStop: "stopped", actionStart: "started", actionFreeze: "frozen", actionThaw: "thawed",
	actionCut: "cut off", actionHeal: "healed", actionDelay: "delayed",
}

// note says what was done, for a reader.
func (r *Result) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}
