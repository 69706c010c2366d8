package cluster

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// reel is a recorder that keeps what it is told; of pods a copy.
type reel struct {
	mu  sync.Mutex
	all []Recorded
}

func (r *reel) note(what Recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if what.Pod != nil {
		what.Pod = what.Pod.DeepCopy()
	}
	r.all = append(r.all, what)
}

func (r *reel) events() []Recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// of are the events of one object.
func (r *reel) of(name string) []Recorded {
	return slices.DeleteFunc(r.events(), func(e Recorded) bool { return nameOf(e) != name })
}

func (r *reel) story(name string) []ChangeType {
	var out []ChangeType
	for _, e := range r.of(name) {
		out = append(out, e.Type)
	}
	return out
}

func nameOf(e Recorded) string {
	switch {
	case e.Pod != nil:
		return e.Pod.Name
	case e.Object != nil:
		return e.Object.GetName()
	}
	return ""
}

// taped opens a tape with a recorder and waits until it is connected.
func taped(t *testing.T, c *Client, open func(*Watches) *Tape) (*Tape, *reel) {
	t.Helper()
	w := c.NewWatches(t.Context())
	t.Cleanup(w.Close)
	tape, r := open(w), &reel{}
	tape.Record(r.note)
	if err := tape.Synced(soon(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	eventually(NewWithT(t), func() bool { since, _ := tape.Down(); return since.IsZero() }).Should(BeTrue())
	return tape, r
}

func podsOf(ns string) func(*Watches) *Tape { return func(w *Watches) *Tape { return w.PodTape(ns) } }

func isReady(e Recorded) bool {
	if e.Pod == nil {
		return false
	}
	for _, c := range e.Pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

func isLive(e Recorded) bool { return e.Earlier == 0 && !e.Unbounded }

func TestATapeSeesTheLivesOfPods(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	_, err := c.Apply(t.Context(), object(t, podManifest, "before", ns))
	g.Expect(err).NotTo(HaveOccurred())
	w := c.NewWatches(t.Context())
	defer w.Close()
	typed, plain := w.PodTape(ns), w.ObjectTape(Pods, ns)
	g.Expect(w.PodTape(ns)).To(BeIdenticalTo(typed), "the same tape for the same question")
	g.Expect(plain).NotTo(BeIdenticalTo(typed))
	a, b := &reel{}, &reel{}
	typed.Record(a.note)
	plain.Record(b.note)
	g.Expect(typed.Synced(soon(t, 20*time.Second))).To(Succeed())
	g.Expect(plain.Synced(soon(t, 20*time.Second))).To(Succeed())
	eventually(g, func() bool { since, _ := typed.Down(); return since.IsZero() }).Should(BeTrue())
	time.Sleep(200 * time.Millisecond) // by then it is known what is late
	sent := time.Now()
	const n = 6
	for i := range n {
		_, err := c.Apply(t.Context(), object(t, podManifest, fmt.Sprintf("web-%d", i), ns))
		g.Expect(err).NotTo(HaveOccurred())
	}
	for i := range n {
		name := fmt.Sprintf("web-%d", i)
		eventually(g, func() bool { return slices.ContainsFunc(a.of(name), isReady) }).Should(BeTrue())
		g.Expect(c.Delete(t.Context(), Pods, ns, name, DeleteOptions{})).To(Succeed())
		eventually(g, func() []ChangeType { return a.story(name) }).Should(ContainElement(Deleted))
		eventually(g, func() []string { return versionsOf(b.of(name)) }).Should(Equal(versionsOf(a.of(name))), "both tapes show each version")
		story := a.of(name)
		g.Expect(story[0].Type).To(Equal(Added))
		g.Expect(story[0].Pod.Spec.NodeName).To(BeEmpty(), "before it is scheduled")
		g.Expect(story[0].Pod.ManagedFields).To(BeEmpty())
		for i, e := range story {
			g.Expect(isLive(e)).To(BeTrue(), "%s %d: %s", name, i, e.Earlier)
			g.Expect(e.At).To(BeTemporally(">", sent))
			g.Expect(e.At.String()).To(ContainSubstring("m=+"), "with the monotonic clock")
		}
	}
	first := a.of("before")[0]
	g.Expect(first.Unbounded).To(BeTrue())
	g.Expect(first.Type).To(Equal(Added))
	g.Expect(b.of("before")[0].Unbounded).To(BeTrue())
	g.Expect(b.of("before")[0].Object.GetKind()).To(Equal("Pod"))
}

func versionsOf(events []Recorded) []string {
	var out []string
	for _, e := range events {
		if e.Pod != nil {
			out = append(out, string(e.Type)+e.Pod.ResourceVersion)
		} else {
			out = append(out, string(e.Type)+e.Object.GetResourceVersion())
		}
	}
	return out
}

func TestAServerThatAnswersJSONIsRead(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c, direct := connect(t, Options{Kubeconfig: p.kubeconfig}), connect(t, Options{})
	ns := namespaceFor(t, direct)
	_, err := direct.Apply(t.Context(), object(t, podManifest, "before", ns))
	g.Expect(err).NotTo(HaveOccurred())
	p.breaks(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.Header.Get("Accept"), "protobuf") {
			r.Header.Set("Accept", "application/json")
		}
		return false
	})
	_, r := taped(t, c, podsOf(ns))
	_, err = direct.Apply(t.Context(), object(t, podManifest, "web", ns))
	g.Expect(err).NotTo(HaveOccurred())
	eventually(g, func() bool { return slices.ContainsFunc(r.of("web"), isReady) }).Should(BeTrue())
	g.Expect(r.of("before")[0].Pod.Spec.Containers).To(HaveLen(2))
	g.Expect(r.of("before")[0].Unbounded).To(BeTrue())
	for _, e := range r.events() {
		g.Expect(e.Pod.ManagedFields).To(BeNil())
	}
}

// down is an API server that answers nobody, until it is mended.
func (p *proxy) down() {
	p.breaks(func(w http.ResponseWriter, r *http.Request) bool { says(503, "ServiceUnavailable")(w, r); return true })
	p.cut()
}

func TestEventsAfterAnOutageSayHowLateTheyAre(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c, direct := connect(t, Options{Kubeconfig: p.kubeconfig}), connect(t, Options{})
	ns := namespaceFor(t, direct)
	tape, r := taped(t, c, podsOf(ns))
	feed := NewWatchesOf(t, c).Open(Pods, ns)
	j := &journal{}
	feed.Subscribe(j.note)
	g.Expect(feed.Synced(soon(t, 20*time.Second))).To(Succeed())

	_, err := direct.Apply(t.Context(), object(t, podManifest, "live", ns))
	g.Expect(err).NotTo(HaveOccurred())
	eventually(g, func() bool { return slices.ContainsFunc(r.of("live"), isReady) }).Should(BeTrue())

	p.down()
	cut := time.Now()
	eventually(g, func() bool { since, err := tape.Down(); return !since.IsZero() && err != nil }).Should(BeTrue())
	_, err = direct.Apply(t.Context(), object(t, podManifest, "unseen", ns))
	g.Expect(err).NotTo(HaveOccurred())
	time.Sleep(time.Until(cut.Add(2 * time.Second)))
	p.breaks(nil)

	eventually(g, func() bool { return slices.ContainsFunc(r.of("unseen"), isReady) }).Should(BeTrue())
	for _, e := range r.of("unseen") {
		g.Expect(e.Unbounded).To(BeFalse())
		g.Expect(e.At.Add(-e.Earlier)).To(BeTemporally("<=", cut.Add(50*time.Millisecond)), "it may have been at any time since the cut")
		g.Expect(e.Earlier).To(BeNumerically("<", e.At.Sub(cut)+10*time.Second))
	}
	eventually(g, func() []ChangeType { return j.story("unseen") }).ShouldNot(BeEmpty())
	for _, change := range j.changes() {
		if change.Object.GetName() == "unseen" {
			g.Expect(change.Received.Add(-change.Earlier)).To(BeTemporally("<=", cut.Add(50*time.Millisecond)))
			g.Expect(change.Initial).To(BeFalse())
		}
	}
	g.Expect(r.story("")).To(BeEmpty(), "no gap")

	eventually(g, func() uint64 { return tape.late.now.Load() }).ShouldNot(BeZero())
	_, err = direct.Apply(t.Context(), object(t, podManifest, "after", ns))
	g.Expect(err).NotTo(HaveOccurred())
	eventually(g, func() bool { return slices.ContainsFunc(r.of("after"), isReady) }).Should(BeTrue())
	for _, e := range r.of("after") {
		g.Expect(isLive(e)).To(BeTrue(), "%s", e.Earlier)
	}
}

// NewWatchesOf is a set of watches that ends with the test.
func NewWatchesOf(t *testing.T, c *Client) *Watches {
	w := c.NewWatches(t.Context())
	t.Cleanup(w.Close)
	return w
}

// TestASilentlyDeadConnectionIsNoGoodTime: the connection is given up long after
// it died, and all of that time counts as late.
func TestASilentlyDeadConnectionIsNoGoodTime(t *testing.T) {
	g := NewWithT(t)
	w := newWire(t)
	c, direct := connect(t, Options{Kubeconfig: w.kubeconfig, DeadAfter: 2 * time.Second}), connect(t, Options{})
	ns := namespaceFor(t, direct)
	tape, r := taped(t, c, podsOf(ns))
	_, err := direct.Apply(t.Context(), object(t, podManifest, "live", ns))
	g.Expect(err).NotTo(HaveOccurred())
	eventually(g, func() bool { return slices.ContainsFunc(r.of("live"), isReady) }).Should(BeTrue())
	w.freeze(true)
	frozen := time.Now()
	_, err = direct.Apply(t.Context(), object(t, podManifest, "unseen", ns))
	g.Expect(err).NotTo(HaveOccurred())
	eventually(g, func() bool { since, _ := tape.Down(); return !since.IsZero() }).Should(BeTrue())
	g.Expect(time.Since(frozen)).To(BeNumerically(">", 500*time.Millisecond))
	w.freeze(false)
	eventually(g, func() bool { return slices.ContainsFunc(r.of("unseen"), isReady) }).Should(BeTrue())
	for _, e := range r.of("unseen") {
		g.Expect(e.At.Add(-e.Earlier)).To(BeTemporally("<=", frozen.Add(50*time.Millisecond)))
	}
}

func TestARoutineEndOfTheStreamCostsMilliseconds(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c, direct := connect(t, Options{Kubeconfig: p.kubeconfig}), connect(t, Options{})
	ns := namespaceFor(t, direct)
	p.breaks(func(_ http.ResponseWriter, r *http.Request) bool {
		if isWatch(r) {
			q := r.URL.Query()
			q.Set("timeoutSeconds", "1")
			r.URL.RawQuery = q.Encode()
		}
		return false
	})
	r := kind(t, c, "v1", "ConfigMap")
	_, seen := taped(t, c, func(w *Watches) *Tape { return w.ObjectTape(r, ns) })
	const n = 60
	for i := range n {
		_, err := direct.Apply(t.Context(), configMap(ns, fmt.Sprintf("cm-%d", i), "1"))
		g.Expect(err).NotTo(HaveOccurred())
		time.Sleep(50 * time.Millisecond)
	}
	eventually(g, func() []ChangeType { return seen.story(fmt.Sprintf("cm-%d", n-1)) }).Should(Equal([]ChangeType{Added}))
	g.Expect(c.Account().Reconnects).To(BeNumerically(">=", 2))
	live := 0
	for i := range n {
		e := seen.of(fmt.Sprintf("cm-%d", i))[0]
		g.Expect(e.Earlier).To(BeNumerically("<", time.Second))
		if isLive(e) {
			live++
		}
	}
	g.Expect(live).To(BeNumerically(">", n/2))
}

func TestATapeThatLostItsPlace(t *testing.T) {
	for _, name := range []string{"pods", "objects"} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			p := newProxy(t)
			c, direct := connect(t, Options{Kubeconfig: p.kubeconfig}), connect(t, Options{})
			ns := namespaceFor(t, direct)
			for _, name := range []string{"stays", "changes", "goes", "replaced"} {
				_, err := direct.Apply(t.Context(), object(t, gatedManifest, name, ns))
				g.Expect(err).NotTo(HaveOccurred())
			}
			tape, r := taped(t, c, map[string]func(*Watches) *Tape{
				"pods": podsOf(ns), "objects": func(w *Watches) *Tape { return w.ObjectTape(Pods, ns) },
			}[name])
			old := uidOf(r.of("replaced")[0])
			before := len(r.events())
			p.down()
			cut := time.Now()
			eventually(g, func() bool { since, err := tape.Down(); return !since.IsZero() && err != nil }).Should(BeTrue())
			_, err := direct.Patch(t.Context(), Pods, ns, "changes", types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), "")
			g.Expect(err).NotTo(HaveOccurred())
			for _, name := range []string{"goes", "replaced"} {
				g.Expect(direct.Delete(t.Context(), Pods, ns, name, DeleteOptions{})).To(Succeed())
			}
			_, err = direct.Apply(t.Context(), object(t, gatedManifest, "replaced", ns))
			g.Expect(err).NotTo(HaveOccurred())
			_, err = direct.Apply(t.Context(), object(t, gatedManifest, "new", ns))
			g.Expect(err).NotTo(HaveOccurred())
			p.breaks(times(1, isWatch, says(http.StatusGone, "Expired")))

			eventually(g, func() []ChangeType { return r.story("goes") }).Should(Equal([]ChangeType{Added, Deleted}))
			g.Expect(r.events()[before].Type).To(Equal(Gap), "before anything else")
			g.Expect(r.story("stays")).To(Equal([]ChangeType{Added}))
			g.Expect(r.story("changes")).To(Equal([]ChangeType{Added, Modified}))
			g.Expect(r.story("new")).To(Equal([]ChangeType{Added}))
			g.Expect(r.story("replaced")).To(ConsistOf(Added, Added, Deleted))
			for _, e := range r.events()[before+1:] {
				g.Expect(e.Unbounded).To(BeFalse(), "the watch had been there before")
				g.Expect(e.At.Add(-e.Earlier)).To(BeTemporally("<=", cut.Add(50*time.Millisecond)))
				if nameOf(e) == "replaced" {
					g.Expect(uidOf(e) == old).To(Equal(e.Type == Deleted), "told by the UID")
				}
			}
			g.Expect(c.Account().Relists).To(BeEquivalentTo(1))
			eventually(g, func() uint64 { return tape.late.now.Load() }).ShouldNot(BeZero())
			_, err = direct.Apply(t.Context(), object(t, gatedManifest, "after", ns))
			g.Expect(err).NotTo(HaveOccurred())
			eventually(g, func() []Recorded { return r.of("after") }).Should(HaveLen(1))
			g.Expect(isLive(r.of("after")[0])).To(BeTrue())
		})
	}
}

