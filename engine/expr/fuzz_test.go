package expr

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Whatever is written, compiling gives a program or diagnostics within the text,
// and evaluating and explaining a program never breaks.
func FuzzCompile(f *testing.F) {
	for _, name := range []string{"errors.txt", "runtime.txt", "explain.txt"} {
		for _, line := range lines(f, name) {
			if !strings.Contains(line, "range(") {
				f.Add(line)
			}
		}
	}
	f.Add("a ${{ vars.name }} $${{ b }} ${{ {'a': '}}'} }}")
	f.Add("a\n== 'ü' &&\n\tb")
	env := newEnv(f, fullScope())
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip() // the loader gives valid UTF-8 only
		}
		src := written(text, 10, 7)
		p, diags := env.Compile(spec.Expr{Source: src}, Bool)
		within(t, src, diags)
		if (p == nil) != (len(diags) > 0) {
			t.Fatalf("program %v, diagnostics %v", p != nil, diags)
		}
		template, diags := env.CompileText(spec.Text{Source: src})
		within(t, src, diags)
		if (template == nil) != (len(diags) > 0) {
			t.Fatalf("template %v, diagnostics %v", template != nil, diags)
		}
		if p == nil || strings.Contains(text, "range") {
			return
		}
		start := time.Now()
		_, err := p.Eval(t.Context(), fullValues())
		if err != nil && err.Error() == "" {
			t.Fatal("an error without words")
		}
		for _, part := range p.Explain(t.Context(), fullValues()) {
			if part.Expr == "" || strings.Contains(part.Value, "\n") {
				t.Fatalf("%q = %q", part.Expr, part.Value)
			}
		}
		p.Names()
		p.Stats()
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("took %v", d)
		}
	})
}

func within(t *testing.T, src spec.Source, diags diag.List) {
	t.Helper()
	text := strings.Split(src.Text, "\n")
	for _, d := range diags {
		line, column := d.Pos.Line-src.At.Line, d.Pos.Column-src.At.Column
		if line < 0 || line >= len(text) || column < 0 {
			t.Fatalf("%v is outside of the text", d)
		}
		length := utf8.RuneCountInString(text[line])
		if column > length || d.Width < 1 || column+d.Width > max(length, column+1) {
			t.Fatalf("%v with width %d is outside of line %q", d, d.Width, text[line])
		}
		if d.Message == "" {
			t.Fatal("a diagnostic without words")
		}
	}
}
