package manual_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/manual"
	"github.com/realspec/realspec/engine/plan"
)

// TestEveryCodeIsDocumented compares the codes in the sources with those of the
// manual: none may be forgotten, and none be there that nothing gives.
func TestEveryCodeIsDocumented(t *testing.T) {
	var documented []string
	for _, c := range manual.Codes() {
		documented = append(documented, c.Name)
		if c.Cause == "" || c.Cure == "" || len(c.Files) == 0 {
			t.Errorf("%s has no cause, no cure or no example", c.Name)
		}
	}
	if diff := cmp.Diff(codesOf(t, "../load", "../plan", "../expr", "../diag", "../../cmd/realspec"), documented); diff != "" {
		t.Errorf("- is a code that the manual does not know, + one that nothing gives:\n%s", diff)
	}
}

// TestExamplesOfCodes reads every example and expects its code, and nothing else.
func TestExamplesOfCodes(t *testing.T) {
	for _, c := range manual.Codes() {
		t.Run(c.Name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "bad")
			write(t, dir, c)
			diags := validate(dir, c.Flag)
			if len(diags) == 0 {
				t.Error("nothing is wrong with the example")
			}
			for _, d := range diags {
				if d.Code != c.Name || (d.Severity == diag.Warning) != c.Warning {
					t.Errorf("%s: %s [%s]", d, d.Help, d.Code)
				}
			}
		})
	}
}

// write makes the folder of an example.
func write(t *testing.T, dir string, c manual.Code) {
	t.Helper()
	files := slices.Clone(c.Files)
	has := func(is func(string) bool) bool {
		return slices.ContainsFunc(files, func(f manual.File) bool { return is(f.Name) })
	}
	if !c.Bare && !has(func(name string) bool { return name == "scenario.yaml" }) {
		files = append(files, manual.File{Name: "scenario.yaml", Text: manual.PlainScenario})
	}
	if !c.Bare && !has(func(name string) bool { return name[0] == '0' }) {
		files = append(files, manual.File{Name: "00-wait.yaml", Text: manual.PlainStep})
	}
	g := NewWithT(t)
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		g.Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		switch {
		case strings.HasSuffix(f.Name, "/"):
			g.Expect(os.MkdirAll(path, 0o755)).To(Succeed())
		case c.Name == "unreadable":
			g.Expect(os.Symlink(f.Name, path)).To(Succeed())
		case c.Name == "too-large" && f.What != "":
			g.Expect(os.WriteFile(path, []byte(strings.Repeat("# eleven\n", 11_000_000/9)), 0o644)).To(Succeed())
		default:
			g.Expect(os.WriteFile(path, []byte(f.Text), 0o644)).To(Succeed())
		}
	}
}

// validate does what realspec validate does.
func validate(dir, flag string) diag.List {
	folder := dir
	inputs := plan.Inputs{Getenv: func(string) string { return "" }}
	if name, value, ok := strings.Cut(strings.TrimPrefix(flag, "--set "), "="); ok {
		inputs.Set = map[string]string{name: value}
	} else if flag != "" {
		dir = filepath.Join(dir, flag)
	}
	if name, ok := strings.CutPrefix(flag, "--image-map "); ok {
		_, _, diags := load.Images(filepath.Join(folder, name))
		return diags
	}
	dirs, diags := load.Find([]string{dir})
	for _, dir := range dirs {
		l, more := load.Scenario(dir, inputs.Numbers)
		diags = append(diags, more...)
		if !more.HasErrors() {
			_, more = plan.Compile(l, inputs)
			diags = append(diags, more...)
		}
	}
	return diags
}
