package expr

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/spec"
)

func text(s string) spec.Text { return spec.Text{Source: written(s, 1, 1)} }

func TestTemplate(t *testing.T) {
	env := newEnv(t, fullScope())
	for _, tc := range []struct {
		text string
		want any
	}{
		{"", ""},
		{"plain", "plain"},
		// one expression alone keeps its type
		{"${{ vars.replicas }}", int64(5)},
		{"${{vars.debug}}", true},
		{"${{ vars.ratio }}", 0.75},
		{"${{ vars.hosts }}", []any{"a", "b"}},
		{"${{ rollout }}", 90 * time.Second},
		{"${{ vars.empty }}", nil},
		{"${{ vars.replicas }}\n", int64(5)},
		{"${{\n  vars.replicas\n  + 1\n}}", int64(6)},
		// everything else is a text
		{" ${{ vars.replicas }}", " 5"},
		{"${{ vars.replicas }}${{ vars.name }}", "5web"},
		{"app=${{ vars.name }},n=${{ vars.replicas + 1 }}", "app=web,n=6"},
		{"${{ vars.debug }} ${{ vars.ratio }} ${{ vars.empty }} ${{ 2.0 }} ${{ 7u }}", "true 0.75 null 2 7"},
		{"took ${{ rollout }}, ${{ startup.ready.p95 }}", "took 1m30s, not reached"},
		{"${{ nodes[0].allocatable.memory }} of ${{ vars.hosts }} and ${{ vars.limits }}", `8Gi of ["a","b"] and {"cpu":"1"}`},
		{"at ${{ timestamp('2026-01-31T12:00:00Z') }}", "at 2026-01-31T12:00:00Z"},
		// what looks alike
		{"${X} $X $(X) {{ x }} $ {{ }}", "${X} $X $(X) {{ x }} $ {{ }}"},
		{"$${{ vars.name }}", "${{ vars.name }}"},
		{"a $${{ b }} ${{ vars.name }}", "a ${{ b }} web"},
		{"$ ${{ vars.name }}", "$ web"},
		{"${{ '}}' + \"${{\" }}", "}}${{"},
		{"${{ {'a': {'b': 1}}.a.b }}", int64(1)},
		{"${{ {'a': {'b': 1}}}}", map[string]any{"a": map[string]any{"b": int64(1)}}},
		{"äöü ${{ vars.name }} ß", "äöü web ß"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			g := NewWithT(t)
			compiled, diags := env.CompileText(text(tc.text))
			g.Expect(diags).To(BeEmpty())
			got, err := compiled.Eval(t.Context(), fullValues())
			g.Expect(err).NotTo(HaveOccurred())
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTemplateIsConstant(t *testing.T) {
	g := NewWithT(t)
	env := newEnv(t, fullScope())
	constant, _ := env.CompileText(text("${X} $${{ x }}"))
	g.Expect(constant.IsConstant()).To(BeTrue())
	other, _ := env.CompileText(text("a${{ vars.name }}"))
	g.Expect(other.IsConstant()).To(BeFalse())
}

func TestTemplateErrors(t *testing.T) {
	env := newEnv(t, fullScope())
	unclosed := "[${{] this ${{ has no end\n      close it with }}, or write $${{ when it is text\n"
	for _, tc := range []struct{ text, want string }{
		{"a ${{ vars.name", "  1:3 cel-syntax " + unclosed},
		{"a ${{ vars.name }", "  1:3 cel-syntax " + unclosed},
		{"${{ vars.a ${{ vars.name }}", "  1:1 cel-syntax " + unclosed},
		{"a ${{ }} b", "  1:6 cel-syntax [ ] the expression is empty\n      write one such as vars.NAME\n"},
		{"ä ${{ nodez }} ${{ vars.nam }}", "  1:7 cel-name [nodez] there is no variable \"nodez\" here\n" +
			"      did you mean \"nodes\"?  known here: bound, cluster, env, later, nodes, nothing, object, pods, rollout, run, startup, vars, web\n" +
			"  1:25 cel-name [nam] the scenario has no variable \"nam\"\n" +
			"      did you mean \"name\"?  known here: debug, empty, hosts, limits, mixed, name, ports, ratio, replicas, two-words, wait\n"},
		{"x\ny: ${{ 'abc }}", "  2:8 cel-syntax ['abc] the string has no end\n      close it with ' on the same line\n"},
		{"${{ {'a': 1 }}", "  1:5 cel-syntax [{] \"{\" is not closed\n      add }\n"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			compiled, diags := env.CompileText(text(tc.text))
			if compiled != nil {
				t.Error("compiles")
			}
			if diff := cmp.Diff(tc.want, shown(written(tc.text, 1, 1), diags)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTemplateRuntimeErrors(t *testing.T) {
	g := NewWithT(t)
	env := newEnv(t, fullScope())
	missing, _ := env.CompileText(text("x ${{ object.status.nothing }}"))
	_, err := missing.Eval(t.Context(), fullValues())
	g.Expect(err).To(BeAssignableToTypeOf(&MissingError{}))
	series, _ := env.CompileText(text("x ${{ startup.ready }}"))
	_, err = series.Eval(t.Context(), fullValues())
	g.Expect(err).To(MatchError(ContainSubstring("startup.ready: this has fields of its own")))
}

func TestObject(t *testing.T) {
	g := NewWithT(t)
	env := newEnv(t, fullScope())
	object := spec.Object{
		Fields: map[string]any{
			"metadata": map[string]any{"name": "${{ vars.name }}-x", "labels": map[string]any{"a.b/c": "${{ vars.name }}"}},
			"spec": map[string]any{
				"replicas": "${{ vars.replicas }}", "int": 3, "float": 1.5, "nil": nil, "bool": true,
				"items": []any{map[string]any{"q": "${{ nodes[0].allocatable.cpu }}"}, "${{ rollout }}", "plain ${X}", uint8(3)},
				"copy":  "${{ object.spec.template }}",
			},
		},
		Templates: []spec.Template{
			{Path: []any{"metadata", "name"}, Text: text("${{ vars.name }}-x")},
			{Path: []any{"metadata", "labels", "a.b/c"}, Text: text("${{ vars.name }}")},
			{Path: []any{"spec", "replicas"}, Text: text("${{ vars.replicas }}")},
			{Path: []any{"spec", "items", 0, "q"}, Text: text("${{ nodes[0].allocatable.cpu }}")},
			{Path: []any{"spec", "items", 1}, Text: text("${{ rollout }}")},
			{Path: []any{"spec", "copy"}, Text: text("${{ object.spec.template }}")},
		},
	}
	compiled, diags := env.CompileObject(object)
	g.Expect(diags).To(BeEmpty())
	values := fullValues()
	got, err := compiled.Eval(t.Context(), values)
	g.Expect(err).NotTo(HaveOccurred())
	template := values["object"].(map[string]any)["spec"].(map[string]any)["template"]
	want := map[string]any{
		"metadata": map[string]any{"name": "web-x", "labels": map[string]any{"a.b/c": "web"}},
		"spec": map[string]any{
			"replicas": int64(5), "int": int64(3), "float": 1.5, "nil": nil, "bool": true,
			"items": []any{map[string]any{"q": "8"}, "1m30s", "plain ${X}", int64(3)},
			"copy":  template,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Nothing of the result is shared with what went in.
	got["spec"].(map[string]any)["copy"].(map[string]any)["spec"] = "changed"
	got["metadata"].(map[string]any)["name"] = "changed"
	g.Expect(template).To(HaveKeyWithValue("spec", HaveKey("containers")))
	g.Expect(object.Fields["metadata"]).To(HaveKeyWithValue("name", "${{ vars.name }}-x"))
}

func TestObjectErrors(t *testing.T) {
	g := NewWithT(t)
	env := newEnv(t, fullScope())
	template := func(s string) spec.Object {
		return spec.Object{
			Fields:    map[string]any{"spec": map[string]any{"items": []any{s}}},
			Templates: []spec.Template{{Path: []any{"spec", "items", 0}, Text: text(s)}},
		}
	}
	compiled, diags := env.CompileObject(template("${{ vars.nope }} ${{ nodez }}"))
	g.Expect(compiled).To(BeNil())
	g.Expect(diags).To(HaveLen(2))
	missing, diags := env.CompileObject(template("${{ object.nope }}"))
	g.Expect(diags).To(BeEmpty())
	_, err := missing.Eval(t.Context(), fullValues())
	g.Expect(err).To(MatchError(`spec.items[0]: object.nope: there is no field "nope"`))
	series, _ := env.CompileObject(template("${{ startup }}"))
	_, err = series.Eval(t.Context(), fullValues())
	g.Expect(err).To(MatchError(ContainSubstring("say which field is meant")))
}
