package capture_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/capture"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  uid: 0f6d7a0e
  resourceVersion: "4711"
  generation: 2
  creationTimestamp: "2026-01-01T00:00:00Z"
  labels: {app: web, realspec.dev/run: abc}
  annotations: {deployment.kubernetes.io/revision: "2", owner: shop-team}
  managedFields: [{manager: kubectl}]
spec:
  replicas: 3
  progressDeadlineSeconds: 600
  revisionHistoryLimit: 10
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      restartPolicy: Always
      dnsPolicy: ClusterFirst
      containers:
      - name: web
        image: nginx:1.29.3
        terminationMessagePath: /dev/termination-log
        resources: {requests: {cpu: 100m}}
      - {name: log, image: fluent-bit:4, resources: {}}
status:
  observedGeneration: 2
  replicas: 3
  readyReplicas: 3
  availableReplicas: 3
  updatedReplicas: 3
  conditions:
  - {type: Available, status: "True", lastTransitionTime: "2026-01-01T00:00:00Z"}
`

func TestTheSmallestAssertOfADeployment(t *testing.T) {
	got := capture.Of(object(t, deployment), capture.Options{}).YAML()
	NewWithT(t).Expect(got).To(Equal(`# captured from Deployment/web in namespace shop
# left out: the namespace: the scenario's own is meant (--with-namespace keeps it)
assert:
  checks:
    - object:
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
        spec:
          replicas: 3
          template:
            spec:
              containers:
                - name: web
                  image: nginx:1.29.3
                  resources:
                    requests:
                      cpu: "100m"
                - name: log
                  image: fluent-bit:4
        status:
          availableReplicas: 3
          readyReplicas: 3
          updatedReplicas: 3
`))
}

func TestFullKeepsWhatIsStable(t *testing.T) {
	g := NewWithT(t)
	got := capture.Of(object(t, deployment), capture.Options{Full: true, Namespace: true}).YAML()
	for _, kept := range []string{"namespace: shop", "owner: shop-team", "app: web", "revisionHistoryLimit: 10", "restartPolicy: Always", "type: Available"} {
		g.Expect(got).To(ContainSubstring(kept))
	}
	for _, gone := range []string{"uid", "resourceVersion", "managedFields", "creationTimestamp", "lastTransitionTime", "observedGeneration", "realspec.dev/run", "revision:", "generation"} {
		g.Expect(got).NotTo(ContainSubstring(gone))
	}
}

func TestAGeneratedNameGivesWayToLabels(t *testing.T) {
	g := NewWithT(t)
	got := capture.Of(object(t, `
apiVersion: v1
kind: Pod
metadata: {name: web-5d9f-x7k, generateName: web-5d9f-, namespace: shop, labels: {app: web, pod-template-hash: 5d9f}}
spec: {nodeName: node-3, containers: [{name: web, image: nginx}]}
status: {phase: Running, podIP: 10.0.0.7, conditions: [{type: Ready, status: "True"}, {type: ContainersReady, status: "True"}]}
`), capture.Options{}).YAML()
	g.Expect(got).To(ContainSubstring("the name web-5d9f-x7k was generated: the labels select it"))
	g.Expect(got).To(ContainSubstring(`selector: "app=web"`))
	g.Expect(got).To(ContainSubstring("captured.exists(o, o.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True'))"))
	for _, gone := range []string{"name: web-5d9f", "pod-template-hash", "node-3", "10.0.0.7", "ContainersReady"} {
		g.Expect(got).NotTo(ContainSubstring(gone))
	}
	stateful := capture.Of(object(t, `
apiVersion: v1
kind: Pod
metadata: {name: db-0, generateName: db-, labels: {app: db, statefulset.kubernetes.io/pod-name: db-0}}
`), capture.Options{}).YAML()
	g.Expect(stateful).To(ContainSubstring("name: db-0"))
}

func TestASecretStaysSecret(t *testing.T) {
	g := NewWithT(t)
	secret := object(t, `
apiVersion: v1
kind: Secret
metadata: {name: key, annotations: {kubectl.kubernetes.io/last-applied-configuration: "{hunter2}"}}
data: {password: aHVudGVyMg==}
type: Opaque
`)
	for _, full := range []bool{false, true} {
		got := capture.Of(secret, capture.Options{Full: full}).YAML()
		g.Expect(got).NotTo(ContainSubstring("hunter2"))
		g.Expect(got).NotTo(ContainSubstring("aHVudGVyMg"))
		g.Expect(got).To(ContainSubstring("type: Opaque"))
	}
}

func TestAnUnknownKindKeepsItsSpecAndGoodConditions(t *testing.T) {
	g := NewWithT(t)
	got := capture.Of(object(t, `
apiVersion: example.com/v1
kind: Backup
metadata: {name: nightly, uid: abc}
spec: {schedule: "0 3 * * *", keep: 7, finishedAt: 2026-01-01}
status:
  phase: Done
  lastRunTime: "2026-01-01T00:00:00Z"
  bytes: 1234567
  conditions: [{type: Ready, status: "True"}, {type: Stalled, status: "False"}]
