package plan_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// actions is the loader's scenario with every verb that asks something.
func actions(t *testing.T) *plan.Scenario {
	t.Helper()
	inputs := plan.Inputs{Getenv: func(string) string { return "" }}
	l, diags := load.Scenario("../load/testdata/ok/actions", inputs.Numbers)
	NewWithT(t).Expect(diags).To(BeEmpty())
	p, diags := plan.Compile(l, inputs)
	NewWithT(t).Expect(diags).To(BeEmpty())
	return p
}

// TestEveryPartOfACallIsCompiled fills in what is sent and evaluates what is
// checked, as a run does.
func TestEveryPartOfACallIsCompiled(t *testing.T) {
	g := NewWithT(t)
	p := actions(t)
	values := p.Values(nil, "r1", "actions-r1")
	text := func(s *plan.Step, x spec.Text) string {
		got, err := s.Text(x).Text(context.Background(), values)
		g.Expect(err).NotTo(HaveOccurred(), x.Text)
		return got
	}
	apply, refused, http, exec, logs, run, disrupt := p.Steps[0], p.Steps[1], p.Steps[2], p.Steps[3], p.Steps[4], p.Steps[5], p.Steps[6]
	g.Expect(text(apply, apply.Apply.As)).To(Equal("system:serviceaccount:actions-r1:default"))
	g.Expect(apply.Timeout).To(Equal(plan.WriteTimeout + time.Minute))
	g.Expect(text(refused, refused.Apply.Message)).To(Equal("exceeded quota"))
	g.Expect(refused.Timeout).To(Equal(plan.WriteTimeout))

	g.Expect(text(http, http.HTTP.URL)).To(Equal("http://web/login"))
	g.Expect(text(http, http.HTTP.Headers["authorization"])).To(Equal("Bearer r1"))
	g.Expect(http.Object(http.HTTP.JSON).Eval(context.Background(), values)).To(Equal(map[string]any{"user": "r1", "n": int64(1)}))
	g.Expect([]time.Duration{http.Timeout, http.HTTP.RequestTimeout.Value}).To(Equal([]time.Duration{0, 2 * time.Second}))
	answer := &spec.Response{Status: 200, Body: "hi", JSON: map[string]any{"ok": true, "user": "r1"}}
	values["response"] = answer
	g.Expect(http.Program(http.HTTP.Checks[0].CEL).Bool(context.Background(), values)).To(BeTrue())
	g.Expect(text(http, http.HTTP.Checks[0].Message)).To(Equal("we are in"))

	values["outputs"] = map[string]any{"login": answer}
	g.Expect(text(exec, exec.Exec.Command[2])).To(Equal("select 'r1'"))
	g.Expect([]string{text(exec, exec.Exec.Stdin), text(exec, exec.Exec.Container), text(exec, exec.Exec.On.Selector)}).
		To(Equal([]string{"hi", "postgres", "app=database"}))
	values["result"] = spec.CommandResult{}
	g.Expect(exec.Program(exec.Exec.Checks[0].CEL).Bool(context.Background(), values)).To(BeTrue())
	_, err := logs.If.Bool(context.Background(), values)
	g.Expect(err).To(MatchError(ContainSubstring("outputs.rows: there is no output, because its step did not run")))
	g.Expect(logs.Step.Logs.Since.Value).To(Equal(time.Minute))
	values["logs"] = spec.LogLines{}
	g.Expect(logs.Program(logs.Logs.Checks[0].CEL).Bool(context.Background(), values)).To(BeTrue())
	values["outputs"].(map[string]any)["told"] = spec.LogLines{Text: "all"}
	g.Expect(text(run, run.Run.Env["HELM_DEBUG"])).To(Equal("all"))
	g.Expect(run.Text(run.Run.Command[2])).To(BeNil())
	g.Expect([]time.Duration{run.Timeout, disrupt.Timeout}).To(Equal([]time.Duration{plan.RunTimeout, plan.DisruptTimeout}))
	g.Expect(disrupt.Disrupt.GracePeriod.Value).To(BeZero())
}

