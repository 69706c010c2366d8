package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// outcome is what ApplyAll told.
type outcome struct {
	sync.Mutex
	order []string
	got   map[int]*unstructured.Unstructured
	errs  map[int]error
	calls map[int]int
}

func applyAll(ctx context.Context, c *Client, objs []*unstructured.Unstructured) *outcome {
	o := &outcome{got: map[int]*unstructured.Unstructured{}, errs: map[int]error{}, calls: map[int]int{}}
	c.ApplyAll(ctx, objs, func(i int, got *unstructured.Unstructured, err error) {
		o.Lock() // for the race detector alone: the calls come one at a time
		defer o.Unlock()
		o.order = append(o.order, objs[i].GetKind())
		o.got[i], o.errs[i] = got, err
		o.calls[i]++
	})
	return o
}

func TestApplyingAThousandObjectsIsAThousandRequests(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	const n = 1000
	var objs []*unstructured.Unstructured
	for i := range n {
		objs = append(objs, configMap(ns, fmt.Sprintf("cm-%d", i), "x"))
	}
	kind(t, c, "v1", "ConfigMap") // discovery
	before := c.Account()
	start := time.Now()
	o := applyAll(soon(t, time.Minute), c, objs)
	t.Logf("%d objects in %s", n, time.Since(start))
	after := c.Account()
	g.Expect(o.calls).To(HaveLen(n))
	for i := range n {
		g.Expect(o.errs[i]).NotTo(HaveOccurred())
		g.Expect(o.calls[i]).To(Equal(1))
		g.Expect(o.got[i].GetUID()).NotTo(BeEmpty())
		g.Expect(o.got[i].GetManagedFields()).To(BeEmpty())
	}
	g.Expect(after.Requests["apply"] - before.Requests["apply"]).To(BeEquivalentTo(n))
	delete(after.Requests, "apply")
	g.Expect(after.Requests).To(Equal(before.Requests), "nothing but apply")
	g.Expect(after.Retries).To(BeEmpty())

	// Again: nothing changes, not even the version.
	again := applyAll(soon(t, time.Minute), c, objs[:1])
	g.Expect(again.got[0].GetResourceVersion()).To(Equal(o.got[0].GetResourceVersion()))
}

func widgets(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": name + "s.test.example.com"},
		"spec": map[string]any{
			"group": "test.example.com", "scope": "Namespaced",
			"names": map[string]any{"kind": strings.ToUpper(name[:1]) + name[1:], "plural": name + "s", "singular": name},
			"versions": []any{
				crdVersion("v1beta1", false), crdVersion("v1", true),
			},
		},
	}}
}

func crdVersion(name string, storage bool) map[string]any {
	return map[string]any{"name": name, "served": true, "storage": storage, "schema": map[string]any{
		"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{
			"spec": map[string]any{"type": "object", "properties": map[string]any{"size": map[string]any{"type": "integer"}}},
		}},
	}}
}

func TestApplyAllBringsOrder(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	kind(t, c, "v1", "ConfigMap")
	ns := unique("ordered")
	crd := widgets("widget")
	t.Cleanup(func() {
		deleteLater(t, ns)
		_ = c.Delete(context.Background(), crds, "", crd.GetName(), DeleteOptions{})
	})
	// Worst order first: what needs the others comes before them.
	objs := []*unstructured.Unstructured{
		object(t, "apiVersion: test.example.com/v1\nkind: Widget\nmetadata: {name: w, namespace: %s}\nspec: {size: 3}", ns),
		object(t, `
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: %s}
spec:
  serviceAccountName: runner
  priorityClassName: %s
  containers: [{name: c, image: i}]`, ns, ns),
		object(t, "apiVersion: test.example.com/v1beta1\nkind: Widget\nmetadata: {name: old, namespace: %s}\nspec: {size: 4}", ns),
		configMap(ns, "cm", "x"),
		object(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: runner, namespace: %s}", ns),
		object(t, "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: %s}\nvalue: 5", ns),
		crd,
		object(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}", ns),
	}
	t.Cleanup(func() {
		_ = c.Delete(context.Background(), kind(t, c, "", "PriorityClass"), "", ns, DeleteOptions{})
	})
	start := time.Now()
	o := applyAll(soon(t, time.Minute), c, objs)
	t.Logf("%d objects in %s, %v", len(objs), time.Since(start), c.Account().Requests)
	for i := range objs {
		g.Expect(o.errs[i]).NotTo(HaveOccurred(), objs[i].GetKind())
	}
	g.Expect(c.Account().Retries).To(BeEmpty(), "nothing had to be tried twice")
	g.Expect(c.Account().Requests["apply"]).To(BeEquivalentTo(len(objs)))
	place := func(kind string) int { return slices.Index(o.order, kind) }
	g.Expect(place("Namespace")).To(BeNumerically("<", 2))
	g.Expect(place("CustomResourceDefinition")).To(BeNumerically("<", 2))
	g.Expect(place("ServiceAccount")).To(BeNumerically("<", place("ConfigMap")))
	g.Expect(place("ConfigMap")).To(BeNumerically("<", place("Pod")))
	g.Expect(place("Pod")).To(BeNumerically("<", place("Widget")))
	// Without a version it is the preferred one.
	g.Expect(kind(t, c, "", "Widget").GVK.Version).To(Equal("v1"))
}

