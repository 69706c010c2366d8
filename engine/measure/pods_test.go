package measure_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

var start = time.Now()

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

const millisecond = time.Millisecond

// pod is what the watch shows of a pod at one moment.
func pod(t testing.TB, name, status string) *corev1.Pod {
	t.Helper()
	var p corev1.Pod
	text := fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata:
  {name: %s, namespace: ns, uid: uid-%s, creationTimestamp: "2026-01-01T00:00:00Z", labels: {app: web, tier: front}}
spec: {containers: [{name: a}, {name: b}]}
status: %s`, name, name, status)
	if err := yaml.UnmarshalStrict([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

const (
	pending   = `{phase: Pending}`
	scheduled = `{conditions: [{type: PodScheduled, status: "True", lastTransitionTime: "2026-01-01T00:00:01Z"}]}`
	oneUp     = `{conditions: [{type: PodScheduled, status: "True", lastTransitionTime: "2026-01-01T00:00:01Z"}],
  containerStatuses: [{name: a, state: {running: {startedAt: "2026-01-01T00:00:02Z"}}}, {name: b, state: {waiting: {}}}]}`
	up = `{conditions: [
    {type: PodScheduled, status: "True", lastTransitionTime: "2026-01-01T00:00:01Z"},
    {type: Initialized, status: "True", lastTransitionTime: "2026-01-01T00:00:01Z"},
    {type: Ready, status: "True", lastTransitionTime: "2026-01-01T00:00:04Z"}],
  containerStatuses: [
    {name: a, state: {running: {startedAt: "2026-01-01T00:00:02Z"}}},
    {name: b, state: {terminated: {startedAt: "2026-01-01T00:00:03Z"}}}]}`
	down     = `{conditions: [{type: Ready, status: "False", lastTransitionTime: "2026-01-01T00:00:09Z"}]}`
	notStart = `{containerStatuses: [
    {name: a, state: {running: {startedAt: "2026-01-01T00:00:02Z"}}},
    {name: b, state: {terminated: {startedAt: "1970-01-01T00:00:00Z", reason: StartError, exitCode: 128}}}]}`
)

// everything is the query for all pods of the namespace.
func everything() measure.PodsQuery {
	return measure.PodsQuery{Namespace: "ns", Selector: labels.Everything()}
}

// see shows states of pods, each at a time.
func see(p *measure.Pods, seen ...measure.SeenPod) {
	for _, s := range seen {
		p.See(s)
	}
}

func TestPodPhasesAreTimedFromFirstSight(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	see(p,
		measure.SeenPod{Pod: pod(t, "a", pending), At: at(100)},
		measure.SeenPod{Pod: pod(t, "a", scheduled), At: at(110)},
		measure.SeenPod{Pod: pod(t, "a", oneUp), At: at(120)},
		measure.SeenPod{Pod: pod(t, "a", up), At: at(150)},
		measure.SeenPod{Pod: pod(t, "a", down), At: at(900)}, // was ready once: that is what start-up means
		measure.SeenPod{Pod: pod(t, "a", up), At: at(999)},
	)
	r := p.Measure(everything())
	g.Expect(r.Phases["scheduled"].Max).To(Equal(10 * millisecond))
	g.Expect(r.Phases["initialized"].Max).To(Equal(50 * millisecond))
	g.Expect(r.Phases["startup"].Max).To(Equal(50*millisecond), "all containers, not the first")
	g.Expect(r.Phases["ready"].Max).To(Equal(50 * millisecond))
	g.Expect(r.Series).To(HaveLen(4))
	g.Expect(r.Series[2].Name).To(Equal("startup"))
	g.Expect(*r.Series[2].Samples[0].Server).To(Equal(3.0), "the server's own stamps: the last container at :03")
	g.Expect(*r.Series[3].Samples[0].Server).To(Equal(4.0))
	g.Expect(r.Series[3].Samples[0].UID).To(Equal("uid-a"))
	g.Expect(r.Series[3].Samples[0].Low).To(BeNil(), "nothing was late")
	g.Expect(r.Bounds.Low).To(Equal(r.Phases))
	g.Expect(r.Bounds.High).To(Equal(r.Phases))
	g.Expect(r.Worst).To(BeNil())
}

func TestAContainerThatCouldNotBeStartedHasNotStarted(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	see(p, measure.SeenPod{Pod: pod(t, "a", notStart), At: at(5)})
	g.Expect(p.Measure(everything()).Phases["startup"].Missing).To(Equal(int64(1)))
	see(p, measure.SeenPod{Pod: pod(t, "a", up), At: at(25)})
	g.Expect(p.Measure(everything()).Phases["startup"].Max).To(Equal(20 * millisecond))
}

func TestAPodThatNeverGetsThereIsMissing(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	see(p,
		measure.SeenPod{Pod: pod(t, "a", pending), At: at(0)},
		measure.SeenPod{Pod: pod(t, "a", up), At: at(5)},
		measure.SeenPod{Pod: pod(t, "b", pending), At: at(0)},
	)
	r := p.Measure(everything())
	g.Expect(r.Phases["ready"].Count).To(Equal(int64(1)))
	g.Expect(r.Phases["ready"].Missing).To(Equal(int64(1)))
	g.Expect(r.Phases["ready"].Max).To(Equal(spec.Missing))
	g.Expect(r.Bounds.Low["ready"].Max).To(Equal(spec.Missing))
	g.Expect(r.Series[3].Max).To(BeNil())
	g.Expect(r.Series[3].Samples[1].Object).To(Equal("b"))
	g.Expect(r.Series[3].Samples[1].Value).To(BeNil())
	g.Expect([]int64{r.Samples, r.Missing}).To(Equal([]int64{2, 1}))
	samples, missing := p.Count(everything())
	g.Expect([]int64{samples, missing}).To(Equal([]int64{2, 1}))
}

func TestAPodWhoseBeginningWasNotWatchedIsMissing(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	see(p,
		measure.SeenPod{Pod: pod(t, "a", pending), At: at(0), Unbounded: true},
		measure.SeenPod{Pod: pod(t, "a", up), At: at(5)},
	)
	r := p.Measure(everything())
	g.Expect(r.Phases["ready"].Count).To(BeZero())
	g.Expect(r.Phases["ready"].Missing).To(Equal(int64(1)))
	_, missing := p.Count(everything())
	g.Expect(missing).To(Equal(int64(1)))
}

func TestOnlySelectedPodsAreMeasured(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	see(p, measure.SeenPod{Pod: pod(t, "a", up), At: at(0)})
	q := everything()
	for selector, want := range map[string]int64{
		"": 1, "app=web": 1, "app=web,tier=front": 1, "app in (web,api),tier": 1, "!other": 1,
		"app=other": 0, "tie": 0, "app=we": 0, "front": 0, "app!=web": 0,
	} {
		var err error
		q.Selector, err = labels.Parse(selector)
		g.Expect(err).NotTo(HaveOccurred())
		r := p.Measure(q)
		g.Expect(r.Samples).To(Equal(want), selector)
		if want == 0 {
			g.Expect(r.Phases["ready"]).To(Equal(spec.Series{}))
			g.Expect(r.Series[0].Min).To(BeNil())
		}
	}
	g.Expect(p.Measure(measure.PodsQuery{Namespace: "elsewhere", Selector: labels.Everything()}).Samples).To(BeZero())
}

func TestLabelsAreThoseOfNow(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	moved := pod(t, "a", up)
	see(p, measure.SeenPod{Pod: moved, At: at(0)})
	moved.Labels["app"], moved.Labels["tier"] = "front", "web" // the same words, in other places
	see(p, measure.SeenPod{Pod: moved, At: at(1)})
	q := everything()
	q.Selector = labels.SelectorFromSet(labels.Set{"app": "web"})
	g.Expect(p.Measure(q).Samples).To(BeZero())
	q.Selector = labels.SelectorFromSet(labels.Set{"app": "front"})
	g.Expect(p.Measure(q).Samples).To(Equal(int64(1)))
}

func TestTimeBeginsWhereFromSays(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	stamps := measure.Stamps{Due: at(0), Sent: at(10), Accepted: at(30)}
	p.Sent("uid-a", stamps) // before the pod is seen
	see(p, measure.SeenPod{Pod: pod(t, "a", pending), At: at(25)})
	see(p, measure.SeenPod{Pod: pod(t, "a", scheduled), At: at(28)})
	see(p, measure.SeenPod{Pod: pod(t, "a", up), At: at(125)})
	for from, want := range map[string]time.Duration{
		"": 100 * millisecond, "stored": 100 * millisecond, "accepted": 95 * millisecond,
		"sent": 115 * millisecond, "due": 125 * millisecond,
	} {
		q := everything()
		q.From = from
		g.Expect(p.Measure(q).Phases["ready"].Max).To(Equal(want), from)
	}
	q := everything()
	q.From = "accepted"
	g.Expect(p.Measure(q).Phases["scheduled"].Max).To(BeZero(), "it was scheduled before the answer had come")
}

func TestPodsOfOthersHaveNoStamps(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	for _, name := range []string{"mine", "others", "warm", "lost"} {
		see(p, measure.SeenPod{Pod: pod(t, name, up), At: at(9)})
	}
	p.Sent("uid-mine", measure.Stamps{Due: at(0), Sent: at(1), Accepted: at(2)})
	p.Sent("uid-warm", measure.Stamps{Due: at(0), Sent: at(1), Accepted: at(2), WarmUp: true})
	p.Sent("uid-lost", measure.Stamps{Due: at(0), Sent: at(1)})
	p.Sent("uid-gone", measure.Stamps{Due: at(0), Sent: at(1), Accepted: at(2)})
	q := everything()
	for from, want := range map[string][2]int{"stored": {3, 0}, "sent": {2, 1}, "accepted": {1, 2}} {
		q.From = from
		r := p.Measure(q)
		g.Expect([2]int{int(r.Samples), r.Unknown}).To(Equal(want), from)
		g.Expect(r.Unseen).To(Equal(1), "accepted, and never on the watch")
		samples, _ := p.Count(q)
		g.Expect(samples).To(Equal(r.Samples))
	}
}

// ofOwner is a pod with a controller.
func ofOwner(t testing.TB, name, node, kind, owner, hash string) *corev1.Pod {
	p := pod(t, name, up)
	p.Spec.NodeName = node
	if hash != "" {
		p.Labels["pod-template-hash"] = hash
	}
	var o corev1.Pod
	if err := yaml.Unmarshal(fmt.Appendf(nil,
		`{metadata: {ownerReferences: [{apiVersion: v1, kind: Noise, name: x, uid: y}, {apiVersion: apps/v1, kind: %s, name: %s, uid: o, controller: true}]}}`,
		kind, owner), &o); err != nil {
		t.Fatal(err)
	}
	p.OwnerReferences = o.OwnerReferences
	return p
}

func TestPhasesByNodeAndByOwner(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	for i, one := range []*corev1.Pod{
		ofOwner(t, "a", "n1", "ReplicaSet", "web-5d4", "5d4"),
		ofOwner(t, "b", "n2", "ReplicaSet", "web-77f", "77f"),
		ofOwner(t, "c", "n2", "ReplicaSet", "lonely-5d4", ""),
		ofOwner(t, "d", "", "Job", "import", ""),
		pod(t, "e", up),
	} {
		first := one.DeepCopy()
		first.Status, first.Spec.NodeName = corev1.PodStatus{}, ""
		see(p, measure.SeenPod{Pod: first, At: at(0)}, measure.SeenPod{Pod: one, At: at(10 * (i + 1))})
	}
	q := everything()
	q.By = "owner"
	r := p.Measure(q)
	g.Expect(readyP50(r.Series)).To(Equal(map[string]float64{"": 0.03,
		"Deployment/web": 0.01, "ReplicaSet/lonely-5d4": 0.03, "Job/import": 0.04, "(none)": 0.05}))
	g.Expect(r.Worst["ready"].P50).To(Equal(50 * millisecond))
	q.By = "node"
	r = p.Measure(q)
	g.Expect(readyP50(r.Series)).To(Equal(map[string]float64{"": 0.03, "n1": 0.01, "n2": 0.02, "(none)": 0.04}))
	g.Expect(r.Worst["ready"].Count).To(Equal(int64(2)))
	g.Expect(r.Series[3].Samples[0].Node).To(Equal("n1"))
	g.Expect(r.Series[4].Samples).To(BeEmpty(), "groups repeat no samples")
}

func readyP50(series []event.MeasuredSeries) map[string]float64 {
	all := map[string]float64{}
	for _, s := range series {
		if s.Name == "ready" {
			all[s.Group] = *s.P50
		}
	}
	return all
}

func TestThePodIsNotKept(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	one := pod(t, "a", up)
	see(p, measure.SeenPod{Pod: one, At: at(0)})
	// A watch may decode the next change into the same pod.
	one.Labels["app"], one.Name, one.UID, one.Status.Conditions[2].Status = "other", "b", "uid-b", "False"
	see(p, measure.SeenPod{Pod: one, At: at(1)})
	r := p.Measure(everything())
	g.Expect(r.Samples).To(Equal(int64(2)))
	g.Expect(r.Missing).To(Equal(int64(1)))
}

func TestConfidenceOfQuantiles(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	for i := range 100 {
		one := pod(t, fmt.Sprint("p", i), pending)
		see(p, measure.SeenPod{Pod: one, At: at(0)})
		one.Status = pod(t, "x", up).Status
		see(p, measure.SeenPod{Pod: one, At: at(i + 1)})
	}
	i := p.Measure(everything()).Series[3].Intervals
	// David and Nagaraja: of 100 samples, the 40th and the 61st enclose the median.
	g.Expect(*i["p50"][0]).To(Equal(0.040))
	g.Expect(*i["p50"][1]).To(Equal(0.061))
	g.Expect(i["p99"][1]).To(BeNil(), "100 samples do not bound a p99 from above")
	g.Expect(*i["p99"][0]).To(BeNumerically(">", 0.09))
}
