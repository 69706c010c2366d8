package cluster

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestRehearseStoresNothing(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	ctx := soon(t, 30*time.Second)
	_, err := c.Apply(ctx, configMap(ns, "taken", "old"))
	g.Expect(err).NotTo(HaveOccurred())

	good, err := c.Rehearse(ctx, configMap("", "fresh", "x"), ns)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(good).To(Equal(Rehearsal{Namespace: ns, Name: "fresh"}))
	_, err = c.Get(ctx, ConfigMaps, ns, "fresh")
	g.Expect(IsNotFound(err)).To(BeTrue(), "it was stored: %v", err)

	// A name that is taken in the scratch namespace says nothing about the object.
	other, err := c.Rehearse(ctx, configMap("", "taken", "x"), ns)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(other.Err).NotTo(HaveOccurred())
	g.Expect(other.Name).To(HavePrefix("taken-"))
	kept, err := c.Get(ctx, ConfigMaps, ns, "taken")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(kept.Object["data"]).To(HaveKeyWithValue("value", "old"))

	// In a namespace that the manifest names, a run would refuse it.
	taken, err := c.Rehearse(ctx, configMap(ns, "taken", "x"), "default")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(taken.Err).To(MatchError(ContainSubstring("there already")))

	// One that comes with the scenario is not there yet.
	later, err := c.Rehearse(ctx, configMap("comes-later", "x", "y"), ns)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(later).To(Equal(Rehearsal{Namespace: ns, Name: "x"}))
}

func TestRehearseTellsTheServersNo(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	ctx := soon(t, 30*time.Second)
	bad := configMap("", "Not A Name", "x")
	got, err := c.Rehearse(ctx, bad, ns)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(IsRefused(got.Err)).To(BeTrue(), "%v", got.Err)
	g.Expect(got.Forbidden()).To(BeFalse())

	none, err := c.Rehearse(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Nothing", "metadata": map[string]any{"name": "x"},
	}}, ns)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(none.Err).To(MatchError(ContainSubstring(`no kind "Nothing"`)))

	nobody := connect(t, Options{As: "nobody-in-particular"})
	refused, err := nobody.Rehearse(ctx, configMap("", "fresh", "x"), ns)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(refused.Forbidden()).To(BeTrue(), "%v", refused.Err)
}

func TestMayI(t *testing.T) {
	g := NewWithT(t)
	all := []Access{
		{Verb: "delete", Resource: "pods", Namespace: "not-there"},
		{Verb: "create", Resource: "namespaces"},
		{Verb: "get", Path: "/metrics"},
		{Verb: "list", Group: "apps", Resource: "deployments", Namespace: "default"},
	}
	for user, want := range map[string]bool{"": true, "nobody-in-particular": false} {
		c := connect(t, Options{As: user})
		got, err := c.MayI(soon(t, 20*time.Second), all)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(got).To(HaveLen(len(all)))
		for i, answer := range got {
			g.Expect(answer.Access).To(Equal(all[i]))
			g.Expect(answer.Allowed).To(Equal(want), "%q: %+v", user, answer)
		}
	}
}

func TestKindsAreFoundByTheNamesOfKubectl(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ctx := soon(t, 20*time.Second)
	for name, want := range map[string]string{
		"deployment": "Deployment", "deployments": "Deployment", "deploy": "Deployment", "Deployment": "Deployment",
		"deployments.apps": "Deployment", "deployments.v1.apps": "Deployment", "po": "Pod", "svc": "Service",
		"events": "Event", "hpa": "HorizontalPodAutoscaler", "ns": "Namespace",
	} {
		r, err := c.Named(ctx, name)
		g.Expect(err).NotTo(HaveOccurred(), name)
		g.Expect(r.GVK.Kind).To(Equal(want), name)
	}
	r, err := c.Named(ctx, "events")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(r.GVK.Group).To(BeEmpty())
	_, err = c.Named(ctx, "deploymnts")
	g.Expect(err).To(MatchError(`the cluster has no kind "deploymnts"; did you mean deployments?`))
	_, err = c.Named(ctx, "deployments.batch")
	g.Expect(err).To(HaveOccurred())
}

func TestSourcesSayWhyTheOthersAreNotUsed(t *testing.T) {
	g := NewWithT(t)
	home := t.TempDir()
	file := filepath.Join(home, ".kube", "config")
	g.Expect(os.MkdirAll(filepath.Dir(file), 0o755)).To(Succeed())
	g.Expect(os.WriteFile(file, []byte("apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, namespace: shop}}]\nclusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n"), 0o600)).To(Succeed())
	env := func(pairs map[string]string) func(string) string {
		return func(name string) string { return pairs[name] }
	}
	used := func(o Options) (string, []Source) {
		all := Sources(o)
		name := ""
		for _, s := range all {
			if s.Used {
				name += s.Name
			}
		}
		return name, all
	}
	name, all := used(Options{Env: env(map[string]string{"HOME": home})})
	g.Expect(name).To(Equal("~/.kube/config"))
	g.Expect(all[1]).To(Equal(Source{Name: "KUBECONFIG", Why: "not set"}))
	name, all = used(Options{Kubeconfig: "x", Env: env(map[string]string{"HOME": home, "KUBECONFIG": "y"})})
	g.Expect(name).To(Equal("--kubeconfig"))
	g.Expect(all[1].Why).To(Equal("not looked at: --kubeconfig goes first"))
	g.Expect(all[2].Why).To(Equal("not looked at: --kubeconfig goes first"))
	name, all = used(Options{Env: env(map[string]string{"HOME": t.TempDir(), "KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "1"})})
	g.Expect(name).To(Equal("the pod's service account"))
	g.Expect(all[2].Why).To(Equal("there is no such file"))
	name, _ = used(Options{Env: env(nil)})
	g.Expect(name).To(BeEmpty())

	g.Expect(Namespace(Options{Env: env(map[string]string{"HOME": home})})).To(Equal("shop"))
	g.Expect(Namespace(Options{Env: env(nil)})).To(Equal("default"))
	_, err := Open(context.Background(), Options{Env: env(map[string]string{"HOME": home})})
	g.Expect(err).To(HaveOccurred()) // nobody answers there; the source was right
}
