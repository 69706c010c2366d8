package expr

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// written is a text as the loader gives it: a block scalar that begins on the
// given line, with every line of it at the given column.
func written(text string, line, column int) spec.Source {
	s := spec.Source{Text: text, At: spec.Pos{File: "steps.yaml", Line: line, Column: column}}
	offset := 0
	for i, l := range strings.SplitAfter(text, "\n") {
		s.Spans = append(s.Spans, spec.Span{Offset: offset, At: spec.Pos{File: "steps.yaml", Line: line + i, Column: column}})
		offset += len(l)
	}
	return s
}

func expression(text string) spec.Expr { return spec.Expr{Source: written(text, 1, 1)} }

func fullScope() Scope {
	return Scope{
		Vars: fullValues()["vars"].(map[string]any), Env: []string{"LLM_ENDPOINT", "HOME"},
		Facts: true, Object: true, Run: true,
		Let: map[string]LetKind{"pods": Many, "web": One, "nothing": One},
		Measures: map[string]MeasureKind{
			"startup": MeasurePhases, "rollout": MeasureDuration, "bound": MeasureSeries, "later": MeasureDuration,
		},
	}
}

func newEnv(t testing.TB, scope Scope) *Env {
	t.Helper()
	env, err := New(scope)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func pod(name, node, phase string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": name, "labels": map[string]any{"app": "web"}},
		"spec":     map[string]any{"nodeName": node},
		"status":   map[string]any{"phase": phase},
	}
}

func node(name, cpu string, ready bool) spec.Node {
	return spec.Node{
		Name: name, Ready: ready, Schedulable: true, OS: "linux", Labels: map[string]string{"zone": "a"},
		Allocatable: map[string]resource.Quantity{"cpu": resource.MustParse(cpu), "memory": resource.MustParse("8Gi")},
		Taints:      []spec.Taint{{Key: "gpu", Effect: "NoSchedule"}}, Conditions: map[string]string{"Ready": "True"},
	}
}

func fullValues() Values {
	series := spec.Series{
		Count: 5, Missing: 1, Min: time.Second, Mean: 2 * time.Second, P50: 1500 * time.Millisecond,
		P95: spec.Missing, Max: 12345678901 * time.Nanosecond, Stddev: 1234567 * time.Nanosecond,
	}
	return Values{
		"vars": map[string]any{
			"replicas": 5, "name": "web", "ratio": 0.75, "debug": true, "wait": "30s", "empty": nil,
			"hosts": []any{"a", "b"}, "ports": map[string]any{"http": 80, "https": 443}, "limits": map[string]any{"cpu": "1"},
			"mixed": map[string]any{"a": 1, "b": "x"}, "two-words": "tw",
		},
		"env": map[string]string{"LLM_ENDPOINT": "http://llm"},
		"run": map[string]string{"id": "r1", "namespace": "ns-r1", "scenario": "high-load"},
		"facts": &spec.Facts{
			Cluster: spec.Cluster{Version: "1.37.2", Local: true, APIs: []string{"v1", "apps/v1"}},
			Nodes:   []spec.Node{node("n1", "8", true), node("n2", "16", true), node("n3", "4", false)},
		},
		"object": map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment",
			"metadata": map[string]any{"name": "web", "annotations": map[string]any{
				"example.com/long": "a text that is long enough to be cut off somewhere, because it goes on and on",
			}},
			"spec": map[string]any{"replicas": int64(5), "paused": nil, "share": 0.5, "template": map[string]any{
				"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": "nginx:1.21"}}},
			}},
			"status": map[string]any{"replicas": int64(3), "conditions": []any{}},
		},
		"pods":    []any{pod("web-a", "n1", "Running"), pod("web-b", "n2", "Pending"), pod("web-c", "n1", "Running")},
		"web":     pod("web-a", "n1", "Running"),
		"rollout": 90 * time.Second,
		"bound":   series,
		"startup": map[string]spec.Series{"scheduled": series, "initialized": series, "startup": series, "ready": series},
	}
}

