package cluster

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestCutConnectionsLoseAndRepeatNothing(t *testing.T) {
	g := NewWithT(t)
	w := newWire(t)
	c, direct := connect(t, Options{Kubeconfig: w.kubeconfig}), connect(t, Options{})
	ns := namespaceFor(t, direct)
	_, _, j := watched(t, c, ns)
	want := churn(t, direct, ns, "cut", 60, func(i int) {
		if i%10 == 5 {
			w.cut()
		}
	})
	expectStories(t, j, want)
	g.Expect(c.Account().Reconnects).To(BeNumerically(">=", 3))
	g.Expect(c.Account().Relists).To(BeZero())
	// One list of everything, and after each opening the question how late it is, again
	// where one of the six cuts took the answer.
	g.Expect(c.Account().Requests["list"]).To(BeNumerically("<=", 1+c.Account().Requests["watch"]+6))
	g.Expect(j.count(Gap)).To(BeZero())
	for _, change := range j.changes() {
		if want[change.Object.GetName()] != nil {
			g.Expect(change.Initial).To(BeFalse())
		}
	}
}

func TestATooOldVersionListsAgain(t *testing.T) {
	for name, gone := range map[string]http.HandlerFunc{
		"as the answer": says(http.StatusGone, "Expired"),
		"as an event": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old resource version","reason":"Expired","code":410}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			p := newProxy(t)
			c, direct := connect(t, Options{Kubeconfig: p.kubeconfig}), connect(t, Options{})
			ns := namespaceFor(t, direct)
			r := kind(t, direct, "v1", "ConfigMap")
			for _, name := range []string{"stays", "changes", "goes", "replaced"} {
				_, err := direct.Apply(t.Context(), configMap(ns, name, "1"))
				g.Expect(err).NotTo(HaveOccurred())
			}
			_, f, j := watched(t, c, ns)
			before := len(j.changes())

			// Everything happens while nobody is watching.
			p.breaks(func(w http.ResponseWriter, r *http.Request) bool { says(503, "ServiceUnavailable")(w, r); return true })
			p.cut()
			eventually(g, func() bool { since, err := f.Down(); return !since.IsZero() && err != nil }).Should(BeTrue())
			_, err := direct.Apply(t.Context(), configMap(ns, "changes", "2"))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(direct.Delete(t.Context(), r, ns, "goes", DeleteOptions{})).To(Succeed())
			g.Expect(direct.Delete(t.Context(), r, ns, "replaced", DeleteOptions{})).To(Succeed())
			_, err = direct.Apply(t.Context(), configMap(ns, "replaced", "2"))
			g.Expect(err).NotTo(HaveOccurred())
			_, err = direct.Apply(t.Context(), configMap(ns, "new", "1"))
			g.Expect(err).NotTo(HaveOccurred())
			p.breaks(times(1, isWatch, gone))

			eventually(g, func() int { return j.count(Gap) }).Should(Equal(1))
			eventually(g, func() int { return len(j.story("goes")) }).Should(Equal(2))
			g.Expect(j.changes()[before].Type).To(Equal(Gap), "before anything else")
			g.Expect(j.story("stays")).To(Equal([]ChangeType{Added}))
			g.Expect(j.story("changes")).To(Equal([]ChangeType{Added, Modified}))
			g.Expect(j.story("goes")).To(Equal([]ChangeType{Added, Deleted}))
			g.Expect(j.story("replaced")).To(Equal([]ChangeType{Added, Deleted, Added}))
			g.Expect(j.story("new")).To(Equal([]ChangeType{Added}))
			for _, change := range j.changes()[before+1:] {
				g.Expect(change.Initial).To(BeTrue(), "when it happened is unknown")
			}
			g.Expect(c.Account().Relists).To(BeEquivalentTo(1))

			// And on it goes.
			_, err = direct.Apply(t.Context(), configMap(ns, "after", "1"))
			g.Expect(err).NotTo(HaveOccurred())
			eventually(g, func() []ChangeType { return j.story("after") }).Should(Equal([]ChangeType{Added}))
			since, _ := f.Down()
			g.Expect(since).To(BeZero())
		})
	}
}

func TestAServerThatCutsEveryWatchIsNotHammered(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{
		"cut":           aborts,
		"ended":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) },
		"too old":       says(http.StatusGone, "Expired"),
		"unavailable":   says(http.StatusServiceUnavailable, "ServiceUnavailable"),
		"garbage":       func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `{"type":`) },
		"bookmark, cut": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, bookmark) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			p := newProxy(t)
			c := connect(t, Options{Kubeconfig: p.kubeconfig})
			r := kind(t, c, "v1", "ConfigMap")
			p.breaks(times(1<<30, isWatch, fault))
			w := c.NewWatches(t.Context())
			defer w.Close()
			f := w.Open(r, "default")
			g.Expect(f.Synced(soon(t, 10*time.Second))).To(Succeed())
			time.Sleep(2 * time.Second)
			// 0, 50, 100, 200, 400, 800 … ms
			g.Expect(c.Account().Requests["watch"]).To(And(BeNumerically(">=", 4), BeNumerically("<=", 10)))
			since, _ := f.Down()
			g.Expect(since).NotTo(BeZero())
			g.Expect(f.Err()).NotTo(HaveOccurred())
		})
	}
}

