package plan_test

import (
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/plan"
)

// A number may be one ${{ expr }}, wherever the language has numbers.
func TestNumbersByExpressions(t *testing.T) {
	g := NewWithT(t)
	const body = `  env: [HOME]
  requires: {nodes: {min: "${{ vars.nodes }}"}}
  local: {nodes: [{count: "${{ vars.nodes + 1 }}", cpu: "4"}]}
  vars: {nodes: 2, rate: 10, share: 0.5, twice: "${{ vars.rate * 2 }}", text: "7"}
`
	const step = `retries: ${{ env.HOME.size() - 10 }}
load:
  object: {apiVersion: v1, kind: ConfigMap}
  count: ${{ vars.twice * 30 }}
  warmUp: ${{ int(vars.text) }}
  stages:
    - {rate: "${{ vars.rate }}", for: 10s}
    - {rate: "${{ vars.share * 5.0 }}", for: 10s}
`
	p, diags := compile(t, body, step, map[string]string{"rate": "40"})
	g.Expect(diags).To(BeEmpty())
	g.Expect(p.Spec.Spec.Requires.Nodes.Min).To(Equal(2))
	g.Expect(p.Spec.Spec.Local.Nodes[0].Count).To(Equal(3))
	s := p.Steps[0]
	g.Expect(s.Retries).To(Equal(3), "of value of HOME")
	g.Expect(s.Load.Count).To(Equal(2400))
	g.Expect(s.Load.WarmUp).To(Equal(7))
	g.Expect(s.Load.Stages[0].Rate).To(Equal(40.0))
	g.Expect(s.Load.Stages[1].Rate).To(Equal(2.5))
}

// What an expression gives is judged as if it were written out, at its place.
func TestWhatIsWrongWithNumbersByExpressions(t *testing.T) {
	for _, c := range []struct {
		count, message string
		set            map[string]string
	}{
		{"vars.zero", "count must be 1 or more, found 0", nil},
		{"vars.five - 10", "count cannot be negative, and the expression gives -5", nil},
		{"vars.half", "count takes a whole number, and the expression gives 0.5", nil},
		{"vars.text", `count takes a whole number, and the expression gives the text "5"`, nil},
		{"vars.list", "count takes a whole number, and the expression gives [1]", nil},
		{"vars.nothing", "count takes a whole number, and the expression gives null", nil},
		{"vars.five == 5", "count takes a whole number, and the expression gives true", nil},
		{"vars.big", "count takes a number up to 2147483647, and the expression gives 4294967296", nil},
		{"vars.big / 4294", "these are 1000225 objects, at most 1000000 are allowed", nil},
		{"vars.five", "these are 2000000 objects, at most 1000000 are allowed", map[string]string{"five": "2000000"}},
		{"5 / vars.zero", "this divides by zero", nil},
		{"vars.fife", "the scenario has no variable \"fife\"", nil},
		{"nodes.size()", "nodes", nil},
		{"", "count has an empty ${{ }}", nil},
		{"vars.five }}${{ vars.five", "count takes a whole number or one ${{ expression }}", nil},
	} {
		t.Run(c.count, func(t *testing.T) {
			g := NewWithT(t)
			_, diags := load.Scenario(folder(t,
				"  vars: {zero: 0, five: 5, half: 0.5, text: \"5\", list: [1], nothing: null, big: 4294967296}\n",
				"load:\n  object: {apiVersion: v1, kind: ConfigMap}\n  count: \"${{ "+c.count+" }}\"\n"), given(c.set).Numbers)
			diags = errorsOf(diags)
			g.Expect(diags).To(HaveLen(1))
			g.Expect(diags[0].Message).To(ContainSubstring(c.message))
			g.Expect(diags[0].Pos.Line).To(Equal(3))
			g.Expect(diags[0].Pos.Column).To(BeNumerically(">=", 10))
		})
	}
}

// errorsOf leaves the warning about a file that is not read out.
func errorsOf(all diag.List) diag.List {
	return slices.DeleteFunc(all, func(d diag.Diagnostic) bool { return d.Severity != diag.Error })
}

// One mistake in a variable is one error, and not one more for each number.
func TestNumbersOfWrongVars(t *testing.T) {
	g := NewWithT(t)
	l, diags := load.Scenario(folder(t, "  vars: {n: \"${{ vars.nope }}\"}\n",
		"load: {object: {apiVersion: v1, kind: ConfigMap}, count: \"${{ vars.n }}\", rate: \"${{ vars.n }}\"}\n"), given(nil).Numbers)
	g.Expect(errorsOf(diags)).To(BeEmpty())
	_, diags = plan.Compile(l, given(nil))
	g.Expect(diags).To(HaveLen(1))
	g.Expect(diags[0].Message).To(ContainSubstring("nope"))
}
