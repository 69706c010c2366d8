package main

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/agent"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// A local cluster with real nodes gets the agent image when the first agent is
// placed, once; a warm one keeps it; and one that somebody started by hand is known
// as ours.
func TestLocalClustersGetTheAgentImage(t *testing.T) {
	needReal(t)
	g := NewWithT(t)
	t.Setenv("REALSPEC_AGENT", buildStatic(t, t.TempDir(), "../realspec-agent"))
	t.Setenv("REALSPEC_CLUSTER", clusterBinary())
	t.Setenv("REALSPEC_STATE", t.TempDir())
	a := &app{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, first: t.Context(), second: t.Context()}

	p := &plan.Scenario{Dir: "shop", Key: "shop", Name: "shop", Spec: &spec.Scenario{}}
	picked := &chosen{plans: []*plan.Scenario{p}}
	picked.on([]string{clusterReal})
	p = picked.plans[0]
	notice := func(text string) { t.Log(text) }
	all := (&runCommand{KeepCluster: true}).clusters(a, clusterReal, newRunID(), picked.plans, notice)
	defer all.Close()
	got, err := all.For(t.Context(), p)
	g.Expect(err).NotTo(HaveOccurred())
	name := got.About.Name
	defer func() {
		if out, err := exec.Command(clusterBinary(), "down", "--name", name).CombinedOutput(); err != nil {
			t.Errorf("the cluster stays: %v\n%s", err, out)
		}
	}()
	g.Expect(got.Facts.Nodes).To(HaveLen(1))
	g.Expect(got.Facts.Nodes[0].Simulated).To(BeFalse())
	g.Expect(got.Nodes).NotTo(BeNil())

	// Who asks for the metrics API waits until it answers, also with a client that has
	// asked what is served before it was.
	asks := *p
	asks.Spec = &spec.Scenario{Spec: spec.ScenarioSpec{Local: p.Spec.Spec.Local,
		Requires: &spec.Requires{Checks: []spec.Check{{CEL: spec.Expr{Source: spec.Source{Text: "cluster.metricsAPI"}}}}}}}
	g.Expect(asks.NeedsSurvey()).To(BeTrue())
	young, err := all.For(t.Context(), &asks)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(young.Facts.Cluster.MetricsAPI).To(BeTrue())

	begun := time.Now()
	ref, err := got.AgentImage(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	t.Logf("the image is on the node after %s", time.Since(begun).Round(time.Millisecond))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	g.Expect(got.AgentImage(over)).To(Equal(ref), "it is known, and nothing is asked or loaded again")

	fleet := agent.New(got.Client, agent.Options{Image: got.AgentImage, RunID: "r", Scenario: "shop", Namespace: "shop-r", Facts: got.Facts})
	defer func() { g.Expect(fleet.Close(t.Context())).To(Succeed()) }()
	begun = time.Now()
	one, err := fleet.One(t.Context(), nil)
	g.Expect(err).NotTo(HaveOccurred())
	t.Logf("%s answers after %s", one, time.Since(begun).Round(time.Millisecond))

	g.Eventually(func() bool { return onEveryNode(t.Context(), got.Client, ref) }).WithTimeout(30*time.Second).
		Should(BeTrue(), "the node says that it has it")

	// The same cluster by its kubeconfig: ours, although --cluster is current.
	binary, err := findLocal(a)
	g.Expect(err).NotTo(HaveOccurred())
	flags := kubeFlags{Kubeconfig: binary.Running(t.Context(), name).Kubeconfig}
	current := (&runCommand{kubeFlags: flags}).clusters(a, clusterCurrent, newRunID(), picked.plans, notice)
	defer current.Close()
	again, err := current.For(t.Context(), p)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again.Nodes).NotTo(BeNil())
	g.Expect(again.AgentImage(t.Context())).To(Equal(ref))

	// A reference that is named is taken as it is.
	current.agent = "registry.example/agent:1"
	again, err = current.For(t.Context(), p)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again.AgentImage(t.Context())).To(Equal("registry.example/agent:1"))
}
