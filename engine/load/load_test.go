package load

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/diag"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// TestOK loads every folder of testdata/ok: none has anything to complain of.
func TestOK(t *testing.T) {
	for _, dir := range folders(t, "testdata/ok") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			l, diags := Scenario(dir, nil)
			if out := render(l, diags); out != "" {
				t.Errorf("expected no diagnostics:\n%s", out)
			}
			NewWithT(t).Expect(l.Steps).NotTo(BeEmpty())
		})
	}
}

// TestErr compares what is said about every folder of testdata/err with its
// golden. The goldens lie beside the folders, in which they would be unread
// files.
func TestErr(t *testing.T) {
	for _, dir := range folders(t, "testdata/err") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			got := render(Scenario(dir, nil))
			if got == "" {
				t.Fatal("expected diagnostics, there are none")
			}
			golden := dir + ".golden"
			if *update {
				NewWithT(t).Expect(os.WriteFile(golden, []byte(got), 0o644)).To(Succeed())
			}
			want, err := os.ReadFile(golden)
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func render(l *Loaded, diags diag.List) string {
	var b bytes.Buffer
	diag.Render(&b, diags, func(path string) []byte { return l.Files[path] }, false)
	diag.RenderCount(&b, diags)
	return b.String()
}

func folders(t *testing.T, parent string) []string {
	t.Helper()
	entries, err := os.ReadDir(parent)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, filepath.Join(parent, e.Name()))
		}
	}
	NewWithT(t).Expect(out).NotTo(BeEmpty())
	return out
}
