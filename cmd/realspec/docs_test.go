package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/examples"
)

// guides are the pages whose blocks are tested.
var guides = []string{"README.md", "specs/README.md", "examples/README.md"}

// block is a fenced block of a page.
type block struct {
	page, lang, text string
}

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

func blocksOf(t *testing.T, page string) []block {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	for _, m := range fence.FindAllStringSubmatch(string(content), -1) {
		blocks = append(blocks, block{page, m[1], m[2]})
	}
	return blocks
}

var namedFile = regexp.MustCompile(`^# ([\w./-]+\.yaml)\n`)

// writeGuide writes the YAML blocks of a page as the files that their first lines
// name. A block without a name would be one that nothing reads.
func writeGuide(t *testing.T, dir, page string) (files int) {
	t.Helper()
	for _, b := range blocksOf(t, page) {
		if b.lang != "yaml" {
			continue
		}
		m := namedFile.FindStringSubmatch(b.text)
		if m == nil {
			t.Errorf("%s: a YAML block does not begin with the comment that names its file:\n%s", page, b.text)
			continue
		}
		path := filepath.Join(dir, m[1])
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: %s is there twice", page, m[1])
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.text), 0o644); err != nil {
			t.Fatal(err)
		}
		files++
	}
	return files
}

// Every YAML block is a file of a scenario that is valid, without a warning.
func TestGuideIsValid(t *testing.T) {
	a := &app{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}
	total := 0
	for _, page := range guides {
		dir := t.TempDir()
		n := writeGuide(t, dir, page)
		if total += n; n == 0 {
			continue
		}
		all := loadAll(a, []string{dir}, nil)
		for _, d := range all.diags {
			t.Errorf("%s: %s: %s", page, d.Pos, d.Message)
		}
	}
	NewWithT(t).Expect(total).To(BeNumerically(">=", 9), "YAML blocks")
}

// What the guide shows passes on a real control plane.
func TestGuidePasses(t *testing.T) {
	needCluster(t)
	dir := t.TempDir()
	writeGuide(t, dir, "specs/README.md")
	first, second := signals()
	out := &strings.Builder{}
	a := &app{stdout: out, stderr: out, getenv: func(string) string { return "" }, first: first, second: second}
	code := a.main([]string{"run", filepath.Join(dir, "specs"), "--cluster", "current",
		"--kubeconfig", os.Getenv("E2E_KUBECONFIG"), "--no-baselines"})
	NewWithT(t).Expect(code).To(Equal(0), out.String())
}

// Every command that a page shows can be typed.
func TestShownCommandsExist(t *testing.T) {
	typedHere := 0
	for _, page := range guides {
		for _, b := range blocksOf(t, page) {
			if b.lang == "sh" {
				typedHere += parseCommands(t, page, b.text)
			}
		}
	}
	for _, system := range []string{"github", "gitlab"} {
		path, content := ciFile(system, "specs")
		if parseCommands(t, path, content) == 0 {
			t.Errorf("%s runs nothing", path)
		}
		var parsed map[string]any
		if err := yaml.UnmarshalStrict([]byte(content), &parsed); err != nil {
			t.Errorf("%s is no YAML: %v", path, err)
		}
	}
	NewWithT(t).Expect(typedHere).To(BeNumerically(">=", 8), "commands")
}

var command = regexp.MustCompile(`(?m)^[ -]*(?:run: )?realspec ([^#\n]+)`)

// parseCommands parses the realspec commands in a text as the program would.
func parseCommands(t *testing.T, where, text string) int {
	t.Helper()
	all := command.FindAllStringSubmatch(text, -1)
	for _, m := range all {
		parser, err := kong.New(&commands{}, kong.Name("realspec"), kong.Exit(func(int) {}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields(m[1])); err != nil {
			t.Errorf("%s: realspec %s: %v", where, m[1], err)
		}
	}
	return len(all)
}

// Links within the repository lead somewhere.
func TestGuideLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	for _, page := range guides {
		content, err := os.ReadFile(filepath.Join("..", "..", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(content), -1) {
			if _, err := os.Stat(filepath.Join("..", "..", filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, m[1])
			}
		}
	}
}

// Everything of every recipe is in the program, and can be copied under another
// name.
func TestRecipesAreComplete(t *testing.T) {
	root := os.DirFS(filepath.Join("..", "..", "examples"))
	page, err := fs.ReadFile(root, "README.md")
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(root, ".", func(at string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && e.Name() == "baselines" {
			return fs.SkipDir
		}
		if e.IsDir() || !strings.Contains(at, "/") {
			return nil
		}
		if _, err := examples.Recipes.ReadFile(at); err != nil {
			t.Errorf("examples/%s is not embedded: see embed.go", at)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range recipeNames() {
		scenario, err := examples.Recipes.ReadFile(name + "/scenario.yaml")
		if err != nil {
			t.Errorf("examples/%s has no scenario.yaml", name)
		}
		if !strings.Contains(string(scenario), "\n  name: "+name+"\n") {
			t.Errorf("examples/%s/scenario.yaml does not name itself on a line of its own: init could not rename it", name)
		}
		if recipeDescription(name) == "" {
			t.Errorf("examples/%s has no description", name)
		}
		if !strings.Contains(string(page), "| ["+name+"]("+name+") |") {
			t.Errorf("examples/README.md does not list %s", name)
		}
	}
}

// kubectl runs kubectl-realspec as a command of its own.
func TestProgramName(t *testing.T) {
	for arg0, want := range map[string]string{
		"realspec": "realspec", "/usr/local/bin/kubectl-realspec": "kubectl realspec",
		"kubectl-realspec.exe": "kubectl realspec", "./my-realspec": "realspec",
	} {
		NewWithT(t).Expect(programName(arg0)).To(Equal(want), arg0)
	}
}
