package agent_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/agent"
	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/probe"
	"github.com/realspec/realspec/engine/spec"
)

// scenario is a namespace of a run and its fleet.
type scenario struct {
	t         *testing.T
	client    *cluster.Client
	fleet     *agent.Fleet
	run       string
	namespace string
}

func newScenario(t *testing.T, change func(*agent.Options)) *scenario {
	t.Helper()
	client := connect(t)
	facts, err := client.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &scenario{t: t, client: client, run: unique("run"), namespace: unique("shop")}
	labels := map[string]string{cluster.LabelRun: s.run, cluster.LabelScenario: "shop"}
	ns, err := client.CreateNamespace(t.Context(), s.namespace, labels)
	if err != nil {
		t.Fatal(err)
	}
	o := agent.Options{Image: func(context.Context) (string, error) { return real.image, nil }, RunID: s.run,
		Scenario: "shop", Namespace: s.namespace, Facts: facts}
	if change != nil {
		change(&o)
	}
	s.fleet = agent.New(client, o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		left, err := client.Remove(ctx, []cluster.Leftover{{Resource: cluster.Namespaces, Name: s.namespace, UID: ns.GetUID(), Run: s.run}}, nil)
		if err != nil || len(left) > 0 {
			t.Errorf("the namespace of the scenario stays: %v, %v", left, err)
		}
	})
	return s
}

// left is what of the run's agents is on the cluster: namespaces besides the
// scenario's own, and pods, Jobs and Services in it.
func (s *scenario) left() []string {
	s.t.Helper()
	var names []string
	for _, kind := range [][2]string{{"v1", "Namespace"}, {"v1", "Pod"}, {"batch/v1", "Job"}, {"v1", "Service"}} {
		r, err := s.client.Resource(kind[0], kind[1])
		if err != nil {
			s.t.Fatal(err)
		}
		all, err := s.client.List(context.Background(), r, "", cluster.ListOptions{Selector: cluster.LabelRun + "=" + s.run})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, u := range all {
			if u.GetName() != s.namespace {
				names = append(names, kind[1]+" "+u.GetName())
			}
		}
	}
	return names
}

func rtt(address string) probe.Job {
	return probe.Job{RoundTrips: &probe.RoundTripJob{Transaction: "rtt", Address: address, Rate: 100, For: 500 * time.Millisecond, Bytes: 64}}
}

func echo(ip string) string { return net.JoinHostPort(ip, "7000") }

