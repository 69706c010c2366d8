package schema_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/schemas"
)

const root = "../.."

func readDocs(t *testing.T) schema.Docs {
	t.Helper()
	docs, err := schema.ReadDocs("../spec")
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

func TestCheckedInFilesAreUpToDate(t *testing.T) {
	docs := readDocs(t)
	for _, one := range []struct {
		file      string
		make      func(schema.Docs) ([]byte, error)
		checkedIn []byte
	}{
		{"schemas/scenario.schema.json", schema.Scenario, schemas.Scenario},
		{"schemas/step.schema.json", schema.Step, schemas.Step},
		{"schemas/config.schema.json", schema.Config, schemas.Config},
	} {
		made, err := one.make(docs)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, one.checkedIn) {
			t.Errorf("%s is not what engine/spec says: run make generate", one.file)
		}
	}
}

// TestFieldsHaveComments: the comments are what editors show.
func TestFieldsHaveComments(t *testing.T) {
	docs, fields := readDocs(t), 0
	visitStructs(func(typ reflect.Type) {
		if docs[typ.Name()] == "" {
			t.Errorf("type %s has no comment", typ.Name())
		}
		for f := range typ.Fields() {
			if tag := f.Tag.Get("json"); tag == "" || tag == "-" {
				continue
			}
			fields++
			if docs[typ.Name()+"."+f.Name] == "" {
				t.Errorf("field %s.%s has no comment", typ.Name(), f.Name)
			}
		}
	})
	if fields < 80 {
		t.Errorf("only %d fields were seen: the test does not see the language", fields)
	}
}

func TestMissingCommentIsAnError(t *testing.T) {
	for _, key := range []string{"Step.Retries", "Selector.Kind", "Patch"} {
		docs := readDocs(t)
		delete(docs, key)
		_, err := schema.Step(docs)
		NewWithT(t).Expect(err).To(MatchError(And(ContainSubstring(key), ContainSubstring("no comment"))))
	}
}

