package plan_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// folder is a scenario's whose spec is given, with one step.
func folder(t *testing.T, body, step string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "it")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"scenario.yaml": "apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata: {name: it}\nspec:\n" + body,
		"00-step.yaml":  step,
		"gone.yaml":     "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: kube-system}}", // for steps that name it
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// given are the inputs with values of --set.
func given(set map[string]string) plan.Inputs {
	return plan.Inputs{Set: set, Getenv: func(name string) string { return "value of " + name }}
}

// compile loads a scenario that has no mistake of its own.
func compile(t *testing.T, body, step string, set map[string]string) (*plan.Scenario, diag.List) {
	t.Helper()
	l, diags := load.Scenario(folder(t, body, step), given(set).Numbers)
	if diags.HasErrors() {
		t.Fatalf("the test's own scenario is not valid: %v", diags)
	}
	return plan.Compile(l, given(set))
}

const anyStep = "wait: [{for: ready}]\n"

func TestVarsAreResolvedInTheOrderOfTheirNeed(t *testing.T) {
	g := NewWithT(t)
	p, diags := compile(t, `
  env: [HOME]
  vars: {a: "${{ vars.b }}-a", b: "${{ string(vars.n) }}-b", n: 3, twice: "${{ vars.n * 2 }}", home: "${{ env.HOME }}"}
`, anyStep, map[string]string{"n": "4"})
	g.Expect(diags).To(BeEmpty())
	g.Expect(p.Vars).To(Equal(map[string]any{
		"a": "4-b-a", "b": "4-b", "n": int64(4), "twice": int64(8), "home": "value of HOME",
	}))
}

func TestWhatIsWrongWithVars(t *testing.T) {
	for name, c := range map[string]struct {
		body, message string
		set           map[string]string
	}{
		"cycle":      {`  vars: {a: "${{ vars.b }}", b: "${{ vars.c }}", c: "${{ vars.a }}"}`, "a → b → c → a", nil},
		"itself":     {`  vars: {a: "x${{ vars.a }}"}`, "a → a", nil},
		"missing":    {`  vars: {a: "${{ vars.nope }}"}`, "nope", nil},
		"undeclared": {`  vars: {a: "${{ env.HOME }}"}`, "HOME", nil},
		"wrong type": {`  vars: {n: 3}`, `whole number, and "three" is none`, map[string]string{"n": "three"}},
		"a list":     {`  vars: {n: [1]}`, "a list", map[string]string{"n": "3"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, diags := compile(t, c.body, anyStep, c.set)
			g.Expect(diags).To(HaveLen(1))
			g.Expect(diags[0].Message).To(ContainSubstring(c.message))
			g.Expect(diags[0].Pos.Line).To(Equal(5))
		})
	}
}

func TestDurations(t *testing.T) {
	g := NewWithT(t)
	p, diags := compile(t, "  vars: {t: 7s}\n  timeout: \"${{ vars.t }}\"\n", "timeout: \"${{ duration(vars.t) }}\"\n"+anyStep, nil)
	g.Expect(diags).To(BeEmpty())
	g.Expect(p.Timeout).To(Equal(7 * time.Second))
	g.Expect(p.Steps[0].Timeout).To(Equal(7 * time.Second))

	p, diags = compile(t, "  {}", anyStep, nil)
	g.Expect(diags).To(BeEmpty())
	g.Expect(p.Timeout).To(Equal(plan.ScenarioTimeout))
	g.Expect(p.Steps[0].Timeout).To(Equal(plan.WaitTimeout))

	for _, wrong := range []string{"3", "'-3s'", "'0s'", "'soon'"} {
		_, diags = compile(t, "  timeout: \"${{ "+wrong+" }}\"\n", anyStep, nil)
		g.Expect(diags).To(HaveLen(1), wrong)
		g.Expect(diags[0].Code).To(Equal("duration"), wrong)
	}
}

