package load_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/load"
)

func configOf(t *testing.T, text string) (string, []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".realspec.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, diags := load.Config(path)
	var lines []string
	for _, d := range diags {
		d.Pos.File = filepath.Base(d.Pos.File)
		lines = append(lines, d.String())
	}
	return path, lines
}

func TestAConfigIsRead(t *testing.T) {
	g := NewWithT(t)
	path, lines := configOf(t, "apiVersion: realspec.dev/v1alpha1\nkind: Config\ncontexts: {allowed: [kind-*], protected: []}\ncaps: {pods: 0, cpu: 20, memory: 64Gi, time: 20m}\n")
	g.Expect(lines).To(BeEmpty())
	c, _, _ := load.Config(path)
	g.Expect(c.Contexts.Protected).NotTo(BeNil(), "an empty list protects nothing, none at all what is protected by default")
	g.Expect(c.Namespaces.Protected).To(BeNil())
	g.Expect(*c.Caps.Pods).To(BeZero(), "no pods at all is a cap")
	g.Expect(c.Caps.GPUs).To(BeNil())
	g.Expect(c.Caps.CPU.String()).To(Equal("20"))
}

func TestWhatIsWrongWithAConfig(t *testing.T) {
	for text, want := range map[string]string{
		"":                             ".realspec.yaml: error: the configuration is empty",
		"kind: Config":                 ".realspec.yaml:1:1: error: the configuration has no apiVersion",
		"apiVersion: v1\nkind: Config": `.realspec.yaml:1:13: error: unknown apiVersion "v1"`,
		"apiVersion: realspec.dev/v1alpha1\nkind: Scenario":                                  `.realspec.yaml:2:7: error: unknown kind "Scenario"`,
		"apiVersion: realspec.dev/v1alpha1\nkind: Config\ncap: {}":                           `.realspec.yaml:3:1: error: unknown field "cap" in the configuration`,
		"apiVersion: realspec.dev/v1alpha1\nkind: Config\ncaps: {pods: -1}":                  ".realspec.yaml:3:14: error: pods cannot be negative, found -1",
		"apiVersion: realspec.dev/v1alpha1\nkind: Config\ncaps: {time: \"${{ vars.x }}\"}":   ".realspec.yaml:3:14: error: a configuration knows no variables, so its durations cannot hold ${{ }}",
		"apiVersion: realspec.dev/v1alpha1\nkind: Config\ncaps: {pods: \"${{ vars.x }}\"}":   ".realspec.yaml:3:14: error: pods takes a whole number, found the text",
		"apiVersion: realspec.dev/v1alpha1\nkind: Config\ncontexts: {allowed: [a, \"\"]}":    ".realspec.yaml:3:25: error: this pattern is empty",
		"apiVersion: realspec.dev/v1alpha1\nkind: Config\ncontexts: {allowed: a}":            ".realspec.yaml:3:21: error: allowed takes a list",
		"apiVersion: realspec.dev/v1alpha1\nkind: Config\n---\na: b":                         ".realspec.yaml:4:1: error: the configuration has a second document",
		"apiVersion: realspec.dev/v1alpha1\nkind: Config\nnamespaces: {protected: [kube-*]]": ".realspec.yaml:3:",
	} {
		_, lines := configOf(t, text)
		g := NewWithT(t)
		g.Expect(lines).NotTo(BeEmpty(), text)
		g.Expect(lines[0]).To(HavePrefix(want), text)
	}
}

func TestTheConfigIsFoundUpToTheRootOfTheRepository(t *testing.T) {
	g := NewWithT(t)
	root := t.TempDir()
	deep := filepath.Join(root, "repository", "a", "b")
	g.Expect(os.MkdirAll(deep, 0o755)).To(Succeed())
	above, inside := filepath.Join(root, ".realspec.yaml"), filepath.Join(root, "repository", ".realspec.yaml")
	for _, path := range []string{above, inside} {
		g.Expect(os.WriteFile(path, nil, 0o600)).To(Succeed())
	}
	g.Expect(load.FindConfig(deep)).To(BeEmpty(), "without a repository only the folder itself counts")
	g.Expect(load.FindConfig(root)).To(Equal(above))
	g.Expect(os.Mkdir(filepath.Join(root, "repository", ".git"), 0o755)).To(Succeed())
	g.Expect(load.FindConfig(deep)).To(Equal(inside))
	g.Expect(os.Remove(inside)).To(Succeed())
	g.Expect(load.FindConfig(deep)).To(BeEmpty(), "never above the repository")
}
