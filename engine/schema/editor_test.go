package schema_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/schemas"
)

// The lines by which a file names its schema.
const (
	stepLine     = "# yaml-language-server: $schema=../../schemas/step.schema.json\n"
	scenarioLine = "# yaml-language-server: $schema=../../schemas/scenario.schema.json\n"
	// jetBrainsLine is the form of JetBrains' IDEs, which yaml-language-server
	// reads too since 2.0.
	jetBrainsLine = "# $schema: ../../schemas/step.schema.json\n"
)

// project is a folder with the schemas, as a repository has them.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	g := NewWithT(t)
	g.Expect(os.MkdirAll(filepath.Join(dir, "schemas"), 0o755)).To(Succeed())
	g.Expect(os.MkdirAll(filepath.Join(dir, "specs/web"), 0o755)).To(Succeed())
	for name, data := range map[string][]byte{"scenario": schemas.Scenario, "step": schemas.Step} {
		g.Expect(os.WriteFile(filepath.Join(dir, "schemas", name+".schema.json"), data, 0o644)).To(Succeed())
	}
	return filepath.Join(dir, "specs/web")
}

func TestEditorCompletes(t *testing.T) {
	e, dir := newEditor(t), project(t)
	for _, c := range []struct {
		name, text string
		want, not  []string
	}{
		{"verb", stepLine + "name: When it is there\n‸", []string{"apply", "wait", "assert", "measure", "delete", "patch", "load", "http", "exec", "logs", "disrupt", "run", "timeout"}, []string{"script", "fro"}},
		{"verb-jetbrains", jetBrainsLine + "name: When it is there\n‸", []string{"apply", "wait", "measure", "run"}, []string{"script"}},
		{"condition", stepLine + "wait:\n  - ‸", []string{"for", "on", "cel", "let", "stays", "never"}, []string{"apply"}},
		{"kind", stepLine + "measure:\n  - name: startup\n    ‸", []string{"pods", "elapsed", "objects", "api"}, []string{"apply"}},
		{"enum", stepLine + "measure:\n  - name: startup\n    pods:\n      from: ‸", []string{"stored", "accepted", "sent", "due"}, nil},
		{"scenario", scenarioLine + "‸", []string{"apiVersion", "kind", "metadata", "spec"}, nil},
		{"spec", scenarioLine + "spec:\n  ‸", []string{"description", "requires", "local", "vars", "env"}, []string{"metadata"}},
		{"nodes", scenarioLine + "spec:\n  requires:\n    nodes:\n      ‸", []string{"min", "max", "each"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.name+".yaml")
			text, line, character := cursor(t, c.text)
			e.open(path, text)
			got := labels(e.completions(path, line, character))
			for _, word := range c.want {
				NewWithT(t).Expect(got).To(ContainElement(word))
			}
			for _, word := range c.not {
				NewWithT(t).Expect(got).NotTo(ContainElement(word))
			}
		})
	}
}

// TestEditorWritesTheShortestForm looks at what a verb is completed with.
func TestEditorWritesTheShortestForm(t *testing.T) {
	e, dir := newEditor(t), project(t)
	path := filepath.Join(dir, "00-step.yaml")
	text, line, character := cursor(t, stepLine+"‸")
	e.open(path, text)
	items := e.completions(path, line, character)
	for verb, want := range map[string]string{"wait": "for: ready", "apply": "manifests/", "patch": "replicas: 8"} {
		var offered []string
		for _, i := range items[verb+": shortest form"] {
			offered = append(offered, i.TextEdit.NewText)
		}
		NewWithT(t).Expect(offered).To(ContainElement(And(HavePrefix(verb+":"), ContainSubstring(want))), verb)
	}
}

