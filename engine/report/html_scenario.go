package report

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/event"
)

// htmlScenario is a scenario with its steps.
type htmlScenario struct {
	htmlVerdict
	To, Name, About, Description string
	Message, Time                string
	Facts                        []htmlFact
	Notices                      []string
	Diagnostics                  []htmlDiagnostic
	Steps                        []htmlStep
}

// htmlDiagnostic is one error of a scenario that is not valid.
type htmlDiagnostic struct {
	Error bool
	Place string
	Text  string
	Help  string
}

// htmlStep is a step, or the cleanup of a scenario, with all that is known of it.
type htmlStep struct {
	htmlVerdict
	To, ID, Name, Verb, Time string
	Covers                   string
	Place                    string
	Bar                      htmlBar
	Open                     bool
	Try                      htmlTry
	Earlier                  []htmlTry // the tries before the last one
	Measures                 []htmlMeasure
	Commands                 []string // what to type next
	Evidence                 string   // the file with everything, from the page's folder
}

// htmlBar is when a step ran within its scenario, in thousandths of that.
type htmlBar struct{ From, Width string }

// htmlTry is one attempt of a step.
type htmlTry struct {
	Title      string // of an earlier one
	Message    string
	Thresholds []htmlFinding
	Baselines  []htmlCompared
	Notes      []string
	Checks     []htmlFinding
	Evidence   []htmlEvidence
}

// htmlFinding is one check, threshold or comparison.
type htmlFinding struct {
	htmlVerdict
	Place    string
	Message  string
	Expr     string
	Measured string
	Parts    []htmlFact
	Observed string
}

// htmlEvidence is a text with a title.
type htmlEvidence struct{ Title, Text string }

func (b *htmlBuilder) scenario(s *event.Scenario, id string) htmlScenario {
	one := htmlScenario{
		To: id, Name: scenarioName(s), About: clusterLine(s.Cluster), Description: clean(s.Description),
		htmlVerdict: htmlVerdictOf(s.Outcome, s.Reason), Message: clean(s.Message),
		Time: stepTime(s.Seconds), Facts: htmlScenarioFacts(s),
	}
	for _, n := range s.Notices {
		one.Notices = append(one.Notices, clean(n))
	}
	for _, d := range s.Diagnostics {
		one.Diagnostics = append(one.Diagnostics, htmlDiagnostic{Error: d.Severity == diag.Error,
			Place: oneLine(d.Pos.String()), Text: clean(d.Message), Help: clean(d.Help)})
	}
	first, last := htmlSpan(s)
	for i, step := range s.Steps {
		one.Steps = append(one.Steps, b.step(step, htmlStepID(id, i), first, last))
	}
	if s.Cleanup != nil {
		one.Steps = append(one.Steps, htmlCleanup(s.Cleanup, id+"-cleanup"))
	}
	return one
}

func htmlScenarioFacts(s *event.Scenario) []htmlFact {
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		labels = append(labels, oneLine(name)+"="+oneLine(s.Labels[name]))
	}
	var covers []string
	for _, id := range s.Covers {
		covers = append(covers, oneLine(id))
	}
	return htmlKnown([]htmlFact{{"folder", oneLine(s.Path)}, {"namespace", oneLine(s.Namespace)},
		{"covers", strings.Join(covers, ", ")}, {"labels", strings.Join(labels, ", ")}})
}

// notPassed are the steps that explain a scenario's outcome, or itself.
func (s *htmlScenario) notPassed() []htmlLink {
	var links []htmlLink
	told := false
	for _, step := range s.Steps {
		if !notPassed(step.Outcome) {
			continue
		}
		told = told || step.Outcome == s.Outcome
		links = append(links, htmlLink{To: step.To, Scenario: s.Name, Step: htmlTitle(step.ID, step.Name),
			htmlVerdict: step.htmlVerdict, Message: step.Try.first()})
	}
	if notPassed(s.Outcome) && !told {
		link := htmlLink{To: s.To, Scenario: s.Name, htmlVerdict: s.htmlVerdict, Message: s.Message}
		if link.Message == "" && len(s.Diagnostics) > 0 {
			link.Message = s.Diagnostics[0].Place + ": " + s.Diagnostics[0].Text
		}
		links = append([]htmlLink{link}, links...)
	}
	return links
}

func htmlTitle(id, name string) string {
	if name == "" || name == id {
		return id
	}
	return id + ": " + name
}

// first is the first thing that went wrong.
func (t *htmlTry) first() string {
	if t.Message != "" {
		return oneLine(t.Message)
	}
	all := slices.Concat(t.Checks, t.Thresholds)
	for _, b := range t.Baselines {
		all = append(all, b.htmlFinding)
	}
	for _, f := range all {
		if notPassed(f.Outcome) {
			return oneLine(f.Message)
		}
	}
	return ""
}

