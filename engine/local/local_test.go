package local_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/local"
	"github.com/realspec/realspec/engine/spec"
)

func quantity(text string) spec.Quantity {
	q := resource.MustParse(text)
	return spec.Quantity{Quantity: &q}
}

func TestFlags(t *testing.T) {
	g := NewWithT(t)
	g.Expect(local.Flags(nil)).To(BeEmpty())
	g.Expect(local.Flags(&spec.Local{Nodes: []spec.NodePool{
		{Count: 4, CPU: quantity("8"), Memory: quantity("32Gi")},
		{Name: "gpu", CPU: quantity("500m"), GPU: 2, Pods: 30, Storage: quantity("50Gi"),
			Labels: map[string]string{"b": "2", "a": ""},
			Taints: []spec.Taint{{Key: "gpu", Effect: "NoSchedule"}, {Key: "k", Value: "v", Effect: "NoExecute"}}},
	}})).To(Equal([]string{
		"--nodes", "count=4,cpu=8,memory=32Gi",
		"--nodes", "count=1,name=gpu,cpu=500m,pods=30,storage=50Gi,gpu=2,label=a=,label=b=2,taint=gpu=:NoSchedule,taint=k=v:NoExecute",
	}))
}

func TestRealPools(t *testing.T) {
	g := NewWithT(t)
	m := local.Machine{MilliCPU: 2000, Memory: 16 << 30}
	shape := &spec.Local{Nodes: []spec.NodePool{
		{Count: 2},
		{Name: "iron", Real: true, CPU: quantity("8"), Memory: quantity("1Gi"), Storage: quantity("100Gi"), Pods: 250, GPU: 1},
		{Real: true, CPU: quantity("500m"), Memory: quantity("64Gi")},
	}}
	g.Expect(local.FlagsOn(shape, m)).To(Equal([]string{
		"--nodes", "count=2",
		"--real-nodes", "count=1,name=iron,cpu=2,memory=1Gi,pods=110,storage=512Mi,gpu=1",
		"--real-nodes", "count=1,cpu=500m,memory=16Gi,storage=2Gi",
	}), "no larger than the machine, and not called as the simulated ones")
	g.Expect(local.HasReal(shape)).To(BeTrue())

	real, changed := local.Real(nil)
	g.Expect(changed).To(BeEmpty())
	g.Expect(local.FlagsOn(real, m)).To(Equal([]string{"--real-nodes", "count=1,name=node,cpu=2,memory=8Gi,storage=2Gi"}))
	g.Expect(local.FlagsOn(real, local.Machine{})).To(Equal([]string{"--real-nodes", "count=1,name=node,cpu=4,memory=8Gi,storage=2Gi"}),
		"of a machine that is not known nothing is assumed")
	g.Expect(local.Warm(local.FlagsOn(real, m))).NotTo(Equal(local.Warm(local.FlagsOn(&spec.Local{}, m))))
}

func TestRealShapesAreSmall(t *testing.T) {
	g := NewWithT(t)
	shape := &spec.Local{Nodes: []spec.NodePool{{Count: 8}, {Name: "gpu", Count: 4, GPU: 1}, {Name: "edge"}}}
	real, changed := local.Real(shape)
	var counts []int
	for _, pool := range real.Nodes {
		g.Expect(pool.Real).To(BeTrue())
		counts = append(counts, pool.Count)
	}
	g.Expect(counts).To(Equal([]int{2, 2, 1}))
	g.Expect(changed).To(Equal("the scenario's shape has 13 nodes; as real ones on this machine they are 5"))
	g.Expect(shape.Nodes[0].Real).To(BeFalse(), "the scenario itself stays what it was")
	g.Expect(shape.Nodes[0].Count).To(Equal(8))
}

func TestAgentImage(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	t.Setenv("PATH", dir+"/empty")
	none := func(string) string { return "" }
	_, err := local.FindAgent(none, filepath.Join(dir, "realspec"))
	g.Expect(err).To(MatchError(And(ContainSubstring("make build"), ContainSubstring("--agent-image"))))
	program := filepath.Join(dir, local.Agent)
	g.Expect(os.WriteFile(program, []byte("one"), 0o755)).To(Succeed())
	g.Expect(local.FindAgent(none, filepath.Join(dir, "realspec"))).To(Equal(program))
	g.Expect(local.AgentImage(program)).To(Equal("realspec.dev/agent:7692c3ad3540"), "the first 12 digits of its SHA-256")
	_, err = local.FindAgent(func(string) string { return dir + "/other" }, filepath.Join(dir, "realspec"))
	g.Expect(err).To(MatchError(ContainSubstring("REALSPEC_AGENT")), "what the user names is not replaced silently")
}

func TestWarmClustersAreNamedByTheirShape(t *testing.T) {
	g := NewWithT(t)
	g.Expect(local.Warm([]string{"a"})).To(Equal(local.Warm([]string{"a"})))
	g.Expect(local.Warm([]string{"a"})).NotTo(Equal(local.Warm([]string{"b"})))
	g.Expect(local.Warm(nil)).To(MatchRegexp(`^warm-[0-9a-f]{8}$`))
}

func TestFind(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	self := filepath.Join(dir, "realspec")
	none := func(string) string { return "" }
	t.Setenv("PATH", dir+"/empty")

	_, err := local.Find(none, self)
	g.Expect(err).To(MatchError(ContainSubstring("make build")))

	beside := filepath.Join(dir, local.Program)
	g.Expect(os.WriteFile(beside, nil, 0o755)).To(Succeed())
	found, err := local.Find(none, self)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found.Path).To(Equal(beside))

	named := func(string) string { return filepath.Join(dir, "other") }
	_, err = local.Find(named, self)
	g.Expect(err).To(MatchError(ContainSubstring("REALSPEC_CLUSTER")), "what the user names is not replaced silently")

	t.Setenv("PATH", dir)
	found, err = local.Find(none, "/nowhere/realspec")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found.Path).To(Equal(beside))
}

func TestUpSaysWhatTheProgramSaid(t *testing.T) {
	g := NewWithT(t)
	fake := filepath.Join(t.TempDir(), "realspec-cluster")
	g.Expect(os.WriteFile(fake, []byte("#!/bin/sh\necho 'error: no room for etcd' >&2\nexit 3\n"), 0o755)).To(Succeed())
	var said []string
	_, err := local.Binary{Path: fake}.Up(t.Context(), "x", nil, 0, func(line string) { said = append(said, line) })
	g.Expect(err).To(MatchError(ContainSubstring("no room for etcd")))
	g.Expect(said).To(Equal([]string{"error: no room for etcd"}))
}

func TestUpSaysWhyItCannotTell(t *testing.T) {
	g := NewWithT(t)
	fake := filepath.Join(t.TempDir(), "realspec-cluster")
	g.Expect(os.WriteFile(fake, []byte("#!/bin/sh\n[ $1 = up ] && exit 0\necho 'error: the state folder cannot be read' >&2\nexit 1\n"), 0o755)).To(Succeed())
	_, err := local.Binary{Path: fake}.Up(t.Context(), "x", nil, 0, nil)
	g.Expect(err).To(MatchError(ContainSubstring("the state folder cannot be read")))
}
