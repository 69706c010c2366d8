package measure_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

func TestAGapBoundsTheSamplesOnItsEdges(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	gap := 40 * millisecond
	see(p,
		measure.SeenPod{Pod: pod(t, "ended", pending), At: at(0)},
		measure.SeenPod{Pod: pod(t, "ended", up), At: at(100), Earlier: gap},
		measure.SeenPod{Pod: pod(t, "began", pending), At: at(100), Earlier: gap},
		measure.SeenPod{Pod: pod(t, "began", up), At: at(110)},
		measure.SeenPod{Pod: pod(t, "both", up), At: at(100), Earlier: gap},
		measure.SeenPod{Pod: pod(t, "exact", pending), At: at(100)},
		measure.SeenPod{Pod: pod(t, "exact", up), At: at(170)},
	)
	q := everything()
	ready := p.Measure(q).Series[3]
	g.Expect(ready.Late).To(Equal(int64(3)))
	got := map[string][3]float64{}
	for _, s := range ready.Samples {
		if s.Low != nil {
			got[s.Object] = [3]float64{*s.Low, *s.Value, *s.High}
		}
	}
	g.Expect(got).To(Equal(map[string][3]float64{
		"ended": {0.060, 0.100, 0.100}, "began": {0.010, 0.010, 0.050}, "both": {0, 0, 0.040},
	}))

	q.Bar = 15 * millisecond
	r := p.Measure(q)
	g.Expect(r.Phases["ready"].Max).To(Equal(100 * millisecond))
	g.Expect(r.Bounds.Low["ready"].Min).To(BeZero(), "no time is negative")
	g.Expect(r.Bounds.Low["ready"].Max).To(Equal(55 * millisecond))
	g.Expect(r.Bounds.High["ready"].Max).To(Equal(115 * millisecond))
	g.Expect(*r.Series[3].Samples[0].High).To(Equal(0.050), "samples show the gap, not the bar")
}

func TestAnUnknownErrorBoundsNothing(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	see(p, measure.SeenPod{Pod: pod(t, "a", pending), At: at(0)}, measure.SeenPod{Pod: pod(t, "a", up), At: at(9)})
	q := everything()
	q.Bar = spec.Missing
	r := p.Measure(q)
	g.Expect(r.Phases["ready"].P50).To(Equal(9 * millisecond))
	g.Expect(r.Bounds.Low["ready"].P50).To(BeZero())
	g.Expect(r.Bounds.High["ready"].P50).To(Equal(spec.Missing))
}

func TestAPodOfTheFirstListHasEndedSomewhereAfterItWasSent(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	p.Sent("uid-a", measure.Stamps{Sent: at(10)})
	see(p, measure.SeenPod{Pod: pod(t, "a", up), At: at(60), Unbounded: true})
	q := everything()
	q.From = "sent"
	s := p.Measure(q).Series[3].Samples[0]
	g.Expect([]float64{*s.Low, *s.Value, *s.High}).To(Equal([]float64{0, 0.050, 0.050}))
}

// history is a random life of pods, what really happened and what a watch with
// gaps showed of it.
type history struct {
	pods  *measure.Pods
	truth map[string]map[string][]time.Duration // of each phase and node; "" for all
}

// observe makes a history in which no change shows before the gap that it falls
// into is over, and every receipt is late by up to the bar.
func observe(t *testing.T, rng *rand.Rand, bar time.Duration) history {
	h := history{measure.NewPods(), map[string]map[string][]time.Duration{}}
	type gap struct{ from, to int }
	var gaps []gap
	for from := rng.IntN(2000); from < 10_000; from += 200 + rng.IntN(4000) {
		gaps = append(gaps, gap{from, from + 1 + rng.IntN(900)})
		from = gaps[len(gaps)-1].to
	}
	shown := func(ms int) (time.Time, time.Duration) {
		for _, g := range gaps {
			if ms >= g.from && ms < g.to {
				late := time.Duration(rng.Int64N(int64(bar) + 1))
				return at(g.to).Add(late), time.Duration(g.to-g.from)*millisecond + late
			}
		}
		return at(ms).Add(time.Duration(rng.Int64N(int64(bar) + 1))), 0
	}
	for i := range 1 + rng.IntN(60) {
		when := rng.IntN(8000)
		born := when
		one := pod(t, fmt.Sprint("p", i), pending)
		one.Spec.NodeName = fmt.Sprint("n", rng.IntN(3))
		seen, earlier := shown(when)
		h.pods.See(measure.SeenPod{Pod: one, At: seen, Earlier: earlier})
		for phase, kind := range map[string]corev1.PodConditionType{"scheduled": corev1.PodScheduled, "ready": corev1.PodReady} {
			reached := born + rng.IntN(900)
			one.Status.Conditions = append(one.Status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue})
			seen, earlier := shown(reached)
			h.pods.See(measure.SeenPod{Pod: one, At: seen, Earlier: earlier})
			if h.truth[phase] == nil {
				h.truth[phase] = map[string][]time.Duration{}
			}
			took := time.Duration(reached-born) * millisecond
			h.truth[phase][""] = append(h.truth[phase][""], took)
			h.truth[phase][one.Spec.NodeName] = append(h.truth[phase][one.Spec.NodeName], took)
			one.Status.Conditions = nil
		}
	}
	return h
}

