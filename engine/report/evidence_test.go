package report

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
)

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEvidence(t *testing.T) {
	g := NewWithT(t)
	dir := filepath.Join(t.TempDir(), "out", "evidence")
	events := fixtures()["everything"]
	r := event.Fold(events)
	n, err := WriteEvidence(dir, r)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(filesIn(t, dir)).To(ConsistOf("few/00-measure.txt", "high-load/01-wait.txt", "lost/00-apply.txt", "shaky/00-assert.txt",
		"slow/00-measure.txt", "wrong/00-apply.txt", "wrong/01-assert.txt", "wrong/02-assert.txt"))
	g.Expect(n).To(Equal(8))
	text, err := os.ReadFile(filepath.Join(dir, "high-load/01-wait.txt"))
	g.Expect(err).NotTo(HaveOccurred())
	golden(t, "evidence.txt", string(text))

	// Every report leads to the files.
	r.Scenarios[0].Steps[1].EvidenceFile = "out/evidence/high-load/01-wait.txt"
	g.Expect(asJUnit(t, r)).To(ContainSubstring("[[ATTACHMENT|out/evidence/high-load/01-wait.txt]]"))
	var page bytes.Buffer
	g.Expect(HTML(&page, r, "out/html")).To(Succeed())
	g.Expect(page.String()).To(ContainSubstring(`href="../evidence/high-load/01-wait.txt"`))
	var out bytes.Buffer
	console := NewConsole(Options{Out: &out})
	for _, s := range events {
		console.Handle(s)
	}
	console.Summary(r)
	g.Expect(strings.Join(strings.Fields(out.String()), " ")).To(ContainSubstring("evidence out/evidence/high-load/01-wait.txt"))
}

// A name is never a way out of the folder, and no file takes the place of another.
func TestEvidenceStaysInItsFolder(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	r := &event.Result{}
	for _, name := range []string{"../../etc", "..", "/root", "a/b", "A/B", "", strings.Repeat("long", 100), "-rf", ".hidden", "日本"} {
		r.Scenarios = append(r.Scenarios, &event.Scenario{Name: name, Steps: []*event.Step{
			{ID: "../x", Outcome: event.Failed}, {ID: "../X", Outcome: event.Failed}, {ID: "ok", Outcome: event.Passed}}})
	}
	n, err := WriteEvidence(filepath.Join(dir, "in"), r)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(n).To(Equal(20))
	g.Expect(filesIn(t, dir)).To(HaveLen(20))
	g.Expect(filesIn(t, dir)).To(HaveEach(HavePrefix("in/")))
}

func TestEvidenceFollowsNoLinkOut(t *testing.T) {
	g := NewWithT(t)
	dir, other := t.TempDir(), t.TempDir()
	g.Expect(os.Symlink(other, filepath.Join(dir, "a"))).To(Succeed())
	_, err := WriteEvidence(dir, &event.Result{Scenarios: []*event.Scenario{{Name: "a", Steps: []*event.Step{{ID: "x", Outcome: event.Failed}}}}})
	g.Expect(err).To(MatchError(ContainSubstring("the evidence cannot be written")))
	g.Expect(filesIn(t, other)).To(BeEmpty())
}

func TestEvidenceIsBounded(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	s := &event.Scenario{Name: "a"}
	for range mostEvidenceFiles + 10 {
		s.Steps = append(s.Steps, &event.Step{ID: "x", Outcome: event.Failed})
	}
	s.Steps[0].Evidence = []event.Evidence{{Title: "log", Lines: []string{strings.Repeat("x\x1b[31m", 2*mostEvidence)}}}
	n, err := WriteEvidence(dir, &event.Result{Scenarios: []*event.Scenario{s}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(n).To(Equal(mostEvidenceFiles))
	info, err := os.Stat(filepath.Join(dir, "a", "x.txt"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Size()).To(BeNumerically("<", mostEvidence+200))
}
