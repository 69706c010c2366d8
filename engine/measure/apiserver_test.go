package measure_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

// calls is one series of the API server's histogram, by its labels and the number
// of calls in the buckets up to 0.1 s, up to 0.5 s, up to 1 s, and above.
type calls struct {
	labels  string
	buckets [4]int
	sum     float64
}

// metrics is a text as the API server writes it, with other metrics around.
func metrics(started string, all ...calls) []byte {
	var b strings.Builder
	b.WriteString(`# HELP apiserver_request_sli [ALPHA] Another one.
# TYPE apiserver_request_sli counter
apiserver_request_sli 1
# HELP apiserver_request_sli_duration_seconds [ALPHA] Response latency distribution.
# TYPE apiserver_request_sli_duration_seconds histogram
`)
	for _, c := range all {
		n := 0
		for i, le := range []string{"0.1", "0.5", "1", "+Inf"} {
			n += c.buckets[i]
			fmt.Fprintf(&b, "apiserver_request_sli_duration_seconds_bucket{%s,le=%q} %d\n", c.labels, le, n)
		}
		fmt.Fprintf(&b, "apiserver_request_sli_duration_seconds_sum{%s} %v\n", c.labels, c.sum)
		fmt.Fprintf(&b, "apiserver_request_sli_duration_seconds_count{%s} %d\n", c.labels, n)
	}
	fmt.Fprintf(&b, "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %s", started)
	return []byte(b.String())
}

func series(verb, group, resource, sub, scope string) string {
	return fmt.Sprintf(`component="apiserver",group=%q,resource=%q,scope=%q,subresource=%q,verb=%q,version="v1"`,
		group, resource, scope, sub, verb)
}

func TestTheAPIServersHistogramsAreCompared(t *testing.T) {
	g := NewWithT(t)
	createPods, status := series("POST", "", "pods", "", "resource"), series("PATCH", "", "pods", "status", "resource")
	few := series("PUT", "apps", "deployments", "", "resource")
	before := metrics("1.7e+09",
		calls{createPods, [4]int{1000, 500, 100, 7}, 300}, calls{status, [4]int{10, 0, 0, 0}, 1})
	after := metrics("1.7e+09",
		calls{createPods, [4]int{1290, 506, 104, 7}, 330},
		calls{status, [4]int{310, 0, 0, 0}, 7},
		calls{few, [4]int{0, 0, 0, 20}, 100},
		calls{series("APPLY", "apps", "deployments", "", "resource"), [4]int{298, 0, 0, 0}, 3},
		calls{series("DELETE", "", "pods", "", "namespace"), [4]int{0, 0, 0, 900}, 9000}, // of a collection
		calls{series("WATCH", "", "pods", "", "cluster"), [4]int{0, 0, 0, 900}, 9000},
		calls{series("CONNECT", "", "pods", "log", "resource"), [4]int{0, 0, 0, 900}, 9000},
		calls{series("GET", "", "", "/readyz", ""), [4]int{0, 0, 0, 900}, 9000},
		calls{series("GET", "", "pods", "", "resource"), [4]int{5, 0, 0, 0}, 0.1},
		calls{series("LIST", "", "pods", "", "cluster"), [4]int{297, 0, 0, 3}, 12},
	)
	r, err := measure.ServerLatency(before, after, nil)
	g.Expect(err).NotTo(HaveOccurred())
	// 290, 6 and 4 new calls: the 297th of 300 is in the last finite bucket.
	g.Expect(r.Latency.Mutating).To(Equal(spec.Series{Count: 300, Min: 100 * millisecond, Mean: 100 * millisecond,
		P50: 100 * millisecond, P90: 100 * millisecond, P95: 100 * millisecond, P99: time.Second, Max: time.Second,
		Stddev: spec.Missing}))
	g.Expect(r.Low.Mutating).To(Equal(spec.Series{Count: 300, Mean: 100 * millisecond, P99: 500 * millisecond, Max: 500 * millisecond}))
	g.Expect(r.Latency.Reads.Count).To(Equal(int64(5)), "too few for a p99, and nothing else is there")
	g.Expect(r.Latency.Lists.P99).To(Equal(100 * millisecond))
	g.Expect(r.Latency.Lists.Max).To(Equal(spec.Missing))
	g.Expect(r.Low.Lists.Max).To(Equal(time.Second))
	g.Expect([]int64{r.Latency.Lists.Count, r.Latency.Lists.Missing}).To(Equal([]int64{297, 3}))

	var rows []string
	for _, s := range r.Series {
		p99 := "beyond"
		if s.P99 != nil {
			p99 = fmt.Sprint(*s.P99)
		}
		rows = append(rows, fmt.Sprintf("%s: %s %s n=%d", s.Name, s.Group, p99, s.Count+s.Missing))
	}
	g.Expect(rows).To(Equal([]string{
		"mutating: POST pods 1 n=300", "reads: GET pods 0.1 n=5", "lists: LIST pods (cluster) 0.1 n=300",
		"mutating: PUT deployments.apps beyond n=20", "mutating: PATCH pods/status 0.1 n=300",
		"mutating: APPLY deployments.apps 0.1 n=298",
	}))
	g.Expect(r.Series[0].Stddev).To(BeNil())
}