// lines are the expressions of a file in testdata.
func lines(t testing.TB, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// shown renders diagnostics with the text that they mark.
func shown(src spec.Source, diags diag.List) string {
	var b strings.Builder
	text := strings.Split(src.Text, "\n")
	for _, d := range diags {
		line := []rune(text[d.Pos.Line-src.At.Line])
		from := d.Pos.Column - src.At.Column
		fmt.Fprintf(&b, "  %d:%d %s [%s] %s\n", d.Pos.Line, d.Pos.Column, d.Code,
			string(line[from:min(from+d.Width, len(line))]), d.Message)
		if d.Help != "" {
			fmt.Fprintf(&b, "      %s\n", d.Help)
		}
	}
	return b.String()
}

func TestCompileErrors(t *testing.T) {
	env := newEnv(t, fullScope())
	var b strings.Builder
	for _, text := range lines(t, "errors.txt") {
		src := expression(text)
		p, diags := env.Compile(src, Bool)
		if len(diags) == 0 || p != nil {
			t.Errorf("%s: compiles", text)
		}
		fmt.Fprintf(&b, "%s\n%s\n", text, shown(src.Source, diags))
	}
	golden(t, "errors.golden", b.String())
}

// No error may let through the words of the tools underneath.
func TestCompileErrorsArePlain(t *testing.T) {
	env := newEnv(t, fullScope())
	for _, text := range lines(t, "errors.txt") {
		_, diags := env.Compile(expression(text), Bool)
		for _, d := range diags {
			for _, word := range []string{
				"_", "overload", "undeclared", "reference", "container", "mismatched", "extraneous", "viable", "EOF",
				"IDENTIFIER", "dyn(", "list(", "kubernetes.", "realspec/", "antlr", "type '", "ERROR", "comprehension",
			} {
				if strings.Contains(strings.ReplaceAll(d.Message, "LLM_", ""), word) {
					t.Errorf("%s: %q holds %q", text, d.Message, word)
				}
			}
		}
	}
}

func TestRuntimeErrors(t *testing.T) {
	env := newEnv(t, fullScope())
	var b strings.Builder
	for _, text := range lines(t, "runtime.txt") {
		p, diags := env.Compile(expression(text), Any)
		if p == nil {
			t.Errorf("%s: %v", text, diags)
			continue
		}
		_, err := p.Bool(t.Context(), fullValues())
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		kind := "error"
		if missing := new(MissingError); errors.As(err, &missing) {
			kind = "missing " + missing.Field
		}
		fmt.Fprintf(&b, "%s\n  %s: %v\n\n", text, kind, err)
	}
	golden(t, "runtime.golden", b.String())
}

func TestExplain(t *testing.T) {
	env := newEnv(t, fullScope())
	var b strings.Builder
	for _, text := range lines(t, "explain.txt") {
		p, diags := env.Compile(expression(text), Any)
		if p == nil {
			t.Errorf("%s: %v", text, diags)
			continue
		}
		fmt.Fprintf(&b, "%s\n", text)
		for _, part := range p.Explain(t.Context(), fullValues()) {
			fmt.Fprintf(&b, "  %s = %s\n", part.Expr, part.Value)
		}
		fmt.Fprintln(&b)
	}
	golden(t, "explain.golden", b.String())
}

func TestResultType(t *testing.T) {
	env := newEnv(t, fullScope())
	for _, tc := range []struct {
		text    string
		want    Type
		message string // of the compiler
		err     string // of the evaluation
	}{
		{"vars.name", Bool, "this must be true or false, but it is a string", ""},
		{"vars.replicas", Duration, "this must be a duration, but it is an int", ""},
		{"vars.name", Int, "this must be a whole number, but it is a string", ""},
		{"vars.replicas", String, "this must be a string, but it is an int", ""},
		{"vars.replicas", Int, "", ""},
		{"vars.wait", Duration, "", ""},
		{"vars.name", Duration, "", `vars.name: "web" is not a duration; durations are written as 500ms, 30s, 3m or 1h30m`},
		{"object.spec.replicas", Bool, "", "object.spec.replicas: this must be true or false, but it is an int: 5"},
		{"object.metadata.name", Int, "", `object.metadata.name: this must be a whole number, but it is a string: "web"`},
		{"object.spec.replicas", Duration, "", "object.spec.replicas: this must be a duration, but it is an int: 5"},
		{"object.spec.replicas", String, "", "object.spec.replicas: this must be a string, but it is an int: 5"},
		{"object.spec.paused", Bool, "", "object.spec.paused: this must be true or false, but it is null: null"},
	} {
		t.Run(fmt.Sprint(tc.text, tc.want), func(t *testing.T) {
			g := NewWithT(t)
			p, diags := env.Compile(expression(tc.text), tc.want)
			if tc.message != "" {
				g.Expect(diags).To(HaveLen(1))
				g.Expect(diags[0].Message).To(Equal(tc.message))
				return
			}
			g.Expect(diags).To(BeEmpty())
			_, err := p.Eval(t.Context(), fullValues())
			if tc.err == "" {
				g.Expect(err).NotTo(HaveOccurred())
				return
			}
			g.Expect(err).To(MatchError(tc.err))
		})
	}
}

func TestEvaluationEndsWithItsContext(t *testing.T) {
	g := NewWithT(t)
	p, _ := newEnv(t, Scope{}).Compile(expression("lists.range(1000000).all(x, lists.range(1000000).all(y, y >= 0))"), Bool)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := p.Eval(ctx, nil)
	g.Expect(err).To(MatchError(context.DeadlineExceeded))
	g.Expect(time.Since(start)).To(BeNumerically("<", time.Second))
	_, err = p.Eval(ctx, nil)
	g.Expect(err).To(MatchError(ContainSubstring("not evaluated: context deadline exceeded")))
}
