package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// scenarioSuite is a scenario as a suite, never without a case.
func scenarioSuite(r *event.Result, s *event.Scenario) xmlSuite {
	suite := xmlSuite{
		Name: scenarioName(s), File: s.Pos.File, Timestamp: timestamp(s.Started),
		Properties: &xmlProperties{scenarioProperties(r, s)},
	}
	seconds := s.Seconds
	if x, ok := beforeSteps(s); ok {
		suite.add(x)
	}
	for _, step := range s.Steps {
		suite.add(stepCase(s, step))
	}
	if s.Cleanup != nil {
		suite.add(cleanupCase(s))
		seconds += s.Cleanup.Seconds
	}
	if x, ok := restCase(s, suite.counts); ok {
		suite.add(x)
	}
	suite.Time = decimal(seconds)
	return suite
}

// timestamp is ISO 8601 in UTC without a zone, as the JUnit schema has it.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05")
}

func newCase(s *event.Scenario, name string) xmlCase {
	return xmlCase{Name: name, Classname: oneLine(s.Path), File: s.Pos.File, Line: s.Pos.Line, Time: "0"}
}

// beforeSteps is the case of what was decided before the first step.
func beforeSteps(s *event.Scenario) (xmlCase, bool) {
	v := verdict{s.Outcome, s.Reason, s.Message, s.Message}
	switch {
	case s.Reason == event.ReasonInvalid:
		x := newCase(s, "validate")
		v.body = diagnostics(s)
		x.judge(v, newRoom())
		return x, true
	case s.Outcome == event.Skipped && s.Reason == event.ReasonRequirement:
		x := newCase(s, "requirements")
		x.judge(v, newRoom())
		return x, true
	}
	return xmlCase{}, false
}

// diagnostics renders what is wrong with a scenario.
func diagnostics(s *event.Scenario) string {
	var b strings.Builder
	for _, d := range s.Diagnostics {
		b.WriteString(clean(d.String()) + "\n")
		for _, l := range block(2, plain, d.Help) {
			b.WriteString("  " + l.text + "\n")
		}
	}
	if b.Len() == 0 {
		return s.Message
	}
	return b.String()
}

func stepCase(s *event.Scenario, step *event.Step) xmlCase {
	x := newCase(s, title(step))
	x.Time = decimal(step.Seconds)
	if step.Pos.File != "" {
		x.File, x.Line = step.Pos.File, step.Pos.Line
	}
	room := newRoom()
	x.judge(verdict{step.Outcome, step.Reason, step.Message, body(step)}, room)
	x.addAttempts(step, room)
	if text := stepOutput(step); text != "" {
		x.SystemOut = &xmlText{room.take(text)}
	}
	if list := stepProperties(step); len(list) > 0 {
		x.Properties = &xmlProperties{list}
	}
	return x
}

// body begins with a place that editors open, then the message, then all that
// was found.
func body(s *event.Step) string {
	details := plainText(detailLines(s, unicodeMarks()))
	if s.Outcome == event.Skipped {
		return details
	}
	where := placeOf(s)
	if strings.HasPrefix(details, where.String()+"\n") {
		return details
	}
	return fmt.Sprintf("%s\n%s", where, details)
}

// addAttempts lists the attempts before the last one.
func (x *xmlCase) addAttempts(s *event.Step, room *room) {
	if len(s.Attempts) < 2 {
		return
	}
	flaky := s.Outcome == event.Flaky
	for _, a := range s.Attempts[:len(s.Attempts)-1] {
		if a.Outcome == event.Passed || a.Outcome == event.Skipped {
			continue
		}
		rerun := xmlRerun{
			Message: fmt.Sprintf("attempt %d: %s", a.Number, oneLine(a.Message)),
			Type:    string(a.Reason),
			Body:    &xmlText{room.take(plainText(attemptLines(a, unicodeMarks())))},
		}
		switch failed := a.Outcome == event.Failed; {
		case flaky && failed:
			x.Flaky = append(x.Flaky, rerun)
		case flaky:
			x.FlakyErrors = append(x.FlakyErrors, rerun)
		case failed:
			x.Rerun = append(x.Rerun, rerun)
		default:
			x.RerunErrors = append(x.RerunErrors, rerun)
		}
	}
}

