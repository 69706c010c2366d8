package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/grade"
	"github.com/realspec/realspec/engine/stats"
)

// The benchmarks of measuring: what realspec says of pods that it creates at a
// rate, held against the audit log of the API server, and what that costs.

// BenchmarkPods300 creates 300 pods at 20 a second.
func BenchmarkPods300(b *testing.B) { benchmarkPods(b, 300, 20) }

// BenchmarkPods3000 creates 3,000 pods at 100 a second.
func BenchmarkPods3000(b *testing.B) { benchmarkPods(b, 3000, 100) }

// BenchmarkPods3000AtOnce creates 3,000 pods as fast as the server takes them.
func BenchmarkPods3000AtOnce(b *testing.B) { benchmarkPods(b, 3000, 0) }

func benchmarkPods(b *testing.B, pods int, rate float64) {
	x := newBench(b, "count=40,cpu=32,memory=64Gi", "--audit")
	x.pods(pods, rate)
	for b.Loop() {
		r := x.result(x.start())
		load, measured := x.measures(r)
		ready := measured.Series[3]
		b.ReportMetric(float64(ready.Count), "samples")
		b.ReportMetric(load.Delivery.Rate, "pods/s")
		b.ReportMetric(load.Delivery.WorstLag*1000, "ms-worst-lag")
		b.ReportMetric(*ready.P50*1000, "ms-ready-p50")
		b.ReportMetric(*ready.P99*1000, "ms-ready-p99")
		if measured.Error != nil {
			b.ReportMetric(*measured.Error*1000, "ms-bar")
		}
		b.ReportMetric(float64(requests(r)), "requests")
		cost(b, r)
		g := x.grade(r)
		b.ReportMetric(ms(g.P99Abs), "ms-error-p99")
		b.ReportMetric(ms(g.Bias), "ms-bias")
		b.ReportMetric(ms(g.Blur), "ms-audit-blur")
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// pods writes the scenario: a load of pods, and a measure of their start-up.
func (x *bench) pods(count int, rate float64) {
	x.file("scenario.yaml", benchScenario)
	load := fmt.Sprintf(`
load:
  object:
    apiVersion: v1
    kind: Pod
    metadata: {name: "web-${{ index }}", labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: web, image: "nginx:1.29.3"}]
  count: %d
`, count)
	if rate > 0 {
		load += fmt.Sprintf("  rate: %g\n", rate)
	}
	x.file("00-load.yaml", load)
	x.file("01-measure.yaml", fmt.Sprintf("measure: [{name: startup, pods: {selector: app=web, expect: %d}}]\ntimeout: 5m\n", count))
}

func (x *bench) measures(r *event.Result) (load, measured event.Measured) {
	x.Helper()
	steps := r.Scenarios[0].Steps
	return steps[0].Measures[0], steps[1].Measures[0]
}

// grade holds the run's time to ready against the audit log.
func (x *bench) grade(r *event.Result) grade.Graded {
	x.Helper()
	out, err := exec.Command(clusterBinary(), "status", "--output", "json",
		"--name", "bench-"+strings.ToLower(strings.TrimPrefix(x.Name(), "Benchmark"))).Output()
	if err != nil {
		x.Fatal(err)
	}
	var all []struct{ Audit string }
	if err := json.Unmarshal(out, &all); err != nil {
		x.Fatal(err)
	}
	file, err := os.Open(all[0].Audit)
	if err != nil {
		x.Fatal(err)
	}
	defer file.Close()
	truth, err := grade.ReadAudit(file)
	if err != nil {
		x.Fatal(err)
	}
	graded := grade.Grade(r, truth).Measures
	i := slices.IndexFunc(graded, func(g grade.Graded) bool { return g.Series == "ready" })
	if i < 0 || graded[i].Joined == 0 {
		x.Fatal("nothing could be graded")
	}
	return graded[i]
}

// BenchmarkErrorBar runs 100 pods at 50 a second forty times: in how many runs
// does the printed error bar cover the p99 of the true error?
func BenchmarkErrorBar(b *testing.B) {
	x := newBench(b, "count=40,cpu=32,memory=64Gi", "--audit")
	x.pods(100, 50)
	for b.Loop() {
		const runs = 40
		r := x.result(x.start("--repeat", fmt.Sprint(runs)))
		covered, bars := 0, []time.Duration{}
		for _, s := range r.Scenarios {
			one := *r
			one.Scenarios = []*event.Scenario{s}
			g := x.grade(&one)
			bars = append(bars, g.Bar)
			if g.Covered {
				covered++
			}
		}
		b.ReportMetric(100*float64(covered)/float64(len(r.Scenarios)), "%-covered")
		b.ReportMetric(float64(len(r.Scenarios)), "runs")
		b.ReportMetric(quantile(bars, 0.5), "ms-bar-p50")
	}
}

// BenchmarkWatched loads 100,000 ConfigMaps and times each from its creation to
// the moment at which a predicate holds: all of them are watched.
func BenchmarkWatched(b *testing.B) {
	for b.Loop() {
		watched(b)
	}
}

func watched(b *testing.B) {
	x := newBench(b, "count=1,cpu=4,memory=8Gi")
	defer x.cluster("down", "--name", "bench-watched")
	x.file("scenario.yaml", benchScenario)
	x.file("00-load.yaml", `
load:
  object: {apiVersion: v1, kind: ConfigMap, metadata: {name: "item-${{ index }}", labels: {app: item}}, data: {value: x}}
  count: 100000
  concurrency: 64
`)
	x.file("01-measure.yaml", `
measure:
  - name: seen
    objects: {on: {kind: ConfigMap, selector: app=item}, end: object.data.value == 'x', expect: 100000}
timeout: 10m
`)
	// Kubernetes takes minutes to delete so many: they go with the cluster.
	r := x.result(x.start("--keep", "always"))
	load, measured := x.measures(r)
	b.ReportMetric(float64(measured.Series[0].Count), "samples")
	b.ReportMetric(load.Delivery.Rate, "objects/s")
	cost(b, r)
}

// BenchmarkAA compares a scenario with itself: 200 runs, of which every second
// one belongs to A, make 20 comparisons of 5 runs a side. Every difference that
// is found is a false alarm.
func BenchmarkAA(b *testing.B) {
	x := newBench(b, "count=4,cpu=8,memory=16Gi")
	x.pods(30, 100)
	for b.Loop() {
		r := x.result(x.start("--repeat", "200"))
		runs := compare.Runs(r)
		alarms, comparisons := 0, 0
		for block := range slices.Chunk(runs, 10) {
			metrics := map[string]*stats.Metric{}
			var names []string
			for i, run := range block {
				for _, v := range run.Metrics {
					m := metrics[v.Name]
					if m == nil {
						m = &stats.Metric{Name: v.Name}
						metrics[v.Name], names = m, append(names, v.Name)
					}
					if i%2 == 0 {
						m.A = append(m.A, v.Value)
					} else {
						m.B = append(m.B, v.Value)
					}
				}
			}
			var all []stats.Metric
			for _, name := range names {
				all = append(all, *metrics[name])
			}
			comparisons++
			found := stats.Compare(all, stats.Rule{Alpha: 0.05})
			if slices.ContainsFunc(found, func(c stats.Comparison) bool { return c.Verdict == stats.Worse || c.Verdict == stats.Better }) {
				alarms++
			}
		}
		b.ReportMetric(float64(comparisons), "comparisons")
		b.ReportMetric(float64(alarms), "false-alarms")
	}
}
