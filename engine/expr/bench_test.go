package expr

import (
	"fmt"
	"testing"

	"github.com/realspec/realspec/engine/spec"
)

const readiness = "object.status.readyReplicas == vars.replicas && object.status.observedGeneration >= object.metadata.generation"

func readyObject() map[string]any {
	return map[string]any{
		"metadata": map[string]any{"generation": int64(2)},
		"status":   map[string]any{"readyReplicas": int64(5), "observedGeneration": int64(2)},
	}
}

func BenchmarkNew(b *testing.B) {
	scope := fullScope()
	b.ReportAllocs()
	for b.Loop() {
		newEnv(b, scope)
	}
}

func BenchmarkCompile(b *testing.B) {
	env := newEnv(b, fullScope())
	src := expression(readiness)
	b.ReportAllocs()
	for b.Loop() {
		if p, _ := env.Compile(src, Bool); p == nil {
			b.Fatal("does not compile")
		}
	}
}

func BenchmarkCompileError(b *testing.B) {
	env := newEnv(b, fullScope())
	src := expression("startup.redy.max < 500")
	for b.Loop() {
		if _, diags := env.Compile(src, Bool); len(diags) == 0 {
			b.Fatal("compiles")
		}
	}
}

func BenchmarkEval(b *testing.B) {
	env := newEnv(b, fullScope())
	ready, _ := env.Compile(expression(readiness), Bool)
	spread, _ := env.Compile(expression("pods.map(p, p.spec.nodeName).distinct().size() >= 3"), Bool)
	values := fullValues()
	values["object"] = readyObject()
	missing := fullValues()
	var many []any
	for i := range 5000 {
		many = append(many, pod("p", fmt.Sprint("n", i%50), "Running"))
	}
	values["pods"] = many
	for _, bc := range []struct {
		name string
		p    *Program
		v    Values
		err  bool
	}{{"ready", ready, values, false}, {"missing", ready, missing, true}, {"5000pods", spread, values, false}} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bc.p.Bool(b.Context(), bc.v); (err != nil) != bc.err {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPlainText(b *testing.B) {
	env := newEnv(b, fullScope())
	src := spec.Text{Source: written("app=web", 1, 1)}
	b.ReportAllocs()
	for b.Loop() {
		env.CompileText(src)
	}
}
