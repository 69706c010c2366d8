package measure_test

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
)

// usageStart is when the hand-made readings begin.
var usageStart = time.Unix(1_795_447_000, 0)

// cpuAt is a reading of the counter, so many seconds after the start.
func cpuAt(seconds, core float64) measure.UsageReading {
	return measure.UsageReading{Source: measure.SourceResource, At: stampAt(seconds), CPU: &core}
}

func memoryAt(seconds, bytes float64) measure.UsageReading {
	return measure.UsageReading{Source: measure.SourceResource, At: stampAt(seconds), Memory: &bytes}
}

func stampAt(seconds float64) time.Time {
	return usageStart.Add(time.Duration(seconds * float64(time.Second)))
}

// usageStory is readings by object and round: one row an object, one list a round,
// of which the last but `late` end the time.
type usageStory struct {
	object measure.UsageObject
	rounds [][]measure.UsageReading
}

func tellUsage(q measure.UsageQuery, rounds int, stories ...usageStory) measure.UsageResult {
	u := measure.NewUsage()
	for i := range rounds {
		at := stampAt(float64(i) * 10)
		u.Round(at)
		for _, s := range stories {
			if i < len(s.rounds) {
				for _, r := range s.rounds[i] {
					u.See(s.object, r)
				}
			}
		}
		if i == rounds-1 {
			u.End(at)
		}
	}
	q.Start = usageStart
	return u.Measure(q)
}

func each(readings ...measure.UsageReading) [][]measure.UsageReading {
	var rounds [][]measure.UsageReading
	for _, r := range readings {
		rounds = append(rounds, []measure.UsageReading{r})
	}
	return rounds
}

func node(name string, cpu, memory float64) measure.UsageObject {
	return measure.UsageObject{Name: name, Node: name, CPU: cpu, Memory: memory}
}

var ofNodes = measure.UsageQuery{Of: "nodes", Against: "allocatable", Asked: time.Minute}

// The stamps are not a round's times, and not at equal distances: the mean is
// weighted by the time between them.
func TestUsageIsTimeWeighted(t *testing.T) {
	g := NewWithT(t)
	got := tellUsage(ofNodes, 4, usageStory{node("a", 2, 0), each(
		cpuAt(-3, 100), cpuAt(7.5, 100.5), cpuAt(8, 101.5), cpuAt(37, 116))})
	g.Expect(got.Doubt).To(BeEmpty())
	g.Expect(got.Stamps).To(BeEquivalentTo(4))
	g.Expect(got.Usage.CPU.Used).To(BeNumerically("~", 16.0/40, 1e-12))
	g.Expect(got.Usage.CPU.Worst).To(BeNumerically("~", 0.2, 1e-12))
	g.Expect(got.Usage.CPU.Total).To(BeNumerically("~", 0.2, 1e-12))
	g.Expect(got.Usage.CPU.Peak).To(BeNumerically("~", 1, 1e-12)) // 1 core-second in half a second, of 2 cores
	g.Expect(got.Measured.What).To(ContainSubstring("/metrics/resource: 4 stamps of 1 node, at least 4 of each, over 40s (asked 1m0s)"))
	g.Expect(got.Measured.What).To(ContainSubstring("cpu: worst 20.0 % (a), all 20.0 %, peak 100.0 % of allocatable; 0.400 cores"))
	want := event.Timeline{Name: "a cpu", Unit: "cores", Start: -3,
		Points: [][2]float64{{10.5, 0.5 / 10.5}, {11, 2}, {40, 0.5}}}
	g.Expect(cmp.Diff(want, got.Measured.Timelines[0])).To(BeEmpty())
}

// The same counter looked at often or rarely has the same mean.
func TestUsageDoesNotDependOnTheInterval(t *testing.T) {
	g := NewWithT(t)
	counter := []measure.UsageReading{cpuAt(0, 0), cpuAt(10, 9), cpuAt(20, 9.5), cpuAt(30, 12), cpuAt(40, 20)}
	often := tellUsage(ofNodes, 5, usageStory{node("a", 1, 0), each(counter...)})
	rarely := tellUsage(ofNodes, 2, usageStory{node("a", 1, 0), each(counter[0], counter[4])})
	g.Expect(often.Usage.CPU.Used).To(BeNumerically("~", 0.5, 1e-12))
	g.Expect(rarely.Usage.CPU.Used).To(BeNumerically("~", 0.5, 1e-12))
}

