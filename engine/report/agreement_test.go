package report

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
)

func onCluster(name string, outcome event.Outcome, steps ...*event.Step) *event.Scenario {
	return &event.Scenario{Path: "specs/" + name, Name: name, Outcome: outcome, Steps: steps}
}

func ended(id string, outcome event.Outcome, message string) *event.Step {
	return &event.Step{ID: id, Outcome: outcome, Message: message}
}

func compared() *event.Result {
	return &event.Result{Scenarios: []*event.Scenario{
		onCluster("shop@local", event.Passed, ended("00-apply", event.Passed, ""), ended("01-wait", event.Flaky, "")),
		onCluster("shop@real", event.Passed, ended("00-apply", event.Passed, ""), ended("01-wait", event.Passed, "")),
		onCluster("load@local", event.Passed, ended("00-apply", event.Passed, ""),
			ended("01-measure", event.Skipped, "the nodes are simulated: no packets flow between them")),
		onCluster("load@real", event.Failed, ended("00-apply", event.Passed, ""), ended("01-measure", event.Failed, "rtt.p99 < 10ms\nis false")),
		onCluster("gpu@local", event.Passed, ended("00-apply", event.Passed, "")),
		onCluster("gpu@real", event.Failed, ended("00-apply", event.Failed, "no GPU")),
		onCluster("off@local", event.Skipped, ended("00-apply", event.Skipped, "")),
		onCluster("off@real", event.Skipped, ended("00-apply", event.Skipped, "")),
		onCluster("iron@local", event.Skipped, ended("00-apply", event.Skipped, "needs real nodes")),
		onCluster("iron@real", event.Passed, ended("00-apply", event.Passed, "")),
	}}
}

func TestAgreement(t *testing.T) {
	g := NewWithT(t)
	a := Agree(compared())
	g.Expect(a.Where).To(Equal([]string{"local", "real"}))
	verdicts := map[string]Agreed{}
	for _, s := range a.Scenarios {
		verdicts[s.Name] = s.Verdict
	}
	g.Expect(verdicts).To(Equal(map[string]Agreed{"shop": Same, "load": Differ, "gpu": Differ, "off": NoneTold, "iron": Untold}))
	g.Expect(a.Scenarios[1].Steps[1].Verdict).To(Equal(Untold), "a skipped step contradicts nothing")
	g.Expect(page{width: 100, marks: unicodeMarks()}.agreementLines(compared())).To(Equal([]string{
		"Compared: local, real",
		"  ✓ shop: 2 agree",
		"  ✗ load: 1 agree, 1 told on some only",
		"      passed on local, failed on real",
		"      01-measure: skipped on local (the nodes are simulated: no packets flow between them), failed",
		"        on real (rtt.p99 < 10ms)",
		"  ✗ gpu: 1 differ",
		"      00-apply: passed on local, failed on real (no GPU)",
		"  - off: 1 told on none",
		"  - iron: 1 told on some only",
		"      skipped on local, passed on real",
	}))
}

func TestComparisonIsInTheReports(t *testing.T) {
	g := NewWithT(t)
	var markdown, json strings.Builder
	g.Expect(Markdown(&markdown, compared(), 0)).To(Succeed())
	g.Expect(markdown.String()).To(And(ContainSubstring("### Compared: local, real"),
		ContainSubstring("| ✗ | gpu | 1 differ | 00-apply: passed on local, failed on real (no GPU) |")))
	g.Expect(JSON(&json, compared())).To(Succeed())
	g.Expect(json.String()).To(And(ContainSubstring(`"agreement": {`), ContainSubstring(`"schemaVersion"`)))
}

func TestOneClusterIsNotCompared(t *testing.T) {
	g := NewWithT(t)
	r := &event.Result{Scenarios: []*event.Scenario{onCluster("shop", event.Passed)}}
	g.Expect(Agree(r)).To(BeNil())
	g.Expect(page{}.agreementLines(r)).To(BeEmpty())
	g.Expect(agreementSection(r).items).To(BeEmpty())
}