// htmlSpan is when the first step began and the last one ended.
func htmlSpan(s *event.Scenario) (first, last float64) {
	began := false
	for _, step := range s.Steps {
		if step.Started.IsZero() {
			continue
		}
		if !began {
			first, began = step.Offset, true
		}
		first, last = min(first, step.Offset), max(last, step.Offset+step.Seconds)
	}
	return first, last
}

func (b *htmlBuilder) step(s *event.Step, id string, first, last float64) htmlStep {
	one := htmlStep{
		To: id, ID: oneLine(s.ID), Name: oneLine(s.Name), Verb: oneLine(s.Verb),
		htmlVerdict: htmlVerdictOf(s.Outcome, s.Reason), Covers: oneLine(strings.Join(s.Covers, ", ")),
		Place: oneLine(s.Pos.String()), Open: notPassed(s.Outcome) || len(s.Measures) > 0,
	}
	if one.Name == one.ID {
		one.Name = ""
	}
	if !s.Started.IsZero() {
		one.Time = stepTime(s.Seconds)
		if last > first {
			one.Bar = htmlBar{From: htmlNumber(1000 * (s.Offset - first) / (last - first)),
				Width: htmlNumber(max(1000*s.Seconds/(last-first), 2))}
		}
	}
	one.Evidence = b.link(s.EvidenceFile)
	one.Try = htmlOneTry(event.Attempt{Message: s.Message, Findings: s.Findings, Evidence: s.Evidence, Notes: s.Notes})
	for _, a := range s.Attempts[:max(len(s.Attempts)-1, 0)] {
		try := htmlOneTry(a)
		try.Title = fmt.Sprintf("attempt %d: %s, %s", a.Number, oneLine(string(a.Outcome)), stepTime(a.Seconds))
		one.Earlier = append(one.Earlier, try)
	}
	for i := range s.Measures {
		one.Measures = append(one.Measures, b.measure(&s.Measures[i], s.Findings))
	}
	return one
}

// link leads from the page to a file, both named from one folder.
func (b *htmlBuilder) link(file string) string {
	if file == "" {
		return ""
	}
	rel, err := filepath.Rel(b.dir, file)
	if err != nil {
		return filepath.ToSlash(file)
	}
	return filepath.ToSlash(rel)
}

func htmlNumber(x float64) string { return fmt.Sprintf("%.1f", x) }

func htmlOneTry(a event.Attempt) htmlTry {
	var t htmlTry
	for _, f := range a.Findings {
		one := htmlOneFinding(f)
		switch {
		case isThreshold(f):
			one.Measured = measuredValue(f)
			t.Thresholds = append(t.Thresholds, one)
		case f.Reason == event.ReasonBaseline:
			t.Baselines = append(t.Baselines, htmlComparedOf(f))
		default:
			t.Checks = append(t.Checks, one)
		}
	}
	if !said(a) {
		t.Message = clean(a.Message)
	}
	for _, l := range noteLines(a.Notes) {
		t.Notes = append(t.Notes, l.text)
	}
	for _, e := range a.Evidence {
		t.Evidence = append(t.Evidence, htmlEvidence{oneLine(e.Title), clean(strings.Join(e.Lines, "\n"))})
	}
	return t
}

func htmlOneFinding(f event.Finding) htmlFinding {
	one := htmlFinding{htmlVerdict: htmlVerdictOf(f.Outcome, f.Reason), Place: oneLine(f.Pos.String()),
		Message: clean(f.Message), Expr: clean(f.Expr), Observed: clean(f.Observed)}
	if one.Message == one.Expr {
		one.Message = ""
	}
	for _, p := range f.Parts {
		one.Parts = append(one.Parts, htmlFact{joined(p.Expr), clean(p.Value)})
	}
	return one
}

func htmlCleanup(c *event.Cleanup, id string) htmlStep {
	one := htmlStep{To: id, ID: "cleanup", Name: "everything that it made is deleted", Verb: "cleanup",
		htmlVerdict: htmlVerdictOf(c.Outcome, ""), Time: stepTime(c.Seconds), Open: c.Outcome == event.Errored}
	one.Try.Message = clean(c.Message)
	switch c.Outcome {
	case event.Skipped:
		one.Name = "kept on purpose"
	case event.Errored:
		one.Name, one.Commands = "something was left behind", []string{"realspec sweep"}
		one.htmlVerdict = htmlVerdictOf(c.Outcome, event.ReasonCleanup)
	}
	if len(c.Left) > 0 {
		one.Try.Evidence = []htmlEvidence{{"left", clean(strings.Join(c.Left, "\n"))}}
	}
	return one
}