// stepOutput is what a passed step has to say: what it measured, the thresholds
// that hold, and that it needed more than one attempt.
func stepOutput(s *event.Step) string {
	var lines []string
	if s.Outcome == event.Flaky {
		lines = append(lines, "flaky: "+oneLine(s.Message))
	}
	text := strings.Join(lines, "\n") + "\n" + plainText(measureLines(s.Measures, unicodeMarks(), false))
	if s.Outcome == event.Passed || s.Outcome == event.Flaky {
		text += plainText(append(findingLines(s.Findings, unicodeMarks()), noteLines(s.Notes)...))
	}
	if s.EvidenceFile != "" {
		text += "\n[[ATTACHMENT|" + oneLine(s.EvidenceFile) + "]]" // GitLab links it, others show the path
	}
	return strings.TrimSpace(text)
}

func cleanupCase(s *event.Scenario) xmlCase {
	x := newCase(s, "cleanup")
	x.Time = decimal(s.Cleanup.Seconds)
	v := verdict{s.Cleanup.Outcome, event.ReasonCleanup, s.Cleanup.Message, s.Cleanup.Message}
	if v.outcome == event.Skipped {
		v.reason, v.message = "kept", "kept: "+s.Cleanup.Message
	}
	if len(s.Cleanup.Left) > 0 {
		v.body += "\n" + strings.Join(s.Cleanup.Left, "\n")
	}
	x.judge(v, newRoom())
	return x
}

// restCase is for a scenario that is worse than its cases tell, or has none: a
// lost cluster before the first step, an end that never came.
func restCase(s *event.Scenario, c counts) (xmlCase, bool) {
	x := newCase(s, "scenario")
	x.judge(verdict{s.Outcome, s.Reason, s.Message, s.Message}, newRoom())
	missing := x.Failure != nil && c.Failures == 0 || x.Error != nil && c.Errors == 0
	return x, missing || c.Tests == 0
}

// runSuite is for what belongs to no scenario: the whole run stopped, or it is
// not green and no case says so.
func runSuite(r *event.Result, c counts) (xmlSuite, bool) {
	x := xmlCase{Name: "run", Classname: "realspec", Time: decimal(r.Seconds)}
	v := verdict{event.Errored, event.ReasonRun, r.Error, r.Error}
	switch {
	case r.Error != "":
	case r.ExitCode == 0 || c.Failures+c.Errors > 0:
		return xmlSuite{}, false
	default:
		v.reason, v.message = notGreen(r)
		v.body = v.message
	}
	x.judge(v, newRoom())
	suite := xmlSuite{
		Name: "run", Time: decimal(r.Seconds), Timestamp: timestamp(r.Started),
		Properties: &xmlProperties{runProperties(r)},
	}
	suite.add(x)
	return suite, true
}

// notGreen says why a run has an exit code although nothing in it failed.
func notGreen(r *event.Result) (event.Reason, string) {
	if r.Interrupted {
		return event.ReasonInterrupted, "the run was interrupted"
	}
	if len(r.Scenarios) == 0 {
		return event.ReasonNothing, "nothing ran: there was no scenario"
	}
	for _, s := range r.Scenarios {
		if s.Reason == event.ReasonRequirement && r.Strict {
			return event.ReasonRequirement, "a requirement is not met, and the run is strict: " + s.Name + ": " + s.Message
		}
	}
	return event.ReasonNothing, "nothing ran: every step was skipped"
}

func runProperties(r *event.Result) []xmlProperty {
	return []xmlProperty{
		{"run", r.RunID},
		{"realspec.version", r.Version},
		{"outcome", string(r.Outcome)},
		{"exit.code", strconv.Itoa(r.ExitCode)},
	}
}
