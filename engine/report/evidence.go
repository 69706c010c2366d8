package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// The most that a folder of evidence has: CI systems keep artifacts for weeks.
const (
	mostEvidence      = 1 << 20 // bytes of a file
	mostEvidenceFiles = 500
)

// WriteEvidence writes a text file for every step that did not pass, or only on a
// retry, into a folder: DIR/SCENARIO/STEP.txt, with all that is known of it. It
// sets the EvidenceFile of those steps, so that the reports link to the files, and
// answers with how many it wrote. Files are at most 1 MiB long and at most 500;
// what is there from another run and not written again stays.
func WriteEvidence(dir string, r *event.Result) (int, error) {
	root, err := evidenceRoot(dir)
	if err != nil {
		return 0, fmt.Errorf("the evidence cannot be written: %w", err)
	}
	defer func() { _ = root.Close() }() // a folder, from which nothing is read
	wrote, names := 0, map[string]bool{}
	for _, s := range r.Scenarios {
		for _, step := range s.Steps {
			if !notPassed(step.Outcome) && step.Outcome != event.Flaky || wrote >= mostEvidenceFiles {
				continue
			}
			name := evidenceName(s, step, names)
			if err := writeEvidenceFile(root, name, evidenceText(r, s, step)); err != nil {
				return wrote, fmt.Errorf("the evidence cannot be written: %w", err)
			}
			step.EvidenceFile = filepath.ToSlash(filepath.Join(dir, name))
			wrote++
		}
	}
	return wrote, nil
}

// evidenceRoot opens the folder so that nothing below it, were it a link, leads
// out of it.
func evidenceRoot(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

func writeEvidenceFile(root *os.Root, name, text string) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return root.WriteFile(name, []byte(text), 0o644)
}

// evidenceName is a path that every file system takes, and that no other step has:
// some do not tell capital letters from small ones.
func evidenceName(s *event.Scenario, step *event.Step, taken map[string]bool) string {
	folder := fileName(s.Name)
	if s.Repetition > 0 {
		folder += fmt.Sprintf("-%d", s.Repetition)
	}
	base := filepath.Join(folder, fileName(step.ID))
	name := base + ".txt"
	for n := 2; taken[strings.ToLower(name)]; n++ {
		name = fmt.Sprintf("%s-%d.txt", base, n)
	}
	taken[strings.ToLower(name)] = true
	return name
}

// fileName has only letters, digits, -, _ and . and does not begin with one of
// the last: nothing of it is a path, hidden, or an option.
func fileName(s string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, s)
	const longest = 100
	if name = strings.TrimLeft(name, ".-"); len(name) > longest {
		name = name[:longest]
	}
	if name == "" {
		return "_"
	}
	return name
}

// evidenceText is what a file has: what and where it was, what went wrong, what was
// done, what someone would have typed next, and the attempts before.
func evidenceText(r *event.Result, s *event.Scenario, step *event.Step) string {
	var b strings.Builder
	fact := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-10s%s\n", name, oneLine(text))
		}
	}
	fact("scenario", scenarioName(s))
	fact("step", title(step))
	fact("outcome", joinedBy(": ", string(step.Outcome), string(step.Reason)))
	fact("place", step.Pos.String())
	fact("covers", strings.Join(step.Covers, ", "))
	fact("cluster", clusterLine(s.Cluster))
	fact("namespace", s.Namespace)
	if !step.Started.IsZero() {
		fact("began", step.Started.UTC().Format(time.RFC3339Nano))
		fact("took", stepTime(step.Seconds))
	}
	fact("run", r.RunID)
	signs := unicodeMarks()
	part := func(title, text string) {
		if strings.TrimSpace(text) != "" {
			b.WriteString("\n" + title + "\n" + strings.TrimRight(text, "\n") + "\n")
		}
	}
	part("What was found", plainText(attemptLines(event.Attempt{Message: step.Message, Findings: step.Findings}, signs)))
	part("What was done", strings.Join(step.Notes, "\n"))
	part("What was measured", plainText(measureLines(step.Measures, signs, true)))
	for _, e := range step.Evidence {
		part(oneLine(e.Title), strings.Join(e.Lines, "\n"))
	}
	for _, a := range step.Attempts[:max(len(step.Attempts)-1, 0)] {
		part(fmt.Sprintf("Attempt %d: %s, %s", a.Number, a.Outcome, stepTime(a.Seconds)), plainText(attemptLines(a, signs)))
	}
	text := clean(b.String()) + "\n"
	if len(text) > mostEvidence {
		kept := strings.ToValidUTF8(text[:mostEvidence], "")
		text = fmt.Sprintf("%s\n… %d more bytes were cut off here; the events file has them all\n", kept, len(text)-len(kept))
	}
	return text
}
