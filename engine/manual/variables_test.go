package manual_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/manual"
	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/engine/spec"
)

// cluster is the one that the reference describes.
func cluster() *spec.Facts {
	amounts := map[string]resource.Quantity{"cpu": resource.MustParse("8"), "memory": resource.MustParse("32Gi")}
	node := spec.Node{
		Name: "node-0", Ready: true, Schedulable: true, Labels: map[string]string{}, Annotations: map[string]string{},
		Taints:      []spec.Taint{{Key: "nvidia.com/gpu", Effect: "NoSchedule"}},
		Allocatable: amounts, Capacity: amounts, Requested: amounts, Headroom: amounts,
		Conditions: map[string]string{"Ready": "True"}, OS: "linux", Arch: "amd64",
	}
	cordoned := node
	cordoned.Schedulable = false
	return &spec.Facts{
		Cluster: spec.Cluster{
			Version: "1.37.2", APIs: []string{"v1", "apps/v1"}, GPUs: map[string]int64{"nvidia.com/gpu": 2},
			StorageClasses: []spec.StorageClass{{Name: "standard"}}, IngressClasses: []spec.IngressClass{{Name: "nginx"}},
			Prometheus: []spec.Service{{Name: "prometheus", Port: 9090}}, Grafana: []spec.Service{{Name: "grafana", Port: 3000}},
		},
		Nodes: []spec.Node{node, node, cordoned},
	}
}

func series(longest time.Duration) spec.Series {
	return spec.Series{Count: 100, Min: longest / 4, Mean: longest / 2, P50: longest / 2, P90: longest, P95: longest, P99: longest, Max: longest}
}

// scenario is the environment of the reference's examples, with everything that
// any place knows.
func scenario(t *testing.T) (*expr.Env, expr.Values) {
	t.Helper()
	vars := map[string]any{"replicas": int64(5), "limit": "3m"}
	env, err := expr.New(expr.Scope{
		Vars: vars, Env: []string{"LLM_ENDPOINT"}, Facts: true, Object: true, Run: true, Index: true,
		Response: true, Result: true, Logs: true, Outputs: map[string]expr.OutputKind{"login": expr.OutputResponse},
		Let: map[string]expr.LetKind{"pods": expr.Many},
		Measures: map[string]expr.MeasureKind{
			"startup": expr.MeasurePhases, "rollout": expr.MeasureDuration, "binding": expr.MeasureSeries, "reads": expr.MeasureDelivery,
			"server": expr.MeasureServer, "errors": expr.MeasureValues, "load": expr.MeasureDelivery, "grouped": expr.MeasureGrouped,
			"web": expr.MeasureRequests, "net": expr.MeasureNetwork, "used": expr.MeasureUsage, "bench": expr.MeasureExec,
		},
	})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	phases := map[string]spec.Series{}
	for _, phase := range spec.Phases {
		phases[phase] = series(2 * time.Second)
	}
	pod := func(node string) any { return map[string]any{"spec": map[string]any{"nodeName": node}} }
	delivery := spec.Delivery{Count: 1000, Asked: 50, Rate: 50, Latency: series(20 * time.Millisecond)}
	return env, expr.Values{
		"vars": vars, "env": map[string]string{}, "facts": cluster(), "index": int64(7),
		"run":     map[string]string{"id": "4k2d9", "namespace": "high-load-4k2d9", "scenario": "high-load"},
		"object":  map[string]any{"status": map[string]any{"readyReplicas": int64(5)}},
		"pods":    []any{pod("node-0"), pod("node-1"), pod("node-2"), pod("node-0")},
		"startup": phases, "rollout": 40 * time.Second, "binding": series(time.Second), "reads": delivery, "load": delivery,
		"server":   spec.ServerLatency{Mutating: series(time.Second), Reads: series(time.Second), Lists: series(time.Second)},
		"errors":   spec.Values{Count: 10, Max: 0.001},
		"grouped":  spec.Grouped{Phases: phases, Worst: phases},
		"web":      spec.Requests{Count: 1000, Latency: series(200 * time.Millisecond), Codes: map[string]int64{"200": 1000}},
		"net":      spec.Network{Worst: series(time.Millisecond), HostWorst: series(800 * time.Microsecond)},
		"used":     spec.Usage{CPU: spec.Share{Worst: 0.4}, Memory: spec.Share{Worst: 0.6}},
		"bench":    spec.ExecValues{Duration: series(10 * time.Second), Value: spec.Values{Count: 3, Min: 1200}},
		"response": answer(), "outputs": map[string]any{"login": answer()},
		"result": spec.CommandResult{Stdout: "(1 row)", JSON: map[string]any{"status": "ok"}, Took: time.Second},
		"logs": spec.LogLines{Lines: []string{"migrated 12 tables", "ready to serve"}, Text: "migrated 12 tables\nready to serve",
			Pods: map[string][]string{"a": nil, "b": nil, "c": nil}},
	}
}

func answer() *spec.Response {
	return &spec.Response{
		Status: 200, Headers: map[string]string{"content-type": "application/json"}, Body: "Welcome", Took: 40 * time.Millisecond,
		JSON: map[string]any{"choices": []any{map[string]any{"message": map[string]any{"content": "There are three nodes."}}}},
	}
}