// The bounds hold what was measured and what really happened, whatever the gaps.
func TestBoundsHoldTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		bar := time.Duration(rng.IntN(30)) * millisecond
		h := observe(t, rng, bar)
		q := everything()
		q.By, q.Bar = "node", bar
		r := h.pods.Measure(q)
		for _, phase := range []string{"scheduled", "ready"} {
			where := fmt.Sprintf("round %d, %s", round, phase)
			low, high := r.Bounds.Low[phase], r.Bounds.High[phase]
			within(t, where+", measured", low, r.Phases[phase], high)
			within(t, where+", true", low, stats.Summarize(h.truth[phase][""], 0), high)
			low, high = r.Bounds.LowWorst[phase], r.Bounds.HighWorst[phase]
			within(t, where+", worst measured", low, r.Worst[phase], high)
			within(t, where+", worst true", low, worstOf(h.truth[phase]), high)
		}
		if t.Failed() {
			return
		}
	}
}

func worstOf(byNode map[string][]time.Duration) spec.Series {
	var worst spec.Series
	for node, took := range byNode {
		if s := stats.Summarize(took, 0); node != "" && s.P50 >= worst.P50 {
			worst = s
		}
	}
	return worst
}

// within compares every value; the mean and the deviation are rounded.
func within(t *testing.T, what string, low, middle, high spec.Series) {
	t.Helper()
	for name, of := range map[string]func(spec.Series) time.Duration{
		"min":  func(s spec.Series) time.Duration { return s.Min },
		"mean": func(s spec.Series) time.Duration { return s.Mean },
		"p50":  func(s spec.Series) time.Duration { return s.P50 }, "p90": func(s spec.Series) time.Duration { return s.P90 },
		"p95": func(s spec.Series) time.Duration { return s.P95 }, "p99": func(s spec.Series) time.Duration { return s.P99 },
		"max": func(s spec.Series) time.Duration { return s.Max }, "stddev": func(s spec.Series) time.Duration { return s.Stddev },
	} {
		l, m, h := of(low), of(middle), of(high)
		if l > m+time.Microsecond || h != spec.Missing && m > h+time.Microsecond {
			t.Errorf("%s: %s %v is not within %v and %v", what, name, m, l, h)
		}
	}
}

func TestSeeingNothingNewAllocatesNothing(t *testing.T) {
	p := measure.NewPods()
	one := ofOwner(t, "a", "n1", "ReplicaSet", "web-5d4", "5d4")
	s := measure.SeenPod{Pod: one, At: at(0)}
	p.See(s)
	if n := testing.AllocsPerRun(100, func() { p.See(s) }); n != 0 {
		t.Errorf("seeing a known pod again takes %v allocations, want none", n)
	}
	p.Sent("uid-a", measure.Stamps{Sent: at(0)})
	if n := testing.AllocsPerRun(100, func() { p.Sent(types.UID("uid-a"), measure.Stamps{Sent: at(0)}) }); n != 0 {
		t.Errorf("stamping a known pod takes %v allocations, want none", n)
	}
}

// Two nodes whose medians cannot be told apart: the worst median is at least the
// larger of the least ones, and its other values may be those of either node.
func TestTheWorstGroupMayBeAnother(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	for name, c := range map[string]struct{ node, took int }{
		"a1": {1, 100}, "a2": {1, 110}, "b1": {2, 95}, "b2": {2, 500}, "c1": {3, 10}, "c2": {3, 900},
	} {
		node := fmt.Sprint("n", c.node)
		first := ofOwner(t, name, node, "Job", "j", "")
		first.Status = corev1.PodStatus{}
		see(p, measure.SeenPod{Pod: first, At: at(0)},
			measure.SeenPod{Pod: ofOwner(t, name, node, "Job", "j", ""), At: at(c.took)})
	}
	q := everything()
	q.By, q.Bar = "node", 10*millisecond
	r := p.Measure(q)
	g.Expect(r.Worst["ready"].P50).To(Equal(100 * millisecond))
	g.Expect(r.Worst["ready"].Max).To(Equal(110 * millisecond))
	g.Expect(r.Bounds.LowWorst["ready"].P50).To(Equal(90 * millisecond))
	g.Expect(r.Bounds.HighWorst["ready"].P50).To(Equal(110 * millisecond))
	g.Expect(r.Bounds.HighWorst["ready"].Max).To(Equal(510*millisecond), "n2 may be the worst, n3 cannot")
}
