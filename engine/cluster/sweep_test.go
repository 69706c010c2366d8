package cluster

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// labelledRun gives an object the labels of a run.
func labelledRun(u *unstructured.Unstructured, run string) *unstructured.Unstructured {
	u.SetLabels(map[string]string{LabelRun: run, LabelScenario: "high-load"})
	return u
}

// leaveBehind makes what a killed run leaves: a namespace with content, a CRD
// with a resource, and an object in somebody else's namespace.
func leaveBehind(t *testing.T, c *Client, run string) {
	t.Helper()
	crd := widgets(strings.ReplaceAll(run, "-", "") + "x")
	kindName, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	objs := []*unstructured.Unstructured{
		object(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}", run),
		configMap(run, "inside", "x"),
		object(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: inside, namespace: %s}\nspec: {containers: [{name: c, image: i}]}", run),
		configMap("default", run+"-outside", "x"),
		object(t, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: %s}", run),
		crd,
		object(t, "apiVersion: test.example.com/v1\nkind: %s\nmetadata: {name: outside, namespace: default}", kindName),
	}
	for _, u := range objs {
		labelledRun(u, run)
	}
	o := applyAll(soon(t, time.Minute), c, objs)
	for i, err := range o.errs {
		if err != nil {
			t.Fatalf("%s: %v", objs[i].GetKind(), err)
		}
	}
}

func titles(all []Leftover) []string {
	var out []string
	for _, l := range all {
		out = append(out, l.String())
	}
	return out
}

