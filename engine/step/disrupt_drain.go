package step

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

const (
	// labelAgents marks realspec's own agents: they measure what a drain does to
	// others, and end with the scenario.
	labelAgents = "realspec.dev/agents"
	// evictionsAtATime bounds the requests in flight.
	evictionsAtATime = 10
)

// drain cordons the nodes and empties one after the other, in the order of their
// names. All are cordoned first, so that no pod goes from one to the next.
func (w *World) drain(ctx context.Context, d *spec.Disrupt, nodes []*unstructured.Unstructured, r *Result) {
	for _, node := range nodes {
		if !w.cordon(ctx, d, node, r) {
			return
		}
	}
	for _, node := range nodes {
		if !w.empty(ctx, d, node, r) {
			return
		}
	}
}

// empty evicts the pods of a node until none is left that must go. A pod that the
// scheduler had placed a moment before the cordon is found in the next round.
func (w *World) empty(ctx context.Context, d *spec.Disrupt, node *unstructured.Unstructured, r *Result) bool {
	start := time.Now()
	title := "draining " + ref(node)
	refused := refusals{}
	var gone, agents int
	for {
		all, err := w.Client.List(ctx, cluster.Pods, "", cluster.ListOptions{FieldSelector: "spec.nodeName=" + node.GetName()})
		if err != nil {
			r.add(fault(ctx, d.At, err))
			return false
		}
		var pods []*unstructured.Unstructured
		pods, agents = toDrain(all)
		if len(pods) == 0 {
			break
		}
		if !w.evictAll(ctx, d, title, pods, refused, r) {
			return false
		}
		gone += len(pods)
	}
	text := fmt.Sprintf("drained %s: %s gone in %s", ref(node), pods(gone), round(time.Since(start)))
	if agents > 0 {
		text += fmt.Sprintf("; %s of realspec's agents left there", pods(agents))
	}
	r.note("%s%s", text, refused)
	return true
}

func pods(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}

// toDrain are the pods that a drain evicts: not those of DaemonSets, which come
// back at once, nor mirrors of static pods, which the API server does not run, nor
// realspec's agents, which are counted.
func toDrain(all []*unstructured.Unstructured) (pods []*unstructured.Unstructured, agents int) {
	for _, pod := range all {
		owner := metav1.GetControllerOf(pod)
		_, mirror := pod.GetAnnotations()[corev1.MirrorPodAnnotationKey]
		_, agent := pod.GetLabels()[labelAgents]
		switch {
		case agent:
			agents++
		case mirror, owner != nil && owner.Kind == "DaemonSet":
		default:
			pods = append(pods, pod)
		}
	}
	return firstOf(pods, 0), agents
}

// evict evicts pods; with expect: refused, it tries to.
func (w *World) evict(ctx context.Context, s *plan.Step, sel *selection, r *Result) {
	d := s.Disrupt
	if sel.resource.GVR != cluster.Pods.GVR {
		r.add(event.Finding{Outcome: event.Errored, Reason: event.ReasonInvalid, Pos: d.On.At,
			Message: fmt.Sprintf("evict takes pods, and this selects a %s; drain empties nodes", sel.resource.GVK.Kind)})
		return
	}
	found, err := sel.live(ctx, w)
	if err != nil {
		r.add(fault(ctx, d.On.At, err))
		return
	}
	found = slices.DeleteFunc(found, func(pod *unstructured.Unstructured) bool { return pod.GetDeletionTimestamp() != nil })
	if len(found) == 0 {
		if !d.On.AllowEmpty {
			r.add(nothing(d.On.At, sel))
		}
		return
	}
	found = firstOf(found, d.Count)
	if d.Expect == "refused" {
		w.refusedEvictions(ctx, d, found, r)
		return
	}
	start, refused := time.Now(), refusals{}
	if w.evictAll(ctx, d, "evicting", found, refused, r) {
		r.note("evicted %s: gone in %s%s", pods(len(found)), round(time.Since(start)), refused)
	}
}

// refusedEvictions proves that no budget allows any of the evictions.
func (w *World) refusedEvictions(ctx context.Context, d *spec.Disrupt, found []*unstructured.Unstructured, r *Result) {
	for _, pod := range found {
		err := w.settledEviction(ctx, d, pod)
		var budget *cluster.BudgetRefused
		switch {
		case errors.As(err, &budget) && unsettled(budget): // the time is over, and it has refused nothing
			f := faultOf(ctx, d.At, pod, ctx.Err())
			f.Message += "; " + budget.Message
			r.add(f)
			return
		case errors.As(err, &budget):
			r.note("the eviction of %s was refused: %s", ref(pod), budget.Message)
		case err == nil:
			r.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: d.At,
				Message: fmt.Sprintf("the eviction of %s was allowed, and a PodDisruptionBudget must refuse it", ref(pod))})
		default:
			r.add(faultOf(ctx, d.At, pod, err))
		}
	}
}

// settledEviction tries an eviction until the budgets have been looked at. When the
// time is over while a try is under way, the answer before it is the last.
func (w *World) settledEviction(ctx context.Context, d *spec.Disrupt, pod *unstructured.Unstructured) error {
	var last error
	for {
		err := w.Client.Evict(ctx, pod.GetNamespace(), pod.GetName(), grace(d.GracePeriod))
		if ctx.Err() != nil && last != nil && cluster.IsUnavailable(err) {
			return last
		}
		var budget *cluster.BudgetRefused
		if !errors.As(err, &budget) || !unsettled(budget) || !pause(ctx, pauseBetween) {
			return err
		}
		last = err
	}
}

