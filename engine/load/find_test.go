package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{
		"specs/b/scenario.yaml", "specs/a/scenario.yaml", "specs/a/inner/scenario.yaml", "specs/group/c/scenario.yaml",
		"specs/.git/scenario.yaml", "specs/wrong/Scenario.yml", "specs/a/00-apply.yaml", "empty/file.txt",
	} {
		NewWithT(t).Expect(os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755)).To(Succeed())
		touch(t, dir, path)
	}
	NewWithT(t).Expect(os.Symlink("specs", filepath.Join(dir, "link"))).To(Succeed())
	t.Chdir(dir)

	for _, c := range []struct {
		args string
		dirs string
		says string
	}{
		{args: "specs", dirs: "specs/a specs/b specs/group/c specs/wrong"},
		{args: "./specs/a/ specs/a specs/a/scenario.yaml " + filepath.Join(dir, "specs/a"), dirs: "specs/a"},
		{args: "specs/b specs/a", dirs: "specs/a specs/b"},
		{args: "link", dirs: "link/a link/b link/group/c link/wrong"},
		{args: "spec", says: "spec: error: spec does not exist\n  did you mean specs?\n"},
		{args: "specs/zzz/a", says: "specs/zzz/a: error: specs/zzz/a does not exist\n  folders in specs: a, b, group, wrong\n"},
		{args: "specs/a/00-apply.yaml", says: "00-apply.yaml is a file, expected a scenario's folder\n  give the folder: specs/a\n"},
		{args: "empty/file.txt", says: "a scenario is a folder with scenario.yaml\n"},
		{args: "empty", says: "empty: error: no scenario in empty\n"},
		{args: "empty specs/b", dirs: "specs/b", says: "no scenario in empty"},
	} {
		t.Run(c.args, func(t *testing.T) {
			g := NewWithT(t)
			dirs, diags := Find(strings.Fields(c.args))
			g.Expect(strings.Join(dirs, " ")).To(Equal(c.dirs))
			out := render(&Loaded{}, diags)
			if c.says == "" {
				g.Expect(out).To(BeEmpty())
			}
			g.Expect(out).To(ContainSubstring(c.says))
		})
	}
}

// TestManyManifests stops at a folder that was hardly meant.
func TestManyManifests(t *testing.T) {
	files := map[string]string{"00-apply.yaml": "apply: {files: [m]}\n"}
	for i := range maxManifests + 1 {
		files[fmt.Sprintf("m/%d/%d.yaml", i%3, i)] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	}
	NewWithT(t).Expect(render(Scenario(write(t, files), nil))).To(ContainSubstring(
		"00-apply.yaml:1:17: error: there are more than 1000 files in this folder\n"))
}

// TestNoFolder loads what is no folder.
func TestNoFolder(t *testing.T) {
	g := NewWithT(t)
	l, diags := Scenario("testdata/nowhere/", nil)
	g.Expect(render(l, diags)).To(ContainSubstring("testdata/nowhere: error: testdata/nowhere does not exist\n"))
	g.Expect(l.Name).To(Equal("nowhere"))
	g.Expect(l.Dir).To(Equal("testdata/nowhere"))
	g.Expect(l.Spec).NotTo(BeNil())

	g.Expect(render(Scenario("find_test.go", nil))).To(ContainSubstring("find_test.go is a file, expected a scenario's folder"))
}

func touch(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	NewWithT(t).Expect(os.WriteFile(path, nil, 0o600)).To(Succeed())
	return path
}
