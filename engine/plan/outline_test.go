package plan_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

const outlined = `  description: It holds.
  timeout: 10m
  vars: {replicas: 2}
  requires:
    kubernetes: ">=1.30"
    nodes: {min: 2, each: {cpu: "4"}}
    checks:
      - cel: nodes.filter(n, n.ready).size() >= 2
        message: two ready nodes
      - cel: cluster.metricsAPI
`

const outlinedSteps = `name: Given a web server
apply:
  objects:
    - {apiVersion: apps/v1, kind: Deployment, metadata: {name: "web-${{ string(vars.replicas) }}"}}
    - {apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {password: hunter2}}
    - {apiVersion: v1, kind: ConfigMap, metadata: {name: "n-${{ string(nodes.size()) }}"}}
retries: 2
---
wait:
  - for: ready
  - {on: {kind: Deployment, name: web-2}, cel: object.status.readyReplicas == vars.replicas, stays: 10s}
timeout: 3m
---
load:
  object: {apiVersion: v1, kind: ConfigMap, metadata: {name: "c-${{ string(index) }}"}}
  count: 100
  rate: 10
  hold: 5s
---
measure:
  - {name: startup, pods: {selector: app=web}}
thresholds:
  - cel: startup.ready.max < duration('30s')
`

func facts(unknown map[string]string) *spec.Facts {
	return &spec.Facts{
		Cluster: spec.Cluster{Version: "1.37.2", Unknown: unknown},
		Nodes:   []spec.Node{node("a", true, "8"), node("b", true, "8"), node("c", false, "8")},
	}
}

func TestAnOutlineSaysWhatWouldHappen(t *testing.T) {
	g := NewWithT(t)
	p, diags := compile(t, outlined, outlinedSteps, nil)
	g.Expect(diags).To(BeEmpty())
	var b strings.Builder
	o := p.Outline(facts(map[string]string{}))
	o.Path = "specs/it"
	o.Text(&b, 80)
	g.Expect(b.String()).To(Equal(`it  specs/it
  It holds.
  namespace it-<run>, at most 10m; its steps may take 4m15s
  at most 1 pod, 0 cpu, 0 memory, 0 GPUs, 10m

  needs
    met       Kubernetes >=1.30; found 1.37.2
    met       at least 2 ready nodes of cpu 4 or more; found 2 of 3 nodes
    met       two ready nodes (nodes.filter(n, n.ready).size() >= 2); found
              nodes.filter(n, n.ready).size() = 2
    not met   cluster.metricsAPI; found false

  steps
    00-step: Given a web server (at most 1m, retries 2)
      apply Deployment/web-2
      apply Secret/key
      apply ConfigMap/n-3
    00-step/2: step (at most 3m)
      wait until everything applied so far: ready
      wait until Deployment/web-2: object.status.readyReplicas == vars.replicas,
        for 10s on end
    00-step/3: step (about 15s)
      load load: 100 x ConfigMap at 10 a second, held for 5s
    00-step/4: step (at once)
      measure startup: pods with app=web
      require startup.ready.max < duration('30s')
`))
}

func TestWithoutAClusterNothingIsToldOfOne(t *testing.T) {
	g := NewWithT(t)
	p, _ := compile(t, outlined, outlinedSteps, nil)
	o := p.Outline(nil)
	for _, r := range o.Requirements {
		g.Expect(r.State).To(Equal(plan.NotTold), r.Needed)
	}
	g.Expect(o.Steps[0].Does).To(ContainElement("apply ConfigMap/n-${{ string(nodes.size()) }}"))
	last := o.Steps[0].Objects[2]
	g.Expect(last.Fields).To(BeNil())
	g.Expect(last.Err).To(HaveOccurred())
}

// What may not be seen is not told; it is neither met nor unmet.
func TestWhatMayNotBeSeenIsNotTold(t *testing.T) {
	g := NewWithT(t)
	p, _ := compile(t, outlined, outlinedSteps, nil)
	f := facts(map[string]string{"nodes": "not allowed to list nodes", "metricsAPI": "not allowed to list nodes of metrics.k8s.io"})
	f.Nodes = nil
	var states []string
	for _, r := range p.Requirements(f) {
		states = append(states, r.State)
		if r.State == plan.NotTold {
			g.Expect(r.Found).To(ContainSubstring("not allowed to list nodes"))
		}
	}
	g.Expect(states).To(Equal([]string{plan.Met, plan.NotTold, plan.NotTold, plan.NotTold}))

	// Facts of a run that has not looked are no better.
	checks := p.Requirements(facts(nil))
	g.Expect(checks[3].State).To(Equal(plan.NotTold))
	g.Expect(checks[3].Found).To(ContainSubstring("nobody has looked"))
}