const bookmark = `{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"1"}}}`

func TestThrottledWatchesWaitAsTold(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig})
	r := kind(t, c, "v1", "ConfigMap")
	p.breaks(times(1, isWatch, says(429, "TooManyRequests", "Retry-After", "1")))
	w := c.NewWatches(t.Context())
	defer w.Close()
	start := time.Now()
	f := w.Open(r, "default")
	eventually(g, func() bool { since, _ := f.Down(); return since.IsZero() }).Should(BeTrue())
	g.Expect(time.Since(start)).To(BeNumerically(">", 900*time.Millisecond))
	g.Expect(c.Account().Requests["watch"]).To(BeEquivalentTo(2))
}

func TestADeadConnectionIsNoticed(t *testing.T) {
	g := NewWithT(t)
	w := newWire(t)
	c, direct := connect(t, Options{Kubeconfig: w.kubeconfig, DeadAfter: time.Second}), connect(t, Options{})
	ns := namespaceFor(t, direct)
	_, f, j := watched(t, c, ns)
	eventually(g, func() bool { since, _ := f.Down(); return since.IsZero() }).Should(BeTrue())
	w.freeze(true)
	start := time.Now()
	_, err := direct.Apply(t.Context(), configMap(ns, "unseen", "1"))
	g.Expect(err).NotTo(HaveOccurred())
	eventually(g, func() bool { since, _ := f.Down(); return !since.IsZero() }).Should(BeTrue())
	g.Expect(time.Since(start)).To(BeNumerically("<", 4*time.Second))
	w.freeze(false)
	eventually(g, func() []ChangeType { return j.story("unseen") }).Should(Equal([]ChangeType{Added}))
	g.Expect(c.Account().Relists).To(BeZero())
}

func TestAFirstListThatFailsIsTriedAgain(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig})
	r := kind(t, c, "v1", "ConfigMap")
	p.breaks(times(3, func(r *http.Request) bool { return !isWatch(r) }, says(503, "ServiceUnavailable")))
	w := c.NewWatches(t.Context())
	defer w.Close()
	f := w.Open(r, "default")
	since, err := f.Down()
	g.Expect(since).NotTo(BeZero())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(f.Synced(soon(t, 10*time.Second))).To(Succeed())
	g.Expect(c.Account().Requests["list"]).To(BeEquivalentTo(4))
}

func TestSyncedSaysWhyItIsNot(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig, RequestTimeout: 200 * time.Millisecond})
	r := kind(t, c, "v1", "ConfigMap")
	p.breaks(func(w http.ResponseWriter, r *http.Request) bool { hangs(w, r); return true })
	w := c.NewWatches(t.Context())
	defer w.Close()
	f := w.Open(r, "default")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := f.Synced(ctx)
	g.Expect(IsUnavailable(err)).To(BeTrue())
	g.Expect(err).To(MatchError(context.DeadlineExceeded))
	eventually(g, func() error { _, err := f.Down(); return err }).Should(MatchError(ContainSubstring("no answer within 200ms")))
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	g.Expect(f.Synced(ctx)).To(MatchError(ContainSubstring("no answer within 200ms")))
}

func TestWhatCannotBeWatchedIsSaidAtOnce(t *testing.T) {
	alice := connect(t, Options{As: "alice"})
	c := connect(t, Options{})
	for _, tt := range []struct {
		name   string
		client *Client
		r      Resource
		want   string
		check  func(error) bool
	}{
		{"not allowed", alice, Pods, `cannot list resource "pods"`, IsRefused},
		{"no such kind", c, builtIn("example.com", "nothings", "Nothing", true), "the cluster does not serve this kind", IsNotFound},
		{"not listable", c, builtIn("authentication.k8s.io", "tokenreviews", "TokenReview", false), "does not allow this method", IsRefused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := NewWithT(t)
			w := tt.client.NewWatches(t.Context())
			defer w.Close()
			f := w.Open(tt.r, "default")
			err := f.Synced(soon(t, 10*time.Second))
			g.Expect(tt.check(err)).To(BeTrue())
			g.Expect(err.Error()).To(ContainSubstring(tt.want))
			g.Expect(f.Err()).To(Equal(err))
			g.Expect(w.Open(tt.r, "default")).NotTo(BeIdenticalTo(f), "a failed feed is begun anew")
		})
	}
}
