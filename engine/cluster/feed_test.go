package cluster

import (
	"context"
	"fmt"
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
	// Frames that arrive together have one stamp: the second waits for the first.
	eventually(g, func() []ChangeType { return early.story("a") }).Should(Equal([]ChangeType{Added}))
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
	g.Expect(c.Account().Requests["list"]).To(BeEquivalentTo(2), "the list, and the version when the stream was open")
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
	_, err := c.Apply(t.Context(), configMap(ns, "first", "x"))
	g.Expect(err).NotTo(HaveOccurred())
	busy, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	f.Subscribe(func(Change) {
		once.Do(func() { close(busy) })
		<-free
		time.Sleep(10 * time.Millisecond)
	})
	g.Eventually(busy).WithTimeout(20 * time.Second).Should(BeClosed())
	const n = 300
	makeConfigMaps(t, c, ns, n)
	eventually(g, func() int64 { return c.Account().QueueHigh }).Should(BeNumerically(">=", n), "read on while the subscriber is not done")
	freed := time.Now()
	close(free)
	came := func() []Change {
		return slices.DeleteFunc(j.changes(), func(c Change) bool { return !strings.HasPrefix(c.Object.GetName(), "cm-") })
	}
	g.Eventually(came).WithTimeout(time.Minute).Should(HaveLen(n))
	g.Expect(time.Since(freed)).To(BeNumerically(">", 500*time.Millisecond), "the subscriber is slow")
	early := 0
	for _, change := range came() {
		g.Expect(change.Type).To(Equal(Added))
		if change.Received.Before(freed) {
			early++
		}
	}
	// Of the n frames that were queued then a few may be bookmarks, or what Kubernetes
	// itself puts into a namespace. Stamps of the delivery would all be later.
	g.Expect(early).To(BeNumerically(">=", n-10), "and stamps are not delayed")
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
