package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/e2e-framework/klient/conf"

	"github.com/realspec/realspec/engine/event"
)

// The benchmarks run the built programs as a user would, on the real local
// cluster: make bench. Each iteration is one whole run; quote medians over
// several (-count).

// bench is where a benchmark's scenario lies and its cluster runs.
type bench struct {
	*testing.B
	dir, kubeconfig string
}

// newBench starts a cluster of that shape for the benchmark.
func newBench(b *testing.B, nodes string, flags ...string) *bench {
	b.Helper()
	if world == nil {
		b.Skip("skipped: needs realspec-cluster, and it is not built: make build")
	}
	x := &bench{B: b, dir: b.TempDir()}
	x.kubeconfig = filepath.Join(x.dir, "kubeconfig")
	name := "bench-" + strings.ToLower(strings.TrimPrefix(b.Name(), "Benchmark"))
	x.cluster(append([]string{"up", "--name", name, "--kubeconfig", x.kubeconfig, "--nodes", nodes,
		"--owner", fmt.Sprint(os.Getpid())}, flags...)...)
	b.Cleanup(func() { x.cluster("down", "--name", name) })
	return x
}

func (x *bench) cluster(args ...string) {
	x.Helper()
	if out, err := exec.Command(clusterBinary(), args...).CombinedOutput(); err != nil {
		x.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// file writes one file of the scenario.
func (x *bench) file(name, content string) {
	x.Helper()
	path := filepath.Join(x.dir, "spec", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		x.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		x.Fatal(err)
	}
}

const benchScenario = "apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata: {name: bench}\n"

// program is the realspec that was built beside realspec-cluster.
func program() string { return filepath.Join(filepath.Dir(clusterBinary()), "realspec") }

// start begins a run of the scenario.
func (x *bench) start(flags ...string) *exec.Cmd {
	x.Helper()
	cmd := exec.Command(program(), append([]string{"run", filepath.Join(x.dir, "spec"), "--cluster", "current", "--quiet",
		"--kubeconfig", x.kubeconfig, "--json", filepath.Join(x.dir, "result.json"),
		"--events", filepath.Join(x.dir, "events.jsonl")}, flags...)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		x.Fatal(err)
	}
	return cmd
}

// result waits for the run, which must pass, and reads what it reported.
func (x *bench) result(cmd *exec.Cmd) *event.Result {
	x.Helper()
	if err := cmd.Wait(); err != nil {
		x.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(x.dir, "result.json"))
	if err != nil {
		x.Fatal(err)
	}
	var r event.Result
	if err := json.Unmarshal(raw, &r); err != nil {
		x.Fatal(err)
	}
	return &r
}

// quantile is the nearest-rank quantile of the samples, in milliseconds.
func quantile(samples []time.Duration, q float64) float64 {
	slices.Sort(samples)
	i := min(int(q*float64(len(samples))), len(samples)-1)
	return float64(samples[i].Microseconds()) / 1000
}

// BenchmarkDetection times 200 waits: from the moment at which another client
// sends a change to the moment at which realspec says that the condition holds.
// The whole write lies in between, so both ends of it are given: since it was
// sent, and since its answer came.
func BenchmarkDetection(b *testing.B) {
	const waits = 200
	x := newBench(b, "count=1,cpu=4,memory=8Gi")
	x.file("scenario.yaml", benchScenario)
	x.file("00-config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: signal}\ndata: {value: start}\n")
	for i := range waits {
		x.file(fmt.Sprintf("%03d-wait.yaml", i+1), fmt.Sprintf("wait: [{on: {kind: ConfigMap, name: signal}, cel: object.data.value == '%d'}]\n", i))
	}
	config, err := conf.New(x.kubeconfig)
	if err != nil {
		b.Fatal(err)
	}
	config.QPS = -1 // the change is to be sent when it is due
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		os.Remove(filepath.Join(x.dir, "events.jsonl")) // of an earlier iteration
		cmd := x.start()
		sent, answered := x.signals(client, waits)
		r := x.result(cmd)
		var sinceSent, sinceAnswer []time.Duration
		for i, at := range x.stepEnds(waits) {
			sinceSent = append(sinceSent, at.Sub(sent[i]))
			sinceAnswer = append(sinceAnswer, at.Sub(answered[i]))
		}
		b.ReportMetric(quantile(sinceSent, 0.5), "ms-sent-p50")
		b.ReportMetric(quantile(sinceSent, 0.99), "ms-sent-p99")
		b.ReportMetric(quantile(sinceAnswer, 0.5), "ms-answered-p50")
		b.ReportMetric(quantile(sinceAnswer, 0.99), "ms-answered-p99")
		b.ReportMetric(float64(requests(r))/waits, "requests/wait")
	}
}

func requests(r *event.Result) (n int64) {
	for _, count := range r.Account.Requests {
		n += count
	}
	return n
}

// signals sends each change once its wait has begun.
func (x *bench) signals(client kubernetes.Interface, waits int) (sent, answered []time.Time) {
	x.Helper()
	ctx := context.Background()
	var namespace string
	for i := range waits {
		const begun = `"event":"step-started"`
		for strings.Count(x.events(), begun) < i+2 {
			time.Sleep(2 * time.Millisecond)
		}
		if namespace == "" {
			_, rest, _ := strings.Cut(x.events(), `"namespace":"`)
			namespace, _, _ = strings.Cut(rest, `"`)
		}
		time.Sleep(5 * time.Millisecond) // let the wait look once and go to sleep
		sent = append(sent, time.Now())
		_, err := client.CoreV1().ConfigMaps(namespace).Patch(ctx, "signal", types.MergePatchType,
			[]byte(fmt.Sprintf(`{"data":{"value":"%d"}}`, i)), metav1.PatchOptions{})
		if err != nil {
			x.Fatal(err)
		}
		answered = append(answered, time.Now())
	}
	return sent, answered
}

func (x *bench) events() string {
	raw, err := os.ReadFile(filepath.Join(x.dir, "events.jsonl"))
	if err != nil && !os.IsNotExist(err) {
		x.Fatal(err)
	}
	return string(raw)
}

// stepEnds are the moments at which the waits ended, by the run's own account.
func (x *bench) stepEnds(waits int) []time.Time {
	x.Helper()
	events, err := event.Read(strings.NewReader(x.events()))
	if err != nil {
		x.Fatal(err)
	}
	var ends []time.Time
	for _, s := range events {
		if e, ok := s.Event.(event.StepEnded); ok && strings.HasSuffix(e.Step, "-wait") {
			ends = append(ends, s.At)
		}
	}
	if len(ends) != waits {
		x.Fatalf("%d waits ended, want %d", len(ends), waits)
	}
	return ends
}

// BenchmarkApply applies 1,000 ConfigMaps in one step.
func BenchmarkApply(b *testing.B) {
	x := newBench(b, "count=1,cpu=4,memory=8Gi")
	x.file("scenario.yaml", benchScenario)
	var all strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&all, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-%d}\ndata: {value: \"%d\"}\n", i, i)
	}
	x.file("00-apply.yaml", all.String())
	for b.Loop() {
		r := x.result(x.start())
		b.ReportMetric(r.Scenarios[0].Steps[0].Seconds, "s/apply")
		b.ReportMetric(float64(r.Account.Requests["apply"])/1000, "requests/object")
		cost(b, r)
	}
}

