package schema_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/schemas"
)

// described is what an editor shows of a field.
type described struct {
	Description string
	Default     any
	Examples    []any
}

// definitions are the mappings of both schemas, by type.
func definitions(t *testing.T) map[string]map[string]described {
	t.Helper()
	out := map[string]map[string]described{}
	for _, data := range [][]byte{schemas.Scenario, schemas.Step} {
		var all struct {
			Definitions map[string]struct{ Properties map[string]described }
		}
		if err := json.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
		for name, d := range all.Definitions {
			out[name] = d.Properties
		}
	}
	return out
}

// TestSchemasSayWhatTheCommentsSay: every field is there with its description,
// with the example of its comment, and with its default where that is a value.
func TestSchemasSayWhatTheCommentsSay(t *testing.T) {
	docs, defined, fields := readDocs(t), definitions(t), 0
	words := []string{"all"} // defaults that are words and look like values
	visitStructs(func(typ reflect.Type) {
		for _, f := range schema.Fields(typ, docs) {
			fields++
			name := typ.Name() + "." + f.Name
			shown, ok := defined[typ.Name()][f.Name]
			if !ok || shown.Description != f.Text || f.Text == "" {
				t.Errorf("%s is not in the schema with its comment", name)
			}
			if f.Example != "" && len(shown.Examples) == 0 {
				t.Errorf("%s: its example is no value that the field takes: %s", name, f.Example)
			}
			isValue := f.Default != "" && !strings.Contains(f.Default, " ") && !slices.Contains(words, f.Default)
			if isValue && shown.Default == nil {
				t.Errorf("%s: its default is no value that the field takes: %s", name, f.Default)
			}
		}
	})
	NewWithT(t).Expect(fields).To(BeNumerically(">", 90))
}

// visitStructs visits the structs of the language, each once.
func visitStructs(visit func(reflect.Type)) {
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[typ] || typ.PkgPath() != reflect.TypeFor[spec.Step]().PkgPath() {
			return
		}
		seen[typ] = true
		visit(typ)
		for f := range typ.Fields() {
			if tag := f.Tag.Get("json"); tag != "" && tag != "-" {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[spec.Scenario]())
	walk(reflect.TypeFor[spec.Step]())
}

// TestExamplesConform validates every default and example with the schema of its
// own field.
func TestExamplesConform(t *testing.T) {
	tried := 0
	for file, data := range map[string][]byte{"scenario.json": schemas.Scenario, "step.json": schemas.Step} {
		compiler := jsonschema.NewCompiler()
		compiler.DefaultDraft(jsonschema.Draft7)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		NewWithT(t).Expect(compiler.AddResource(file, doc)).To(Succeed())
		var all struct {
			Definitions map[string]struct{ Properties map[string]described }
		}
		NewWithT(t).Expect(json.Unmarshal(data, &all)).To(Succeed())
		for typ, d := range all.Definitions {
			for name, shown := range d.Properties {
				place := "#/definitions/" + typ + "/properties/" + name
				field, err := compiler.Compile(file + place)
				NewWithT(t).Expect(err).NotTo(HaveOccurred())
				values := shown.Examples
				if shown.Default != nil {
					values = append(values, shown.Default)
				}
				for _, v := range values {
					tried++
					if err := field.Validate(v); err != nil {
						t.Errorf("%s: %v", place, err)
					}
				}
			}
		}
	}
	NewWithT(t).Expect(tried).To(BeNumerically(">", 100))
}