func compile(t *testing.T, data []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// documents are those of a YAML stream as JSON has them. They are read as YAML
// 1.2, like the loader and editors do: to YAML 1.1 the field `on` is true.
func documents(t *testing.T, data []byte) []any {
	t.Helper()
	var out []any
	stream := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		doc, err := stream.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		var value any
		if err == nil {
			err = yaml.Unmarshal(doc, &value)
		}
		if err != nil {
			t.Fatal(err)
		}
		if value == nil {
			continue // only comments
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if value, err = jsonschema.UnmarshalJSON(bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		out = append(out, value)
	}
}

// stepFile is the name of a numbered step file.
var stepFile = regexp.MustCompile(`^[0-9]+.*\.ya?ml$`)

func TestShippedScenariosConform(t *testing.T) {
	scenario, step := compile(t, schemas.Scenario), compile(t, schemas.Step)
	scenarios, steps := 0, 0
	for _, folder := range []string{"specs", "examples", "engine/load/testdata/ok"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			var s *jsonschema.Schema
			var count *int
			switch {
			case d.Name() == "scenario.yaml":
				s, count = scenario, &scenarios
			case stepFile.MatchString(d.Name()) && filepath.Base(filepath.Dir(path)) != "manifests":
				s, count = step, &steps
			default:
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i, doc := range documents(t, data) {
				*count++
				if err := s.Validate(doc); err != nil {
					t.Errorf("%s, document %d: %v", path, i+1, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if scenarios < 5 || steps < 20 {
		t.Errorf("only %d scenarios and %d steps were checked", scenarios, steps)
	}
}

const wholeScenario = `
apiVersion: realspec.dev/v1alpha1
kind: Scenario
metadata: {name: whole, labels: {tier: production}}
spec:
  description: Everything at once.
  covers: [BR-1]
  requires:
    kubernetes: ">=1.24"
    nodes: {min: 1, max: 3, each: {cpu: 4, memory: 8Gi, nvidia.com/gpu: "1"}}
    checks: [{cel: nodes.size() > 1, message: nodes}]
  local:
    nodes:
      - {name: gpu, count: 2, cpu: 500m, memory: 1.5Gi, pods: 20, storage: 1e3, gpu: 1, labels: {a: b},
         taints: [{key: a, value: "", effect: NoSchedule}]}
  timeout: 15m
  vars: {replicas: 5, nested: {list: [1, true, null]}}
  env: [LLM_ENDPOINT]
  allow: [disruption, host-path]
`

func TestConform(t *testing.T) {
	for name, text := range map[string]string{
		"apply":      `{name: a, id: a, covers: [A], if: a, timeout: 1h30m, retries: 2, always: true, continueOnFailure: true, apply: {objects: [{any: thing}]}}`,
		"expression": `{timeout: "${{ vars.minutes * duration('1m') }}", wait: [{for: ready, stays: 1.5s}]}`,
		"measure":    `{measure: [{name: a, elapsed: {}}], during: [{wait: [{for: ready}]}], thresholds: [{cel: a < b}]}`,
		"load": `{load: {name: a, object: {apiVersion: v1, kind: Pod}, rate: 0.5, ramp: 1s, for: 1m, hold: 1m, churn: 2, warmUp: 0},
			thresholds: [{cel: a.failed == 0}]}`,
		"stages": `{load: {object: {kind: Pod}, stages: [{rate: 1e3, for: "${{ vars.time }}", ramp: true}]}}`,
		"measures": `{measure: [{name: a, api: {verb: get, on: {kind: Pod}, rate: 50, count: 5}}, {name: b, apiserver: {}},
			{name: c, prometheus: {url: /p, query: up, step: 5s}}, {name: d, pods: {from: due, by: node}}],
			during: [{load: {object: {kind: Pod}, count: 5}}], repeat: 5, thresholds: [{slo: pod-startup, of: d}],
			baseline: {tolerance: 12.5%, range: true, of: [a.latency.p99], required: true}}`,
		"delete":       `{delete: {on: [{kind: Pod, selector: ""}], gracePeriod: 0s, wait: false}}`,
		"patch":        `{patch: {on: {kind: Pod}, json: [{op: remove, path: /a}], subresource: status}}`,
		"plain":        `{apiVersion: example.com/v1, kind: Anything, timeout: 5, apply: {unknown: 1}}`,
		"plain assert": `{apiVersion: v1, kind: Pod, status: {phase: Running}}`,
	} {
		if err := compile(t, schemas.Step).Validate(documents(t, []byte(text))[0]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := compile(t, schemas.Scenario).Validate(documents(t, []byte(wholeScenario))[0]); err != nil {
		t.Error(err)
	}
}

// TestBrokenStepsDoNotConform also checks the reason, by the keyword and the
// place that the validator names: a step must not be refused for another one.
func TestBrokenStepsDoNotConform(t *testing.T) {
	for _, c := range []struct{ name, text, at, why string }{
		{"unknown field", `{wait: [{fro: ready}]}`, "/wait/0", `additional properties 'fro'`},
		{"unknown field of a step", `{wait: [{for: ready}], timeuot: 3m}`, "", `additional properties 'timeuot'`},
		{"two verbs", `{wait: [{for: ready}], apply: {files: [a]}}`, "", "oneOf"},
		{"no verb", `{name: nothing}`, "", "oneOf"},
		{"request to nowhere", `{http: {checks: [{cel: a}]}}`, "/http", `missing property 'url'`},
		{"body and json", `{http: {url: "http://a", body: a, json: {}}}`, "/http", "not"},
		{"message of no refusal", `{apply: {objects: [{}], message: a}}`, "/apply", "expect"},
		{"message of no refusal either", `{apply: {objects: [{}], message: a, expect: created}}`, "/apply/expect", "'refused'"},
		{"delay of nothing", `{disrupt: {action: cordon, on: {kind: Node}, delay: 1s}}`, "/disrupt/action", "'delay'"},
		{"delay without delay", `{disrupt: {action: delay, on: {kind: Node}}}`, "/disrupt", `missing property 'delay'`},
		{"refusal of a drain", `{disrupt: {action: drain, on: {kind: Node}, expect: refused}}`, "/disrupt/action", "'evict'"},
		{"empty command", `{exec: {on: {kind: Pod}, command: []}}`, "/exec/command", "minItems"},
		{"name and selector", `{logs: {on: {kind: Pod, name: a, selector: b}, checks: [{cel: a}]}}`, "/logs/on", "not"},
		{"load without object", `{load: {count: 5}}`, "/load", `missing property 'object'`},
		{"text for a rate", `{load: {object: {}, rate: "5"}}`, "/load/rate", "does not match pattern"},
		{"negative rate", `{load: {object: {}, rate: -0.5}}`, "/load/rate", "minimum"},
		{"stage without time", `{load: {object: {}, stages: [{rate: 5}]}}`, "/load/stages/0", `missing property 'for'`},
		{"unknown verb of a call", `{measure: [{name: a, api: {verb: watch, rate: 1}}]}`, "/measure/0/api/verb", "'get', 'list'"},
		{"bare share", `{measure: [{name: a, elapsed: {}}], baseline: {tolerance: 20}}`, "/baseline/tolerance", "want string"},
		{"bad share", `{measure: [{name: a, elapsed: {}}], baseline: {tolerance: 20 %}}`, "/baseline/tolerance", "does not match pattern"},
		{"unknown objective", `{measure: [{name: a, elapsed: {}}], thresholds: [{slo: fast}]}`, "/thresholds/0/slo", "'pod-startup'"},
		{"repeat without measure", `{load: {object: {}}, repeat: 5}`, "", "repeat"},
		{"two kinds", `{measure: [{name: a, pods: {}, elapsed: {}}]}`, "/measure/0", "oneOf"},
		{"no kind", `{measure: [{name: a}]}`, "/measure/0", "oneOf"},
		{"requests at no rate", `{measure: [{name: a, http: {url: "http://a"}}]}`, "/measure/0/http", `missing property 'rate'`},
		{"streams of packets", `{measure: [{name: a, network: {streams: 2}}]}`, "/measure/0/network", "transaction"},
		{"namespace of nodes", `{measure: [{name: a, usage: {namespace: b}}]}`, "/measure/0/usage", "of"},
		{"no name", `{measure: [{elapsed: {}}]}`, "/measure/0", `missing property 'name'`},
		{"without measure", `{wait: [{for: ready}], thresholds: [{cel: a}]}`, "", "missing property 'measure'"},
		{"wrong type", `{wait: {for: ready}}`, "/wait", "want array"},
		{"text for a number", `{retries: "2", wait: [{for: ready}]}`, "/retries", "does not match pattern"},
		{"number for a text", `{patch: {on: {kind: Pod, name: 1.30}, merge: {}}}`, "/patch/on/name", "want string"},
		{"negative", `{retries: -1, wait: [{for: ready}]}`, "/retries", "minimum"},
		{"empty verb", `{wait: []}`, "/wait", "minItems"},
		{"bad duration", `{wait: [{for: ready}], timeout: 3 minutes}`, "/timeout", "does not match pattern"},
		{"number for a duration", `{wait: [{for: ready}], timeout: 30}`, "/timeout", "want string"},
		{"bad enum", `{patch: {on: {kind: Pod}, merge: {}, subresource: log}}`, "/patch/subresource", "'status', 'scale'"},
		{"in during", `{measure: [{name: a, elapsed: {}}], during: [{wait: [{for: ready, on: {}}]}]}`, "/during/0/wait/0/on", "missing property 'kind'"},
		{"half an object", `{kind: Pod, spec: {}}`, "", `missing property 'apiVersion'`},
		{"a list", `[{wait: [{for: ready}]}]`, "", "want object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			expectRefused(t, compile(t, schemas.Step), c.text, c.at, c.why)
		})
	}
}

func TestBrokenScenariosDoNotConform(t *testing.T) {
	for _, c := range []struct{ old, new, at, why string }{
		{"allow: [disruption, host-path]", "allow: [everything]", "/spec/allow/0", "'disruption'"},
		{"v1alpha1", "v1", "/apiVersion", "must be 'realspec.dev/v1alpha1'"},
		{"kind: Scenario", "kind: Test", "/kind", "must be 'Scenario'"},
		{"name: whole, ", "", "/metadata", "missing property 'name'"},
		{"covers: [BR-1]", "covers: BR-1", "/spec/covers", "want array"},
		{"timeout: 15m", "timeout: 15", "/spec/timeout", "want string"},
		{"memory: 1.5Gi", "memory: 1.5GB", "/spec/local/nodes/0/memory", "does not match pattern"},
		{"memory: 1.5Gi", "memory: true", "/spec/local/nodes/0/memory", "got boolean"},
		{"NoSchedule", "Never", "/spec/local/nodes/0/taints/0/effect", "'NoExecute'"},
		{"tier: production", "tier: 1", "/metadata/labels/tier", "want string"},
		{"vars: {", "variables: {", "/spec", `additional properties 'variables'`},
	} {
		t.Run(c.new, func(t *testing.T) {
			text := strings.Replace(wholeScenario, c.old, c.new, 1)
			if text == wholeScenario {
				t.Fatalf("%q is not in the scenario", c.old)
			}
			expectRefused(t, compile(t, schemas.Scenario), text, c.at, c.why)
		})
	}
}

func expectRefused(t *testing.T, s *jsonschema.Schema, text, at, why string) {
	t.Helper()
	err := s.Validate(documents(t, []byte(text))[0])
	NewWithT(t).Expect(err).To(MatchError(And(ContainSubstring("at '"+at+"'"), ContainSubstring(why))))
}

// TestPatternsAgreeWithTheLoader compares the patterns with the functions that
// package load calls.
func TestPatternsAgreeWithTheLoader(t *testing.T) {
	var step struct {
		Definitions map[string]struct{ Pattern string }
	}
	if err := json.Unmarshal(schemas.Step, &step); err != nil {
		t.Fatal(err)
	}
	duration := regexp.MustCompile(step.Definitions["Duration"].Pattern)
	for _, text := range []string{"0s", "500ms", "1h30m", "1.5h", ".5s", "5.s", "+3m", "7µs", "7us", "1ns", "1d", "s", "3 m", "1m 2s", "30S", "1.2.3s", "."} {
		_, err := time.ParseDuration(text)
		if duration.MatchString(text) != (err == nil) {
			t.Errorf("the pattern of durations says %t to %q, package time: %v", err != nil, text, err)
		}
	}
	for text, want := range map[string]bool{
		"${{ vars.a }}": true, "${{vars.a}}": true, "${{ {'a': 1}.a }}": true, "${{ a[\"$b\"] }}": true, "${{\n a\n}}": true,
		"${{ }}": false, "${{}}": false, "${{ a }}s": false, "${{ a }}${{ b }}": false, "x${{ a }}": false, "${a}": false, "-3s": false, "30": false,
	} {
		if duration.MatchString(text) != want {
			t.Errorf("the pattern of durations says %t to %q", !want, text)
		}
	}
	var scenario struct {
		Definitions map[string]struct{ Pattern string }
	}
	if err := json.Unmarshal(schemas.Scenario, &scenario); err != nil {
		t.Fatal(err)
	}
	quantity := regexp.MustCompile(scenario.Definitions["Quantity"].Pattern)
	for _, text := range []string{"4", "0.5", "500m", "8Gi", "8G", "1e3", "1E3", "1E", "1Ei", "+1", ".5", "5.", "10k", "10Ki", "3u", "3n", "10K", "8GB", "8gi", "1e", "mi", "", "1 Gi"} {
		_, err := resource.ParseQuantity(text)
		if quantity.MatchString(text) != (err == nil) {
			t.Errorf("the pattern of quantities says %t to %q, Kubernetes: %v", err != nil, text, err)
		}
	}
}

// TestSharesAndRatesAgreeWithTheLoader reads each value in a scenario, with the
// loader and by the schema.
func TestSharesAndRatesAgreeWithTheLoader(t *testing.T) {
	step := compile(t, schemas.Step)
	for _, c := range []struct{ text, values string }{
		{"measure: [{name: a, pods: {}}]\nbaseline: {tolerance: %s}\n",
			"20% 12.5% 0% 007% 1000% 1000.0% 1000.1% 1001% 0999.99% 9999% 20 0.2 -5% +5% 5.% .5% 1e2% 1_0% % five ${{a}}%"},
		{"load: {object: {apiVersion: v1, kind: Pod}, count: 5, rate: %s}\n",
			"1 0.5 1e3 50.0 -1 -0.5 .inf .nan '5' true five null '${{a}}' '${{a}}s' 'x${{a}}' '${{}}' '${{a}}${{b}}'"},
		{"load: {object: {apiVersion: v1, kind: Pod}, count: %s}\n",
			"1 7 0.5 -1 '5' true five null '${{a}}' '${{a}}s' 'x${{a}}' '${{}}' '${{a}}${{b}}'"},
	} {
		for value := range strings.FieldsSeq(c.values) {
			text := []byte(strings.ReplaceAll(c.text, "%s", value))
			dir := t.TempDir()
			for name, data := range map[string][]byte{
				"scenario.yaml": []byte("apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata: {name: a}\n"), "00-step.yaml": text,
			} {
				NewWithT(t).Expect(os.WriteFile(filepath.Join(dir, name), data, 0o600)).To(Succeed())
			}
			_, diags := load.Scenario(dir, nil)
			if conforms := conforms(step, text); conforms == diags.HasErrors() {
				t.Errorf("the schema says %t to %s, the loader %v", conforms, value, diags)
			}
		}
	}
}

// conforms tells whether a document is what a schema says. JSON has no .inf and
// .nan, so that they cannot be.
func conforms(s *jsonschema.Schema, data []byte) bool {
	var value any
	if err := yaml.Unmarshal(data, &value); err != nil {
		return false
	}
	text, err := json.Marshal(value)
	if err != nil {
		return false
	}
	value, err = jsonschema.UnmarshalJSON(bytes.NewReader(text))
	return err == nil && s.Validate(value) == nil
}
