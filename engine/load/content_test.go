package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/spec"
)

// TestOrder says in which order the steps of a kuttl folder run, and what they
// are called.
func TestOrder(t *testing.T) {
	g := NewWithT(t)
	l := loaded(t, "testdata/ok/kuttl")
	var got []string
	for _, s := range l.Steps {
		got = append(got, fmt.Sprintf("%d %s | %s | %s", s.Number, s.ID, s.Name, summary(s)))
	}
	g.Expect(got).To(Equal([]string{
		"0 00-install | install | apply a b",
		"0 00-apply-later | apply later | wait",
		"0 00-assert | assert | assert +a +",
		"0 00-errors | errors | assert -a",
		"1 01-assert-more | assert more | assert +a +b",
		"1 01-assert-more/2 | assert more | assert",
		"2 02-mixed | mixed | apply c",
		"2 02-mixed/2 | mixed | wait",
		"2 02-mixed/3 | mixed | apply d e",
	}))
	g.Expect(l.Steps[2].Timeout.Value).To(Equal(30 * time.Second))
	g.Expect(l.Name).To(Equal("kuttl"))
}

// summary names the objects of a step: + for those that must be there, - for
// those that must not.
func summary(s *spec.Step) string {
	out := []string{s.Verb()}
	name := func(prefix string, o spec.Object) {
		if o.IsSet() {
			n, _ := o.Fields["metadata"].(map[string]any)["name"].(string)
			out = append(out, prefix+n)
		}
	}
	if s.Apply != nil {
		for _, o := range s.Apply.Objects {
			name("", o)
		}
	}
	if s.Assert != nil {
		for _, c := range s.Assert.Checks {
			name("+", c.Object)
			name("-", c.AbsentObject)
		}
	}
	return strings.Join(out, " ")
}

// TestEverything looks at the values of a scenario that uses every field.
func TestEverything(t *testing.T) {
	g := NewWithT(t)
	l := loaded(t, "testdata/ok/everything")
	s := l.Spec.Spec
	g.Expect(s.Timeout.Expr.Text).To(Equal("duration(vars.limit)"))
	g.Expect(s.Timeout.Expr.At.String()).To(Equal("testdata/ok/everything/scenario.yaml:26:16"))
	g.Expect(cmp.Diff(map[string]any{
		"replicas": int64(5), "ratio": 0.5, "mode": int64(420), "on": "yes", "nothing": nil,
		"list": []any{int64(1), "two", map[string]any{"three": int64(3)}},
		"text": "${{ vars.limit }} or less", "limit": "15m",
	}, s.Vars.Fields)).To(BeEmpty())
	g.Expect(s.Vars.Places["/list/2/three"].String()).To(Equal("testdata/ok/everything/scenario.yaml:33:28"))
	gpu := s.Requires.Nodes.Each["nvidia.com/gpu"]
	g.Expect(gpu.Cmp(resource.MustParse("1"))).To(BeZero())
	g.Expect(s.Local.Nodes[0].Taints[0].Effect).To(Equal("NoSchedule"))

	inline := l.Steps[0].Apply.Objects[0]
	g.Expect(inline.Templates).To(HaveLen(1))
	g.Expect(inline.Templates[0].Path).To(Equal([]any{"data", "c~d"}))
	g.Expect(inline.Templates[0].Text.At.String()).To(Equal("testdata/ok/everything/00-apply.yaml:15:31"))
	g.Expect(inline.Places).To(HaveKey("/data/a~1b"))
	g.Expect(inline.Places).To(HaveKey("/data/c~0d"))

	manifests := l.Steps[0].Apply.Manifests
	g.Expect(manifests).To(HaveLen(3)) // sub/deployment.json, web.yaml, and web.yaml by its other path
	g.Expect(manifests[0].Templates[0].Path).To(Equal([]any{"spec", "replicas"}))
	g.Expect(manifests[1].Fields["spec"]).To(Equal(map[string]any{"ports": []any{map[string]any{"port": int64(80)}}}))
	g.Expect(l.Files).To(HaveKey("testdata/ok/everything/manifests/sub/deployment.json"))

	wait := l.Steps[1].Wait
	g.Expect(wait[3].Let["web"].Name.Text).To(Equal("web"))
	g.Expect(wait[3].CEL.Locate(strings.Index(wait[3].CEL.Text, "web.spec")).String()).
		To(Equal("testdata/ok/everything/01-wait.yaml:15:9"))
	g.Expect(wait[4].Let).To(Equal(wait[3].Let), "through the alias")
	g.Expect(*l.Steps[3].Delete.Wait).To(BeFalse())
	g.Expect(l.Steps[3].Delete.GracePeriod.At.IsValid()).To(BeTrue())

	measure := l.Steps[len(l.Steps)-1]
	g.Expect(measure.During[0].ID).To(Equal("scale"))
	g.Expect(measure.During[1].ID).To(Equal("03-measure.2"))
	g.Expect(measure.During[1].Name).To(Equal("03-measure.2"))
	g.Expect(*measure.Measure[1].Elapsed).To(Equal(spec.ElapsedMeasure{
		At: measure.Measure[1].Elapsed.At, From: "given", To: "01-wait/2",
	}), "a file stands for its first step in from, its last in to")
}

// TestKubectlValues reads manifests as kubectl does: by the rules of YAML 1.1.
func TestKubectlValues(t *testing.T) {
	g := NewWithT(t)
	l, diags := Scenario(write(t, map[string]string{
		"00-apply.yaml": "apply: {files: [m.yaml]}\n",
		"m.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: a, annotations: {x: "${{ vars.x }}"}}
data: &data {mode: 0644, yes: no, 8080: 1.0, big: 12345678901234567890}
more: {<<: *data, mode: 1e3}
`}))
	g.Expect(render(l, diags)).To(ContainSubstring("kubectl reads the key yes as true"))
	g.Expect(diags.HasErrors()).To(BeFalse())
	o := l.Steps[0].Apply.Manifests[0]
	g.Expect(o.Fields["data"]).To(Equal(map[string]any{
		"mode": int64(420), "true": false, "8080": int64(1), "big": 12345678901234567890.0,
	}))
	g.Expect(o.Fields["more"]).To(HaveKeyWithValue("mode", int64(1000)))
	g.Expect(o.Places).To(HaveKey("/data/true"))
	g.Expect(o.Places["/more/8080"]).To(Equal(o.Places["/data/8080"]))
}

func loaded(t *testing.T, dir string) *Loaded {
	t.Helper()
	l, diags := Scenario(dir)
	if diags.HasErrors() {
		t.Fatal(render(l, diags))
	}
	return l
}

// write makes a scenario's folder. A scenario.yaml is added when there is none.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if _, ok := files["scenario.yaml"]; !ok {
		files["scenario.yaml"] = "apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata: {name: written}\n"
	}
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestDirective reads a file that says which YAML it is in.
func TestDirective(t *testing.T) {
	l, diags := Scenario(write(t, map[string]string{
		"00-wait.yaml": "%YAML 1.1\n---\nwait:\n  - for: ready\n",
		"01-many.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n...\n%YAML 1.1\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
	}))
	g := NewWithT(t)
	g.Expect(render(l, diags)).To(BeEmpty())
	g.Expect(summary(l.Steps[1])).To(Equal("apply a b"))
}
