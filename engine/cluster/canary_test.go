package cluster

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func seenEchoes(k *Canary) []Echo {
	return slices.DeleteFunc(k.Echoes(), func(e Echo) bool { return e.Seen.IsZero() })
}

func TestCanaryEchoes(t *testing.T) {
	for _, r := range []Resource{Pods, ConfigMaps} {
		t.Run(r.GVK.Kind, func(t *testing.T) {
			g := NewWithT(t)
			c, other := connect(t, Options{}), connect(t, Options{})
			ns := namespaceFor(t, other)
			restrict(t, other, ns)
			tape, told := taped(t, c, func(w *Watches) *Tape {
				if r == Pods {
					return w.PodTape(ns)
				}
				return w.ObjectTape(r, ns)
			})
			feed := NewWatchesOf(t, c).Open(r, ns)
			j := &journal{}
			feed.Subscribe(j.note)
			g.Expect(feed.Synced(soon(t, 20*time.Second))).To(Succeed())
			time.Sleep(100 * time.Millisecond) // kube-root-ca.crt may still come
			before := c.Account().Events

			start := time.Now()
			k, err := c.StartCanary(t.Context(), tape, CanaryOptions{
				Resource: r, Namespace: ns, Labels: map[string]string{LabelRun: "r1"}, Interval: 20 * time.Millisecond,
			})
			g.Expect(err).NotTo(HaveOccurred())
			defer k.Close()
			eventually(g, func() int { return len(seenEchoes(k)) }).Should(BeNumerically(">=", 20))

			for i, e := range seenEchoes(k) {
				g.Expect(e.Due).To(BeTemporally(">", start))
				g.Expect(e.Sent).To(BeTemporally(">=", e.Due))
				g.Expect(e.Accepted).To(BeTemporally(">", e.Sent))
				g.Expect(e.Seen).To(BeTemporally(">", e.Sent))
				if i > 0 {
					apart := e.Due.Sub(k.Echoes()[i-1].Due)
					g.Expect(apart%(20*time.Millisecond)).To(BeZero(), "the due times are absolute")
				}
			}
			g.Expect(len(told.of(canaryName))).To(BeZero(), "other recorders are not told")
			g.Expect(j.story(canaryName)).To(BeEmpty())
			g.Expect(feed.Get(ns, canaryName)).To(BeNil())
			g.Expect(namesOf(feed.Objects())).NotTo(ContainElement(canaryName))
			listed, err := other.List(t.Context(), r, ns, ListOptions{Selector: LabelRun})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(listed).To(BeEmpty())
			g.Expect(c.Account().Events-before).To(BeNumerically("<=", 2), "they do not count")

			left, err := other.Leftovers(t.Context(), map[string]string{LabelRun: "r1"})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(left).To(HaveLen(1), "but what a dead run leaves is found")
			removal := NewWatchesOf(t, other).open(watchKey{resource: r, namespace: ns, canaries: true})
			g.Expect(removal.Synced(soon(t, 20*time.Second))).To(Succeed())
			g.Expect(removal.Get(ns, canaryName)).NotTo(BeNil(), "and seen by what removes it")
			if r == Pods {
				pod, err := other.Get(t.Context(), Pods, ns, canaryName)
				g.Expect(err).NotTo(HaveOccurred())
				phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase")
				g.Expect(phase).To(Equal("Succeeded"))
			}
			second, err := c.StartCanary(t.Context(), tape, CanaryOptions{Resource: r, Namespace: ns})
			g.Expect(err).NotTo(HaveOccurred(), "the name is taken")
			g.Expect(second.name).To(HavePrefix(canaryName + "-"))
			second.Close()
			k.Close()
			k.Close()
			_, err = other.Get(t.Context(), r, ns, canaryName)
			g.Expect(IsNotFound(err)).To(BeTrue())
			t.Logf("%d echoes, median %s after the answer", len(seenEchoes(k)), medianLag(seenEchoes(k)))
		})
	}
}

func medianLag(echoes []Echo) time.Duration {
	var lags []time.Duration
	for _, e := range echoes {
		lags = append(lags, e.Seen.Sub(e.Accepted))
	}
	slices.Sort(lags)
	return lags[len(lags)/2]
}

func namesOf(objects []*unstructured.Unstructured) []string {
	var out []string
	for _, u := range objects {
		out = append(out, u.GetName())
	}
	return out
}

