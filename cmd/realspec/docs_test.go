package main

import (
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/spec"
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

// Every YAML block is valid, without a warning: a file of a scenario, the
// configuration, or an image map.
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
		if page == "specs/README.md" {
			_, _, config := load.Config(filepath.Join(dir, spec.ConfigFile))
			_, _, images := load.Images(filepath.Join(dir, "images.yaml"))
			NewWithT(t).Expect(append(config, images...)).To(BeEmpty(), page)
		}
	}
	NewWithT(t).Expect(total).To(BeNumerically(">=", 9), "YAML blocks")
}

// What the guide shows passes on a real control plane, under the configuration that
// it shows. On simulated nodes what needs containers is skipped, and a scenario that
// needs real nodes too; nothing else is.
func TestGuidePasses(t *testing.T) {
	needCluster(t)
	dir := t.TempDir()
	writeGuide(t, dir, "specs/README.md")
	first, second := signals()
	out := &strings.Builder{}
	a := &app{stdout: out, stderr: out, getenv: func(string) string { return "" }, first: first, second: second}
	code := a.main([]string{"run", filepath.Join(dir, "specs"), "--cluster", "current",
		"--kubeconfig", os.Getenv("E2E_KUBECONFIG"), "--no-baselines", "--allow-disruption",
		"--config", filepath.Join(dir, spec.ConfigFile), "--json", filepath.Join(dir, "result.json")})
	g := NewWithT(t)
	g.Expect(code).To(Equal(0), out.String())
	content, err := os.ReadFile(filepath.Join(dir, "result.json"))
	g.Expect(err).NotTo(HaveOccurred())
	result := event.Result{}
	g.Expect(json.Unmarshal(content, &result)).To(Succeed())
	for _, s := range result.Scenarios {
		if s.Outcome == event.Skipped {
			g.Expect(s.Name).To(Equal("latency"), s.Message)
			continue
		}
		for _, step := range s.Steps {
			if step.Outcome == event.Skipped {
				g.Expect(step.Reason).To(Equal(event.ReasonUnmeasured), "%s of %s: %s", step.ID, s.Name, step.Message)
			}
		}
	}
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

var clusterCommandLine = regexp.MustCompile(`(?m)^realspec-cluster ([a-z-]+)([^#\n]*)`)

// So can those of realspec-cluster, which is a program of its own.
func TestShownClusterCommandsExist(t *testing.T) {
	needCluster(t)
	shown := 0
	for _, page := range guides {
		for _, b := range blocksOf(t, page) {
			for _, m := range clusterCommandLine.FindAllStringSubmatch(b.text, -1) {
				help, err := exec.Command(clusterBinary(), m[1], "--help").CombinedOutput()
				if shown++; err != nil {
					t.Errorf("%s: realspec-cluster %s: %s", page, m[1], help)
				}
				for _, word := range strings.Fields(m[2]) {
					if flag, _, _ := strings.Cut(word, "="); strings.HasPrefix(flag, "--") && !strings.Contains(string(help), flag) {
						t.Errorf("%s: realspec-cluster %s has no %s", page, m[1], flag)
					}
				}
			}
		}
	}
	NewWithT(t).Expect(shown).To(BeNumerically(">=", 1), "commands")
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
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
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
