package step

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

func TestThresholdsOverWhatCannotBeMeasuredAreSkipped(t *testing.T) {
	const step = `measure: [{name: load, usage: {}}, {name: startup, pods: {}}]
thresholds: [{cel: load.cpu.worst < 0.8}, {cel: "startup.ready.max < duration('1s')"}]
`
	for name, tc := range map[string]struct {
		startup taken
		want    event.Outcome
		reason  event.Reason
	}{
		"the other one holds": {taken{value: phasesOf(enough(time.Millisecond))}, event.Passed, ""},
		"the other one fails": {taken{value: phasesOf(enough(time.Hour))}, event.Failed, event.ReasonThreshold},
		"nor can the other":   {taken{measured: event.Measured{Unmeasurable: "no pods"}}, event.Skipped, event.ReasonUnmeasured},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			p := compile(t, step)
			w := &World{Plan: p, taken: map[string]taken{}}
			r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
			w.take(unmeasured(&p.Steps[0].Measure[0], "the nodes are simulated"), r)
			tc.startup.measured.Name = "startup"
			w.take(tc.startup, r)
			w.thresholds(context.Background(), p.Steps[0], r)
			skipUnmeasured(p.Steps[0], r)
			g.Expect(r.Outcome).To(Equal(tc.want))
			g.Expect(r.Reason).To(Equal(tc.reason))
			g.Expect(r.Findings[0].Outcome).To(Equal(event.Skipped))
			g.Expect(r.Findings[0].Reason).To(Equal(event.ReasonUnmeasured))
			g.Expect(r.Findings[0].Message).To(Equal("load is not measurable here: the nodes are simulated"))
			g.Expect(r.Findings[0].Expr).To(Equal("load.cpu.worst < 0.8"))
		})
	}
}

// A step that already went wrong is not skipped away.
func TestAFailureIsNotSkippedAway(t *testing.T) {
	g := NewWithT(t)
	p := compile(t, "measure: [{name: load, usage: {}}]\nthresholds: [{cel: load.cpu.worst < 0.8}]\n")
	w := &World{Plan: p, taken: map[string]taken{}}
	r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
	w.take(unmeasured(&p.Steps[0].Measure[0], "the nodes are simulated"), r)
	r.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Message: "under during"})
	skipUnmeasured(p.Steps[0], r)
	g.Expect(r.Outcome).To(Equal(event.Failed))
}

func TestThresholdsOverAUsage(t *testing.T) {
	usage := func(worst float64) spec.Usage { return spec.Usage{CPU: spec.Share{Worst: worst, Used: 1}} }
	for name, tc := range map[string]struct {
		cel    string
		taken  taken
		want   event.Outcome
		reason event.Reason
		says   string
	}{
		"under": {"load.cpu.worst < 0.8", taken{value: usage(0.5), low: usage(0.4), high: usage(0.7)}, event.Passed, event.ReasonThreshold, ""},
		"over":  {"load.cpu.worst < 0.8", taken{value: usage(0.9), low: usage(0.85), high: usage(1)}, event.Failed, event.ReasonThreshold, "over the limit"},
		"the time has ends that are not known": {"load.cpu.worst < 0.8", taken{value: usage(0.7), low: usage(0.5), high: usage(0.9)},
			event.Inconclusive, event.ReasonError, "stamps lie before and behind"},
		"too few stamps": {"load.cpu.worst < 0.8", taken{value: usage(0.5), doubt: "node a has 1"},
			event.Inconclusive, event.ReasonSamples, "load: node a has 1"},
		"no denominator": {"load.cpu.worst < 0.8", taken{value: usage(math.NaN()), without: map[string]string{"cpu.worst": "there are none"}},
			event.Errored, event.ReasonExpression, "load.cpu.worst is not known: there are none"},
		"another figure": {"load.cpu.used < 2.0", taken{value: usage(math.NaN()), without: map[string]string{"cpu.worst": "there are none"}},
			event.Passed, event.ReasonThreshold, ""},
		"in other words": {"[load].all(l, l.cpu.worst < 0.8)", taken{value: usage(math.NaN()), without: map[string]string{"cpu.worst": "there are none"}},
			event.Errored, event.ReasonExpression, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			p := compile(t, "measure: [{name: load, usage: {}}]\nthresholds: [{cel: \""+tc.cel+"\"}]\n")
			tc.taken.measured.Name, tc.taken.measured.Kind = "load", "usage"
			w := &World{Plan: p, taken: map[string]taken{"load": tc.taken}}
			r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
			w.thresholds(context.Background(), p.Steps[0], r)
			g.Expect(r.Outcome).To(Equal(tc.want), fmt.Sprint(r.Findings))
			g.Expect(r.Findings[0].Reason).To(Equal(tc.reason))
			g.Expect(r.Findings[0].Message).To(ContainSubstring(tc.says))
		})
	}
}

