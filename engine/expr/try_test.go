package expr

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/spec"
)

func written(text string) spec.Source {
	s := spec.Source{Text: text, At: spec.Pos{File: "f", Line: 1, Column: 1}}
	line := 1
	s.Spans = append(s.Spans, spec.Span{Offset: 0, At: s.At})
	for i := range text {
		if text[i] == '\n' {
			line++
			s.Spans = append(s.Spans, spec.Span{Offset: i + 1, At: spec.Pos{File: "f", Line: line, Column: 1}})
		}
	}
	return s
}

func TestTry(t *testing.T) {
	start := time.Now()
	env, err := New(Scope{
		Vars: map[string]any{"replicas": 5, "name": "web", "my": map[string]any{"a": 1}}, Env: []string{"HOME"}, Facts: true, Object: true, Run: true,
		Let:      map[string]LetKind{"pods": Many, "web": One},
		Measures: map[string]MeasureKind{"startup": MeasurePhases, "rollout": MeasureDuration, "bound": MeasureSeries},
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(time.Since(start))
	pod := func(name, node string) map[string]any {
		return map[string]any{"kind": "Pod", "metadata": map[string]any{"name": name}, "spec": map[string]any{"nodeName": node}, "status": map[string]any{"phase": "Running"}}
	}
	s := spec.Series{Count: 5, Max: 1234567890, P95: spec.Missing}
	v := Values{
		"vars": map[string]any{"replicas": 5, "name": "web", "my": map[string]any{"a": 1}}, "env": map[string]string{},
		"facts":  &spec.Facts{Cluster: spec.Cluster{Version: "1.37.2"}, Nodes: []spec.Node{{Name: "n1", Ready: true, Allocatable: map[string]resource.Quantity{"cpu": resource.MustParse("8")}}, {Name: "n2"}}},
		"object": map[string]any{"kind": "Deployment", "metadata": map[string]any{"name": "d"}, "spec": map[string]any{"replicas": int64(5), "paused": nil}, "status": map[string]any{"replicas": int64(3)}},
		"pods":   []any{pod("a", "n1"), pod("b", "n2"), pod("c", "n1")}, "web": pod("web", "n1"), "run": map[string]string{"id": "r1", "namespace": "ns", "scenario": "x"},
		"rollout": 90 * time.Second, "bound": s, "startup": map[string]spec.Series{"ready": s, "startup": s},
	}
	for _, text := range []string{
		"startup.ready.max < duration('30s')", "startup.ready.p95 < duration('30s')", "rollout < duration('1m') && cel.bind(s, startup.ready, s.p95 < duration('1m') || s.max > rollout)",
		"object.status.readyReplicas == vars.replicas", "object.spec.replicas > '3'", "pods.map(p, p.spec.nodeName).distinct().size() >= 3", "nodes.all(n, n.allocatable['cpu'].isGreaterThan(quantity('4')))",
		"nodes.filter(n, n.ready).size() >= 3 || (object.status.replicas + 1) * 2 == vars.replicas", "pods[3].x == 1", "pods.all(p, p.status.x == 'a')", "1 / (vars.replicas - 5) == 1", "duration(vars.name) < rollout",
		"has(object.status.foo)", "has(object.foo.bar)", "object.spec.paused == null", "object.status.?foo.orValue(3) == 3", "nodes.map(n, n.name)", "nodes", "startup", "pods[0]", "env.HOME == ''", "run.id", "cluster.version", "object.spec.replicas.x == 1",
		"dyn(startup).ready.max < duration('1s')", "[startup.ready, startup.startup].all(s, s.p90 < duration('1m'))", "vars.name.startsWith(object.spec.replicas)", "quantity('4') == quantity('4000m')", "nodes.exists(n, n.allocatable.cpu.compareTo(quantity('4')) >= 0)", "int(vars.name) == 3", "semver('1.2.3').major() == 1", "[1,2,3].sum()",
		"lists.range(100000).all(x, lists.range(100).all(y, y >= 0))", "vars.my.b == 1", "pods.exists(p, p.spec.nodeName == 'x') || cluster.version == '2'", "rollout + startup.ready.p95 > rollout", "object.metadata.labels['app'] == 'x'", "vars.replicas in [1,2,3]", "!(vars.replicas > 3)", "-vars.replicas > 3",
	} {
		p, diags := env.Compile(spec.Expr{Source: written(text)}, Any)
		fmt.Println("##", text)
		for _, d := range diags {
			fmt.Printf("   %d:%d w%d %s: %s\n      %s\n", d.Pos.Line, d.Pos.Column, d.Width, d.Code, d.Message, d.Help)
		}
		if p == nil {
			continue
		}
		st := time.Now()
		got, err := p.Eval(context.Background(), v)
		var m *MissingError
		fmt.Printf("  = %T %v   err %v missing=%v (%v)\n", got, got, err, errors.As(err, &m), time.Since(st))
		if time.Since(st) < time.Second/10 {
			for _, part := range p.Explain(context.Background(), v) {
				fmt.Printf("      %s = %s\n", part.Expr, part.Value)
			}
		}
		fmt.Println("     names", p.Names(), "stats", p.Stats())
	}
}