func uidOf(e Recorded) types.UID {
	if e.Pod != nil {
		return e.Pod.UID
	}
	return e.Object.GetUID()
}

// gatedManifest is a pod that nothing happens to by itself.
const gatedManifest = `
apiVersion: v1
kind: Pod
metadata:
	name: %s
	namespace: %s
spec:
	schedulingGates: [{name: realspec.dev/test}]
	terminationGracePeriodSeconds: 0
	containers:
		- name: web
		  image: registry.example/web:1
`

func TestATapeThatIsRefusedSaysSo(t *testing.T) {
	g := NewWithT(t)
	w := NewWatchesOf(t, connect(t, Options{As: "alice"}))
	tape := w.PodTape("default")
	err := tape.Synced(soon(t, 10*time.Second))
	g.Expect(IsRefused(err)).To(BeTrue())
	g.Expect(err).To(MatchError(ContainSubstring(`cannot list resource "pods"`)), "the words are protobuf too")
	g.Expect(tape.Err()).To(Equal(err))
	g.Expect(w.PodTape("default")).NotTo(BeIdenticalTo(tape), "a failed tape is begun anew")
}

// TestAForgottenVersionInProtobuf: as an event of the stream, and as the answer.
func TestAForgottenVersionInProtobuf(t *testing.T) {
	gone := &metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Code: 410,
		Reason: metav1.StatusReasonExpired, Message: "too old resource version",
	}
	for name, code := range map[string]int{"event": 200, "answer": 410} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			p := newProxy(t)
			c := connect(t, Options{Kubeconfig: p.kubeconfig})
			ns := namespaceFor(t, connect(t, Options{}))
			p.breaks(times(1, isWatch, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf;stream=watch")
				w.WriteHeader(code)
				if code == 200 {
					w.Write(withLength(protoFrame(t, "ERROR", "Status", gone)))
				} else {
					w.Write(enveloped(t, "Status", gone))
				}
			}))
			tape, r := NewWatchesOf(t, c).PodTape(ns), &reel{}
			tape.Record(r.note)
			eventually(g, func() []Recorded { return r.events() }).Should(HaveLen(1))
			g.Expect(r.events()[0].Type).To(Equal(Gap))
			g.Expect(c.Account().Relists).To(BeEquivalentTo(1))
			eventually(g, func() bool { since, _ := tape.Down(); return since.IsZero() }).Should(BeTrue())
		})
	}
}