func TestSimulatedNodesCannotBeMeasured(t *testing.T) {
	real, simulated := spec.Node{Name: "a", Labels: map[string]string{"kind": "real"}}, spec.Node{Name: "b", Simulated: true}
	for name, tc := range map[string]struct {
		usage string
		nodes []spec.Node
		want  string
	}{
		"all simulated": {"{}", []spec.Node{simulated}, "the nodes are simulated: no kubelet measures what they use"},
		"some":          {"{}", []spec.Node{simulated, real}, ""},
		"selected":      {"{selector: kind!=real}", []spec.Node{simulated, real}, "the nodes are simulated: no kubelet measures what they use"},
		"pods":          {"{of: pods, selector: app=web}", []spec.Node{simulated}, "the nodes are simulated: no kubelet measures what they use"},
		"pods of some":  {"{of: pods, selector: app=web}", []spec.Node{simulated, real}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := compile(t, "measure: [{name: load, usage: "+tc.usage+"}]\n")
			w := &World{Setting: Setting{Facts: &spec.Facts{Nodes: tc.nodes}}, Plan: p}
			if got := w.unmeasurable(t.Context(), p.Steps[0], &p.Steps[0].Measure[0]); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// kubelets plays an API server that proxies to kubelets: every answer has a new
// stamp and half a core more. What is in refused is answered with that status.
func kubelets(t *testing.T, refused map[string]int) *cluster.Client {
	t.Helper()
	var clock atomic.Int64
	return served(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for part, status := range refused {
			if strings.Contains(r.URL.Path, part) {
				w.WriteHeader(status)
				fmt.Fprintf(w, `{"kind":"Status","message":"refused for the test","code":%d}`, status)
				return
			}
		}
		n := clock.Add(10)
		at := time.Unix(1_795_447_000+n, 0).UTC()
		switch {
		case r.URL.Path == "/version":
			fmt.Fprint(w, `{"gitVersion": "v1.37.2"}`)
		case strings.HasSuffix(r.URL.Path, "/metrics/resource"):
			fmt.Fprintf(w, "# TYPE node_cpu_usage_seconds_total counter\nnode_cpu_usage_seconds_total %v %d\n", float64(n)/2, at.UnixMilli())
		case strings.HasSuffix(r.URL.Path, "/stats/summary"):
			fmt.Fprintf(w, `{"node": {"cpu": {"time": %q, "usageCoreNanoSeconds": %d}, "fs": {"time": %q, "usedBytes": 5, "capacityBytes": 10}}}`,
				at.Format(time.RFC3339), n*5e8, at.Format(time.RFC3339))
		default:
			fmt.Fprintf(w, `{"items": [{"metadata": {"name": "a"}, "timestamp": %q, "window": "10s", "usage": {"cpu": "500m", "memory": "1Mi"}}]}`,
				at.Format(time.RFC3339))
		}
	})
}

// served is a client of a server that plays the API server.
func served(t *testing.T, answer http.HandlerFunc) *cluster.Client {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	config := filepath.Join(t.TempDir(), "kubeconfig")
	text := "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c}}], " +
		"clusters: [{name: c, cluster: {server: \"" + s.URL + "\"}}]}"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := cluster.Open(t.Context(), cluster.Options{Kubeconfig: config, Env: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestTheSourcesOfAUsage(t *testing.T) {
	for name, tc := range map[string]struct {
		refused map[string]int
		source  string
		storage float64
		without string
		err     string
	}{
		"the small metrics":     {nil, measure.SourceResource, 0.5, "", ""},
		"no summary":            {map[string]int{"/stats/": 404}, measure.SourceResource, 0, "filesystem.worst", ""},
		"the summary":           {map[string]int{"/metrics/resource": 404}, measure.SourceSummary, 0.5, "", ""},
		"the metrics API":       {map[string]int{"/proxy/": 403}, measure.SourceMetricsAPI, 0, "filesystem.worst", ""},
		"none":                  {map[string]int{"/proxy/": 403, "/apis/": 404}, "", 0, "", "no source says what a uses"},
		"a kubelet that is not": {map[string]int{"/proxy/": 500, "/apis/": 404}, "", 0, "", "no source says what a uses"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			p := compile(t, "measure: [{name: load, usage: {for: 100ms, every: 40ms}}]\nthresholds: [{cel: load.cpu.used < 1.0}]\n")
			node := spec.Node{Name: "a", Allocatable: map[string]resource.Quantity{"cpu": resource.MustParse("2"), "memory": resource.MustParse("1Gi")}}
			facts := &spec.Facts{Nodes: []spec.Node{node, {Name: "b", Simulated: true}}}
			w := &World{Setting: Setting{Client: kubelets(t, tc.refused), Facts: facts}, Plan: p,
				taken: map[string]taken{}, Progress: func(string) {}}
			r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
			w.measure(t.Context(), p.Steps[0], r)
			if tc.err != "" {
				g.Expect(r.Outcome).To(Equal(event.Errored))
				g.Expect(r.Message).To(ContainSubstring(tc.err))
				g.Expect(r.Message).NotTo(ContainSubstring("unmarshal"))
				return
			}
			g.Expect(r.Outcome).To(Equal(event.Passed), r.Message)
			got := w.taken["load"].value.(spec.Usage)
			g.Expect(got.CPU.Used).To(BeNumerically("~", 0.5, 1e-9))
			g.Expect(got.CPU.Worst).To(BeNumerically("~", 0.25, 1e-9))
			g.Expect(r.Measures[0].What).To(HavePrefix(tc.source))
			g.Expect(r.Notes).To(ContainElement("load: 1 simulated nodes are left out: no kubelet measures what they use"))
			if tc.without != "" {
				g.Expect(w.taken["load"].without).To(HaveKey(tc.without))
			} else {
				g.Expect(got.Filesystem.Worst).To(BeNumerically("~", tc.storage, 1e-9))
			}
		})
	}
}
