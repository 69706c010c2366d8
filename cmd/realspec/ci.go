package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/report"
)

// The values of --ci.
const (
	ciAuto   = "auto"
	ciNone   = "none"
	ciGitHub = "github"
	ciGitLab = "gitlab"
)

// ci is the CI system that the program runs in: the one that was asked for, or
// the one whose own variable is set. CI=true alone says nothing about which one.
func (a *app) ci(asked string) string {
	switch {
	case asked != ciAuto:
		return asked
	case a.getenv("GITHUB_ACTIONS") == "true":
		return ciGitHub
	case a.getenv("GITLAB_CI") == "true":
		return ciGitLab
	}
	return ciNone
}

// view shows a run while it happens, and its end.
type view interface {
	event.Handler
	Summary(*event.Result)
}

// newView is the console that belongs to the CI system.
func newView(ci string, o report.Options) view {
	switch ci {
	case ciGitHub:
		return report.NewGitHubLog(o, rand.Text)
	case ciGitLab:
		return report.NewGitLabLog(o)
	}
	return report.NewConsole(o)
}

// tellCI gives the CI system what it shows beside the log: annotations, and the
// summary of the job.
func (a *app) tellCI(ci string, r *event.Result) error {
	if ci != ciGitHub {
		return nil
	}
	if err := report.GitHub(a.stdout, r, a.inRepository); err != nil {
		return err
	}
	path := a.getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	return a.appendSummary(path, r)
}

// annotate shows what is wrong with scenarios beside their files, when the
// program runs in GitHub Actions.
func (a *app) annotate(list diag.List) {
	if a.ci(ciAuto) == ciGitHub {
		// To standard error, which the runner reads too: standard output may be JSON.
		_ = report.GitHubDiagnostics(a.stderr, list, a.inRepository) // nobody is left to be told
	}
}

// leastSummary is the room below which a summary is not worth writing, in bytes.
const leastSummary = 4 << 10

// appendSummary adds the Markdown report to the summary of the job's step. What
// the step has written before counts towards GitHub's limit.
func (a *app) appendSummary(path string, r *event.Result) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("the summary of the job cannot be written: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("the summary of the job cannot be written: %w", err)
	}
	room := report.MarkdownLimit - int(info.Size()) - 1 // GitHub refuses a step's summary from 1 MiB on
	if room < leastSummary {
		fmt.Fprintln(a.stderr, "note: the summary of this step is full: that of the run was left out")
		return nil
	}
	var text bytes.Buffer
	if info.Size() > 0 {
		text.WriteByte('\n') // what stands there may not end its last line or paragraph
	}
	if err := report.Markdown(&text, r, room-1); err != nil {
		return err
	}
	if _, err := file.Write(text.Bytes()); err != nil {
		return fmt.Errorf("the summary of the job could not be written: %w", err)
	}
	return nil
}

// inRepository is a path from the root of the repository, which annotations are
// placed by. A path that is not in it stays as it is.
func (a *app) inRepository(path string) string {
	root := a.getenv("GITHUB_WORKSPACE")
	whole, err := filepath.Abs(path)
	if root == "" || err != nil {
		return filepath.ToSlash(path)
	}
	rel, err := filepath.Rel(root, whole)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return filepath.ToSlash(path)
	}
	return filepath.ToSlash(rel)
}

// ciCommand is what CI systems need besides runs.
type ciCommand struct {
	Matcher ciMatcherCommand `cmd:"" help:"Print a problem matcher for GitHub Actions."`
}

// ciMatcherCommand prints the file that teaches GitHub Actions the form of
// diagnostics, for jobs in which realspec itself cannot know where it runs: in a
// container, or below another tool.
type ciMatcherCommand struct{}

// Run is the command.
func (ciMatcherCommand) Run(a *app) error {
	_, err := fmt.Fprint(a.stdout, problemMatcher)
	return err
}

// problemMatcher matches `path:line:col: error: message`, with the colours that a
// terminal would have. A message may itself have colons; a path may not end in one.
// To use it: realspec ci matcher > matcher.json; echo "::add-matcher::matcher.json"
const problemMatcher = `{
  "problemMatcher": [
    {
      "owner": "realspec",
      "pattern": [
        {
          "regexp": "^(?:\\x1b\\[[0-9;]*m)*([^\\s\\x1b:][^\\x1b:]*):(\\d+):(\\d+):(?:\\x1b\\[[0-9;]*m|\\s)+(error|warning):(?:\\x1b\\[[0-9;]*m)*\\s(.+)$",
          "file": 1,
          "line": 2,
          "column": 3,
          "severity": 4,
          "message": 5
        }
      ]
    }
  ]
}
`
