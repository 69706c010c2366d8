package measure_test

import (
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/measure"
)

// claim is what the watch shows of a volume claim.
func claim(name, phase string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "PersistentVolumeClaim",
		"metadata": map[string]any{"name": name, "namespace": "ns", "uid": "uid-" + name},
		"status":   map[string]any{"phase": phase},
	}}
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
	o := measure.NewObjects(all, phaseIs("Pending"), phaseIs("Bound"))
	for _, s := range []measure.Seen{
		{Object: claim("a", ""), At: at(0), Unbounded: true}, // before its time began
		{Object: claim("a", "Pending"), At: at(20)},
		{Object: claim("a", "Pending"), At: at(30)},
		{Object: claim("a", "Bound"), At: at(70)},
		{Object: claim("b", "Pending"), At: at(40)},
		{Object: claim("c", "Pending"), At: at(40), Unbounded: true},
		{Object: claim("c", "Bound"), At: at(50)},
	} {
		o.See(s)
	}
	r := o.Measure(0)
	g.Expect(r.Err).NotTo(HaveOccurred())
	g.Expect(r.Series.Min).To(Equal(50 * millisecond))
	g.Expect(r.Series.Missing).To(Equal(int64(2)), "b never ended, and when c began is not known")
	g.Expect(r.Measured.Samples).To(HaveLen(3))
	g.Expect(r.Low).To(Equal(r.Series))
}

func TestObjectsHaveBounds(t *testing.T) {
	g := NewWithT(t)
	o := measure.NewObjects(all, nil, phaseIs("Bound"))
	o.See(measure.Seen{Object: claim("a", ""), At: at(0), Earlier: 5 * millisecond})
	o.See(measure.Seen{Object: claim("a", "Bound"), At: at(70), Earlier: 20 * millisecond})
	r := o.Measure(2 * millisecond)
	g.Expect(r.Low.Max).To(Equal(48 * millisecond))
	g.Expect(r.Series.Max).To(Equal(70 * millisecond))
	g.Expect(r.High.Max).To(Equal(77 * millisecond))
	g.Expect(r.Measured.Late).To(Equal(int64(1)))
	g.Expect(*r.Measured.Samples[0].Low).To(Equal(0.050))
	g.Expect(*r.Measured.Samples[0].High).To(Equal(0.075))
}

func TestAPredicateThatCannotBeToldIsAnError(t *testing.T) {
	g := NewWithT(t)
	broken := func(*unstructured.Unstructured) (bool, error) { return false, errors.New("no such overload") }
	o := measure.NewObjects(all, nil, broken)
	o.See(measure.Seen{Object: claim("a", ""), At: at(0)})
	g.Expect(o.Measure(0).Err).To(MatchError("no such overload"))
}