func TestUsageOfARestartIsCensored(t *testing.T) {
	g := NewWithT(t)
	got := tellUsage(ofNodes, 4, usageStory{node("a", 1, 0), each(
		cpuAt(0, 50), cpuAt(10, 55), cpuAt(20, 1), cpuAt(30, 6))})
	g.Expect(got.Usage.CPU.Used).To(BeNumerically("~", 0.5, 1e-12)) // of the 20 s that are known
	g.Expect(got.Notes).To(ConsistOf(ContainSubstring("began again")))
	g.Expect(got.Notes[0]).To(ContainSubstring("a 1 times"))
}

func TestUsageNeedsTwoStamps(t *testing.T) {
	for name, readings := range map[string][][]measure.UsageReading{
		"one":         each(cpuAt(0, 5)),
		"two equal":   each(cpuAt(0, 5), cpuAt(0, 5), cpuAt(0, 6)),
		"an old one":  each(cpuAt(0, 5), cpuAt(-10, 1)),
		"only memory": each(memoryAt(0, 5), memoryAt(10, 5)),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got := tellUsage(ofNodes, 3,
				usageStory{node("good", 1, 1), each(cpuAt(0, 0), cpuAt(10, 1), cpuAt(20, 2))},
				usageStory{node("short", 1, 1), readings})
			g.Expect(got.Doubt).To(ContainSubstring("at least 2 different stamps"))
			g.Expect(got.Doubt).To(ContainSubstring("short has "))
			g.Expect(got.Doubt).NotTo(ContainSubstring("good"))
		})
	}
	g := NewWithT(t)
	got := tellUsage(ofNodes, 2, usageStory{node("a", 1, 0), each(cpuAt(0, 5), cpuAt(10, 1))})
	g.Expect(got.Doubt).To(ContainSubstring("a began again between all of its stamps"))
}

// around are readings of which the first has a stamp before the time and the last
// one behind it: an idle node that works with one core while the time is measured,
// from second 5 to second 35.
func around(q measure.UsageQuery) measure.UsageResult {
	u := measure.NewUsage()
	a := node("a", 2, 0)
	u.Round(stampAt(5))
	u.See(a, cpuAt(0, 0))
	for _, r := range []measure.UsageReading{cpuAt(10, 5), cpuAt(20, 15), cpuAt(30, 25)} {
		u.Round(r.At)
		u.See(a, r)
	}
	u.End(stampAt(35))
	u.See(a, cpuAt(40, 30))
	return u.Measure(q)
}

// What lies before and behind the time dilutes its average, so that the truth is
// only known within bounds. Here it is 1 core.
func TestUsageOfATimeThatDoesNotBeginAtAStampHasBounds(t *testing.T) {
	g := NewWithT(t)
	got := around(measure.UsageQuery{Of: "nodes", Against: "allocatable", Asked: 30 * time.Second})
	g.Expect(got.Usage.CPU.Used).To(BeNumerically("~", 0.75, 1e-9))
	g.Expect(got.Low.CPU.Used).To(BeNumerically("~", 20.0/30, 1e-9))
	g.Expect(got.High.CPU.Used).To(BeNumerically("~", 1, 1e-9))
	g.Expect(got.High.CPU.Worst).To(BeNumerically("~", 0.5, 1e-9))
	g.Expect(got.High.CPU.Total).To(BeNumerically("~", 0.5, 1e-9))
}

// A time that may begin anywhere begins at the first stamp in it, and is exact.
func TestUsageOfAFreeTimeIsExact(t *testing.T) {
	g := NewWithT(t)
	got := around(measure.UsageQuery{Of: "nodes", Against: "allocatable", Asked: 30 * time.Second, Free: true})
	g.Expect(got.Usage.CPU.Used).To(BeNumerically("~", 25.0/30, 1e-9)) // from 10 s to 40 s
	g.Expect(got.Low.CPU).To(Equal(got.Usage.CPU))
	g.Expect(got.High.CPU).To(Equal(got.Usage.CPU))
	g.Expect(got.Stamps).To(BeEquivalentTo(4))
}

