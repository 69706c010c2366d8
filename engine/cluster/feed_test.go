package cluster

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
)

// journal is a subscriber that keeps every change.
type journal struct {
	mu  sync.Mutex
	all []Change
}

func (j *journal) note(c Change) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, c)
}

func (j *journal) changes() []Change {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.all)
}

// count is the number of changes of a type.
func (j *journal) count(t ChangeType) int {
	n := 0
	for _, c := range j.changes() {
		if c.Type == t {
			n++
		}
	}
	return n
}

// story is an object's changes in order: "added modified deleted".
func (j *journal) story(name string) []ChangeType {
	var out []ChangeType
	for _, c := range j.changes() {
		if c.Object != nil && c.Object.GetName() == name {
			out = append(out, c.Type)
		}
	}
	return out
}

// watched opens a feed on ConfigMaps and waits for its first list.
func watched(t *testing.T, c *Client, ns string) (*Watches, *Feed, *journal) {
	t.Helper()
	w := c.NewWatches(context.Background())
	t.Cleanup(w.Close)
	f := w.Open(kind(t, c, "v1", "ConfigMap"), ns)
	j := &journal{}
	f.Subscribe(j.note)
	if err := f.Synced(soon(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	eventually(NewWithT(t), func() int { return j.count(Added) }).Should(BeNumerically(">=", len(f.Objects())))
	return w, f, j
}

func TestFeedFollowsTheCluster(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	_, err := c.Apply(t.Context(), configMap(ns, "before", "1"))
	g.Expect(err).NotTo(HaveOccurred())
	w, f, j := watched(t, c, ns)
	g.Expect(w.Open(kind(t, c, "v1", "ConfigMap"), ns)).To(BeIdenticalTo(f), "the same feed for the same question")
	g.Expect(f.Get(ns, "before")).NotTo(BeNil())
	since, err := f.Down()
	if !since.IsZero() { // the stream opens a moment after the list
		eventually(g, func() bool { since, err = f.Down(); return since.IsZero() }).Should(BeTrue())
	}
	g.Expect(err).NotTo(HaveOccurred())

	changed := f.Changed()
	sent := time.Now()
	got, err := c.Apply(t.Context(), configMap(ns, "a", "1"))
	g.Expect(err).NotTo(HaveOccurred())
	eventually(g, changed).Should(BeClosed())
	eventually(g, func() bool { return f.Reached(got.GetResourceVersion()) }).Should(BeTrue())
	g.Expect(f.Get(ns, "a").Object["data"]).To(HaveKeyWithValue("value", "1"))
	g.Expect(f.Get(ns, "a").GetManagedFields()).To(BeEmpty())

	got, err = c.Apply(t.Context(), configMap(ns, "a", "2"))
	g.Expect(err).NotTo(HaveOccurred())
	eventually(g, func() bool { return f.Reached(got.GetResourceVersion()) }).Should(BeTrue())
	g.Expect(f.Get(ns, "a").Object["data"]).To(HaveKeyWithValue("value", "2"), "one reads what one wrote")

	snapshot := f.Objects()
	g.Expect(c.Delete(t.Context(), f.key.resource, ns, "a", DeleteOptions{})).To(Succeed())
	eventually(g, func() any { return f.Get(ns, "a") }).Should(BeNil())
	g.Expect(f.Objects()).To(HaveLen(len(snapshot) - 1))
	g.Expect(snapshot).To(ContainElement(HaveField("GetName()", "a")), "a snapshot does not change")

	g.Expect(j.story("a")).To(Equal([]ChangeType{Added, Modified, Deleted}))
	for _, change := range j.changes() {
		switch change.Object.GetName() {
		case "before":
			g.Expect(change.Initial).To(BeTrue())
			g.Expect(change.Seen).To(BeZero())
		case "a":
			g.Expect(change.Initial).To(BeFalse())
			g.Expect(change.Received).To(BeTemporally(">", sent))
			g.Expect(change.Received.String()).To(ContainSubstring("m=+"), "with the monotonic clock")
			g.Expect(change.Object.GetUID()).NotTo(BeEmpty())
			g.Expect(change.Seen).To(Equal(j.changes()[firstOf(j, "a")].Received))
		}
		if change.Type == Deleted {
			g.Expect(change.Object.Object["data"]).To(HaveKeyWithValue("value", "2"), "its last state")
		}
	}
	names := []string{}
	for _, u := range f.Objects() {
		names = append(names, u.GetName())
	}
	g.Expect(slices.IsSorted(names)).To(BeTrue())
}

func firstOf(j *journal, name string) int {
	return slices.IndexFunc(j.changes(), func(c Change) bool { return c.Object.GetName() == name })
}

func TestALateSubscriberSeesWhatIsThere(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	_, f, early := watched(t, c, ns)
	_, err := c.Apply(t.Context(), configMap(ns, "a", "1"))
	g.Expect(err).NotTo(HaveOccurred())
	_, err = c.Apply(t.Context(), configMap(ns, "a", "2"))
	g.Expect(err).NotTo(HaveOccurred())
	eventually(g, func() []ChangeType { return early.story("a") }).Should(Equal([]ChangeType{Added, Modified}))

	late := &journal{}
	cancel := f.Subscribe(late.note)
	eventually(g, func() []ChangeType { return late.story("a") }).Should(Equal([]ChangeType{Added}))
	first, state := early.changes()[firstOf(early, "a")], late.changes()[firstOf(late, "a")]
	g.Expect(state.Seen).To(Equal(first.Received), "when it was first seen")
	g.Expect(state.Received).To(BeTemporally(">", first.Received), "when it came to be as it is")
	g.Expect(state.Initial).To(BeFalse())

	cancel()
	_, err = c.Apply(t.Context(), configMap(ns, "b", "1"))
	g.Expect(err).NotTo(HaveOccurred())
	eventually(g, func() []ChangeType { return early.story("b") }).Should(Equal([]ChangeType{Added}))
	g.Expect(late.story("b")).To(BeEmpty())
}

// TestWatchLag is the time from the server's answer to a write to the moment
// when the change is here: negative when the watch was faster than the answer.
func TestWatchLag(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	_, _, j := watched(t, c, ns)
	const n = 200
	answered := map[string]time.Time{}
	for i := range n {
		name := fmt.Sprintf("cm-%d", i)
		_, err := c.Apply(t.Context(), configMap(ns, name, "x"))
		g.Expect(err).NotTo(HaveOccurred())
		answered[name] = time.Now()
	}
	eventually(g, func() []ChangeType { return j.story(fmt.Sprintf("cm-%d", n-1)) }).Should(HaveLen(1))
	var lags []time.Duration
	for _, change := range j.changes() {
		if at, ok := answered[change.Object.GetName()]; ok {
			lags = append(lags, change.Received.Sub(at))
		}
	}
	g.Expect(lags).To(HaveLen(n))
	slices.Sort(lags)
	t.Logf("lag after the answer: p50 %s, p99 %s, max %s", lags[n/2], lags[n*99/100], lags[n-1])
	g.Expect(lags[n/2]).To(BeNumerically("<", 50*time.Millisecond))
	g.Expect(c.Account().Requests["list"]).To(BeEquivalentTo(1))
	g.Expect(c.Account().Events).To(BeNumerically(">=", n))
}

// churn writes objects one after the other, updates and deletes some of them,
// and returns what each of them must have gone through.
func churn(t *testing.T, c *Client, ns, prefix string, n int, between func(i int)) map[string][]ChangeType {
	t.Helper()
	g := NewWithT(t)
	want := map[string][]ChangeType{}
	r := kind(t, c, "v1", "ConfigMap")
	for i := range n {
		name := fmt.Sprintf("%s-%d", prefix, i)
		_, err := c.Apply(t.Context(), configMap(ns, name, "1"))
		g.Expect(err).NotTo(HaveOccurred())
		_, err = c.Apply(t.Context(), configMap(ns, name, "2"))
		g.Expect(err).NotTo(HaveOccurred())
		want[name] = []ChangeType{Added, Modified}
		if i%3 == 0 {
			g.Expect(c.Delete(t.Context(), r, ns, name, DeleteOptions{})).To(Succeed())
			want[name] = append(want[name], Deleted)
		}
		between(i)
	}
	return want
}

func expectStories(t *testing.T, j *journal, want map[string][]ChangeType) {
	t.Helper()
	g := NewWithT(t)
	for name, story := range want {
		eventually(g, func() []ChangeType { return j.story(name) }).Should(Equal(story), name)
	}
}

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
	g.Expect(c.Account().Requests["list"]).To(BeEquivalentTo(1))
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

func TestCloseLeavesNothingBehind(t *testing.T) {
	g := NewWithT(t)
	ns := namespaceFor(t, connect(t, Options{}))
	eventually(g, settledGoroutines()).Should(BeTrue())
	before := runtime.NumGoroutine()
	c, err := Open(t.Context(), Options{Kubeconfig: kubeconfig(t), Env: noEnv})
	g.Expect(err).NotTo(HaveOccurred())
	w := c.NewWatches(t.Context())
	var feeds []*Feed
	for _, k := range []string{"ConfigMap", "Pod", "Node", "Event", "Deployment", "Secret"} {
		f := w.Open(kind(t, c, "", k), ns)
		f.Subscribe(func(Change) {})
		feeds = append(feeds, f)
	}
	_, err = c.Apply(t.Context(), configMap(ns, "a", "1"))
	g.Expect(err).NotTo(HaveOccurred())
	for _, f := range feeds {
		g.Expect(f.Synced(soon(t, 10*time.Second))).To(Succeed())
	}
	busy := runtime.NumGoroutine()
	g.Expect(busy).To(BeNumerically(">=", before+len(feeds)))
	waiting := feeds[0].Changed()
	w.Close()
	g.Expect(waiting).To(BeClosed(), "who waits for a change is not left waiting")
	w.Close() // twice is once
	for _, f := range feeds {
		g.Expect(f.Err()).To(MatchError(context.Canceled))
	}
	late := w.Open(Pods, "elsewhere")
	g.Expect(late.Synced(t.Context())).To(MatchError(context.Canceled))
	c.Close()
	eventually(g, runtime.NumGoroutine).Should(BeNumerically("<=", before), stacks)
}

// stacks are the goroutines that run code of this package.
func stacks() string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var ours []string
	for _, stack := range strings.Split(string(buf), "\n\n") {
		if strings.Contains(stack, "engine/cluster") && len(ours) < 5 {
			ours = append(ours, stack)
		}
	}
	return strings.Join(ours, "\n\n")
}

// settledGoroutines tells whether what earlier tests left has ended.
func settledGoroutines() func() bool {
	last, same := 0, 0
	return func() bool {
		n := runtime.NumGoroutine()
		if n == last {
			same++
		} else {
			last, same = n, 0
		}
		return same > 60
	}
}

func TestASlowSubscriberLosesNothing(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	_, f, j := watched(t, c, ns)
	f.Subscribe(func(Change) { time.Sleep(5 * time.Millisecond) })
	const n = 300
	makeConfigMaps(t, c, ns, n)
	done := time.Now()
	g.Eventually(func() int { return j.count(Added) }).WithTimeout(time.Minute).Should(BeNumerically(">=", n))
	took := time.Since(done)
	last := j.changes()[len(j.changes())-1]
	g.Expect(last.Received).To(BeTemporally("~", done, 300*time.Millisecond), "stamps are not delayed")
	g.Expect(took).To(BeNumerically(">", 500*time.Millisecond), "while the subscriber is")
	g.Expect(c.Account().QueueHigh).To(BeNumerically(">", 50))
}

func TestFeedOfAllNamespaces(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	_, f, _ := watched(t, c, "")
	_, err := c.Patch(t.Context(), Namespaces, "", ns, types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), "")
	g.Expect(err).NotTo(HaveOccurred())
	_, err = c.Apply(t.Context(), configMap(ns, "a", "1"))
	g.Expect(err).NotTo(HaveOccurred())
	eventually(g, func() any { return f.Get(ns, "a") }).ShouldNot(BeNil())
	g.Expect(f.Get("default", "kube-root-ca.crt")).NotTo(BeNil())
	g.Expect(slices.IsSortedFunc(f.store.order, func(a, b *entry) int { return a.key.compare(b.key) })).To(BeTrue())
}
