package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// GitHub shows ten errors and ten warnings of a step, and drops the rest without
// a word: docs.github.com, "workflow commands", and its problem matchers' limits.
const mostAnnotations = 10

// mostMessage is how long the message of an annotation may be, in bytes. GitHub
// cuts at 64 KiB; what is longer than a screen is read in the log.
const mostMessage = 4 << 10

// GitHub writes what did not pass as workflow commands, which GitHub Actions
// shows beside the files: first the failures, then the errors, then what is
// inconclusive; as warnings what is flaky and what was skipped because a
// requirement is not met. What is more than GitHub shows is counted.
//
// file gives the path of a file as GitHub knows it, from the root of the
// repository.
func GitHub(w io.Writer, r *event.Result, file func(string) string) error {
	return writeAnnotations(w, annotations(r), file)
}

// GitHubDiagnostics writes what is wrong with scenarios as workflow commands.
func GitHubDiagnostics(w io.Writer, list []diag.Diagnostic, file func(string) string) error {
	var all []annotation
	for _, d := range list {
		all = append(all, ofDiagnostic(d))
	}
	return writeAnnotations(w, all, file)
}

// annotation is a message at a place.
type annotation struct {
	outcome event.Outcome // failed, error, inconclusive; all others are warnings
	pos     spec.Pos
	title   string
	message string
}

func annotations(r *event.Result) []annotation {
	var all []annotation
	if why := stopped(r); why != "" {
		all = append(all, annotation{event.Errored, spec.Pos{}, "realspec", why})
	}
	for _, s := range r.Scenarios {
		all = append(all, ofScenario(s)...)
	}
	slices.SortStableFunc(all, func(a, b annotation) int {
		return slices.Index(byWeight, a.outcome) - slices.Index(byWeight, b.outcome)
	})
	return all
}

func ofScenario(s *event.Scenario) []annotation {
	var all []annotation
	name, told := scenarioName(s), false
	for _, d := range s.Diagnostics {
		all = append(all, ofDiagnostic(d))
		told = true
	}
	for _, step := range s.Steps {
		if notPassed(step.Outcome) || step.Outcome == event.Flaky {
			all = append(all, ofStep(name, step))
			told = told || step.Outcome == s.Outcome
		}
	}
	if s.Cleanup != nil && s.Cleanup.Outcome == event.Errored {
		all = append(all, annotation{event.Errored, s.Pos, name + " / cleanup", s.Cleanup.Message})
		told = true
	}
	unmet := s.Outcome == event.Skipped && s.Reason == event.ReasonRequirement
	if notPassed(s.Outcome) && !told || unmet {
		all = append(all, annotation{s.Outcome, s.Pos, headed(name, s.Reason), s.Message})
	}
	return all
}

func headed(name string, r event.Reason) string {
	if r == "" {
		return name
	}
	return name + ": " + string(r)
}

// ofStep stands where the step went wrong, and has the rule and the measured value of
// every finding.
func ofStep(scenario string, s *event.Step) annotation {
	a := annotation{s.Outcome, placeOf(s), headed(scenario+" / "+oneLine(s.ID), s.Reason), ""}
	if s.Outcome == event.Flaky {
		a.message = s.Message
		return a
	}
	var lines []string
	for _, f := range s.Findings {
		if f.Outcome == event.Passed || f.Outcome == event.Skipped {
			continue
		}
		lines = append(lines, findingText(f)...)
	}
	if len(lines) == 0 || !strings.Contains(strings.Join(lines, "\n"), s.Message) {
		lines = append([]string{s.Message}, lines...)
	}
	for _, l := range noteLines(s.Notes) {
		lines = append(lines, l.text)
	}
	a.message = strings.Join(lines, "\n")
	return a
}

// findingText is the message of a finding, its rule and the values of its parts.
func findingText(f event.Finding) []string {
	lines := []string{f.Message}
	if f.Expr != "" && joined(f.Expr) != joined(f.Message) {
		lines = append(lines, joined(f.Expr))
	}
	for _, p := range f.Parts {
		lines = append(lines, "  "+joined(p.Expr)+" = "+oneLine(p.Value))
	}
	return lines
}

func ofDiagnostic(d diag.Diagnostic) annotation {
	a := annotation{event.Errored, d.Pos, "not valid", d.Message}
	if d.Severity == diag.Warning {
		a.outcome, a.title = event.Flaky, "realspec"
	}
	if d.Help != "" {
		a.message += "\n" + d.Help
	}
	return a
}

func writeAnnotations(w io.Writer, all []annotation, file func(string) string) error {
	var errors, warnings []annotation
	for _, a := range all {
		if notPassed(a.outcome) {
			errors = append(errors, a)
		} else {
			warnings = append(warnings, a)
		}
	}
	var b strings.Builder
	writeKind(&b, "error", errors, "did not pass", file)
	writeKind(&b, "warning", warnings, "are to be looked at", file)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("the annotations could not be written: %w", err)
	}
	return nil
}

// writeKind gives the last place to the number of those that have none.
func writeKind(b *strings.Builder, kind string, all []annotation, what string, file func(string) string) {
	shown := all
	if len(all) > mostAnnotations {
		shown = all[:mostAnnotations-1]
	}
	for _, a := range shown {
		b.WriteString(a.command(kind, file))
	}
	if more := len(all) - len(shown); more > 0 {
		a := annotation{title: "realspec", message: fmt.Sprintf("%d more %s: the log and the reports have them all", more, what)}
		b.WriteString(a.command(kind, file))
	}
}

// command is ::error file=…,line=…,col=…,title=…::message. The documentation has
// places only together with a file, and columns only together with a line.
func (a annotation) command(kind string, file func(string) string) string {
	var properties []string
	add := func(name, value string) { properties = append(properties, name+"="+escapeProperty(value)) }
	if a.pos.File != "" {
		add("file", file(a.pos.File))
		if a.pos.Line > 0 {
			add("line", fmt.Sprint(a.pos.Line))
		}
		if a.pos.Line > 0 && a.pos.Column > 0 {
			add("col", fmt.Sprint(a.pos.Column))
		}
	}
	if a.title != "" {
		add("title", oneLine(a.title))
	}
	message := strings.TrimSpace(clean(a.message))
	if len(message) > mostMessage {
		message = strings.ToValidUTF8(message[:mostMessage], "") + "\n… the log has the rest"
	}
	if message == "" {
		message = string(a.outcome) // an annotation without one is not shown
	}
	return fmt.Sprintf("::%s %s::%s\n", kind, strings.Join(properties, ","), escapeData(message))
}

// escapeData and escapeProperty are what actions/runner takes back
// (ActionCommand.cs): in the data %, CR and LF; in a property also : and ,.
func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