// The ratio of the sums is not the mean of the ratios, and the worst is neither.
func TestUsageOfTheWorstNode(t *testing.T) {
	g := NewWithT(t)
	got := tellUsage(ofNodes, 2,
		usageStory{node("large", 10, 1000), [][]measure.UsageReading{{cpuAt(0, 0), memoryAt(0, 100)}, {cpuAt(10, 10), memoryAt(10, 300)}}},
		usageStory{node("small", 2, 100), [][]measure.UsageReading{{cpuAt(1, 0), memoryAt(1, 80)}, {cpuAt(11, 18), memoryAt(11, 90)}}})
	g.Expect(got.Usage.CPU.Worst).To(BeNumerically("~", 0.9, 1e-9))
	g.Expect(got.Usage.CPU.Total).To(BeNumerically("~", 2.8/12, 1e-9))
	g.Expect(got.Usage.CPU.Used).To(BeNumerically("~", 2.8, 1e-9))
	g.Expect(got.Usage.Memory.Worst).To(BeNumerically("~", 0.85, 1e-9))
	g.Expect(got.Usage.Memory.Peak).To(BeNumerically("~", 0.9, 1e-9))
	g.Expect(got.Usage.Memory.Total).To(BeNumerically("~", 285.0/1100, 1e-9))
	g.Expect(got.Measured.What).To(ContainSubstring("cpu: worst 90.0 % (small), all 23.3 %"))
	g.Expect(got.Measured.Series[0].Samples).To(HaveLen(2))
	g.Expect(*got.Measured.Series[0].Samples[0].Value).To(BeNumerically("~", 0.1, 1e-9))
	g.Expect(got.Measured.Series[0].Unit).To(Equal("share"))
}

// Two pods that are there one after the other, for half of the time each, use as
// much as one that is there for all of it.
func TestUsageOfPodsThatComeAndGo(t *testing.T) {
	g := NewWithT(t)
	pod := func(name string) measure.UsageObject {
		return measure.UsageObject{Name: "shop/" + name, UID: name, Node: "n", CPU: 1}
	}
	none := []measure.UsageReading{}
	query := measure.UsageQuery{Of: "pods", Against: "requests"}
	got := tellUsage(query, 5,
		usageStory{pod("early"), [][]measure.UsageReading{{cpuAt(0, 0)}, {cpuAt(10, 8)}, {cpuAt(20, 16)}}},
		usageStory{pod("late"), [][]measure.UsageReading{none, none, {cpuAt(20, 0)}, {cpuAt(30, 8)}, {cpuAt(40, 16)}}},
		usageStory{pod("whole"), each(cpuAt(0, 0), cpuAt(10, 2), cpuAt(20, 4), cpuAt(30, 6), cpuAt(40, 8))})
	g.Expect(got.Usage.CPU.Used).To(BeNumerically("~", 1.0, 1e-9))
	g.Expect(got.Usage.CPU.Worst).To(BeNumerically("~", 0.8, 1e-9))
	g.Expect(got.Usage.CPU.Total).To(BeNumerically("~", 0.5, 1e-9)) // of two cores that were there at a time
	g.Expect(got.Doubt).To(BeEmpty())

	// A later pod with the same name is another one.
	one, two := pod("web"), pod("web")
	two.UID = "other"
	got = tellUsage(query, 4,
		usageStory{one, [][]measure.UsageReading{{cpuAt(0, 0)}, {cpuAt(10, 1)}}},
		usageStory{two, [][]measure.UsageReading{none, none, {cpuAt(20, 5)}, {cpuAt(30, 6)}}})
	g.Expect(got.Usage.CPU.Peak).To(BeNumerically("~", 0.1, 1e-9))
}

func TestUsageWithoutADenominator(t *testing.T) {
	g := NewWithT(t)
	got := tellUsage(measure.UsageQuery{Of: "pods", Against: "limits"}, 2,
		usageStory{measure.UsageObject{Name: "shop/web-1", Memory: 100}, [][]measure.UsageReading{
			{cpuAt(0, 0), memoryAt(0, 50)}, {cpuAt(10, 5), memoryAt(10, 50)}}})
	g.Expect(got.Usage.CPU.Used).To(BeNumerically("~", 0.5, 1e-9))
	g.Expect(math.IsNaN(got.Usage.CPU.Worst)).To(BeTrue())
	g.Expect(got.Without["cpu.worst"]).To(Equal(
		"shares are of limits, and there are none for cpu on shop/web-1: set them, or choose another against"))
	g.Expect(got.Without).NotTo(HaveKey("cpu.used"))
	g.Expect(got.Usage.Memory.Worst).To(BeNumerically("~", 0.5, 1e-9))
	g.Expect(got.Without["network.sent"]).To(Equal("no source says anything of it"))
	g.Expect(got.Measured.Series[0].Unit).To(Equal("cores"))
}

