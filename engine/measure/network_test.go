package measure_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

func TestTheWorstPairIsByP99(t *testing.T) {
	g := NewWithT(t)
	slow := append(even(97, time.Millisecond), even(3, 9*time.Millisecond)...)
	r := measure.Network([]measure.PairTrips{
		{From: "a", To: "b", Took: even(100, 2*time.Millisecond), Bar: 100 * time.Microsecond},
		{From: "b", To: "a", Took: slow, Bar: 3 * time.Millisecond},
		{From: "a", To: "b", Host: true, Took: even(100, time.Millisecond)},
	})
	g.Expect(r.Worst).To(Equal("b → a"))
	g.Expect(r.HostWorst).To(Equal("a → b"))
	g.Expect(r.Value.All.Count).To(BeEquivalentTo(200))
	g.Expect(r.Value.Worst.P99).To(Equal(9 * time.Millisecond))
	g.Expect(r.Value.Host.P50).To(Equal(time.Millisecond))
	g.Expect(r.Value.HostWorst.P99).To(Equal(time.Millisecond))

	// A sample is at most as much too long as its prober was late, and never too short.
	g.Expect(r.Low.Worst.P99).To(Equal(6 * time.Millisecond))
	g.Expect(r.Low.All.Max).To(Equal(6 * time.Millisecond))
	g.Expect(r.High.Worst.P99).To(Equal(9 * time.Millisecond))
	g.Expect(*r.Measured.Error).To(Equal(0.003))

	var names []string
	for _, s := range r.Measured.Series {
		names = append(names, s.Name+"/"+s.Group)
	}
	g.Expect(names).To(Equal([]string{"all/", "worst/", "all/a → b", "all/b → a", "host/", "hostWorst/", "host/a → b"}))
}

func TestALostPacketIsAboveEveryLimit(t *testing.T) {
	g := NewWithT(t)
	r := measure.Network([]measure.PairTrips{
		{From: "a", To: "b", Took: even(98, time.Millisecond), Lost: 2},
		{From: "b", To: "a", Took: even(100, 5*time.Second)},
	})
	g.Expect(r.Worst).To(Equal("a → b"))
	g.Expect(r.Value.Worst.P99).To(Equal(spec.Missing))
	g.Expect(r.Low.Worst.P99).To(Equal(spec.Missing))
	g.Expect(r.Value.All.Missing).To(BeEquivalentTo(2))
}

func TestNoPairs(t *testing.T) {
	r := measure.Network(nil)
	g := NewWithT(t)
	g.Expect(r.Measured.Series).To(BeEmpty())
	g.Expect(r.Measured.Error).To(BeNil())
}

func TestThroughputIsTheMedianOfThePairsSeconds(t *testing.T) {
	g := NewWithT(t)
	r := measure.Throughput([]measure.PairBits{
		{From: "a", To: "b", Each: []float64{9e9, 1e9, 8e9}},
		{From: "b", To: "a", Each: []float64{4e9, 5e9, 6e9}},
		{From: "a", To: "b", Host: true, Each: []float64{20e9}},
	})
	g.Expect(r.Value.Count).To(BeEquivalentTo(2))
	g.Expect(r.Value.Min).To(Equal(5e9))
	g.Expect(r.Value.Max).To(Equal(8e9))
	g.Expect(r.Measured.Unit).To(Equal("bit/s"))
	g.Expect(r.Measured.Timelines[0].Points).To(Equal([][2]float64{{0, 9e9}, {1, 1e9}, {2, 8e9}}))
	g.Expect(*r.Measured.Series[1].P50).To(Equal(20e9))
	g.Expect(r.Measured.Series[1].Name).To(Equal("host"))
}

func nodesIn(zones, each int) (all []measure.PairNode) {
	for z := range zones {
		for i := range each {
			all = append(all, measure.PairNode{Name: fmt.Sprintf("n%d-%d", z, i), Zone: fmt.Sprintf("z%d", z)})
		}
	}
	return all
}

func TestPairs(t *testing.T) {
	for _, c := range []struct{ zones, each, most, want int }{
		{1, 2, 12, 2}, {1, 1, 12, 0}, {1, 3, 12, 6}, {1, 4, 12, 12}, {1, 4, 100, 12}, {2, 2, 5, 5}, {3, 4, 12, 12}, {3, 40, 12, 12}, {1, 0, 12, 0},
	} {
		g := NewWithT(t)
		nodes := nodesIn(c.zones, c.each)
		pairs := measure.Pairs(nodes, c.most)
		g.Expect(pairs).To(HaveLen(c.want), "%+v", c)
		seen := map[[2]string]bool{}
		for _, p := range pairs {
			g.Expect(p[0]).NotTo(Equal(p[1]))
			g.Expect(seen).NotTo(HaveKey(p))
			seen[p] = true
		}
		slices.Reverse(nodes)
		g.Expect(measure.Pairs(nodes, c.most)).To(Equal(pairs), "the order of the nodes does not matter")
	}
}

// Of more pairs than are wanted those are taken in which every two zones meet.
func TestPairsAreSpreadOverZones(t *testing.T) {
	g := NewWithT(t)
	met := map[string]int{}
	for _, p := range measure.Pairs(nodesIn(3, 10), 12) {
		met[p[0][:2]+p[1][:2]]++
	}
	for _, zones := range []string{"n0n1", "n1n0", "n0n2", "n2n0", "n1n2", "n2n1"} {
		g.Expect(met).To(HaveKey(zones))
	}
	g.Expect(measure.Sames(nodesIn(3, 10), 3)).To(HaveLen(3))
	g.Expect(measure.Sames(nodesIn(1, 2), 12)).To(Equal([]string{"n0-0", "n0-1"}))
}