func TestAgents(t *testing.T) {
	s := newScenario(t, nil)
	g := NewWithT(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	begun := time.Now()
	one, err := s.fleet.One(ctx, nil)
	g.Expect(err).NotTo(HaveOccurred())
	t.Logf("the first agent answers after %s", time.Since(begun).Round(time.Millisecond))
	g.Expect(one.Namespace).To(Equal(s.namespace + "-agents"))
	g.Expect(one.Node).To(HavePrefix("real-"), "never on a simulated node")
	g.Expect(s.fleet.One(ctx, nil)).To(BeIdenticalTo(one), "agents are used again")

	begun = time.Now()
	each, err := s.fleet.PerNode(ctx, s.fleet.Nodes(), 1, false)
	g.Expect(err).NotTo(HaveOccurred())
	t.Logf("an agent on each of two nodes after %s more", time.Since(begun).Round(time.Millisecond))
	g.Expect(each).To(HaveLen(2))
	g.Expect([]string{each[0].Node, each[1].Node}).To(Equal([]string{"real-0", "real-1"}))

	t.Run("a job", func(t *testing.T) {
		g := NewWithT(t)
		begun := time.Now()
		report, err := each[0].Do(ctx, rtt(each[1].Echo()), nil)
		g.Expect(err).NotTo(HaveOccurred())
		t.Logf("a job of 500ms took %s", time.Since(begun).Round(time.Millisecond))
		g.Expect(report.RoundTrips.Due).To(Equal(50))
		g.Expect(report.RoundTrips.Samples).To(HaveLen(50))
	})

	t.Run("a service", func(t *testing.T) {
		g := NewWithT(t)
		ip, err := s.fleet.Service(ctx, each[1])
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(s.fleet.Service(ctx, each[1])).To(Equal(ip))
		begun := time.Now()
		g.Expect(each[0].Reaches(ctx, echo(ip))).To(Succeed())
		t.Logf("the Service could be reached after %s", time.Since(begun).Round(time.Millisecond))
		report, err := each[0].Do(ctx, rtt(echo(ip)), nil)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(report.RoundTrips.Lost).To(BeZero())
	})

	t.Run("stopped", func(t *testing.T) {
		g := NewWithT(t)
		long := rtt(each[1].Echo())
		long.RoundTrips.For = time.Hour
		running, err := each[0].Start(ctx, long)
		g.Expect(err).NotTo(HaveOccurred())
		time.Sleep(300 * time.Millisecond)
		begun := time.Now()
		report, err := running.End(ctx)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(time.Since(begun)).To(BeNumerically("<", 5*time.Second))
		g.Expect(len(report.RoundTrips.Samples)).To(BeNumerically(">", 10))

		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		report, err = each[0].Do(short, long, nil)
		g.Expect(err).To(MatchError(context.DeadlineExceeded))
		g.Expect(report.RoundTrips).NotTo(BeNil(), "what was measured until then is kept")
	})

	t.Run("what cannot be", func(t *testing.T) {
		g := NewWithT(t)
		_, err := each[0].Do(ctx, probe.Job{}, nil)
		g.Expect(err).To(MatchError(ContainSubstring(each[0].Name)))
		_, err = s.fleet.PerNode(ctx, []string{"node-0"}, 1, false)
		var not *agent.ErrNotMeasurable
		g.Expect(errors.As(err, &not)).To(BeTrue())
		g.Expect(not.Reason).To(ContainSubstring("node-0 is simulated"))
	})

	t.Run("several, with labels", func(t *testing.T) {
		g := NewWithT(t)
		as := map[string]string{"app": "frontend"}
		begun := time.Now()
		all, err := s.fleet.Several(ctx, 3, as)
		g.Expect(err).NotTo(HaveOccurred())
		t.Logf("three agents of a Job answer after %s", time.Since(begun).Round(time.Millisecond))
		g.Expect(all).To(HaveLen(3))
		pods, err := s.client.List(ctx, cluster.Pods, s.namespace, cluster.ListOptions{Selector: "app=frontend"})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(pods).To(HaveLen(3))
		g.Expect(s.fleet.One(ctx, as)).To(BeIdenticalTo(all[0]))
		ip, err := s.fleet.Service(ctx, all[0])
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(all[1].Reaches(ctx, echo(ip))).To(Succeed())
	})

	t.Run("in the node's network", func(t *testing.T) {
		g := NewWithT(t)
		host, err := s.fleet.PerNode(ctx, s.fleet.Nodes(), 2, true)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(host).To(HaveLen(4))
		g.Expect(host[0].IP).To(Equal(host[0].HostIP))
		report, err := host[0].Do(ctx, rtt(host[2].Echo()), nil)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(report.RoundTrips.Lost).To(BeZero())
	})

	t.Run("an agent that is gone", func(t *testing.T) {
		g := NewWithT(t)
		g.Expect(s.client.Delete(ctx, cluster.Pods, one.Namespace, one.Name, cluster.DeleteOptions{})).To(Succeed())
		g.Eventually(func() (*agent.Agent, error) { return s.fleet.One(ctx, nil) }).WithTimeout(20 * time.Second).ShouldNot(BeIdenticalTo(one))
	})

	g.Expect(s.left()).To(ContainElement("Namespace " + s.namespace + "-agents"))
	begun = time.Now()
	g.Expect(s.fleet.Close(ctx)).To(Succeed())
	t.Logf("closed after %s", time.Since(begun).Round(time.Millisecond))
	g.Expect(s.left()).To(BeEmpty(), "nothing is left")
}

func TestImageThatIsNotThere(t *testing.T) {
	s := newScenario(t, func(o *agent.Options) {
		o.Image = func(context.Context) (string, error) { return "registry.invalid/agent:none", nil }
	})
	g := NewWithT(t)
	begun := time.Now()
	_, err := s.fleet.One(t.Context(), nil)
	t.Logf("refused after %s: %v", time.Since(begun).Round(time.Millisecond), err)
	g.Expect(err).To(MatchError(And(ContainSubstring("--agent-image"), ContainSubstring("registry.invalid/agent:none"))))
	g.Expect(time.Since(begun)).To(BeNumerically("<", 40*time.Second))
	g.Expect(s.fleet.Close(t.Context())).To(Succeed())
	g.Expect(s.left()).To(BeEmpty())
}

// A namespace of somebody else that has the name is neither used nor removed.
func TestANamespaceOfSomebodyElse(t *testing.T) {
	s := newScenario(t, nil)
	g := NewWithT(t)
	ctx := t.Context()
	theirs, err := s.client.CreateNamespace(ctx, s.namespace+"-agents", nil)
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		_ = s.client.Delete(context.Background(), cluster.Namespaces, "", theirs.GetName(), cluster.DeleteOptions{UID: theirs.GetUID()})
	})
	for range 2 { // the second looks at what the first may have made
		_, err = s.fleet.One(ctx, nil)
		g.Expect(err).To(MatchError(And(ContainSubstring(theirs.GetName()), ContainSubstring("already exists"))))
	}
	g.Expect(s.fleet.Leftovers(ctx)).To(BeEmpty())
	g.Expect(s.fleet.Close(ctx)).To(Succeed())
	still, err := s.client.Get(ctx, cluster.Namespaces, "", theirs.GetName())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(still.GetDeletionTimestamp()).To(BeNil())
}

