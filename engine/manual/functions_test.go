package manual_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/manual"
	"github.com/realspec/realspec/engine/spec"
)

// TestEveryFunctionIsDocumented compares the functions that expressions know
// with those of the manual.
func TestEveryFunctionIsDocumented(t *testing.T) {
	known, err := expr.Functions()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var want, got []string
	for _, f := range known {
		want = append(want, f.Name)
	}
	for i, g := range manual.Groups() {
		for _, f := range g.Functions {
			if f.Says == "" || f.Expr == "" || f.Gives == "" {
				t.Errorf("%s has no sentence or no example", f.Name)
			}
			if i > 0 { // operators are no functions
				got = append(got, f.Name)
			}
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("- is a function that the manual does not know, + one that expressions do not know:\n%s", diff)
	}
}

func TestExamplesOfFunctions(t *testing.T) {
	env, err := expr.New(expr.Scope{})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, g := range manual.Groups() {
		for _, f := range g.Functions {
			t.Run(f.Name, func(t *testing.T) { expectExample(t, env, expr.Values{}, f.Example) })
		}
	}
}

// expectExample evaluates both sides of an example.
func expectExample(t *testing.T, env *expr.Env, values expr.Values, e manual.Example) {
	t.Helper()
	NewWithT(t).Expect(evaluate(t, env, values, e.Expr)).To(Equal(evaluate(t, env, values, e.Gives)), e.Expr)
}

func evaluate(t *testing.T, env *expr.Env, values expr.Values, text string) any {
	t.Helper()
	value, err := compile(t, env, text).Eval(t.Context(), values)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if q, ok := value.(interface{ String() string }); ok {
		return q.String() // quantities that are equal may be held in different ways
	}
	return value
}

func compile(t *testing.T, env *expr.Env, text string) *expr.Program {
	t.Helper()
	program, diags := env.Compile(spec.Expr{Source: spec.Source{Text: text}}, expr.Any)
	if len(diags) > 0 {
		t.Fatalf("%s: %v %s", text, diags, diags[0].Help)
	}
	return program
}