func TestTheAPIServersResourcesAreSelected(t *testing.T) {
	g := NewWithT(t)
	after := metrics("1",
		calls{series("POST", "", "pods", "", "resource"), [4]int{300, 0, 0, 0}, 1},
		calls{series("POST", "", "pods", "binding", "resource"), [4]int{0, 0, 400, 0}, 1},
		calls{series("POST", "metrics.k8s.io", "pods", "", "resource"), [4]int{0, 300, 0, 0}, 1},
		calls{series("POST", "apps", "deployments", "", "resource"), [4]int{0, 0, 0, 300}, 1},
	)
	before := metrics("1", calls{series("POST", "", "services", "", "resource"), [4]int{}, 0})
	after = append(after[:len(after):len(after)], '\n')
	after = append(metrics("1", calls{series("POST", "", "services", "", "resource"), [4]int{}, 0}), append([]byte("\n"), linesWith(after, "duration_seconds_")...)...)
	for resource, want := range map[string]string{
		"pods": "POST pods/binding", "pods/binding": "POST pods/binding", "pods.metrics.k8s.io": "POST pods.metrics.k8s.io",
		"deployments": "POST deployments.apps", "deployments.apps": "POST deployments.apps", "secrets": "",
	} {
		r, err := measure.ServerLatency(before, after, []string{resource})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(r.Series[0].Group).To(Equal(want), resource)
	}
}

func linesWith(text []byte, word string) []byte {
	var out []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, word) && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return []byte(strings.Join(out, ""))
}

func TestWhatTheAPIServersMetricsCannotSay(t *testing.T) {
	pods, nodes := series("POST", "", "pods", "", "resource"), series("POST", "", "nodes", "", "resource")
	good := metrics("1", calls{pods, [4]int{5, 5, 0, 0}, 9})
	for name, c := range map[string]struct {
		before, after []byte
		want          string
	}{
		"a counter went down":      {good, metrics("1", calls{pods, [4]int{4, 9, 0, 0}, 9}), "restarted"},
		"the count went down":      {good, metrics("1", calls{pods, [4]int{5, 4, 0, 0}, 9}), "restarted"},
		"a series is gone":         {good, metrics("1", calls{nodes, [4]int{5, 4, 0, 0}, 9}), "restarted"},
		"another process":          {good, metrics("2", calls{pods, [4]int{50, 50, 0, 0}, 9}), "restarted"},
		"an old server, before":    {[]byte("# TYPE up gauge\nup 1\n"), good, "(before) have no apiserver_request_sli_duration_seconds"},
		"no text at all":           {good, nil, "(after) have no apiserver_request_sli_duration_seconds"},
		"a text that breaks off":   {good, good[:len(good)-90], "cannot be read"},
		"a metric of another kind": {good, []byte("# TYPE apiserver_request_sli_duration_seconds gauge\napiserver_request_sli_duration_seconds 1"), "not a histogram"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := measure.ServerLatency(c.before, c.after, nil)
			g.Expect(err).To(MatchError(ContainSubstring(c.want)))
		})
	}
}

func TestNoCallsAreNoSamples(t *testing.T) {
	g := NewWithT(t)
	same := metrics("1", calls{series("POST", "", "pods", "", "resource"), [4]int{5, 5, 0, 0}, 9})
	r, err := measure.ServerLatency(same, same, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(r.Latency).To(Equal(spec.ServerLatency{}))
	g.Expect(r.Series).To(HaveLen(3))
	g.Expect(r.Series[1].Name).To(Equal("reads"))
	g.Expect(r.Series[1].P99).To(BeNil())
}