// A quota of the scenario counts the agents that carry its labels, and only those.
func TestQuotaSeesOnlyLabelledAgents(t *testing.T) {
	s := newScenario(t, func(o *agent.Options) { o.Ready = 10 * time.Second })
	g := NewWithT(t)
	ctx := t.Context()
	quota := object("v1", "ResourceQuota", s.namespace, "none", map[string]any{"spec": map[string]any{"hard": map[string]any{"pods": "0"}}})
	_, err := s.client.Apply(ctx, quota)
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func() error { _, err := s.fleet.One(ctx, map[string]string{"a": "b"}); return err }).
		WithTimeout(30 * time.Second).Should(MatchError(ContainSubstring("exceeded quota")))
	_, err = s.fleet.Several(ctx, 2, map[string]string{"a": "b"})
	g.Expect(err).To(MatchError(ContainSubstring("exceeded quota")))
	_, err = s.fleet.One(ctx, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.fleet.Close(ctx)).To(Succeed())
}

func TestWhereNothingCanBeMeasured(t *testing.T) {
	g := NewWithT(t)
	simulated := &spec.Facts{Nodes: []spec.Node{{Name: "a", Simulated: true}}}
	mixed := &spec.Facts{Nodes: []spec.Node{{Name: "a", Simulated: true}, {Name: "b", Ready: true, Schedulable: true}}}
	g.Expect(agent.Unmeasurable(simulated)).To(Equal("the nodes are simulated: no packets flow between them"))
	g.Expect(agent.Unmeasurable(mixed)).To(BeEmpty())
	g.Expect(agent.Unmeasurable(&spec.Facts{})).To(ContainSubstring("no nodes"))

	never := func(context.Context) (string, error) { t.Error("the image is asked for in vain"); return "", nil }
	var not *agent.ErrNotMeasurable
	_, err := agent.New(nil, agent.Options{Facts: simulated, Image: never, Watches: &cluster.Watches{}}).One(t.Context(), nil)
	g.Expect(errors.As(err, &not)).To(BeTrue())
	_, err = agent.New(nil, agent.Options{Facts: mixed, Watches: &cluster.Watches{}}).Several(t.Context(), 2, nil)
	g.Expect(errors.As(err, &not)).To(BeTrue())
	g.Expect(not.Reason).To(ContainSubstring("--agent-image REF"))
	var none *agent.Fleet
	g.Expect(none.Unmeasurable()).NotTo(BeEmpty())
	g.Expect(none.Close(t.Context())).To(Succeed())
	g.Expect(slices.Contains(none.Nodes(), "")).To(BeFalse())
	g.Expect(strings.Contains(err.Error(), "not measurable here")).To(BeTrue())
}
