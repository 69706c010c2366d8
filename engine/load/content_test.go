package load

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
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
`}), nil)
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
	l, diags := Scenario(dir, nil)
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
	}), nil)
	g := NewWithT(t)
	g.Expect(render(l, diags)).To(BeEmpty())
	g.Expect(summary(l.Steps[1])).To(Equal("apply a b"))
}

// TestLoadAndCalls says what becomes of rates, shares and official objectives.
func TestLoadAndCalls(t *testing.T) {
	g := NewWithT(t)
	l := loaded(t, "testdata/ok/load")
	items := l.Steps[0].Load
	g.Expect(items.Measure()).To(Equal("load"))
	g.Expect(items.Rate).To(Equal(100.0))
	g.Expect(items.Object.Templates).To(HaveLen(2))
	g.Expect(items.Object.Templates[0].Path).To(Equal([]any{"metadata", "name"}))
	g.Expect(l.Steps[2].Load.Rate).To(Equal(0.5))
	g.Expect(l.Steps[2].Load.For.Expr.Text).To(Equal("duration(string(vars.minutes) + 'm')"))
	g.Expect(l.Steps[3].Load.Stages).To(HaveLen(3))
	g.Expect(l.Steps[3].Load.Stages[0].Rate).To(Equal(10.0))
	g.Expect(l.Steps[3].Load.Stages[0].Ramp).To(BeTrue())

	measure := l.Steps[5]
	g.Expect(l.Steps[7].Repeat).To(Equal(5))
	g.Expect(measure.During[0].Load.Name).To(Equal("background"))
	g.Expect(measure.Measure[4].API.Merge.Templates).To(HaveLen(1))
	g.Expect(measure.Measure[7].Prometheus.Token.At.IsValid()).To(BeTrue())
	b := measure.Baseline
	g.Expect(b.Tolerance.Value).To(Equal(0.125))
	g.Expect(b.Tolerance.At.String()).To(Equal("testdata/ok/load/01-measure.yaml:50:14"))
	g.Expect(b.Significance.Or(0.05)).To(Equal(0.01))
	g.Expect(b.Of).To(HaveLen(6))
	g.Expect(l.Steps[7].Baseline.Of).To(Equal([]string{"again.mean", "ready.startup.p50"}))

	later := l.Steps[6].Baseline
	g.Expect(later.Tolerance.Or(0.1)).To(BeZero(), "0%% is written, and not the default")
	g.Expect(later.Significance.Or(0.05)).To(Equal(0.05))
}

// TestObjectives looks at the thresholds that official objectives become: their
// expressions, in words, and places of their own.
func TestObjectives(t *testing.T) {
	g := NewWithT(t)
	l := loaded(t, "testdata/ok/load")
	var got []string
	for _, s := range l.Steps[5:] {
		for _, one := range s.Thresholds {
			if one.SLO == "" {
				continue
			}
			g.Expect(one.CEL.Locate(5)).To(Equal(one.CEL.At), "no character of the expression stands in the file")
			got = append(got, fmt.Sprintf("%d:%d %s | %s", one.CEL.At.Line, one.CEL.At.Column, one.CEL.Text, one.Message.Text))
		}
	}
	g.Expect(got).To(Equal([]string{
		"44:11 startup.startup.p99 <= duration('5s') | start-up of schedulable stateless pods: p99 at most 5 s",
		"45:18 server.lists.p99 <= duration('30s') | lists answer within half a minute",
		"46:5 server.lists.p99 <= duration('30s') | API lists: p99 at most 30 s",
		"47:10 server.mutating.p99 <= duration('1s') | mutating API calls: p99 at most 1 s",
		"5:11 all.startup.p99 <= duration('5s') | start-up of schedulable stateless pods: p99 at most 5 s",
		"6:10 later.startup.p99 <= duration('5s') | start-up of schedulable stateless pods: p99 at most 5 s",
	}))
}

const sharedObjective = `measure:
  - {name: a, pods: {}}
  - {name: b, pods: {}}
  - {name: c, pods: {}}
thresholds:
  - &first {slo: &slo pod-startup, of: a}
  - {slo: *slo, of: b}
  - {<<: *first, of: c}
`

// TestObjectivesApart gives two thresholds one slo, by an alias and by <<: their
// expressions differ, and so do their places.
func TestObjectivesApart(t *testing.T) {
	l := loaded(t, write(t, map[string]string{"00-measure.yaml": sharedObjective}))
	places := map[spec.Pos]string{}
	for _, one := range l.Steps[0].Thresholds {
		places[one.CEL.At] = one.CEL.Text
	}
	NewWithT(t).Expect(places).To(HaveLen(3))
}

// TestEveryObjectiveCanBeWritten compares the words of the tag with the
// objectives that there are.
func TestEveryObjectiveCanBeWritten(t *testing.T) {
	f, ok := reflect.TypeFor[spec.Threshold]().FieldByName("SLO")
	var names []string
	for _, o := range spec.SLOs {
		names = append(names, o.Name)
		NewWithT(t).Expect(o.What).NotTo(ContainSubstring("${{"))
	}
	NewWithT(t).Expect(ok).To(BeTrue())
	NewWithT(t).Expect(fieldOf(f, "slo", 0).enum).To(Equal(names))
}

// TestIndex holds texts in which the variable index is used, and others.
func TestIndex(t *testing.T) {
	for text, want := range map[string]bool{
		"${{ index }}": true, "${{index}}": true, "a-${{ string(index + 1) }}": true, "${{ vars.a }}-${{ index }}": true,
		"${{ vars.names[index] }}": true, "${{ {'a': 1}.a + index }}": true, "${{ 1 }}${{index}}": true,
		"index": false, "${{ vars.index }}": false, "${{ indexes }}": false, "${{ my_index }}": false,
		"${{ 1 }} index": false, "${{ 1 }}-index-${{ 2 }}": false, "": false, "${{ ": false,
	} {
		if withIndex.MatchString(text) != want {
			t.Errorf("%q: expected %t", text, want)
		}
	}
}