func TestMeasuresThatProbe(t *testing.T) {
	g := NewWithT(t)
	s := actions(t).Steps[7]
	m := s.Measure
	g.Expect(m[0].HTTP.RequestTimeout.Value).To(Equal(plan.RequestTimeout))
	g.Expect(m[1].Network.For.Value).To(Equal(10 * time.Second))
	g.Expect(m[2].Network.For.Value).To(Equal(plan.ThroughputTime))
	g.Expect(m[3].Usage.Every.Value).To(Equal(plan.UsageEvery))
	g.Expect(s.Program(m[4].Exec.Value).Eval(context.Background(), expr.Values{"result": &spec.CommandResult{Stdout: "12"}})).To(Equal(12.0))
	g.Expect(s.Program(s.Thresholds[0].CEL).Stats()).To(Equal([]expr.Stat{
		{Measure: "web", Series: "latency", Field: "p99"}, {Measure: "wire", Field: "min"},
	}))
	g.Expect(s.Program(s.Thresholds[2].CEL).Stats()).To(Equal([]expr.Stat{{Measure: "net", Series: "worst", Field: "p99"}}))
}

// TestOutputsAreKnownLaterOnly also looks at what is not known where it stands.
func TestOutputsAreKnownLaterOnly(t *testing.T) {
	for step, want := range map[string]string{
		"http: {url: \"http://a\", checks: [{cel: outputs.a.status == 200}], output: a}\n":                                     `there is no variable "outputs" here`,
		"http: {url: \"http://a\", output: a}\n---\nhttp: {url: \"http://${{ outputs.b.body }}\", output: b}\n":                `no step before this one has the output "b"`,
		"http: {url: \"http://a\", output: a}\n---\nrun: {command: [x, \"${{ outputs.a.stdout }}\"]}\n":                        `has no field "stdout"`,
		"measure: [{name: a, exec: {on: {kind: Pod}, command: [x], value: result.stdout}}]\n":                                  "this must be a number, but it is a string",
		"wait: [{for: ready}]\nif: response.status == 200\n":                                                                   `there is no variable "response" here`,
		"measure: [{name: a, network: {transaction: throughput}}]\nthresholds: [{cel: \"a.worst.p99 < duration('1s')\"}]\n":    `has no field "worst"`,
		"measure: [{name: a, http: {url: \"http://a\", rate: 1, for: 1s}}]\nthresholds: [{cel: \"a.p99 < duration('1s')\"}]\n": `a measure of requests has no field "p99"`,
	} {
		_, diags := compile(t, "  {}\n", step, nil)
		g := NewWithT(t)
		g.Expect(diags).To(HaveLen(1), step)
		g.Expect(diags[0].Message).To(ContainSubstring(want), step)
	}
}

func TestAgents(t *testing.T) {
	for step, want := range map[string]string{
		"http: {url: \"http://web\"}\n":                                                              "step 00-step sends a request from the cluster",
		"http: {url: \"http://web\", from: here}\n":                                                  "",
		"http: {url: \"https://example.com\"}\n":                                                     "",
		"http: {url: \"http://${{ vars.host }}/\"}\n":                                                "step 00-step sends a request from the cluster",
		"http: {url: \"http://${{ nodes[0].name }}.example.com/\"}\n":                                "step 00-step sends a request from the cluster",
		"measure: [{name: a, network: {}}]\n":                                                        "step 00-step measures the network (a)",
		"measure: [{name: a, elapsed: {}}]\nduring: [{http: {url: \"http://web\"}}]\n":               "step 00-step.1 sends a request from the cluster",
		"measure: [{name: a, http: {url: \"http://10.0.0.1\", from: cluster, rate: 1, count: 1}}]\n": "step 00-step sends requests from the cluster (a)",
		"measure: [{name: a, usage: {}}, {name: b, exec: {on: {kind: Pod}, command: [x]}}]\n":        "",
	} {
		p, diags := compile(t, "  vars: {host: web}\n", step, nil)
		g := NewWithT(t)
		g.Expect(diags).To(BeEmpty(), step)
		needed, why := p.Agents()
		g.Expect(why).To(Equal(want), step)
		g.Expect(needed).To(Equal(want != ""), step)
	}
}

