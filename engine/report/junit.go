package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// JUnit writes the result as JUnit XML: a suite for each scenario, a case for
// each step. What is not a step has a case of its own, so that nothing which
// went wrong is missing from the counts: `validate` for a scenario that is not
// valid, `requirements` for one that was skipped, `cleanup`, `scenario` and `run`.
//
// JUnit has no word for inconclusive: it is an error, of a type such as
// "samples", whose message begins with "inconclusive:", because CI must not be
// green.
func JUnit(w io.Writer, r *event.Result) error {
	root := xmlSuites{Name: "realspec", Time: decimal(r.Seconds)}
	for _, s := range r.Scenarios {
		root.add(scenarioSuite(r, s))
	}
	if suite, ok := runSuite(r, root.counts); ok {
		root.add(suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("the JUnit report could not be written: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(root); err != nil {
		return fmt.Errorf("the JUnit report could not be written: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("the JUnit report could not be written: %w", err)
	}
	return nil
}

// counts are taken from the cases that are written, never from elsewhere.
type counts struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
}

type xmlSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	counts
	Time   string     `xml:"time,attr"`
	Suites []xmlSuite `xml:"testsuite"`
}

type xmlSuite struct {
	Name string `xml:"name,attr"`
	counts
	Time       string         `xml:"time,attr"`
	Timestamp  string         `xml:"timestamp,attr,omitempty"`
	File       string         `xml:"file,attr,omitempty"`
	Properties *xmlProperties `xml:"properties"`
	Cases      []xmlCase      `xml:"testcase"`
}

type xmlProperties struct {
	List []xmlProperty `xml:"property"`
}

type xmlProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// xmlCase has its children in the order of Surefire's schema.
type xmlCase struct {
	Name        string         `xml:"name,attr"`
	Classname   string         `xml:"classname,attr"`
	File        string         `xml:"file,attr,omitempty"`
	Line        int            `xml:"line,attr,omitempty"`
	Time        string         `xml:"time,attr"`
	Properties  *xmlProperties `xml:"properties"`
	Failure     *xmlProblem    `xml:"failure"`
	Rerun       []xmlRerun     `xml:"rerunFailure"`
	RerunErrors []xmlRerun     `xml:"rerunError"`
	Flaky       []xmlRerun     `xml:"flakyFailure"`
	FlakyErrors []xmlRerun     `xml:"flakyError"`
	Skipped     *xmlProblem    `xml:"skipped"`
	Error       *xmlProblem    `xml:"error"`
	SystemOut   *xmlText       `xml:"system-out"`
}

type xmlProblem struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Body    string `xml:",cdata"`
}

// xmlText is CDATA, so that people can read the file too. The encoder splits
// "]]>", but lets forbidden characters pass: a text must have been cleaned.
type xmlText struct {
	Text string `xml:",cdata"`
}

// xmlRerun is Surefire's element for an attempt that was not the last.
type xmlRerun struct {
	Message string   `xml:"message,attr"`
	Type    string   `xml:"type,attr"`
	Body    *xmlText `xml:"stackTrace"`
}

func (c *counts) addCase(x xmlCase) {
	c.Tests++
	switch {
	case x.Failure != nil:
		c.Failures++
	case x.Error != nil:
		c.Errors++
	case x.Skipped != nil:
		c.Skipped++
	}
}

func (s *xmlSuite) add(x xmlCase) {
	s.addCase(x)
	s.Cases = append(s.Cases, x)
}

func (s *xmlSuites) add(x xmlSuite) {
	s.Tests += x.Tests
	s.Failures += x.Failures
	s.Errors += x.Errors
	s.Skipped += x.Skipped
	s.Suites = append(s.Suites, x)
}

// verdict is what a case came to, in the result's words.
type verdict struct {
	outcome event.Outcome
	reason  event.Reason
	message string
	body    string
}

// judge puts the verdict into the element that JUnit has for it. It has none for
// passed.
func (x *xmlCase) judge(v verdict, room *room) {
	if v.outcome == event.Passed || v.outcome == event.Flaky {
		return
	}
	message := oneLine(v.message)
	if v.outcome == event.Inconclusive {
		message = "inconclusive: " + message
		v.body = "inconclusive: " + v.body
	}
	if message == "" {
		message = string(v.outcome)
	}
	p := &xmlProblem{Type: string(v.reason), Message: cut(message, 1024, "…"), Body: room.take(v.body)}
	switch v.outcome {
	case event.Skipped:
		x.Skipped = p
	case event.Failed:
		x.Failure = p
	default:
		x.Error = p
	}
}

// room is how much text a case may still have. Some CI servers refuse, or choke
// on, reports of many megabytes.
type room struct{ left int }

func newRoom() *room { return &room{64 << 10} }

func (r *room) take(text string) string {
	text = strings.TrimRight(clean(text), "\n")
	if len(text) > r.left {
		kept := strings.ToValidUTF8(text[:r.left], "")
		text = fmt.Sprintf("%s\n… %d more bytes were cut off here; the events file has them all", kept, len(text)-len(kept))
		r.left = 0
		return text
	}
	r.left -= len(text)
	return text
}

// decimal renders seconds to the microsecond without an exponent, which some
// readers of JUnit do not take.
func decimal(seconds float64) string {
	return strconv.FormatFloat(math.Round(seconds*1e6)/1e6, 'f', -1, 64)
}