func TestUsageFromTheMetricsAPIIsApproximate(t *testing.T) {
	g := NewWithT(t)
	nodes, pods, err := measure.ReadMetricsAPI([]byte(`{"items": [
		{"metadata": {"name": "a"}, "timestamp": "2026-11-23T15:24:26Z", "window": "10s", "usage": {"cpu": "250m", "memory": "64Mi"}}]}`))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(pods).To(BeEmpty())
	second := nodes["a"]
	second.At = second.At.Add(15 * time.Second)
	cores := 1.0
	second.Cores, second.Window = &cores, 20*time.Second
	got := tellUsage(ofNodes, 2, usageStory{node("a", 1, 128<<20), each(nodes["a"], second)})
	g.Expect(got.Usage.CPU.Used).To(BeNumerically("~", 22.5/30, 1e-9))
	g.Expect(got.Usage.Memory.Worst).To(BeNumerically("~", 0.5, 1e-9))
	g.Expect(got.Notes).To(ConsistOf(HavePrefix("approximate: ")))
	g.Expect(got.Measured.What).To(HavePrefix("metrics.k8s.io (approximate): 2 stamps"))

	_, pods, err = measure.ReadMetricsAPI([]byte(`{"items": [{"metadata": {"name": "web", "namespace": "shop"},
		"timestamp": "2026-11-23T15:24:26Z", "window": "10.026s",
		"containers": [{"usage": {"cpu": "250m", "memory": "1Mi"}}, {"usage": {"cpu": "5m", "memory": "1Mi"}}]}]}`))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(*pods[0].Cores).To(BeNumerically("~", 0.255, 1e-9))
	g.Expect(pods[0].Window).To(Equal(10026 * time.Millisecond))
}

// The texts are those of a kubelet 1.37.2, shortened.
func TestReadingOfAKubelet(t *testing.T) {
	g := NewWithT(t)
	text, err := os.ReadFile("testdata/kubelet-resource.txt")
	g.Expect(err).NotTo(HaveOccurred())
	readings, err := measure.ReadResourceMetrics(text)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(readings).To(HaveLen(6))
	g.Expect(*readings[0].CPU).To(Equal(1.876230873))
	g.Expect(readings[0].At).To(Equal(time.UnixMilli(1795447466375)))
	g.Expect(readings[0].Pod).To(BeEmpty())
	g.Expect(readings[1].Namespace + "/" + readings[1].Pod).To(Equal("kube-system/coredns-76576b9bf4-j2bn9"))
	g.Expect(*readings[3].Memory).To(Equal(1.41520896e+08))

	body, err := os.ReadFile("testdata/kubelet-summary.json")
	g.Expect(err).NotTo(HaveOccurred())
	readings, err = measure.ReadSummary(body)
	g.Expect(err).NotTo(HaveOccurred())
	var stored, received, podNetwork bool
	for _, r := range readings {
		stored = stored || r.Pod == "" && r.Stored != nil && *r.Stored > 0 && *r.Storage > *r.Stored
		received = received || r.Pod == "" && r.Received != nil && *r.Received > 0
		podNetwork = podNetwork || r.Pod != "" && r.Sent != nil
		g.Expect(r.At.IsZero()).To(BeFalse())
	}
	g.Expect([]bool{stored, received, podNetwork}).To(Equal([]bool{true, true, true}))
}

func TestReadingOfSomethingElse(t *testing.T) {
	g := NewWithT(t)
	_, err := measure.ReadResourceMetrics([]byte("# TYPE up gauge\nup 1\n"))
	g.Expect(err).To(MatchError("the kubelet's metrics have no node_cpu_usage_seconds_total"))
	_, err = measure.ReadResourceMetrics([]byte("# TYPE node_cpu_usage_seconds_total counter\nnode_cpu_usage_seconds_total 5\n"))
	g.Expect(err).To(MatchError(ContainSubstring("has no time stamp")))
	_, err = measure.ReadSummary([]byte("<html>"))
	g.Expect(err).To(MatchError("the kubelet's summary cannot be read: it is not the JSON that is expected"))
}
