package measure_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

var start = time.Now()

// pod is what the watch shows of a pod at one moment.
func pod(t *testing.T, name, status string) *unstructured.Unstructured {
	t.Helper()
	var o map[string]any
	text := fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: ns, uid: uid-%s, creationTimestamp: "2026-01-01T00:00:00Z", labels: {app: web}}
spec: {containers: [{name: a}, {name: b}]}
status: %s`, name, name, status)
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: o}
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
	down = `{conditions: [{type: Ready, status: "False", lastTransitionTime: "2026-01-01T00:00:09Z"}]}`
)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func TestPodPhasesAreTimedFromFirstSight(t *testing.T) {
	g := NewWithT(t)
	r := measure.NewPods()
	for _, s := range []measure.Seen{
		{Object: pod(t, "a", pending), At: at(100)},
		{Object: pod(t, "a", scheduled), At: at(110)},
		{Object: pod(t, "a", oneUp), At: at(120)},
		{Object: pod(t, "a", up), At: at(150)},
		{Object: pod(t, "a", down), At: at(900)}, // was ready once: that is what start-up means
		{Object: pod(t, "a", up), At: at(999)},
	} {
		r.See(s)
	}
	series, measured := r.Measure("ns", labels.Everything())
	g.Expect(series["scheduled"].Max).To(Equal(10 * time.Millisecond))
	g.Expect(series["initialized"].Max).To(Equal(50 * time.Millisecond))
	g.Expect(series["startup"].Max).To(Equal(50*time.Millisecond), "all containers, not the first")
	g.Expect(series["ready"].Max).To(Equal(50 * time.Millisecond))
	g.Expect(measured).To(HaveLen(4))
	g.Expect(measured[2].Name).To(Equal("startup"))
	g.Expect(*measured[2].Samples[0].Server).To(Equal(3.0), "the server's own stamps: the last container at :03")
	g.Expect(*measured[3].Samples[0].Server).To(Equal(4.0))
}

func TestAPodThatNeverGetsThereIsMissing(t *testing.T) {
	g := NewWithT(t)
	r := measure.NewPods()
	r.See(measure.Seen{Object: pod(t, "a", pending), At: at(0)})
	r.See(measure.Seen{Object: pod(t, "a", up), At: at(5)})
	r.See(measure.Seen{Object: pod(t, "b", pending), At: at(0)})
	series, measured := r.Measure("ns", labels.Everything())
	g.Expect(series["ready"].Count).To(Equal(int64(1)))
	g.Expect(series["ready"].Missing).To(Equal(int64(1)))
	g.Expect(series["ready"].Max).To(Equal(spec.Missing))
	g.Expect(measured[3].Max).To(BeNil())
	g.Expect(measured[3].Samples[1].Object).To(Equal("b"))
	g.Expect(measured[3].Samples[1].Seconds).To(BeNil())
}

func TestAPodWhoseBeginningWasNotWatchedIsMissing(t *testing.T) {
	g := NewWithT(t)
	r := measure.NewPods()
	r.See(measure.Seen{Object: pod(t, "a", pending), At: at(0), Listed: true})
	r.See(measure.Seen{Object: pod(t, "a", up), At: at(5)})
	series, _ := r.Measure("ns", labels.Everything())
	g.Expect(series["ready"].Count).To(BeZero())
	g.Expect(series["ready"].Missing).To(Equal(int64(1)))
}

func TestOnlySelectedPodsAreMeasured(t *testing.T) {
	g := NewWithT(t)
	r := measure.NewPods()
	r.See(measure.Seen{Object: pod(t, "a", up), At: at(0)})
	other, err := labels.Parse("app=other")
	g.Expect(err).NotTo(HaveOccurred())
	series, measured := r.Measure("ns", other)
	g.Expect(series["ready"]).To(Equal(spec.Series{}))
	g.Expect(measured[0].Min).To(BeNil())
	series, _ = r.Measure("elsewhere", labels.Everything())
	g.Expect(series["ready"].Count + series["ready"].Missing).To(BeZero())
}

func phaseIs(phase string) measure.Predicate {
	return func(o *unstructured.Unstructured) (bool, error) {
		got, _, err := unstructured.NestedString(o.Object, "status", "phase")
		return got == phase, err
	}
}

func all(*unstructured.Unstructured) (bool, error) { return true, nil }

func TestObjectsAreTimedFromPredicateToPredicate(t *testing.T) {
	g := NewWithT(t)
	r := measure.NewObjects(all, phaseIs("Running"), phaseIs("Succeeded"))
	for _, s := range []measure.Seen{
		{Object: pod(t, "a", pending), At: at(0)},
		{Object: pod(t, "a", `{phase: Running}`), At: at(20)},
		{Object: pod(t, "a", `{phase: Running}`), At: at(30)},
		{Object: pod(t, "a", `{phase: Succeeded}`), At: at(70)},
		{Object: pod(t, "b", `{phase: Running}`), At: at(40)},
	} {
		r.See(s)
	}
	series, measured, err := r.Measure()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(series.Min).To(Equal(50 * time.Millisecond))
	g.Expect(series.Missing).To(Equal(int64(1)), "b never ended")
	g.Expect(measured.Samples).To(HaveLen(2))
}

func TestAPredicateThatCannotBeToldIsAnError(t *testing.T) {
	g := NewWithT(t)
	broken := func(*unstructured.Unstructured) (bool, error) { return false, errors.New("no such overload") }
	r := measure.NewObjects(all, nil, broken)
	r.See(measure.Seen{Object: pod(t, "a", pending), At: at(0)})
	_, _, err := r.Measure()
	g.Expect(err).To(MatchError("no such overload"))
}
