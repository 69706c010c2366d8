package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/realspec/realspec/engine/ready"
)

// pod is a pod with one container that runs told, ready when the kubelet says so.
func pod(t testing.TB, namespace, name string, labels string, words ...string) *unstructured.Unstructured {
	t.Helper()
	return object(t, `
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: %s, labels: {%s}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - {name: told, image: "%s", args: ["%s"]}
`, name, namespace, labels, toldImage, strings.Join(words, `", "`))
}

// applied creates an object and waits until it is ready.
func applied(t testing.TB, c *Client, u *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	ctx := soon(t, time.Minute)
	if _, err := c.Apply(ctx, u); err != nil {
		t.Fatal(err)
	}
	res := kind(t, c, u.GetAPIVersion(), u.GetKind())
	for {
		got, err := c.Get(ctx, res, u.GetNamespace(), u.GetName())
		if err != nil {
			t.Fatal(err)
		}
		s := ready.Of(got)
		if s.State == ready.Ready {
			return got
		}
		if !sleep(ctx, 50*time.Millisecond) {
			t.Fatalf("%s: %s", u.GetName(), s.Message)
		}
	}
}

func TestExecRunsCommandsInContainers(t *testing.T) {
	c := connect(t, Options{Kubeconfig: realKubeconfig(t)})
	ns := namespaceOn(t, c)
	applied(t, c, pod(t, ns, "box", "app: box", "sleep"))
	for _, row := range []struct {
		name, stdin string
		command     []string
		want        ExecResult
		wrong       string // what the error has
	}{
		{name: "output", command: []string{"told", "say", "one two", "three"}, want: ExecResult{Stdout: "one two\nthree\n"}},
		{name: "input", command: []string{"told", "upper"}, stdin: "hello", want: ExecResult{Stdout: "HELLO"}},
		{name: "exit code", command: []string{"told", "fail", "7", "no luck"}, want: ExecResult{ExitCode: 7, Stderr: "no luck\n"}},
		{name: "much output", command: []string{"told", "flood", fmt.Sprint(outputLimit + 10)},
			want: ExecResult{Stdout: strings.Repeat("x", outputLimit) + "\n… 10 more bytes"}},
		{name: "no such program", command: []string{"nope"}, wrong: `"nope": executable file not found`},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := NewWithT(t)
			before := c.Account().Requests["exec"]
			got, err := c.Exec(soon(t, 20*time.Second), ns, "box", "", row.command, row.stdin)
			t.Log(got.Took, err)
			g.Expect(c.Account().Requests["exec"]).To(BeNumerically(">", before))
			if row.wrong != "" {
				var refused *Refused
				g.Expect(errors.As(err, &refused)).To(BeTrue(), "%v", err)
				g.Expect(err).To(MatchError(ContainSubstring(row.wrong)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got.Took).To(BeNumerically(">", 0))
			got.Took = 0
			g.Expect(got).To(Equal(row.want))
		})
	}
}

func TestExecEndsWithItsContext(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{Kubeconfig: realKubeconfig(t)})
	ns := namespaceOn(t, c)
	applied(t, c, pod(t, ns, "box", "app: box", "sleep"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	start := time.Now()
	got, err := c.Exec(ctx, ns, "box", "told", []string{"told", "sleep"}, "")
	g.Expect(err).To(MatchError(context.DeadlineExceeded))
	g.Expect(got.Stdout).To(Equal("waiting\n"), "what it wrote until then")
	g.Expect(time.Since(start)).To(BeNumerically("<", 5*time.Second))
}

// These need no container: the API server says no, or nothing answers behind it.
func TestExecThatCannotBe(t *testing.T) {
	t.Parallel()
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	applied(t, c, pod(t, ns, "simulated", "app: x", "sleep"))
	for _, row := range []struct{ name, pod, container, want string }{
		{"no such pod", "nobody", "", `pods "nobody" not found`},
		{"no such container", "simulated", "web", "container web is not valid for pod simulated"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := c.Exec(soon(t, 20*time.Second), ns, row.pod, row.container, []string{"true"}, "")
			NewWithT(t).Expect(err).To(MatchError(ContainSubstring(row.want)))
			NewWithT(t).Expect(IsNotFound(err) || IsRefused(err)).To(BeTrue(), "%T", err)
		})
	}
	t.Run("nothing runs there", func(t *testing.T) {
		_, err := c.Exec(soon(t, 20*time.Second), ns, "simulated", "", []string{"true"}, "")
		NewWithT(t).Expect(err).To(HaveOccurred())
		t.Log(err)
	})
}