// unsettled tells a refusal that is none yet: the budget has changed a moment
// ago, and its controller has not looked at it.
func unsettled(e *cluster.BudgetRefused) bool {
	return strings.Contains(e.Message, "still being processed")
}

// refusals count the evictions that budgets refused, by what they belong to.
type refusals map[string]int

// String is the end of a note: which budgets refused how often.
func (c refusals) String() string {
	total := 0
	var names []string
	for name, n := range c {
		total += n
		names = append(names, name)
	}
	if total == 0 {
		return ""
	}
	slices.Sort(names)
	times := "once"
	if total > 1 {
		times = fmt.Sprintf("%d times", total)
	}
	return fmt.Sprintf(" (evictions refused %s by %s)", times, strings.Join(names, ", "))
}

// candidate is a pod that is to be evicted.
type candidate struct {
	doomed
	evicted bool
	refused *cluster.BudgetRefused // the last time
	times   int                    // that it was refused
	err     error
}

// evictAll evicts the pods, each as soon as its budget allows it, and waits until
// they are gone. Budgets are kept by a controller, and nothing tells when they allow
// the next one but trying. It is false when that went wrong, and r says why.
func (w *World) evictAll(ctx context.Context, d *spec.Disrupt, title string, pods []*unstructured.Unstructured, counts refusals, r *Result) bool {
	var all []*candidate
	for _, pod := range pods {
		feed := w.feed(cluster.Pods, pod.GetNamespace())
		if err := feed.Synced(ctx); err != nil {
			r.add(fault(ctx, d.At, err))
			return false
		}
		all = append(all, &candidate{doomed: doomed{pod, feed, d.At}, evicted: pod.GetDeletionTimestamp() != nil})
	}
	for {
		open := w.tryAll(ctx, d, all)
		for _, c := range all {
			if c.err != nil {
				r.add(faultOf(ctx, d.At, c.object, c.err))
			}
		}
		if r.Outcome != event.Passed {
			return false
		}
		if len(open) == 0 {
			break
		}
		w.Progress(fmt.Sprintf("%s: %d of %d pods to go; Pod/%s", title, len(open), len(all), open[0].refused.Pod+": "+open[0].refused.Message))
		if !pause(ctx, pauseBetween) {
			refusedForGood(ctx, d, open, r)
			return false
		}
	}
	var left []doomed
	for _, c := range all {
		w.forget(c.object)
		left = append(left, c.doomed)
		if c.times > 0 {
			counts[budgetOf(c.refused)] += c.times
		}
	}
	w.awaitGone(ctx, left, r)
	return r.Outcome == event.Passed
}

// tryAll tries every eviction that is still open once, and returns those that a
// budget refused.
func (w *World) tryAll(ctx context.Context, d *spec.Disrupt, all []*candidate) []*candidate {
	slots := make(chan struct{}, evictionsAtATime)
	var trying sync.WaitGroup
	for _, c := range all {
		if c.evicted || c.gone() {
			c.evicted = true
			continue
		}
		slots <- struct{}{}
		trying.Go(func() {
			defer func() { <-slots }()
			c.try(ctx, w, d)
		})
	}
	trying.Wait()
	var open []*candidate
	for _, c := range all {
		if !c.evicted && c.err == nil {
			open = append(open, c)
		}
	}
	return open
}

// try asks for the eviction once. When the step's time is over meanwhile, what the
// budget said last is what there is to say.
func (c *candidate) try(ctx context.Context, w *World, d *spec.Disrupt) {
	err := w.Client.Evict(ctx, c.object.GetNamespace(), c.object.GetName(), grace(d.GracePeriod))
	var budget *cluster.BudgetRefused
	switch {
	case err == nil, cluster.IsNotFound(err):
		c.evicted = true
	case errors.As(err, &budget):
		c.refused = budget
		c.times++
	case ctx.Err() == nil || c.refused == nil:
		c.err = err
	}
}

// refusedForGood says which pods were not evicted, and which budgets did not allow
// it until the time was over.
func refusedForGood(ctx context.Context, d *spec.Disrupt, open []*candidate, r *Result) {
	outcome, reason := event.Failed, event.ReasonTimeout
	if errors.Is(context.Cause(ctx), ErrInterrupted) {
		outcome, reason = event.Errored, event.ReasonInterrupted
	}
	shown := open[:min(len(open), maxPods)]
	for _, c := range shown {
		r.add(event.Finding{Outcome: outcome, Reason: reason, Pos: d.At,
			Message: fmt.Sprintf("Pod/%s was not evicted: refused %d times by %s: %s",
				c.refused.Pod, c.times, budgetOf(c.refused), c.refused.Message)})
	}
	if more := len(open) - len(shown); more > 0 {
		r.add(event.Finding{Outcome: outcome, Reason: reason, Pos: d.At, Message: fmt.Sprintf("and %s more", pods(more))})
	}
}

// named finds the budget in what the server says of it.
var named = regexp.MustCompile(`The disruption budget (\S+)`)

// budgetOf names the budget that refused an eviction.
func budgetOf(e *cluster.BudgetRefused) string {
	found := named.FindStringSubmatch(e.Message)
	if found == nil {
		return "a PodDisruptionBudget"
	}
	return "PodDisruptionBudget/" + cmp.Or(strings.Trim(found[1], `".`), "?")
}