`), capture.Options{}).YAML()
	for _, kept := range []string{`schedule: "0 3 * * *"`, "keep: 7", "phase: Done", "captured.status.conditions.exists(c, c.type == 'Ready'"} {
		g.Expect(got).To(ContainSubstring(kept))
	}
	for _, gone := range []string{"1234567", "lastRunTime", "Stalled", "finishedAt"} {
		g.Expect(got).NotTo(ContainSubstring(gone))
	}
}

// loaded reads an assert as a scenario's step, and gives its object with all
// templates filled in.
func loaded(t testing.TB, text string) map[string]any {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "it")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"scenario.yaml":  "apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata: {name: it}\n",
		"00-assert.yaml": text,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, diags := load.Scenario(dir, nil)
	if diags.HasErrors() {
		t.Fatalf("it does not load: %v\n%s", diags, text)
	}
	p, diags := plan.Compile(l, plan.Inputs{Getenv: func(string) string { return "" }})
	if diags.HasErrors() {
		t.Fatalf("it does not compile: %v\n%s", diags, text)
	}
	var source spec.Object
	for _, check := range p.Steps[0].Assert.Checks {
		if check.Object.IsSet() {
			source = check.Object
		}
	}
	got, err := p.Steps[0].Object(source).Eval(t.Context(), p.Values(nil, "", ""))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return got
}

// missing is where part is not contained in whole, by the rules of an assert.
func missing(path string, part, whole any) string {
	switch p := part.(type) {
	case map[string]any:
		w, ok := whole.(map[string]any)
		if !ok {
			return path
		}
		for key := range p {
			if at := missing(path+"."+key, p[key], w[key]); at != "" {
				return at
			}
		}
		return ""
	case []any:
		w, ok := whole.([]any)
		if !ok || len(w) != len(p) {
			return path
		}
		for i := range p {
			if at := missing(fmt.Sprintf("%s[%d]", path, i), p[i], w[i]); at != "" {
				return at
			}
		}
		return ""
	}
	if fmt.Sprint(part) != fmt.Sprint(whole) || fmt.Sprintf("%T", part) == "string" != (fmt.Sprintf("%T", whole) == "string") {
		return fmt.Sprintf("%s is %#v, want %#v", path, whole, part)
	}
	return ""
}

// TestWhatIsWrittenIsReadBack puts texts that YAML takes for something else into
// an object, and expects them back.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for _, text := range awkward {
		o := map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"},
			"data": map[string]any{"key": text, "list": []any{text, map[string]any{"in": text}, []any{text}}},
		}
		if at := missing("", loaded(t, capture.Of(o, capture.Options{Full: true}).YAML()), o); at != "" {
			t.Errorf("%q: %s", text, at)
		}
	}
}

var awkward = []string{
	"", " ", "yes", "No", "on", "~", "null", "y", "true", "0644", "0o644", "0x1f", "1_000", "1e3", ".5", "1.0", "2026-01-01",
	"2026-01-01T00:00:00Z", "a: b", "a:", "- a", "#a", "a #b", "'a'", `"a"`, "*a", "&a", "!a", "%a", "@a", "`a", "{a}", "[a]", "|", ">",
	"a\tb", "a\r\nb", "a\n", "a\nb", "a\nb\n", "a\n\nb\n\n", " a\nb\n", "a \nb\n", "\ta\nb", "\n", "\na", "é😀", "\u2028", "\x00", "\x7f\u0085", "\ufeffa",
	"${{ x }}", "$${{ x }}", "${HOME}", "a ${{\nb\n", "---\nb\n", "...\nb\n", "# a\nb\n", "a\n...\nb", "=", "<<", "1:30", "12:30:45", "-", "--- a", "Infinity", ".inf", "nan",
}

func FuzzWhatIsWrittenIsReadBack(f *testing.F) {
	for _, text := range awkward {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		encoded, err := json.Marshal(text) // what the API server could have sent
		if err != nil {
			t.Skip()
		}
		if err := json.Unmarshal(encoded, &text); err != nil || strings.Count(text, "${{") > 3 {
			t.Skip()
		}
		o := map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}, "data": map[string]any{"key": text},
		}
		if at := missing("", loaded(t, capture.Of(o, capture.Options{}).YAML()), o); at != "" {
			t.Fatal(at)
		}
	})
}

// The keys of a ConfigMap are nobody's but its author's.
func TestTheDataOfAConfigMapIsKept(t *testing.T) {
	got := capture.Of(object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {generation: \"2\", startTime: noon}\n"), capture.Options{}).YAML()
	NewWithT(t).Expect(got).To(And(ContainSubstring("generation: \"2\"\n"), ContainSubstring("startTime: noon\n")))
}

func TestTheObjectIsLeftAsItWas(t *testing.T) {
	g := NewWithT(t)
	o, again := object(t, deployment), object(t, deployment)
	capture.Of(o, capture.Options{Full: true})
	capture.Of(o, capture.Options{})
	g.Expect(o).To(Equal(again))
}