func TestNeedsOfCalls(t *testing.T) {
	g := NewWithT(t)
	var got []string
	for _, n := range actions(t).Needs() {
		if n.Kind == "ConfigMap" || n.Kind == "Namespace" || n.Kind == "Event" || n.Kind == "Deployment" || n.Subresource == "" && n.Kind == "Pod" {
			continue
		}
		got = append(got, strings.Join(strings.Fields(n.Verb+" "+n.Kind+" "+n.Subresource+" "+n.Namespace+" "+n.Name), " "))
	}
	g.Expect(got).To(ConsistOf("list Node", "get Node", "get Node proxy", "watch ServiceAccount", "impersonate ServiceAccount default",
		"create Pod exec", "get Pod exec", "get Pod log", "create Pod eviction", "create Pod proxy", "get Pod proxy",
		"create Service", "delete Service"))

	p, diags := compile(t, "  allow: [disruption]\n", "disrupt: {action: drain, on: {kind: Node, name: a}}\n---\n"+
		"apply: {as: jane, objects: [{apiVersion: v1, kind: Secret, metadata: {name: a}}]}\n", nil)
	g.Expect(diags).To(BeEmpty())
	g.Expect(p.Needs()).To(ContainElements(
		plan.Need{Verb: "patch", APIVersion: "v1", Kind: "Node"},
		plan.Need{Verb: "list", APIVersion: "v1", Kind: "Pod", Namespace: plan.AllNamespaces},
		plan.Need{Verb: "create", APIVersion: "v1", Kind: "Pod", Subresource: "eviction", Namespace: plan.AllNamespaces},
		plan.Need{Verb: "impersonate", APIVersion: "v1", Kind: "User", Resource: "users", Name: "jane"},
	))
}

func TestOutlineOfCalls(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	o := actions(t).Outline(nil)
	o.Text(&out, 200)
	for _, line := range []string{
		"apply Deployment/web when Deployment/database is condition=Available, within 1m0s",
		"as the user system:serviceaccount:actions-plan:default",
		`expect that the API server refuses it as Forbidden and says "exceeded quota"`,
		"send PUT http://web/login from the cluster, as a pod with app=frontend",
		"check response.status == 200 && response.json.ok",
		"keep what came as outputs.login",
		"run in Pod with app=database (container postgres): psql -c 'select '\\''${{ outputs.login.json.user }}'\\'''",
		"read the logs of Pod with app=web, before the last restart, of the last 1m0s",
		"run on this machine: helm list ''",
		"check that the exit code is 0",
		"evict at most 1 of Pod with app=web, with 0s to end; a PodDisruptionBudget refuses it",
		"measure web: http GET https://example.com at 100 a second from here",
		"measure net: network rtt from pods to Services of other nodes with !gpu, for 10s; also between the nodes' own networks",
		"measure wire: network throughput from pods to Services of other nodes, for 10s each pair",
		"measure used: usage of pods with app=web, shares of limits",
		"measure bench: exec in Pod/a, 3 x: pgbench",
		"delay Node/n, each packet by 20ms in each direction",
		"require the objective intra-cluster-latency",
	} {
		g.Expect(out.String()).To(ContainSubstring(line))
	}
}

func TestRealNodesAreRequired(t *testing.T) {
	g := NewWithT(t)
	p, diags := compile(t, "  requires: {nodes: {min: 2, real: true}}\n", anyStep, nil)
	g.Expect(diags).To(BeEmpty())
	node := func(name string, simulated bool) spec.Node {
		return spec.Node{Name: name, Ready: true, Schedulable: true, Simulated: simulated}
	}
	f := &spec.Facts{Cluster: spec.Cluster{Version: "1.37.2"}, Nodes: []spec.Node{node("a", false), node("b", true), node("c", true)}}
	unmet, err := p.Unmet(f)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(unmet).To(HaveLen(1))
	g.Expect(unmet[0].String()).To(Equal("needs at least 2 ready real nodes; found 1 real nodes of 3 nodes (b is simulated, c is simulated)"))
	g.Expect(p.Requirements(f)[0].State).To(Equal(plan.NotMet))
	f.Nodes[1].Simulated = false
	g.Expect(p.Requirements(f)[0]).To(And(HaveField("State", plan.Met), HaveField("Found", "2 real nodes of 3 nodes")))
}