// TestExpressionsNeedConsentToo: what a variable gives is judged as if it were
// written out.
func TestExpressionsNeedConsentToo(t *testing.T) {
	const pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: x, securityContext: {privileged: \"${{ vars.yes }}\"}}]}}"
	for step, allow := range map[string]string{
		"apply: {objects: [" + pod + "]}":       spec.AllowPrivileged,
		"load: {count: 1, object: " + pod + "}": spec.AllowPrivileged,
		"patch: {on: {kind: Deployment, name: a}, merge: {spec: {template: {spec: {hostNetwork: \"${{ vars.yes }}\"}}}}}":               spec.AllowHostPath,
		"patch: {on: {kind: Deployment, name: a}, json: [{op: add, path: /spec/template/spec, value: {hostPID: \"${{ vars.yes }}\"}}]}": spec.AllowHostPath,
	} {
		t.Run(step, func(t *testing.T) {
			g := NewWithT(t)
			_, diags := compile(t, "  vars: {yes: true}", step, nil)
			g.Expect(diags).To(HaveLen(1))
			g.Expect(diags[0].Code).To(Equal("needs-allow"))
			g.Expect(diags[0].Pos.Line).To(Equal(1))
			g.Expect(diags[0].Pos.Column).To(BeNumerically(">", 20), "at the field, not at the object")
			_, diags = compile(t, "  vars: {yes: true}\n  allow: ["+allow+"]", step, nil)
			g.Expect(diags).To(BeEmpty())
			_, diags = compile(t, "  vars: {yes: false}", step, nil)
			g.Expect(diags).To(BeEmpty())
		})
	}
}

func TestEveryExpressionIsCompiledInItsScope(t *testing.T) {
	for name, c := range map[string]struct{ step, message string }{
		"if":        {"if: object.x == 1\n" + anyStep, `"object"`},
		"where":     {"wait: [{on: {kind: Pod, where: pods.size() > 0}, for: ready}]", `"pods"`},
		"threshold": {"measure: [{name: m, elapsed: {}}]\nduring: [{wait: [{for: ready}]}]\nthresholds: [{cel: m < 3}]", "duration"},
		"series":    {"measure: [{name: m, pods: {}}]\nthresholds: [{cel: m.ready.max < 500}]", "duration"},
		"not bool":  {"assert: {checks: [{cel: \"'x'\"}]}", "true or false"},
		"manifest":  {"apply: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: \"${{ vars.nope }}\"}}]}", "nope"},
		"patch":     {"patch: {on: {kind: Pod}, merge: {a: \"${{ nope }}\"}}", "nope"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, diags := compile(t, "  {}", c.step, nil)
			g.Expect(diags).NotTo(BeEmpty())
			g.Expect(diags[0].Message).To(ContainSubstring(c.message))
			g.Expect(diags[0].Pos.File).To(HaveSuffix("00-step.yaml"))
		})
	}
}

func node(name string, ready bool, cpu string) spec.Node {
	return spec.Node{Name: name, Ready: ready, Schedulable: true,
		Allocatable: map[string]resource.Quantity{"cpu": resource.MustParse(cpu)}}
}

func TestUnmetRequirements(t *testing.T) {
	nodes := []spec.Node{node("a", true, "8"), node("b", true, "2"), node("c", false, "8")}
	for name, c := range map[string]struct {
		requires string
		unmet    []string
	}{
		"version holds":      {`{kubernetes: ">=1.24"}`, nil},
		"vendor's version":   {`{kubernetes: ">=1.30 <1.31"}`, nil},
		"version too old":    {`{kubernetes: ">=1.31"}`, []string{"needs Kubernetes >=1.31; found 1.30.2-gke.1"}},
		"enough nodes":       {`{nodes: {min: 2}}`, nil},
		"too few":            {`{nodes: {min: 3}}`, []string{"needs at least 3 ready nodes; found 2 of 3 nodes (c is not ready)"}},
		"too many":           {`{nodes: {min: 1, max: 1}}`, []string{"needs at least 1 and at most 1 ready nodes; found 2 of 3 nodes (c is not ready)"}},
		"too small":          {`{nodes: {min: 2, each: {cpu: 4000m}}}`, []string{"needs at least 2 ready nodes of cpu 4 or more; found 1 of 3 nodes (b has cpu 2, c is not ready)"}},
		"resource not there": {`{nodes: {each: {nvidia.com/gpu: "1"}}}`, []string{"needs at least 1 ready nodes of nvidia.com/gpu 1 or more; found 0 of 3 nodes (a has nvidia.com/gpu 0, b has nvidia.com/gpu 0, c is not ready)"}},
		"check":              {`{checks: [{cel: nodes.size() == 4, message: four nodes}]}`, []string{"needs four nodes (nodes.size() == 4); found nodes = [3 items: Node/a, Node/b, Node/c], nodes.size() = 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			p, diags := compile(t, "  requires: "+c.requires+"\n", anyStep, nil)
			g.Expect(diags).To(BeEmpty())
			unmet, err := p.Unmet(&spec.Facts{Cluster: spec.Cluster{Version: "1.30.2-gke.1"}, Nodes: nodes})
			g.Expect(err).NotTo(HaveOccurred())
			var lines []string
			for _, u := range unmet {
				lines = append(lines, u.String())
			}
			g.Expect(lines).To(Equal(c.unmet))
		})
	}
}