// TestExamplesOfAnswers evaluates the example of every field of what steps see.
func TestExamplesOfAnswers(t *testing.T) {
	env, values := scenario(t)
	_, docs := built(t)
	tried := 0
	for _, typ := range []reflect.Type{reflect.TypeFor[spec.Response](), reflect.TypeFor[spec.CommandResult](), reflect.TypeFor[spec.LogLines]()} {
		for _, f := range schema.Fields(typ, docs) {
			g := NewWithT(t)
			p, diags := env.Compile(spec.Expr{Source: spec.Source{Text: f.Example}}, expr.Bool)
			g.Expect(diags).To(BeEmpty(), f.Example)
			got, err := p.Eval(t.Context(), values)
			g.Expect(err).NotTo(HaveOccurred(), f.Example)
			g.Expect(got).To(BeTrue(), f.Example)
			tried++
		}
	}
	NewWithT(t).Expect(tried).To(Equal(14))
}

func TestExamplesOfVariables(t *testing.T) {
	env, values := scenario(t)
	for _, v := range manual.Variables() {
		t.Run(v.Name, func(t *testing.T) { expectExample(t, env, values, v.Example) })
	}
	for _, k := range manual.MeasuredKinds() {
		t.Run("measure of "+k.Kind, func(t *testing.T) { expectExample(t, env, values, k.Example) })
	}
}

// TestFieldsOfVariables compiles an expression over every field that the
// reference lists, and the examples that are expressions themselves.
func TestFieldsOfVariables(t *testing.T) {
	env, _ := scenario(t)
	_, docs := built(t)
	isExpression := regexp.MustCompile(`^(cluster|nodes)[.[]`)
	for path, typ := range map[string]reflect.Type{
		"cluster": reflect.TypeFor[spec.Cluster](), "cluster.storageClasses[0]": reflect.TypeFor[spec.StorageClass](),
		"cluster.ingressClasses[0]": reflect.TypeFor[spec.IngressClass](), "cluster.prometheus[0]": reflect.TypeFor[spec.Service](),
		"nodes[0]": reflect.TypeFor[spec.Node](), "nodes[0].taints[0]": reflect.TypeFor[spec.Taint](),
		"binding": reflect.TypeFor[spec.Series](), "reads": reflect.TypeFor[spec.Delivery](),
		"server": reflect.TypeFor[spec.ServerLatency](), "errors": reflect.TypeFor[spec.Values](),
		"web": reflect.TypeFor[spec.Requests](), "net": reflect.TypeFor[spec.Network](), "used": reflect.TypeFor[spec.Usage](),
		"used.cpu": reflect.TypeFor[spec.Share](), "used.network": reflect.TypeFor[spec.Traffic](), "bench": reflect.TypeFor[spec.ExecValues](),
		"response": reflect.TypeFor[spec.Response](), "result": reflect.TypeFor[spec.CommandResult](), "logs": reflect.TypeFor[spec.LogLines](),
		"outputs.login": reflect.TypeFor[spec.Response](),
	} {
		for _, f := range schema.Fields(typ, docs) {
			compile(t, env, path+"."+f.Name)
			if f.Says == "" {
				t.Errorf("%s.%s has no comment", path, f.Name)
			}
			if isExpression.MatchString(f.Example) {
				compile(t, env, f.Example)
			}
		}
	}
	for _, phase := range append(slices.Clone(spec.Phases), spec.WorstGroup+"."+spec.Phases[0]) {
		compile(t, env, "grouped."+phase+".p95")
	}
}

// TestMeasuredKindsAreComplete compares the kinds of measures with those of the
// manual.
func TestMeasuredKindsAreComplete(t *testing.T) {
	_, docs := built(t)
	want := []string{"load"}
	for _, f := range schema.Fields(reflect.TypeFor[spec.Measure](), docs) {
		if f.Kind {
			want = append(want, f.Name)
		}
	}
	var got []string
	for _, k := range manual.MeasuredKinds() {
		got = append(got, k.Kind)
	}
	NewWithT(t).Expect(got).To(ConsistOf(want), "variables.go says what thresholds know of each kind of measure")
}

// TestOutcomesAreComplete compares the outcomes and exit codes with those of
// package event.
func TestOutcomesAreComplete(t *testing.T) {
	g := NewWithT(t)
	source, err := os.ReadFile("../event/result.go")
	g.Expect(err).NotTo(HaveOccurred())
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^\t\w+\s+Outcome = "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		want = append(want, m[1])
	}
	var got []string
	for _, w := range manual.Outcomes() {
		got = append(got, w.Word)
	}
	g.Expect(got).To(Equal(want))

	source, err = os.ReadFile("../event/exit.go")
	g.Expect(err).NotTo(HaveOccurred())
	want, got = nil, nil
	for _, m := range regexp.MustCompile(`(?m)^//\t\s*(\d+)  `).FindAllStringSubmatch(string(source), -1) {
		want = append(want, m[1])
	}
	for _, w := range manual.Exits() {
		got = append(got, strings.TrimSpace(w.Word))
	}
	g.Expect(got).To(Equal(want))
}
