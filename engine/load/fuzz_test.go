package load

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/realspec/realspec/engine/diag"
)

// FuzzScenario reads arbitrary bytes as scenario.yaml, as a step file and as a
// manifest. Nothing panics or hangs, and every diagnostic stands at a place that
// the file has.
func FuzzScenario(f *testing.F) {
	for _, parent := range []string{"testdata/ok", "testdata/err"} {
		paths, _ := filepath.Glob(filepath.Join(parent, "*", "*.yaml"))
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	for _, src := range scalars {
		f.Add([]byte(src))
	}
	for _, src := range []string{
		sharedObjective,
		"load: &l {object: *l, stages: [*l], rate: &r 1e308, count: 2147483647, churn: *r, hold: 2562047h}\n",
		"load:\n  object: {apiVersion: v1, kind: A, metadata: &m {name: *m}}\n  stages: [null, {rate: 5e-324, for: 1ns}]\n",
		"measure: [{name: a.b, pods: {}}, null]\nrepeat: 1\nduring: [null, {load: null}]\nbaseline: {of: [a.b.c, ., a..], tolerance: 99999%}\n",
		"measure: [{api: {verb: patch, merge: null, on: null}}, {prometheus: {url: \"http://[::1\", query: a}}]\n",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		for name, content := range map[string][]byte{
			"scenario.yaml": data, "00-step.yaml": data, "00-assert.yaml": data, "m.yaml": data,
			"01-apply.yaml": []byte("apply: {files: [m.yaml]}\n"),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		begin := time.Now()
		l, diags := Scenario(dir, nil)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
		source := func(path string) []byte { return l.Files[path] }
		for _, d := range diags {
			checkInside(t, d, source)
		}
		diag.Render(io.Discard, diags, source, true)
		if utf8.Valid(data) && !bytes.ContainsRune(data, 0) {
			checkPlaces(t, "file.yaml", data, false)
		}
	})
}

func checkInside(t *testing.T, d diag.Diagnostic, source func(string) []byte) {
	t.Helper()
	if d.Message == "" || d.Pos.File == "" {
		t.Errorf("incomplete: %+v", d)
	}
	if !d.Pos.IsValid() {
		return
	}
	data := source(d.Pos.File)
	f := newText(d.Pos.File, data)
	if d.Pos.Line > len(f.lines) || d.Pos.Column < 1 {
		t.Errorf("%s is outside of %q", d, data)
		return
	}
	line := f.data[f.lines[d.Pos.Line-1]:]
	if width := utf8.RuneCount(line[:f.end(f.lines[d.Pos.Line-1])-f.lines[d.Pos.Line-1]]); d.Pos.Column > width+1 {
		t.Errorf("%s is outside of its line, which has %d characters: %q", d, width, data)
	}
}
