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
