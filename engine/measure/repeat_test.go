package measure_test

import (
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

// run is a repetition with one pod on a node, ready after so many ms.
func run(t *testing.T, node string, took int, bar time.Duration) measure.PodsResult {
	p := measure.NewPods()
	first := ofOwner(t, "a", node, "Job", "j", "")
	first.Status = pod(t, "a", pending).Status
	see(p,
		measure.SeenPod{Pod: first, At: at(0)},
		measure.SeenPod{Pod: ofOwner(t, "a", node, "Job", "j", ""), At: at(took)})
	q := everything()
	q.By, q.Bar = "node", bar
	return p.Measure(q)
}

func TestRepetitionsOfPodsArePooled(t *testing.T) {
	g := NewWithT(t)
	r := measure.PoolPods([]measure.PodsResult{
		run(t, "n2", 10, millisecond), {}, run(t, "n1", 30, 5*millisecond), run(t, "n2", 20, 0),
	})
	g.Expect([]int64{r.Samples, r.Missing}).To(Equal([]int64{3, 0}))
	g.Expect(r.Phases["ready"].P50).To(Equal(20 * millisecond))
	g.Expect(r.Bounds.Low["ready"].Max).To(Equal(25*millisecond), "each repetition keeps its own bar")
	g.Expect(r.Bounds.High["ready"].Min).To(Equal(11 * millisecond))
	g.Expect(r.Worst["ready"].P50).To(Equal(30 * millisecond))
	g.Expect(readyP50(r.Series)).To(Equal(map[string]float64{"": 0.02, "n1": 0.03, "n2": 0.01}))
	g.Expect(r.Series[3].Name).To(Equal("ready"))
	var runs []int
	for _, s := range r.Series[3].Samples {
		runs = append(runs, s.Run)
	}
	g.Expect(runs).To(Equal([]int{1, 3, 4}), "the second one failed")
	g.Expect(r.Series[4].Group + r.Series[8].Group).To(Equal("n1n2"))
}

func TestNothingPooledIsNothing(t *testing.T) {
	g := NewWithT(t)
	r := measure.PoolPods([]measure.PodsResult{{}, {}})
	g.Expect(r.Samples).To(BeZero())
	g.Expect(r.Phases["ready"]).To(Equal(spec.Series{}))
	g.Expect(r.Worst).To(BeNil())
}

func TestRepetitionsOfObjectsArePooled(t *testing.T) {
	g := NewWithT(t)
	one := func(took int) measure.ObjectsResult {
		o := measure.NewObjects(all, nil, phaseIs("Bound"))
		o.See(measure.Seen{Object: claim("a", ""), At: at(0)})
		o.See(measure.Seen{Object: claim("a", "Bound"), At: at(took)})
		return o.Measure(millisecond)
	}
	r := measure.PoolObjects([]measure.ObjectsResult{one(10), one(30), {}})
	g.Expect(r.Series.Count).To(Equal(int64(2)))
	g.Expect(r.High.Max).To(Equal(31 * millisecond))
	g.Expect(r.Measured.Samples[1].Run).To(Equal(2))
	r = measure.PoolObjects([]measure.ObjectsResult{one(10), {Err: errors.New("no such field")}})
	g.Expect(r.Err).To(MatchError("no such field"))
}

func TestARepetitionThatFailedTookNoTime(t *testing.T) {
	g := NewWithT(t)
	r := measure.PoolElapsed([]measure.Elapse{
		{Took: time.Second}, {Took: time.Hour, Failed: true}, {Took: 3 * time.Second, Bar: 10 * millisecond},
	})
	g.Expect([]int64{r.Series.Count, r.Series.Missing}).To(Equal([]int64{2, 1}))
	g.Expect(r.Series.P50).To(Equal(3 * time.Second))
	g.Expect(r.Series.Max).To(Equal(spec.Missing))
	g.Expect(r.Low.P50).To(Equal(2990 * millisecond))
	g.Expect(r.High.P50).To(Equal(3010 * millisecond))
	g.Expect(r.Measured.Samples[1].Value).To(BeNil())
	g.Expect(r.Measured.Samples[2].Run).To(Equal(3))
}