func TestApplyFindsAFreshlyInstalledKind(t *testing.T) {
	g := NewWithT(t)
	c, other := connect(t, Options{}), connect(t, Options{})
	_, err := c.Resource("test.example.com/v1", "Gadget")
	g.Expect(err).To(HaveOccurred())
	crd := widgets("gadget")
	t.Cleanup(func() { _ = c.Delete(context.Background(), crds, "", crd.GetName(), DeleteOptions{}) })
	g.Expect(applyAll(soon(t, time.Minute), other, []*unstructured.Unstructured{crd}).errs[0]).NotTo(HaveOccurred())
	eventually(g, func() error {
		_, err := c.Resource("", "Gadget")
		return err
	}).Should(Succeed())
}

func TestApplyOfAnUnknownKind(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	before := c.Account().Requests["apply"]
	_, err := c.Apply(t.Context(), object(t, "apiVersion: apps/v1\nkind: Deploiment\nmetadata: {name: a, namespace: default}"))
	var unknown *UnknownKindError
	g.Expect(errors.As(err, &unknown)).To(BeTrue())
	g.Expect(unknown.Nearest).To(Equal([]string{"Deployment"}))
	g.Expect(c.Account().Requests["apply"]).To(Equal(before))
}

func TestDryRunChangesNothing(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	name := unique("dry")
	got, err := c.DryRun(t.Context(), configMap("default", name, "x"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got.GetName()).To(Equal(name))
	_, err = c.Get(t.Context(), kind(t, c, "v1", "ConfigMap"), "default", name)
	g.Expect(IsNotFound(err)).To(BeTrue())
}

func TestApplyAllReportsEveryObject(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	o := applyAll(soon(t, time.Minute), c, []*unstructured.Unstructured{
		configMap(ns, "good", "x"),
		object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad, namespace: %s}\ndat: {a: b}", ns),
		object(t, "apiVersion: v1\nkind: Konfig\nmetadata: {name: unknown, namespace: %s}", ns),
		configMap("nowhere", "lost", "x"),
		configMap(ns, "good-too", "x"),
	})
	g.Expect(o.calls).To(HaveLen(5))
	g.Expect(o.errs[0]).NotTo(HaveOccurred())
	g.Expect(o.errs[1]).To(MatchError(ContainSubstring(`unknown field "dat"`)))
	g.Expect(o.errs[2]).To(MatchError(ContainSubstring(`no kind "Konfig" in v1`)))
	g.Expect(IsNotFound(o.errs[3])).To(BeTrue())
	g.Expect(o.errs[4]).NotTo(HaveOccurred())
}

func TestApplyAllStopsWhenTheServerIsGone(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig, RetryBudget: 300 * time.Millisecond})
	kind(t, c, "v1", "ConfigMap")
	var objs []*unstructured.Unstructured
	for i := range 200 {
		objs = append(objs, configMap("default", fmt.Sprintf("never-%d", i), "x"))
	}
	p.breaks(func(w http.ResponseWriter, r *http.Request) bool { says(503, "ServiceUnavailable")(w, r); return true })
	start := time.Now()
	o := applyAll(soon(t, time.Minute), c, objs)
	g.Expect(time.Since(start)).To(BeNumerically("<", 2*time.Second))
	g.Expect(o.calls).To(HaveLen(200))
	for i := range objs {
		g.Expect(IsUnavailable(o.errs[i])).To(BeTrue())
	}
	g.Expect(c.Account().Requests["apply"]).To(BeNumerically("<", 200))
}

