package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// What CI systems and tickets make of the reports is read back here by packages
// of the npm registry that know nothing of realspec, from the goldens of
// engine/report: those have every outcome and reason.

// read is what the readers see of one file: testdata/npm/read.mjs.
type read struct {
	JUnit    map[string]readJUnit `json:"junit"`
	Markdown readMarkdown         `json:"markdown"`
}

type readJUnit struct {
	Failures, Errors, Skipped int
	Suites                    []struct {
		Name  string
		Cases []struct{ Name, Status, Message string }
	}
}

type readMarkdown struct {
	Kinds    map[string]int
	Headings []string
	Tables   [][][]string
}

func TestJUnitIsReadByOthers(t *testing.T) {
	files := goldens(t, "*.xml")
	seen := map[event.Outcome]int{}
	for file, got := range readAll(t, files) {
		r := resultBeside(t, file)
		if len(got.JUnit) != 2 {
			t.Fatalf("%s: read by %d parsers", file, len(got.JUnit))
		}
		for parser, junit := range got.JUnit {
			t.Run(filepath.Base(file)+"/"+parser, func(t *testing.T) {
				compareJUnit(t, r, junit, parser == "junit2json", seen)
			})
		}
	}
	for _, o := range []event.Outcome{event.Passed, event.Flaky, event.Skipped, event.Inconclusive, event.Errored, event.Failed} {
		if seen[o] == 0 {
			t.Errorf("no golden has a step that is %s", o)
		}
	}
}

// compareJUnit holds what a parser sees against the result: every step in order
// with its outcome, and totals that are those of the cases. A parser may have one
// word for the failures and errors of cases, though not of totals.
func compareJUnit(t *testing.T, r *event.Result, got readJUnit, apart bool, seen map[event.Outcome]int) {
	counts := map[string]int{}
	for _, suite := range got.Suites {
		for _, c := range suite.Cases {
			counts[c.Status]++
		}
	}
	whole := counts["skipped"] == got.Skipped && counts["failed"]+counts["error"] == got.Failures+got.Errors
	if !whole || apart && counts["failed"] != got.Failures {
		t.Errorf("the totals are %d failed, %d errors, %d skipped, the cases %v", got.Failures, got.Errors, got.Skipped, counts)
	}
	if red := got.Failures+got.Errors > 0; red != (r.ExitCode != 0) {
		t.Errorf("exit code %d, but %d failures and %d errors", r.ExitCode, got.Failures, got.Errors)
	}
	for i, s := range r.Scenarios {
		cases := got.Suites[i].Cases
		if len(cases) > 0 && slices.Contains([]string{"validate", "requirements"}, cases[0].Name) {
			cases = cases[1:]
		}
		for n, step := range s.Steps {
			want := string(step.Outcome)
			switch step.Outcome {
			case event.Flaky:
				want = "passed"
			case event.Inconclusive:
				want = "error"
				if !strings.HasPrefix(cases[n].Message, "inconclusive: ") {
					t.Errorf("%s: the message is %q", step.ID, cases[n].Message)
				}
			}
			if want == "error" && !apart {
				want = "failed"
			}
			seen[step.Outcome]++
			if cases[n].Status != want || !strings.HasPrefix(cases[n].Name, step.ID) {
				t.Errorf("%s is %s; read as %s, %s", step.ID, step.Outcome, cases[n].Name, cases[n].Status)
			}
		}
	}
}

// In the Markdown nothing of a scenario, a cluster or a log is markup: no HTML, no
// emphasis, no link, and the cells of the tables are whole.
func TestMarkdownIsReadByOthers(t *testing.T) {
	files := goldens(t, "*.md")
	for file, got := range readAll(t, files) {
		r, m := resultBeside(t, file), got.Markdown
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, kind := range []string{"html", "em", "strong", "del", "image", "def", "blockquote", "checkbox"} {
				if m.Kinds[kind] > 0 {
					t.Errorf("%d times %s", m.Kinds[kind], kind)
				}
			}
			if len(m.Headings) == 0 || !strings.HasPrefix(m.Headings[0], "realspec: ") {
				t.Errorf("headings %q", m.Headings)
			}
			if len(r.Scenarios) == 0 {
				return
			}
			if rows := m.Tables[0]; len(rows) != len(r.Scenarios) {
				t.Fatalf("%d rows for %d scenarios", len(rows), len(r.Scenarios))
			}
			for i, s := range r.Scenarios {
				if cell := m.Tables[0][i][1]; !strings.HasPrefix(cell, strings.TrimSpace(s.Name)) {
					t.Errorf("the scenario %q is read as %q", s.Name, cell)
				}
			}
		})
	}
}

// goldens are reports that belong to a result of the same name.
func goldens(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "engine", "report", "testdata", pattern))
	if err != nil || len(files) < 15 {
		t.Fatalf("only %d goldens %s: %v", len(files), pattern, err)
	}
	return files
}

func resultBeside(t *testing.T, file string) *event.Result {
	t.Helper()
	content, err := os.ReadFile(strings.TrimSuffix(file, filepath.Ext(file)) + ".json")
	if err != nil {
		t.Fatal(err)
	}
	r := &event.Result{}
	if err := json.Unmarshal(content, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func readAll(t *testing.T, files []string) map[string]read {
	t.Helper()
	dir := readers(t)
	for i, file := range files {
		whole, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = whole
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{filepath.Join(dir, "read.mjs")}, files...)...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	all := map[string]read{}
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// readers is the folder of the packages, at the versions and with the checksums
// of the lock file. They are installed once into the user's cache.
func readers(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("skipped: needs %s, and it is not installed", program)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("skipped: there is no cache folder for packages: %v", err)
	}
	files := []string{"package.json", "package-lock.json", "read.mjs"}
	hash := sha256.New()
	for _, name := range files {
		hash.Write(file(t, name))
	}
	dir := filepath.Join(cache, "realspec", fmt.Sprintf("npm-%x", hash.Sum(nil)[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	making, err := os.MkdirTemp(filepath.Dir(dir), "npm-making-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(making) })
	for _, name := range files {
		if err := os.WriteFile(filepath.Join(making, name), file(t, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir, cmd.WaitDelay = making, time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		if os.Getenv("REALSPEC_REQUIRE_NPM") == "1" {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Skipf("skipped: the packages that read the reports could not be installed: %v\n%s", err, out)
	}
	// Another test may have been faster.
	if err := os.Rename(making, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "npm", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}