// cost is what the run says of itself.
func cost(b *testing.B, r *event.Result) {
	b.ReportMetric(r.Account.CPUSeconds, "cpu-s")
	b.ReportMetric(float64(r.Account.PeakRSSBytes)/(1<<20), "MiB")
}

// BenchmarkValidate is the whole process: realspec validate specs.
func BenchmarkValidate(b *testing.B) {
	if _, err := os.Stat(program()); err != nil {
		b.Skip("skipped: needs bin/realspec: make build")
	}
	for b.Loop() {
		cmd := exec.Command(program(), "validate", "../../specs", "../../examples")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}

// BenchmarkLocalCluster is the start of a local cluster of four nodes.
func BenchmarkLocalCluster(b *testing.B) {
	if world == nil {
		b.Skip("skipped: needs realspec-cluster, and it is not built: make build")
	}
	x := &bench{B: b}
	for b.Loop() {
		start := time.Now()
		x.cluster("up", "--name", "bench-start", "--nodes", "count=4,cpu=4,memory=8Gi", "--owner", fmt.Sprint(os.Getpid()))
		b.ReportMetric(time.Since(start).Seconds(), "s-to-ready")
		out, err := exec.Command(clusterBinary(), "status", "--output", "json", "--name", "bench-start").Output()
		if err != nil {
			b.Fatal(err)
		}
		var all []struct{ MemoryBytes int64 }
		if err := json.Unmarshal(out, &all); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(all[0].MemoryBytes)/(1<<20), "MiB")
		x.cluster("down", "--name", "bench-start")
	}
}

// BenchmarkRun is the whole process of `make run` when everything is built:
// cluster started, specs/high-load run and cleaned up, cluster taken down.
func BenchmarkRun(b *testing.B) {
	if world == nil {
		b.Skip("skipped: needs realspec-cluster, and it is not built: make build")
	}
	for b.Loop() {
		start := time.Now()
		x := &bench{B: b, dir: b.TempDir()}
		cmd := exec.Command(program(), "run", "../../specs/high-load", "--cluster", "local", "--quiet",
			"--json", filepath.Join(x.dir, "result.json"))
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		r := x.result(cmd)
		b.ReportMetric(time.Since(start).Seconds(), "s/run")
		cost(b, r)
	}
}