// restrict lets only pods of the standard "restricted" into a namespace.
func restrict(t *testing.T, c *Client, ns string) {
	t.Helper()
	_, err := c.Patch(t.Context(), Namespaces, "", ns, "application/merge-patch+json",
		[]byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`), "")
	if err != nil {
		t.Fatal(err)
	}
}

// TestCanaryUnderAQuota: one that wants limits of every pod, and has room for one
// pod only, which the canary gives back.
func TestCanaryUnderAQuota(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	_, err := c.Apply(t.Context(), object(t, `
apiVersion: v1
kind: ResourceQuota
metadata: {name: small, namespace: %s}
spec: {hard: {pods: "1", limits.cpu: "1", requests.memory: 1Gi}}
`, ns))
	g.Expect(err).NotTo(HaveOccurred())
	quotas := NewWatchesOf(t, c).Open(kind(t, c, "v1", "ResourceQuota"), ns)
	used := func() string {
		if u := quotas.Get(ns, "small"); u != nil {
			pods, _, _ := unstructured.NestedString(u.Object, "status", "used", "pods")
			return pods
		}
		return ""
	}
	eventually(g, used).Should(Equal("0"))
	tape, _ := taped(t, c, podsOf(ns))
	k, err := c.StartCanary(t.Context(), tape, CanaryOptions{Resource: Pods, Namespace: ns, Interval: 20 * time.Millisecond})
	g.Expect(err).NotTo(HaveOccurred())
	defer k.Close()
	g.Expect(k.name).To(Equal(canaryName))
	eventually(g, func() int { return len(seenEchoes(k)) }).Should(BeNumerically(">", 3))
	eventually(g, func() error {
		_, err := c.Create(t.Context(), Pods, ns, bodyFor(t, object(t, strings.Replace(gatedManifest, "image:", "resources: {limits: {cpu: 1m}, requests: {memory: 1Mi}}\n\t\t  image:", 1), "web", ns).Object))
		return err
	}).Should(Succeed(), "there is room again")
}

// TestCanaryShowsAWatchThatIsBehind: a stalled watch is in the echoes, and so
// are patches that fail.
func TestCanaryShowsAWatchThatIsBehind(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig})
	ns := namespaceFor(t, connect(t, Options{}))
	tape, _ := taped(t, c, func(w *Watches) *Tape { return w.ObjectTape(ConfigMaps, ns) })
	k, err := c.StartCanary(t.Context(), tape, CanaryOptions{Resource: ConfigMaps, Namespace: ns, Interval: 20 * time.Millisecond})
	g.Expect(err).NotTo(HaveOccurred())
	defer k.Close()
	eventually(g, func() int { return len(seenEchoes(k)) }).Should(BeNumerically(">=", 5))

	p.breaks(func(w http.ResponseWriter, r *http.Request) bool {
		if isWatch(r) || isPatch(r) && len(k.Echoes())%2 == 0 {
			says(503, "ServiceUnavailable")(w, r)
			return true
		}
		return false
	})
	p.cut()
	cut := time.Now()
	time.Sleep(600 * time.Millisecond)
	p.breaks(nil)
	eventually(g, func() time.Time {
		seen := seenEchoes(k)
		return seen[len(seen)-1].Due
	}).Should(BeTemporally(">", cut.Add(700*time.Millisecond)))
	failed, worst := 0, time.Duration(0)
	for _, e := range k.Echoes() {
		if e.Accepted.IsZero() {
			failed++
			g.Expect(e.Seen).To(BeZero())
		} else if !e.Seen.IsZero() {
			worst = max(worst, e.Seen.Sub(e.Accepted))
		}
	}
	g.Expect(failed).To(BeNumerically(">", 2))
	g.Expect(worst).To(BeNumerically(">", 400*time.Millisecond))
}

func TestCanaryNeedsItsTape(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	w := c.NewWatches(t.Context())
	defer w.Close()
	_, err := c.StartCanary(t.Context(), w.ObjectTape(Events, "default"), CanaryOptions{Resource: Events, Namespace: "default"})
	g.Expect(err).To(MatchError("a canary is a Pod or a ConfigMap, not a Event"))
	_, err = c.StartCanary(t.Context(), w.PodTape("nowhere"), CanaryOptions{Resource: Pods, Namespace: "nowhere"})
	g.Expect(IsNotFound(err)).To(BeTrue(), "%v", err)
}
