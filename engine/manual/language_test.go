package manual_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/manual"
	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/schemas"
)

// built is the manual of this build, as realspec explain has it.
func built(t *testing.T) (*manual.Manual, schema.Docs) {
	t.Helper()
	var docs schema.Docs
	NewWithT(t).Expect(json.Unmarshal(schemas.Comments, &docs)).To(Succeed())
	m, err := manual.New(docs)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return m, docs
}

func TestCheckedInFilesAreUpToDate(t *testing.T) {
	docs, err := schema.ReadDocs("../spec")
	g := NewWithT(t)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(docs.AddConstants("../event", "Reason")).To(Succeed())
	m, have := built(t)
	g.Expect(have).To(Equal(docs), "schemas/comments.json is not what the sources say: run make generate")
	if string(m.Reference()) != string(schemas.Reference) {
		t.Error("schemas/reference.md is not what the sources say: run make generate")
	}
}

// structs visits the structs of the language, each once.
func structs(visit func(reflect.Type)) {
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] || t.PkgPath() != reflect.TypeFor[spec.Step]().PkgPath() {
			return
		}
		seen[t] = true
		visit(t)
		for f := range t.Fields() {
			if tag := f.Tag.Get("json"); tag != "" && tag != "-" {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[spec.Scenario]())
	walk(reflect.TypeFor[spec.Step]())
}

// TestEveryFieldIsDocumented: a sentence; an example, unless the default, the
// words to choose from, or true and false show what is written; and a unit for
// every number.
func TestEveryFieldIsDocumented(t *testing.T) {
	_, docs := built(t)
	fields := 0
	structs(func(typ reflect.Type) {
		for _, f := range schema.Fields(typ, docs) {
			fields++
			name := typ.Name() + "." + f.Name
			kind := f.Type
			if kind.Kind() == reflect.Pointer {
				kind = kind.Elem()
			}
			if len(f.Says) < 4 || !strings.HasSuffix(f.Says, ".") {
				t.Errorf("%s: its comment is no sentence: %q", name, f.Says)
			}
			shown := f.Example != "" || len(f.Enum) > 0 || kind.Kind() == reflect.Bool ||
				f.Default != "" && (!strings.Contains(f.Default, " ") || f.Default == "the scenario's own")
			if !shown {
				t.Errorf("%s has no example: add `Example: …` to its comment", name)
			}
			if (kind.Kind() == reflect.Int || kind.Kind() == reflect.Float64) && f.Unit == "" {
				t.Errorf("%s is a number without a unit: add `Unit: …` to its comment", name)
			}
		}
	})
	if fields < 100 {
		t.Errorf("only %d fields were seen: the test does not see the language", fields)
	}
}

// TestExamplesOfVerbs loads the example of every field of a step, and of every
// kind of measure.
func TestExamplesOfVerbs(t *testing.T) {
	_, docs := built(t)
	beside := map[string]string{
		"name": "wait: [{for: ready}]\n", "id": "wait: [{for: ready}]\n", "covers": "wait: [{for: ready}]\n", "if": "wait: [{for: ready}]\n",
		"timeout": "wait: [{for: ready}]\n", "during": "measure: [{name: whole, elapsed: {}}]\n",
		"thresholds": "measure: [{name: startup, pods: {}}]\n", "baseline": "measure: [{name: startup, pods: {}}]\n",
	}
	tried := 0
	try := func(name, text string) {
		t.Run(name, func(t *testing.T) {
			for _, d := range loadStep(t, text) {
				t.Errorf("%s\n%s %s", text, d, d.Help)
			}
		})
		tried++
	}
	for _, f := range schema.Fields(reflect.TypeFor[spec.Step](), docs) {
		if f.Example != "" {
			try(f.Name, beside[f.Name]+f.Name+": "+f.Example+"\n")
		}
	}
	for _, f := range schema.Fields(reflect.TypeFor[spec.Measure](), docs) {
		if f.Kind && f.Example != "" {
			try("measure."+f.Name, "measure: [{name: example, "+f.Name+": "+f.Example+"}]\n")
		}
	}
	NewWithT(t).Expect(tried).To(BeNumerically(">", 15))
}

// loadStep loads a step as the file 02-example.yaml, behind 00-apply and 01-wait.
func loadStep(t *testing.T, text string) diag.List {
	t.Helper()
	dir := t.TempDir()
	g := NewWithT(t)
	for name, text := range map[string]string{
		"scenario.yaml": manual.PlainScenario + "spec: {allow: [disruption]}\n", "00-apply.yaml": "apply: {files: [manifests/]}\n", "01-wait.yaml": manual.PlainStep,
		"02-example.yaml":         text,
		"manifests/settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n",
	} {
		path := filepath.Join(dir, name)
		g.Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		g.Expect(os.WriteFile(path, []byte(text), 0o644)).To(Succeed())
	}
	_, diags := load.Scenario(dir, nil)
	return diags
}
