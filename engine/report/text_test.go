package report

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/event"
)

func TestTimes(t *testing.T) {
	for _, tt := range []struct {
		seconds        float64
		step, measured string
	}{
		{0, "0.00s", "0s"},
		{0.00052, "0.00s", "0.520ms"},
		{0.0123, "0.01s", "12.3ms"},
		{0.41, "0.41s", "410ms"},
		{0.9996, "1.00s", "1.00s"},
		{1.305, "1.30s", "1.30s"},
		{9.996, "10.00s", "10.0s"},
		{59.99, "59.99s", "60.0s"},
		{59.996, "1m00.0s", "1m00.0s"},
		{180, "3m00.0s", "3m00.0s"},
		{119.96, "2m00.0s", "2m00.0s"},
		{3599.96, "1h00m00s", "1h00m00s"},
		{3723, "1h02m03s", "1h02m03s"},
		{90000, "25h00m00s", "25h00m00s"},
	} {
		if got := stepTime(tt.seconds); got != tt.step {
			t.Errorf("a step of %v s: %s, want %s", tt.seconds, got, tt.step)
		}
		if got := measuredTime(tt.seconds); got != tt.measured {
			t.Errorf("%v s measured: %s, want %s", tt.seconds, got, tt.measured)
		}
	}
}

func TestClean(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"colours", "\x1b[32mINFO\x1b[0m ok", "INFO ok"},
		{"cursor", "a\x1b[2J\x1b[1;1Hb", "ab"},
		{"a title that is never closed", "a\x1b]0;evil\nb", "a\nb"},
		{"a progress bar", "10%\r20%\r\ndone\n", "10%\n20%\ndone"},
		{"a tab", "a\tb", "a    b"},
		{"control characters", "a\x00\x07b", "a\uFFFD\uFFFDb"},
		{"not UTF-8", "a\xff\xfeb", "a\uFFFDb"},
		{"what XML forbids", "a\uFFFEb", "a\uFFFDb"},
		{"right to left override", "a\u202eb", "a\uFFFDb"},
		{"other scripts stay", "Grüße 世界 👋", "Grüße 世界 👋"},
	} {
		if got := clean(tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Whatever a cluster says, the report is XML that keeps its place for it.
func TestJUnitTakesAnyText(t *testing.T) {
	property := func(name, message string, body []byte) bool {
		r := event.Fold(story(func(tape *tape) {
			path := tape.plan("any", nil, "00-run", name)
			tape.open(path)
			tape.step(path, "00-run", 1, event.Attempt{Outcome: event.Failed, Reason: event.Reason(name), Message: message,
				Evidence: []event.Evidence{{Title: name, Lines: []string{string(body), "\x1b]]>é]]>" + message}}}})
			tape.close(path)
		}))
		read := xml.NewDecoder(strings.NewReader(asJUnit(t, r)))
		for {
			if _, err := read.Token(); err == io.EOF {
				return true
			} else if err != nil {
				t.Log(err)
				return false
			}
		}
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text        string
		first, rest int
		want        []string
	}{
		{"short", 10, 10, []string{"short"}},
		{"one two three", 7, 5, []string{"one two", "three"}},
		{"high-throughput-service is-not broken-at-hyphens", 24, 24, []string{"high-throughput-service", "is-not broken-at-hyphens"}},
		{"abcdefghij", 4, 3, []string{"abcd", "efg", "hij"}},
		{"世界世界", 4, 4, []string{"世界", "世界"}},
		{"世", 1, 1, []string{"世"}},
		{"", 5, 5, []string{""}},
	} {
		if diff := cmp.Diff(tt.want, wrap(tt.text, " ", tt.first, tt.rest)); diff != "" {
			t.Errorf("%q: - want, + got:\n%s", tt.text, diff)
		}
	}
}

// Wrapping loses nothing but spaces and keeps within the width.
func TestWrapProperty(t *testing.T) {
	property := func(text string, width uint8) bool {
		limit := int(width%60) + 2
		lines := wrap(clean(strings.ReplaceAll(text, "\n", " ")), " ", limit, limit)
		var letters strings.Builder
		for _, line := range lines {
			if lipgloss.Width(line) > limit && utf8.RuneCountInString(line) > 1 {
				t.Logf("%q is wider than %d", line, limit)
				return false
			}
			letters.WriteString(line)
		}
		without := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		return without(letters.String()) == without(clean(strings.ReplaceAll(text, "\n", " ")))
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}

func TestFindings(t *testing.T) {
	got := plainText(attemptLines(event.Attempt{Findings: []event.Finding{
		{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: at("a.yaml", 3, 5), Message: "enough replicas",
			Expr: "web.spec.replicas >=\n  vars.replicas", Parts: []event.Part{{Expr: "web.spec.replicas", Value: "3"}, {Expr: "vars.replicas", Value: "5"}}},
		{Outcome: event.Failed, Reason: event.ReasonThreshold, Pos: at("a.yaml", 9, 5), Message: "within budget",
			Expr: "a.max - b.max < duration('1s')", Parts: []event.Part{{Expr: "a.max", Value: "4s"}, {Expr: "b.max", Value: "1s"}}},
		{Outcome: event.Errored, Reason: event.ReasonExpression, Message: "no such field: status", Expr: "web.status"},
	}, Evidence: []event.Evidence{{Title: "events of Pod/web", Lines: []string{"12s Warning BackOff"}}}}, unicodeMarks()))
	want := `a.yaml:3:5
enough replicas
web.spec.replicas >=
  vars.replicas
  web.spec.replicas   3
  vars.replicas       5
✗ a.max - b.max < duration('1s')   a.max 4s, b.max 1s
  a.yaml:9:5
  within budget
    a.max   4s
    b.max   1s
no such field: status
web.status
events of Pod/web:
  12s Warning BackOff
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("- want, + got:\n%s", diff)
	}
}

func TestWrapBreaksALongValueAtSpaces(t *testing.T) {
	got := wrap("usage  not measurable here: the nodes are simulated  n=0", "  ", 24, 20)
	want := []string{"usage", "not measurable here:", "the nodes are", "simulated  n=0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
