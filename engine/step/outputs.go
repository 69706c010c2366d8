package step

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// This is what http, exec, logs and run steps share: looking again until the time
// is over, their checks, and their outputs.

// pauseBetween is the time between the end of a look and the next one, where nothing
// tells of a change.
const pauseBetween = 250 * time.Millisecond

// lookAgain looks once, and with a step timeout until a look passes or the time is
// over. The last look that was not cut off is the step's; evidence is gathered for
// that one only.
func (w *World) lookAgain(ctx context.Context, s *plan.Step, r *Result, look func(context.Context, *Result)) {
	var last *Result
	for n := 1; ; n++ {
		now := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
		look(ctx, now)
		now.missingOutputs(true)
		if last == nil || ctx.Err() == nil || now.Outcome == event.Passed {
			last = now
		}
		settled := s.Timeout == 0 || now.Outcome == event.Passed || now.Outcome == event.Skipped
		if !settled {
			w.Progress(w.redact(now.Message))
			pause(ctx, pauseBetween)
		}
		if settled || ctx.Err() != nil {
			if n > 1 {
				last.Notes = append(last.Notes, fmt.Sprintf("looked %d times", n))
			}
			break
		}
	}
	if last.Outcome == event.Skipped {
		r.Outcome, r.Reason, r.Message = last.Outcome, last.Reason, last.Message
	}
	for _, f := range last.Findings {
		if s.Timeout > 0 && f.Outcome == event.Failed {
			f.Reason = event.ReasonTimeout
		}
		r.add(f)
	}
	r.Notes, r.Evidence = append(r.Notes, last.Notes...), append(r.Evidence, last.Evidence...)
	if len(last.Findings) > 0 && len(last.Evidence) == 0 {
		r.Evidence = append(r.Evidence, w.evidence(context.WithoutCancel(ctx), nil)...)
	}
}

// pause waits for so long; it is false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// rules evaluates every rule over what a step saw, also after one did not hold.
// observed is shown with the first that does not.
func (w *World) rules(ctx context.Context, s *plan.Step, rules []spec.Rule, saw expr.Values, observed string, r *Result) {
	values := w.with(saw)
	for i := range rules {
		rule := &rules[i]
		program := s.Program(rule.CEL)
		ok, err := program.Bool(ctx, values)
		if err == nil && ok {
			continue
		}
		f := event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: rule.CEL.At}
		if err != nil {
			f = fault(ctx, rule.CEL.At, err)
		}
		if outputMissing(err) != "" {
			r.add(f)
			continue
		}
		f.Expr, f.Parts, f.Observed = rule.CEL.Text, parts(ctx, program, values), observed
		message, wrong := w.text(ctx, s.Text(rule.Message))
		if wrong != nil { // the rule itself is what matters
			message = fmt.Sprintf("%s (%v)", rule.Message.Text, wrong)
		}
		switch {
		case message != "":
			f.Message = joinMessage("not so: "+message, f.Message)
		case err == nil:
			f.Message = "this is false: " + rule.CEL.Text
		}
		r.add(f)
	}
}

// outputs are what steps saw, by the names of their outputs. Recorders and the
// calls of measures read them while steps under during add to them, so the mapping
// is never changed, but replaced by a larger one.
type outputs struct {
	mu  sync.Mutex
	all map[string]any
}

// known are the outputs that there are now.
func (o *outputs) known() map[string]any {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all
}

func (o *outputs) put(name string, value any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := map[string]any{name: value}
	for other, v := range o.all {
		if other != name {
			all[other] = v
		}
	}
	o.all = all
}

// output makes what a step saw known to later ones as outputs.NAME.
func (w *World) output(name string, value any) {
	if name != "" {
		w.outputs.put(name, value)
	}
}

// decoded is a text as JSON; nil when it is none.
func decoded(text string) any {
	var v any
	if err := utiljson.Unmarshal([]byte(text), &v); err != nil {
		return nil
	}
	return v
}

// lastLines are the last n lines of a text.
func lastLines(text string, n int) []string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	if more := len(lines) - n; more > 0 {
		lines = append([]string{fmt.Sprintf("… %d lines before", more)}, lines[more:]...)
	}
	for i, line := range lines {
		lines[i] = cutLine(line)
	}
	return lines
}

// lineLimit is how long a line of a report may be: some programs log whole
// documents on one.
const lineLimit = 500

func cutLine(line string) string {
	line = strings.TrimRight(line, "\r")
	if len(line) <= lineLimit {
		return line
	}
	return strings.ToValidUTF8(line[:lineLimit], "") + "…"
}