func TestNeedsSurvey(t *testing.T) {
	for body, want := range map[string]bool{
		"  requires: {checks: [{cel: cluster.metricsAPI}]}\n":                                       true,
		"  requires: {checks: [{cel: \"'x' in cluster.gpus\"}]}\n":                                  true,
		"  requires: {checks: [{cel: \"nodes.all(n, sign(n.headroom.cpu) > 0)\"}]}\n":               true,
		"  requires: {checks: [{cel: \"nodes.all(n, sign(n.allocatable.cpu) > 0)\"}]}\n":            false,
		"  vars: {prometheus: grafana}\n  requires: {checks: [{cel: \"cluster.version != ''\"}]}\n": false,
	} {
		p, diags := compile(t, body, anyStep, nil)
		g := NewWithT(t)
		g.Expect(diags).To(BeEmpty(), body)
		g.Expect(p.NeedsSurvey()).To(Equal(want), body)
	}
	p, diags := compile(t, "  {}\n", "apply: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: \"${{ cluster.cni }}\"}}]}\n", nil)
	g := NewWithT(t)
	g.Expect(diags).To(BeEmpty())
	g.Expect(p.NeedsSurvey()).To(BeTrue())
}

func TestNeedsAreExactlyTheVerbsOfThePlan(t *testing.T) {
	g := NewWithT(t)
	p, diags := compile(t, "  allow: [namespaces]\n", `
apply: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}, {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}]}
---
patch: {on: {kind: Deployment, name: web}, subresource: scale, merge: {spec: {replicas: 3}}}
---
delete: {on: [{kind: Secret, selector: app=web}]}
---
assert: {checks: [{absent: {kind: Job, name: j}}]}
---
measure:
  - {name: server, apiserver: {}}
  - {name: load, prometheus: {url: /api/v1/namespaces/mon/services/prom:9090/proxy, query: up}}
`, nil)
	g.Expect(diags).To(BeEmpty())
	var got []string
	for _, n := range p.Needs() {
		text := n.Verb + " " + n.Kind + n.Path
		for _, part := range []string{n.Subresource, n.Namespace, n.Name} {
			if part != "" {
				text += " " + part
			}
		}
		if n.ClusterOnly {
			text += " cluster-only"
		}
		if n.Optional {
			text += " optional"
		}
		got = append(got, text)
	}
	g.Expect(got).To(ConsistOf(
		"list Node", "create Namespace", "list Namespace", "watch Namespace", "delete Namespace", "watch ServiceAccount",
		"create ConfigMap", "list ConfigMap", "watch ConfigMap", "patch ConfigMap",
		"get ConfigMap cluster-only", "delete ConfigMap cluster-only",
		"create ConfigMap shop", "get ConfigMap shop", "list ConfigMap shop", "watch ConfigMap shop", "patch ConfigMap shop", "delete ConfigMap shop",
		"get Deployment", "patch Deployment scale",
		"list Secret", "watch Secret", "delete Secret",
		"get Job",
		"get /metrics", "create Service proxy mon prom:9090",
		"list Pod optional", "list Event optional",
	))
}

func TestANeedThatIsAlsoRequiredIsNotOptional(t *testing.T) {
	g := NewWithT(t)
	p, diags := compile(t, "  {}\n", "measure: [{name: a, pods: {}}]\n---\nload: {object: {apiVersion: v1, kind: Pod}, count: 1}\n", nil)
	g.Expect(diags).To(BeEmpty())
	optional := map[string]bool{}
	for _, n := range p.Needs() {
		if n.Kind == "Pod" {
			optional[n.Verb] = n.Optional
		}
	}
	g.Expect(optional).To(Equal(map[string]bool{"create": false, "list": false, "watch": false, "patch": true, "delete": true}))
}

func TestTheValuesOfSecretsAreHidden(t *testing.T) {
	g := NewWithT(t)
	p, _ := compile(t, outlined, outlinedSteps, nil)
	secret := p.Manifests(facts(nil))[1]
	g.Expect(plan.Redact(secret.Fields)).To(HaveKeyWithValue("stringData", map[string]any{"password": plan.Hidden}))
	g.Expect(secret.Fields).To(HaveKeyWithValue("stringData", map[string]any{"password": "hunter2"}))
	config := map[string]any{"kind": "ConfigMap", "data": map[string]any{"a": "b"}}
	g.Expect(plan.Redact(config)).To(Equal(config))
}

func TestKindsThatTheScenarioBrings(t *testing.T) {
	g := NewWithT(t)
	p, diags := compile(t, "  allow: [cluster-scoped]\n", `apply:
  objects:
    - apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata: {name: widgets.test.example}
      spec: {group: test.example, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1}, {name: v2}]}
`, nil)
	g.Expect(diags).To(BeEmpty())
	want := plan.Defined{CRD: "widgets.test.example", Group: "test.example", Plural: "widgets", Namespaced: true}
	g.Expect(p.Defines()).To(Equal(map[[2]string]plan.Defined{
		{"test.example/v1", "Widget"}: want, {"test.example/v2", "Widget"}: want, {"", "Widget"}: want,
	}))
}

// What a run hides, plan hides too: its output stands in the logs of CI as well.
func TestOutlineHidesTheEnvironment(t *testing.T) {
	g := NewWithT(t)
	p, diags := compile(t, "  env: [TOKEN]", "exec: {on: {kind: Pod, name: a}, command: [login, \"${{ env.TOKEN }}\"]}", nil)
	g.Expect(diags).To(BeEmpty())
	g.Expect(p.Outline(nil).Steps[0].Does[0]).To(Equal("run in Pod/a: login '" + plan.Masked + "'"))
}