func TestEditorExplains(t *testing.T) {
	e, dir := newEditor(t), project(t)
	for _, c := range []struct{ name, text, want string }{
		{"verb", stepLine + "wa‸it:\n  - for: ready\n", "Wait until every condition holds"},
		{"field", stepLine + "wait:\n  - for: ready\n    st‸ays: 10s\n", "How long the condition must hold without a break"},
		{"measure", stepLine + "measure:\n  - name: startup\n    pods:\n      fr‸om: due\n", "The moment that begins the time"},
		{"scenario", scenarioLine + "spec:\n  tim‸eout: 10m\n", "How long the whole scenario may take"},
		{"requires", scenarioLine + "spec:\n  requires:\n    kuber‸netes: '>=1.24'\n", "The range of Kubernetes versions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.name+".yaml")
			text, line, character := cursor(t, c.text)
			e.open(path, text)
			NewWithT(t).Expect(e.hover(path, line, character)).To(ContainSubstring(c.want))
		})
	}
}

// TestEditorFindsMistakes puts ‸ where the mistake begins.
func TestEditorFindsMistakes(t *testing.T) {
	e, dir := newEditor(t), project(t)
	for _, c := range []struct{ name, text, want string }{
		{"field", stepLine + "wait:\n  - ‸fro: ready\n", "Property fro is not allowed"},
		{"duration", stepLine + "wait:\n  - for: ready\ntimeout: ‸3 minutes\n", "a duration has a unit"},
		{"enum", stepLine + "measure:\n  - name: startup\n    pods:\n      from: ‸created\n", `"stored"`},
		{"number", stepLine + "wait:\n  - for: ready\nretries: ‸often\n", "a whole number, or one ${{ expression }}"},
		{"scenario", scenarioLine + "apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata:\n  name: web\nspec:\n  ‸variables: {}\n", "Property variables is not allowed"},
		{"quantity", scenarioLine + "apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata:\n  name: web\nspec:\n  local:\n    nodes:\n      - memory: ‸8GB\n", "a quantity is a number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.name+".yaml")
			text, line, character := cursor(t, c.text)
			e.open(path, text)
			found := e.problems(path)
			g := NewWithT(t)
			g.Expect(found).To(HaveLen(1))
			g.Expect(found[0].Message).To(ContainSubstring(c.want))
			g.Expect([]int{found[0].Range.Start.Line, found[0].Range.Start.Character}).To(Equal([]int{line, character}))
		})
	}
}

// TestEditorAcceptsTheShippedScenarios opens every step and scenario that ships,
// at its place, with the schema that its first line names.
func TestEditorAcceptsTheShippedScenarios(t *testing.T) {
	e := newEditor(t)
	top, err := filepath.Abs(root)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var opened []string
	for _, pattern := range []string{"specs/*/*.yaml", "examples/*/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(top, pattern))
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		for _, path := range files {
			data, err := os.ReadFile(path)
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			e.open(path, string(data))
			opened = append(opened, path)
		}
	}
	NewWithT(t).Expect(len(opened)).To(BeNumerically(">", 20))
	for _, path := range opened { // the server checks a document 200 ms after it was opened, all of them at once
		for _, p := range e.problems(path) {
			t.Errorf("%s:%d:%d: %s", path, p.Range.Start.Line+1, p.Range.Start.Character+1, p.Message)
		}
	}
}

// TestEditorKnowsFilesByTheirNames: the patterns that the reference gives for
// files without a first line that names the schema.
func TestEditorKnowsFilesByTheirNames(t *testing.T) {
	dir := project(t)
	schemaAt := func(name string) string { return uriOf(filepath.Join(dir, "../../schemas", name+".schema.json")) }
	e := newEditorWith(t, map[string]any{
		schemaAt("step"): "specs/*/[0-9]*.yaml", schemaAt("scenario"): "specs/*/scenario.yaml",
	})
	for name, want := range map[string]string{"00-wait.yaml": "wait", "scenario.yaml": "metadata"} {
		path := filepath.Join(dir, name)
		e.open(path, "")
		NewWithT(t).Expect(labels(e.completions(path, 0, 0))).To(ContainElement(want), name)
	}
}
