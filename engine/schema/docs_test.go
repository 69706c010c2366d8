package schema_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/schemas"
)

func TestReadDocs(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a.go", `package a

// One is the
// first.
//
// And it goes on.
type One struct {
	// Two fields. Default: 1.
	A, B int
	C int // beside the field is no documentation
}

type (
	// Two is in a group.
	Two string
	Three int
)
`)
	write("a_test.go", "package a\n\n// T is for tests.\ntype T int\n")
	docs, err := schema.ReadDocs(dir)
	g := NewWithT(t)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(docs).To(Equal(schema.Docs{
		"One":   "The first.\n\nAnd it goes on.",
		"One.A": "Two fields. Default: 1.",
		"One.B": "Two fields. Default: 1.",
		"Two":   "In a group.",
	}))
	write("words.go", "package a\n\ntype Word string\n\nconst (\n\tFirst Word = \"first\" // the first of\n\tOther      = \"other\" // of no type\n)\n")
	g.Expect(docs.AddConstants(dir, "Word")).To(Succeed())
	g.Expect(docs).To(HaveKeyWithValue("Word.first", "the first of"))
	g.Expect(docs).To(HaveLen(5))
	g.Expect(docs.AddConstants(dir, "Three")).To(MatchError(ContainSubstring("no constants of type Three")))
	_, err = schema.ReadDocs(filepath.Join(dir, "none"))
	g.Expect(err).To(MatchError(ContainSubstring("no Go files in")))
}

// TestDefaultsAndExamples looks at what becomes of comments in the schemas.
func TestDefaultsAndExamples(t *testing.T) {
	type node struct {
		Description string
		Default     any
		Examples    []any
	}
	var all struct {
		Definitions map[string]struct{ Properties map[string]node }
	}
	for _, data := range [][]byte{schemas.Scenario, schemas.Step} {
		if err := json.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		typ, field string
		def        any
		example    any
	}{
		{"NodePool", "count", 1.0, nil},
		{"NodePool", "cpu", "4", nil},
		{"NodePool", "memory", "8Gi", nil},
		{"NodePool", "name", "node", nil},
		{"Taint", "value", "", nil},
		{"Delete", "wait", true, nil},
		{"Delete", "gracePeriod", nil, "0s"}, // "the object's own" is no value
		{"Step", "name", nil, "When every workload has rolled out"},
		{"Step", "timeout", nil, "3m"}, // "1m for apply, …"
		{"Step", "if", nil, "nodes.size() > 1"},
		{"Step", "thresholds", nil, []any{map[string]any{"cel": "startup.ready.max < duration('30s')"}}},
		{"Condition", "stays", "0s", nil},
		{"ScenarioSpec", "timeout", "30m", nil},
		{"ScenarioSpec", "vars", nil, map[string]any{"replicas": 5.0}},
		{"Requires", "kubernetes", nil, ">=1.24"},
		{"Apply", "files", nil, []any{"manifests/"}},
		{"ElapsedMeasure", "from", nil, "00-apply"},
		{"Load", "name", "load", nil},
		{"Load", "concurrency", 256.0, nil},
		{"Load", "churn", 0.0, nil},
		{"Stage", "rate", nil, 50.0},
		{"Baseline", "tolerance", "10%", nil},
		{"Baseline", "of", nil, []any{"startup.ready.p99", "rollout"}},
		{"PodsMeasure", "from", "stored", nil},
	} {
		g := NewWithT(t)
		n, ok := all.Definitions[c.typ].Properties[c.field]
		g.Expect(ok).To(BeTrue(), "%s.%s", c.typ, c.field)
		g.Expect(n.Description).NotTo(BeEmpty())
		if c.def == nil {
			g.Expect(n.Default).To(BeNil(), "default of %s.%s", c.typ, c.field)
		} else {
			g.Expect(n.Default).To(Equal(c.def), "default of %s.%s", c.typ, c.field)
		}
		if c.example == nil {
			g.Expect(n.Examples).To(BeEmpty(), "examples of %s.%s", c.typ, c.field)
		} else {
			g.Expect(n.Examples).To(Equal([]any{c.example}), "examples of %s.%s", c.typ, c.field)
		}
	}
}
