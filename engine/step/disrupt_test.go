package step

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// objects reads YAML documents.
func objects(t *testing.T, manifests ...string) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	for _, text := range manifests {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

func names(all []*unstructured.Unstructured) []string {
	var out []string
	for _, o := range all {
		out = append(out, o.GetName())
	}
	return out
}

func TestADrainLeavesDaemonsMirrorsAndAgents(t *testing.T) {
	g := NewWithT(t)
	all := objects(t,
		`{kind: Pod, metadata: {name: web-2, ownerReferences: [{kind: ReplicaSet, name: web, controller: true}]}}`,
		`{kind: Pod, metadata: {name: proxy, ownerReferences: [{kind: DaemonSet, name: proxy, controller: true}]}}`,
		`{kind: Pod, metadata: {name: static, annotations: {kubernetes.io/config.mirror: x}}}`,
		`{kind: Pod, metadata: {name: agent, labels: {realspec.dev/agents: x}}}`,
		`{kind: Pod, metadata: {name: bare}}`,
		`{kind: Pod, metadata: {name: owned, ownerReferences: [{kind: DaemonSet, name: other}]}}`,
	)
	drained, agents := toDrain(all)
	g.Expect(names(drained)).To(Equal([]string{"bare", "owned", "web-2"}))
	g.Expect(agents).To(Equal(1))
}

func TestTheFirstByNameAreMeant(t *testing.T) {
	g := NewWithT(t)
	all := objects(t, `{metadata: {name: c}}`, `{metadata: {name: a, namespace: z}}`, `{metadata: {name: a, namespace: b}}`)
	g.Expect(names(firstOf(all, 0))).To(Equal([]string{"a", "a", "c"}))
	g.Expect(firstOf(all, 1)[0].GetNamespace()).To(Equal("b"))
	g.Expect(firstOf(all, 5)).To(HaveLen(3))
}

func TestDeedsAreUndoneBackwardsAndOnce(t *testing.T) {
	g := NewWithT(t)
	u := &deeds{}
	u.push(deed{action: actionHeal, node: "a"})
	u.push(deed{action: actionUncordon, node: "a", ready: true})
	u.push(deed{action: actionStart, node: "b"})
	u.push(deed{action: actionHeal, node: "a", silent: true})
	u.push(deed{action: actionUncordon, node: "a"}) // cordoned once more: it was Ready before the first time
	u.drop("b", actionStart)
	u.drop("a", actionStart)
	g.Expect(u.take("")).To(Equal([]deed{
		{action: actionUncordon, node: "a", ready: true},
		{action: actionHeal, node: "a", silent: true},
	}))
	g.Expect(u.take("")).To(BeEmpty())
	g.Expect((*deeds)(nil).take("")).To(BeEmpty(), "a scenario that never began")
}

// What the scenario did before stays as it is for the repetitions that come after.
func TestARepetitionUndoesItsOwnDeeds(t *testing.T) {
	g := NewWithT(t)
	u := &deeds{}
	u.push(deed{of: "shop", action: actionUncordon, node: "a"})
	u.push(deed{of: "shop-r1", action: actionStart, node: "b"})
	u.push(deed{of: "shop-r1", action: actionUncordon, node: "a"}) // it was cordoned before the repetition
	g.Expect(u.take("shop-r1")).To(Equal([]deed{{of: "shop-r1", action: actionStart, node: "b"}}))
	u.push(deed{of: "shop-r2", action: actionHeal, node: "b"}) // whose time is over: its scenario undoes it
	g.Expect(u.take("")).To(Equal([]deed{
		{of: "shop-r2", action: actionHeal, node: "b"},
		{of: "shop", action: actionUncordon, node: "a"},
	}))
}

func TestBudgetsAreNamed(t *testing.T) {
	g := NewWithT(t)
	refused := &cluster.BudgetRefused{Pod: "shop/web-1", Message: "Cannot evict pod as it would violate the pod's disruption budget: " +
		"The disruption budget web needs 2 healthy pods and has 2 currently"}
	g.Expect(budgetOf(refused)).To(Equal("PodDisruptionBudget/web"))
	g.Expect(unsettled(refused)).To(BeFalse())
	g.Expect(budgetOf(&cluster.BudgetRefused{Message: "no"})).To(Equal("a PodDisruptionBudget"))
	g.Expect(unsettled(&cluster.BudgetRefused{Message: "x: The disruption budget web is still being processed by the server."})).To(BeTrue())

	g.Expect(refusals{}.String()).To(BeEmpty())
	g.Expect(refusals{"PodDisruptionBudget/web": 1}.String()).To(Equal(" (evictions refused once by PodDisruptionBudget/web)"))
	g.Expect(refusals{"PodDisruptionBudget/web": 5, "PodDisruptionBudget/db": 2}.String()).
		To(Equal(" (evictions refused 7 times by PodDisruptionBudget/db, PodDisruptionBudget/web)"))
}

// evictionsRefused is an API server that refuses evictions in these words. After so
// many answers it gives no more, and the step's time is over meanwhile.
func evictionsRefused(t *testing.T, words string, answers int32) *cluster.Client {
	var evictions atomic.Int32
	return served(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/version" {
			fmt.Fprint(w, `{"gitVersion": "v1.37.2"}`)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // or the client's going is not seen
		if evictions.Add(1) > answers {
			<-r.Context().Done()
			return
		}
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprintf(w, `{"kind": "Status", "message": "Cannot evict pod.", "code": 429,
			"details": {"causes": [{"reason": "DisruptionBudget", "message": %q}]}}`, words)
	})
}

// A budget that its controller has not looked at refuses for the moment only: that
// is no proof that it refuses. From a server that never answers nobody can tell.
func TestAnUnsettledBudgetHasRefusedNothing(t *testing.T) {
	unsettled := "The disruption budget web is still being processed by the server."
	settled := "The disruption budget web needs 2 healthy pods and has 2 currently"
	for name, tc := range map[string]struct {
		words   string
		answers int32
		want    event.Outcome
		reason  event.Reason
	}{
		"unsettled between two tries": {unsettled, 100, event.Failed, event.ReasonTimeout},
		"unsettled during a try":      {unsettled, 1, event.Failed, event.ReasonTimeout},
		"settled":                     {settled, 100, event.Passed, ""},
		"no answer":                   {settled, 0, event.Errored, event.ReasonCluster},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			w := &World{Setting: Setting{Client: evictionsRefused(t, tc.words, tc.answers)}}
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, ErrStepTimeout)
			defer cancel()
			r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
			w.refusedEvictions(ctx, &spec.Disrupt{}, objects(t,
				`{kind: Pod, metadata: {name: web-1, namespace: shop}}`,
				`{kind: Pod, metadata: {name: web-2, namespace: shop}}`), r)
			g.Expect(r.Outcome).To(Equal(tc.want), r.Message)
			g.Expect(r.Reason).To(Equal(tc.reason))
			if tc.want == event.Failed {
				g.Expect(r.Findings).To(HaveLen(1))
				g.Expect(r.Message).To(And(HavePrefix("Pod/web-1: the step's time is over"), HaveSuffix(tc.words)))
			}
		})
	}
}