func TestLeftoversAreFoundAndRemoved(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := connect(t, Options{})
	run, other := unique("sweep"), unique("other")
	leaveBehind(t, c, run)
	_, err := c.Apply(t.Context(), labelledRun(configMap("default", other, "x"), other))
	g.Expect(err).NotTo(HaveOccurred())
	_, err = c.Apply(t.Context(), configMap("default", "nobodys-"+run, "x"))
	g.Expect(err).NotTo(HaveOccurred())

	start := time.Now()
	before := c.Account().Requests["list"]
	found, err := c.Leftovers(t.Context(), map[string]string{LabelRun: run})
	g.Expect(err).NotTo(HaveOccurred())
	t.Logf("%d kinds looked at in %s", c.Account().Requests["list"]-before, time.Since(start))
	word := strings.ReplaceAll(run, "-", "") + "x"
	g.Expect(titles(found)).To(ConsistOf(
		"ClusterRole "+run, "ConfigMap default/"+run+"-outside", "Namespace "+run,
		"CustomResourceDefinition "+word+"s.test.example.com", strings.ToUpper(word[:1])+word[1:]+" default/outside",
	))
	for _, l := range found {
		g.Expect(l.Run).To(Equal(run))
		g.Expect(l.Scenario).To(Equal("high-load"))
		g.Expect(l.UID).NotTo(BeEmpty())
		g.Expect(l.Age(time.Now())).To(BeNumerically("<", time.Minute))
		if l.Name == run && l.Resource.GVK.Kind == "Namespace" {
			g.Expect(l.Inside).To(Equal(2))
		}
	}
	all, err := c.Leftovers(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(titles(all)).To(ContainElements("ConfigMap default/"+other, "Namespace "+run))
	g.Expect(titles(all)).NotTo(ContainElement("ConfigMap default/nobodys-" + run))

	var last int
	left, err := c.Remove(soon(t, time.Minute), found, func(gone, total int) {
		g.Expect(gone).To(Equal(last + 1))
		g.Expect(total).To(Equal(5))
		last = gone
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(BeEmpty())
	g.Expect(last).To(Equal(5))
	again, err := c.Leftovers(t.Context(), map[string]string{LabelRun: run})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again).To(BeEmpty())
	_, err = c.Get(t.Context(), kind(t, c, "v1", "ConfigMap"), "default", other)
	g.Expect(err).NotTo(HaveOccurred(), "another run's is left alone")
}

func TestRemoveSaysWhatHoldsItUp(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := connect(t, Options{})
	run := unique("stuck")
	ns := labelledRun(object(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}", run), run)
	held := labelledRun(configMap(run, "held", "x"), run)
	held.SetFinalizers([]string{"example.com/hold"})
	outside := labelledRun(configMap("default", run, "x"), run)
	outside.SetFinalizers([]string{"example.com/other"})
	free := labelledRun(configMap("default", run+"-free", "x"), run)
	for i, err := range applyAll(soon(t, time.Minute), c, []*unstructured.Unstructured{ns, held, outside, free}).errs {
		g.Expect(err).NotTo(HaveOccurred(), "%d", i)
	}
	r := kind(t, c, "v1", "ConfigMap")
	t.Cleanup(func() {
		for _, where := range [][2]string{{run, "held"}, {"default", run}} {
			_, err := c.Patch(context.Background(), r, where[0], where[1], types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), "")
			g.Expect(err).NotTo(HaveOccurred())
		}
	})
	found, err := c.Leftovers(t.Context(), map[string]string{LabelRun: run})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(HaveLen(3))

	start := time.Now()
	left, err := c.Remove(soon(t, 13*time.Second), found, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(time.Since(start)).To(BeNumerically("~", 13*time.Second, 2*time.Second), "it waited as long as it was given")
	g.Expect(titles(left)).To(ConsistOf("ConfigMap default/"+run, "Namespace "+run))
	for _, l := range left {
		g.Expect(l.Deleting).NotTo(BeZero())
		if l.Resource.GVK.Kind == "ConfigMap" {
			g.Expect(l.Why).To(Equal("waits for finalizer example.com/other"))
			g.Expect(l.Finalizers).To(Equal([]string{"example.com/other"}))
		} else {
			g.Expect(l.Why).To(And(ContainSubstring("example.com/hold"), ContainSubstring("configmaps")))
		}
	}

	// The next sweep sees that they are being deleted, and waits for them.
	found, err = c.Leftovers(t.Context(), map[string]string{LabelRun: run})
	g.Expect(err).NotTo(HaveOccurred())
	for _, l := range found {
		g.Expect(l.Deleting).NotTo(BeZero())
	}
}

func TestRemoveLeavesAloneWhatHasTakenTheName(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := connect(t, Options{})
	run := unique("taken")
	r := kind(t, c, "v1", "ConfigMap")
	_, err := c.Apply(t.Context(), labelledRun(configMap("default", run, "x"), run))
	g.Expect(err).NotTo(HaveOccurred())
	found, err := c.Leftovers(t.Context(), map[string]string{LabelRun: run})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(HaveLen(1))
	g.Expect(c.Delete(t.Context(), r, "default", run, DeleteOptions{})).To(Succeed())
	_, err = c.Apply(t.Context(), labelledRun(configMap("default", run, "new"), run))
	g.Expect(err).NotTo(HaveOccurred())

	left, err := c.Remove(soon(t, 20*time.Second), found, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(BeEmpty(), "what was found is gone")
	_, err = c.Get(t.Context(), r, "default", run)
	g.Expect(err).NotTo(HaveOccurred(), "and what came after it is still there")
}

func TestRemoveWithoutTheRight(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := connect(t, Options{})
	run := unique("forbidden")
	_, err := c.Apply(t.Context(), labelledRun(configMap("default", run, "x"), run))
	g.Expect(err).NotTo(HaveOccurred())
	found, err := c.Leftovers(t.Context(), map[string]string{LabelRun: run})
	g.Expect(err).NotTo(HaveOccurred())
	alice := connect(t, Options{As: "alice"})
	start := time.Now()
	left, err := alice.Remove(soon(t, 30*time.Second), found, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(HaveLen(1))
	g.Expect(left[0].Why).To(ContainSubstring(`User "alice" cannot delete resource "configmaps"`))
	g.Expect(time.Since(start)).To(BeNumerically("<", 5*time.Second), "waiting would be pointless")

	_, err = alice.Leftovers(t.Context(), nil)
	g.Expect(err).To(MatchError(And(HavePrefix("not looked at: "), ContainSubstring("configmaps"))))
}

// oneLeft is an object that a run has left behind.
func oneLeft(t *testing.T, c *Client, what string) []Leftover {
	t.Helper()
	g := NewWithT(t)
	run := unique(what)
	_, err := c.Apply(t.Context(), labelledRun(configMap("default", run, "x"), run))
	g.Expect(err).NotTo(HaveOccurred())
	found, err := c.Leftovers(t.Context(), map[string]string{LabelRun: run})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(HaveLen(1))
	return found
}

// Who may delete and not look is told soon, and costs the server no flood of lists.
func TestRemoveWithoutTheRightToWatch(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p := newProxy(t)
	c, direct := connect(t, Options{Kubeconfig: p.kubeconfig}), connect(t, Options{})
	found := oneLeft(t, direct, "unseen")
	g.Expect(found).To(HaveLen(1))
	for _, answer := range []int{http.StatusForbidden, http.StatusNotFound} { // of a kind that is gone there are no objects
		p.breaks(func(w http.ResponseWriter, r *http.Request) bool {
			list := r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/configmaps")
			if list {
				says(answer, "")(w, r)
			}
			return list
		})
		before, start := c.Account().Requests["list"], time.Now()
		left, err := c.Remove(soon(t, 15*time.Second), found, nil)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(left).To(BeEmpty(), "it was deleted")
		g.Expect(time.Since(start)).To(BeNumerically("<", 4*time.Second))
		g.Expect(c.Account().Requests["list"] - before).To(BeEquivalentTo(1))
	}
}

func TestRemoveWhenTheServerIsGone(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p := newProxy(t)
	c, direct := connect(t, Options{Kubeconfig: p.kubeconfig, RetryBudget: 300 * time.Millisecond}), connect(t, Options{})
	found := oneLeft(t, direct, "gone")
	p.breaks(func(w http.ResponseWriter, r *http.Request) bool { says(503, "ServiceUnavailable")(w, r); return true })
	left, err := c.Remove(soon(t, 10*time.Second), found, nil)
	g.Expect(IsUnavailable(err)).To(BeTrue())
	g.Expect(left).To(HaveLen(1))
	g.Expect(left[0].Why).To(ContainSubstring("503"))
}

func TestLeftoversAreDeletedAgainstTheOrderOfApply(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p := newProxy(t)
	c, direct := connect(t, Options{Kubeconfig: p.kubeconfig}), connect(t, Options{})
	run := unique("lifo")
	leaveBehind(t, direct, run)
	found, err := c.Leftovers(t.Context(), map[string]string{LabelRun: run})
	g.Expect(err).NotTo(HaveOccurred())
	var mu sync.Mutex
	var order []string
	p.breaks(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodDelete {
			mu.Lock()
			parts := strings.Split(r.URL.Path, "/")
			order = append(order, parts[len(parts)-2])
			mu.Unlock()
		}
		return false
	})
	_, err = c.Remove(soon(t, time.Minute), found, nil)
	g.Expect(err).NotTo(HaveOccurred())
	word := strings.ReplaceAll(run, "-", "") + "xs"
	g.Expect(order).To(HaveLen(5))
	g.Expect(order[:3]).To(Equal([]string{word, "configmaps", "clusterroles"}))
	g.Expect(order[3:]).To(ConsistOf("customresourcedefinitions", "namespaces"))
}

func TestSelectorOf(t *testing.T) {
	for want, labels := range map[string]map[string]string{
		LabelRun:                              nil,
		LabelRun + "=r1":                      {LabelRun: "r1"},
		LabelRun + "," + LabelScenario + "=s": {LabelScenario: "s"},
	} {
		if got := selectorOf(labels); got != want {
			t.Errorf("%v selects by %s, not %s", labels, got, want)
		}
	}
}