func TestLogs(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{Kubeconfig: realKubeconfig(t)})
	ns := namespaceOn(t, c)
	said := pod(t, ns, "said", "app: x", "say", "one", "two", "three")
	g.Expect(unstructured.SetNestedField(said.Object, "Never", "spec", "restartPolicy")).To(Succeed())
	applied(t, c, said)
	all, err := c.Logs(t.Context(), ns, "said", LogOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(all).To(Equal("one\ntwo\nthree\n"))
	last, err := c.Logs(t.Context(), ns, "said", LogOptions{Container: "told", Tail: 1, Since: time.Hour})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(last).To(Equal("three\n"))
	cut, err := c.Logs(t.Context(), ns, "said", LogOptions{LimitBytes: 5})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(cut).To(Equal("one\nt"))
	_, err = c.Logs(t.Context(), ns, "said", LogOptions{Previous: true})
	var refused *Refused
	g.Expect(errors.As(err, &refused)).To(BeTrue(), "%v", err)
	g.Expect(refused.Code).To(Equal(http.StatusBadRequest))
}

func TestContainersOfACrash(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{Kubeconfig: realKubeconfig(t)})
	ns := namespaceOn(t, c)
	_, err := c.Apply(t.Context(), pod(t, ns, "crash", "app: x", "fail", "3", "out of luck"))
	g.Expect(err).NotTo(HaveOccurred())
	var got Container
	eventually(g, func() string {
		u, err := c.Get(t.Context(), Pods, ns, "crash")
		g.Expect(err).NotTo(HaveOccurred())
		got = Containers(u)[0]
		return got.Waiting
	}).WithTimeout(time.Minute).Should(Equal("CrashLoopBackOff"))
	g.Expect(got.Restarts).To(BeNumerically(">", 0))
	g.Expect(got.Before).To(Equal(&Ended{ExitCode: 3, Reason: "Error"}))
	last, err := c.Logs(t.Context(), ns, "crash", LogOptions{Container: "told", Previous: true, Tail: 10})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(last).To(Equal("out of luck\n"))
	eventually(g, func() int { // each time that it is started, it is Ready for a moment
		unready, err := c.Unready(t.Context(), ns)
		g.Expect(err).NotTo(HaveOccurred())
		return len(unready)
	}).Should(Equal(1))
}

func TestDefaultContainer(t *testing.T) {
	u := object(t, `
metadata: {annotations: {kubectl.kubernetes.io/default-container: web}}
spec: {initContainers: [{name: init}], containers: [{name: proxy}, {name: web}]}
`)
	g := NewWithT(t)
	g.Expect(DefaultContainer(u)).To(Equal("web"))
	u.SetAnnotations(nil)
	g.Expect(DefaultContainer(u)).To(Equal("proxy"))
	g.Expect(Containers(u)).To(Equal([]Container{{Name: "init", Init: true}, {Name: "proxy"}, {Name: "web"}}))
}

// An eviction that a budget does not allow is told from a busy server, at once and
// with the server's numbers.
func TestEvict(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	applied(t, c, pod(t, ns, "guarded", "app: guarded", "sleep"))
	applied(t, c, pod(t, ns, "free", "app: free", "sleep"))
	budget := object(t, `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: guard, namespace: %s}
spec: {minAvailable: 1, selector: {matchLabels: {app: guarded}}}
`, ns)
	_, err := c.Apply(t.Context(), budget)
	g.Expect(err).NotTo(HaveOccurred())
	var refused *BudgetRefused
	start := time.Now()
	err = c.Evict(t.Context(), ns, "guarded", nil)
	g.Expect(errors.As(err, &refused)).To(BeTrue(), "%v", err)
	g.Expect(time.Since(start)).To(BeNumerically("<", 5*time.Second))
	eventually(g, func() string { // its controller counts first
		_ = errors.As(c.Evict(t.Context(), ns, "guarded", nil), &refused)
		return refused.Message
	}).Should(ContainSubstring("The disruption budget guard needs 1 healthy pods and has 1 currently"))
	grace := int64(0)
	g.Expect(c.Evict(t.Context(), ns, "free", &grace)).To(Succeed())
	eventually(g, func() bool {
		_, err := c.Get(t.Context(), Pods, ns, "free")
		return IsNotFound(err)
	}).Should(BeTrue())
	g.Expect(IsNotFound(c.Evict(t.Context(), ns, "free", nil))).To(BeTrue())
}

// The kubeconfig for others is complete in itself.
func TestKubeconfigForOthers(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := connect(t, Options{})
	text, err := c.Kubeconfig("shop")
	g.Expect(err).NotTo(HaveOccurred())
	file := t.TempDir() + "/kubeconfig"
	config, err := clientcmd.Load(text)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(config.Contexts[config.CurrentContext].Namespace).To(Equal("shop"))
	g.Expect(clientcmd.WriteToFile(*config, file)).To(Succeed())
	other, err := Open(t.Context(), Options{Kubeconfig: file, Env: noEnv})
	g.Expect(err).NotTo(HaveOccurred())
	defer other.Close()
	_, err = other.List(t.Context(), Nodes, "", ListOptions{})
	g.Expect(err).NotTo(HaveOccurred())
}