func TestApplyAllWithoutDiscovery(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig, RetryBudget: 300 * time.Millisecond})
	p.breaks(func(w http.ResponseWriter, r *http.Request) bool { says(503, "ServiceUnavailable")(w, r); return true })
	var objs []*unstructured.Unstructured
	for i := range 50 {
		objs = append(objs, configMap("default", fmt.Sprintf("never-%d", i), "x"))
	}
	start := time.Now()
	o := applyAll(soon(t, time.Minute), c, objs)
	g.Expect(time.Since(start)).To(BeNumerically("<", time.Second), "they do not each wait in turn")
	g.Expect(o.calls).To(HaveLen(50))
	g.Expect(IsUnavailable(o.errs[49])).To(BeTrue())
	p.breaks(nil)
	eventually(g, func() error { _, err := c.Resource("v1", "ConfigMap"); return err }).Should(Succeed())
}

func TestApplyAllStopsWithItsContext(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig})
	kind(t, c, "v1", "ConfigMap")
	var objs []*unstructured.Unstructured
	for i := range 100 {
		objs = append(objs, configMap("default", fmt.Sprintf("never-%d", i), "x"))
	}
	p.breaks(func(w http.ResponseWriter, r *http.Request) bool { hangs(w, r); return true })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	o := applyAll(ctx, c, objs)
	g.Expect(o.calls).To(HaveLen(100))
	for i := range objs {
		g.Expect(o.errs[i]).To(MatchError(context.Canceled))
	}
}

func TestCreateNamespaceWaitsUntilPodsCanBeCreated(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	kind(t, c, "v1", "Pod")
	for range 5 {
		ns := namespaceFor(t, c)
		_, err := c.Apply(t.Context(), object(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: %s}\nspec: {containers: [{name: c, image: i}]}", ns))
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Expect(c.Account().Requests["watch"]).To(BeEquivalentTo(5), "one watch each, and no poll")
	g.Expect(c.Account().Requests["get"] + c.Account().Requests["list"]).To(BeZero())
}

func TestAWatchThatIsCutIsWaitedOutToo(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig})
	p.breaks(times(2, isWatch, aborts))
	ns := namespaceFor(t, c)
	_, err := c.Get(t.Context(), serviceAccounts, ns, "default")
	g.Expect(err).NotTo(HaveOccurred())
}

func TestACRDWhoseNamesAreTakenIsRefused(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	first := widgets("sprocket")
	second := widgets("sprocket")
	second.SetName("cogs.test.example.com")
	g.Expect(unstructured.SetNestedField(second.Object, "cogs", "spec", "names", "plural")).To(Succeed())
	t.Cleanup(func() {
		_ = c.Delete(context.Background(), crds, "", first.GetName(), DeleteOptions{})
		_ = c.Delete(context.Background(), crds, "", second.GetName(), DeleteOptions{})
	})
	g.Expect(applyAll(soon(t, time.Minute), c, []*unstructured.Unstructured{first}).errs[0]).NotTo(HaveOccurred())
	err := applyAll(soon(t, time.Minute), c, []*unstructured.Unstructured{second}).errs[0]
	g.Expect(IsRefused(err)).To(BeTrue())
	g.Expect(err.Error()).To(ContainSubstring("is already in use"))
}

func TestWaves(t *testing.T) {
	g := NewWithT(t)
	kinds := []string{
		"ValidatingWebhookConfiguration.admissionregistration.k8s.io", "Widget.example.com", "PodDisruptionBudget.policy",
		"Deployment.apps", "Service", "RoleBinding.rbac.authorization.k8s.io", "ServiceAccount", "Namespace",
		"CustomResourceDefinition.apiextensions.k8s.io", "Job.batch",
	}
	var objs []*unstructured.Unstructured
	for _, k := range kinds {
		u := &unstructured.Unstructured{}
		name, group, _ := strings.Cut(k, ".")
		u.SetAPIVersion(strings.TrimPrefix(group+"/v1", "/"))
		u.SetKind(name)
		objs = append(objs, u)
	}
	g.Expect(waves(objs)).To(Equal([][]int{{7, 8}, {6}, {5}, {4}, {3, 9}, {2}, {1}, {0}}))
}
