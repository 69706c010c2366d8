package agent

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/spec"
)

func TestPodsWithoutHope(t *testing.T) {
	for _, test := range []struct{ name, pod, hopeless, state string }{
		{"new", `{}`, "", "waits for the scheduler"},
		{"no node", `{status: {conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: 0/2 nodes are available}]}}`,
			"", "0/2 nodes are available"},
		{"starting", `{spec: {nodeName: a}}`, "", "kubelet of node a"},
		{"first pull", `{spec: {nodeName: a, containers: [{image: i}]}, status: {containerStatuses: [{state: {waiting: {reason: ErrImagePull, message: i/o timeout}}}]}}`,
			"", "on node a: ErrImagePull: i/o timeout"},
		{"no such image", `{spec: {nodeName: a, containers: [{image: i}]}, status: {containerStatuses: [{state: {waiting: {reason: ErrImagePull, message: "i: not found"}}}]}}`,
			"image i cannot be pulled on node a .*i: not found.*--agent-image", ""},
		{"back-off", `{spec: {nodeName: a, containers: [{image: i}]}, status: {containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}]}}`,
			"ImagePullBackOff: the kubelet says no more", ""},
		{"user", `{spec: {nodeName: a, containers: [{image: i}]}, status: {containerStatuses: [{state: {waiting: {reason: CreateContainerError, message: no such file}}}]}}`,
			"cannot be started on node a .*no such file", ""},
		{"ended", `{spec: {nodeName: a, containers: [{image: i}]}, status: {containerStatuses: [{state: {terminated: {exitCode: 1, reason: Error}}}]}}`,
			"exit code 1 .*is i an image of realspec-agent", ""},
		{"evicted", `{spec: {nodeName: a}, status: {phase: Failed, reason: Evicted, message: out of memory}}`, "Evicted out of memory", ""},
		{"deleted", `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}}`, "deleted by someone else", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			pod := &corev1.Pod{}
			g.Expect(yaml.Unmarshal([]byte(test.pod), pod)).To(Succeed())
			err := hopeless(pod)
			if test.hopeless == "" {
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(state(pod)).To(ContainSubstring(test.state))
				return
			}
			g.Expect(err).To(MatchError(MatchRegexp(test.hopeless)))
		})
	}
}

func TestPlacement(t *testing.T) {
	node := func(name string, change func(*spec.Node)) spec.Node {
		n := spec.Node{Name: name, Ready: true, Schedulable: true}
		if change != nil {
			change(&n)
		}
		return n
	}
	simulated := func(n *spec.Node) { n.Simulated = true }
	tainted := func(n *spec.Node) { n.Taints = []spec.Taint{{Key: "gpu", Effect: "NoSchedule"}} }
	cordoned := func(n *spec.Node) { n.Schedulable = false }
	gone := func(n *spec.Node) { n.Ready = false }
	for _, test := range []struct {
		name  string
		nodes []spec.Node
		want  placement
	}{
		{"all real", []spec.Node{node("a", nil), node("b", tainted)}, placement{}},
		{"some simulated", []spec.Node{node("a", nil), node("b", simulated), node("c", cordoned), node("d", tainted)}, placement{nodes: []string{"a"}}},
		{"all tainted", []spec.Node{node("a", tainted), node("b", simulated)}, placement{nodes: []string{"a"}, tolerate: true}},
		{"none takes pods", []spec.Node{node("a", gone), node("b", simulated), node("c", cordoned)}, placement{nodes: []string{"a", "c"}, tolerate: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &Fleet{shared: &shared{opts: Options{Facts: &spec.Facts{Nodes: test.nodes}}}}
			NewWithT(t).Expect(f.anywhere()).To(Equal(test.want))
		})
	}
}

func TestPodIsRestricted(t *testing.T) {
	g := NewWithT(t)
	f := &Fleet{shared: &shared{image: "i", token: "t", opts: Options{RunID: "r", Scenario: "s", Namespace: "n"}}}
	u, err := f.pod(order{namespace: "n", as: map[string]string{"app": "web"}, ports: standard, where: placement{nodes: []string{"a"}}}, "group", "name")
	g.Expect(err).NotTo(HaveOccurred())
	raw, err := yaml.Marshal(u.Object)
	g.Expect(err).NotTo(HaveOccurred())
	var pod corev1.Pod
	g.Expect(yaml.UnmarshalStrict(raw, &pod)).To(Succeed())
	g.Expect(pod.Labels).To(Equal(map[string]string{"realspec.dev/run": "r", "realspec.dev/scenario": "s",
		"realspec.dev/agents": "group", "realspec.dev/agent": "name", "app": "web"}))
	container := pod.Spec.Containers[0]
	g.Expect(*pod.Spec.SecurityContext.RunAsUser).To(BeEquivalentTo(65532))
	g.Expect(pod.Spec.SecurityContext.SeccompProfile.Type).To(Equal(corev1.SeccompProfileTypeRuntimeDefault))
	g.Expect(*pod.Spec.AutomountServiceAccountToken).To(BeFalse())
	g.Expect(*container.SecurityContext.ReadOnlyRootFilesystem).To(BeTrue())
	g.Expect(*container.SecurityContext.AllowPrivilegeEscalation).To(BeFalse())
	g.Expect(container.SecurityContext.Capabilities.Drop).To(Equal([]corev1.Capability{"ALL"}))
	g.Expect(container.Resources.Requests.Cpu().String()).To(Equal("100m"))
	g.Expect(container.Resources.Limits).To(HaveKey(corev1.ResourceMemory))
	g.Expect(container.Resources.Limits).NotTo(HaveKey(corev1.ResourceCPU), "a throttled agent measures itself")
	g.Expect(container.Args).To(Equal([]string{"serve"}))
}

func TestHostPortsDoNotMeet(t *testing.T) {
	g := NewWithT(t)
	f := &Fleet{shared: &shared{opts: Options{RunID: "r", Namespace: "n"}}}
	taken := map[int]bool{}
	for i := range 10 {
		p := f.onHost(i)
		for _, port := range []int{p.control, p.echo, p.http} {
			g.Expect(taken[port]).To(BeFalse())
			g.Expect(port).To(And(BeNumerically(">=", 20000), BeNumerically("<", 30000)))
			taken[port] = true
		}
	}
}
