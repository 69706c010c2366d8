package plan

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Text writes an outline for people, in lines of at most width characters where
// the words allow it.
func (o Outline) Text(w io.Writer, width int) {
	t := &outlineText{w: w, width: width}
	t.hanging("", o.Scenario+"  "+o.Path)
	if o.Description != "" {
		t.hanging("  ", oneLine(o.Description))
	}
	t.hanging("  ", fmt.Sprintf("namespace %s, at most %s; its steps may take %s",
		o.Namespace, seconds(o.TimeoutSeconds), seconds(o.BudgetSeconds)))
	t.hanging("  ", o.Most.String())
	if len(o.Allow) > 0 {
		t.hanging("  ", "asks to be allowed: "+strings.Join(o.Allow, ", "))
	}
	if len(o.Flags) > 0 {
		t.hanging("  ", "runs only with "+strings.Join(o.Flags, " "))
	}
	if len(o.Requirements) > 0 {
		fmt.Fprintln(w, "\n  needs")
	}
	for _, r := range o.Requirements {
		found := ""
		if r.Found != "" {
			found = "; found " + r.Found
		}
		t.hanging(fmt.Sprintf("    %-9s ", r.State), oneLine(r.Needed)+found)
	}
	if len(o.Steps) > 0 {
		fmt.Fprintln(w, "\n  steps")
	}
	t.steps(o.Steps, "    ")
}

type outlineText struct {
	w     io.Writer
	width int
}

func (t *outlineText) steps(steps []StepOutline, indent string) {
	for _, s := range steps {
		head := s.ID
		if s.Name != "" && s.Name != s.ID {
			head += ": " + s.Name
		}
		limits := append([]string{s.limit()}, s.How...)
		t.wrapped(indent, indent+"    ", head+" ("+strings.Join(limits, ", ")+")")
		for _, line := range s.Does {
			t.wrapped(indent+"  ", indent+"    ", line)
		}
		t.steps(s.During, indent+"  ")
	}
}

// limit is the time that a step has.
func (s StepOutline) limit() string {
	switch {
	case s.TimeoutSeconds > 0:
		return "at most " + seconds(s.TimeoutSeconds)
	case s.budget > 0:
		return "about " + seconds(s.budget.Round(time.Second).Seconds())
	}
	return "at once"
}

// hanging writes text behind a head; further lines begin below its first word.
func (t *outlineText) hanging(head, text string) {
	t.wrapped(head, strings.Repeat(" ", utf8.RuneCountInString(head)), text)
}

// wrapped writes text behind a head, and its further lines behind another one.
func (t *outlineText) wrapped(head, next, text string) {
	for text != "" {
		room := max(t.width-utf8.RuneCountInString(head), 20)
		cut := len(text)
		if utf8.RuneCountInString(text) > room {
			cut = lastSpace(text, room)
		}
		fmt.Fprintln(t.w, strings.TrimRight(head+text[:cut], " "))
		text = strings.TrimLeft(text[cut:], " ")
		head = next
	}
}

// lastSpace is where to cut text so that at most room characters stay, or at the
// first space after them.
func lastSpace(text string, room int) int {
	cut, n := 0, 0
	for i, r := range text {
		if r == ' ' && i > 0 {
			if n > room && cut > 0 {
				return cut
			}
			cut = i
			if n > room {
				return cut
			}
		}
		n++
	}
	if n <= room || cut == 0 {
		return len(text)
	}
	return cut
}

func seconds(s float64) string {
	text := time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
	text = strings.TrimSuffix(text, "0s")
	if text == "" {
		return "0s"
	}
	if strings.HasSuffix(text, "h0m") {
		return strings.TrimSuffix(text, "0m")
	}
	if last := text[len(text)-1]; last >= '0' && last <= '9' { // 30s lost its 0s
		return text + "0s"
	}
	return text
}
