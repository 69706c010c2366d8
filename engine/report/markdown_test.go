package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/realspec/realspec/engine/event"
)

func inMarkdown(t *testing.T, r *event.Result, limit int) string {
	t.Helper()
	var out bytes.Buffer
	if err := Markdown(&out, r, limit); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestMarkdownGolden(t *testing.T) {
	eachRun(t, func(t *testing.T, name string, events []event.Stamped) {
		golden(t, name+".md", inMarkdown(t, event.Fold(events), MarkdownLimit))
	})
}

// Every row of a table has as many cells as its head, and every fence is closed.
func TestMarkdownTables(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		cells, fence := 0, ""
		for line := range strings.Lines(inMarkdown(t, event.Fold(events), 0)) {
			line = strings.TrimSuffix(line, "\n")
			ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
			switch {
			case fence != "":
				if line == fence {
					fence = ""
				}
			case len(ticks) >= 3:
				fence = ticks
			case strings.HasPrefix(line, "|"):
				n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
				if cells != 0 && n != cells {
					t.Errorf("%d bars instead of %d: %s", n, cells, line)
				}
				cells = n
			default:
				cells = 0
			}
		}
		if fence != "" {
			t.Error("a fence is not closed")
		}
	})
}

func TestMarkdownLimit(t *testing.T) {
	r := &event.Result{ExitCode: 1, Outcome: event.Failed, RunID: "abc"}
	for i := range 3000 {
		r.Scenarios = append(r.Scenarios, &event.Scenario{Name: fmt.Sprintf("scenario-%d", i), Outcome: event.Failed,
			Covers: []string{"BR-1"}, Cluster: local, Steps: []*event.Step{{ID: "00-a", Outcome: event.Failed, Message: strings.Repeat("long ", 3000),
				Measures: []event.Measured{{Name: "m", Kind: "pods", Unit: "s", Series: []event.MeasuredSeries{series("ready", 1, 2, 3)}}}}}})
	}
	r.Matrix = []event.Requirement{{ID: "BR-1", Outcome: event.Failed, Ran: 3000,
		CoveredBy: []event.Coverage{{Scenario: "specs/a", Outcome: event.Failed, Ran: 3000}}}}
	for _, limit := range []int{2_000, 20_000, 65_536, MarkdownLimit} {
		out := inMarkdown(t, r, limit)
		if len(out) > limit {
			t.Errorf("%d bytes, at most %d are allowed", len(out), limit)
		}
		if limit > 10_000 && len(out) < limit/2 {
			t.Errorf("only %d of %d bytes are used", len(out), limit)
		}
		for _, want := range []string{"FAILED (exit 1)", "### Requirements", "### Environment", "Left out here", "2"} {
			if !strings.Contains(out, want) {
				t.Errorf("limit %d: %q is missing", limit, want)
			}
		}
		rows := strings.Count(out, "| ✗ | scenario-")
		if left := fmt.Sprintf("%d scenarios", 3000-rows); rows < 3000 && !strings.Contains(out, left) {
			t.Errorf("limit %d: %d rows are there, and %q are not said to be missing", limit, rows, left)
		}
	}
	if out := inMarkdown(t, r, 0); strings.Contains(out, "Left out") || strings.Count(out, "| ✗ | scenario-") != 3000 {
		t.Error("without a limit something is left out")
	}
}

func TestMarkdownText(t *testing.T) {
	for text, want := range map[string]string{
		"a|b":                    `a\|b`,
		"<b>&*_x_*`":             "&lt;b&gt;&amp;\\*\\_x\\_\\*\\`",
		"[a](http://b) # ~~c~~":  `\[a\](http://b) \# \~\~c\~\~`,
		"first\nsecond":          "first",
		"\x1b[31mred":            "red",
		`back\slash`:             `back\\slash`,
		"plain: 1.31s (p95) < 2": "plain: 1.31s (p95) &lt; 2",
	} {
		if got := markdownText(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"a": "`a`", "a`b": "``a`b``", "`": "`` ` ``", "a|b": "`a\\|b`", "": "", "``a": "``` ``a ```",
	} {
		if got := tableCode(text); got != want {
			t.Errorf("code %q becomes %q, want %q", text, got, want)
		}
	}
	if got := fenced("```\nx\n````"); got != "`````text\n```\nx\n````\n`````\n" {
		t.Errorf("%q", got)
	}
}
