package step

import (
	"net/url"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// secret is how long the value of an environment variable must be to be hidden:
// masking every "on" or "8080" would make reports unreadable and hide nothing.
const secret = 6

// masked stands for a value of env in what is reported.
const masked = "***"

// redact hides the values of the scenario's declared environment variables in a
// text: commands, answers and logs repeat what they were given.
func (w *World) redact(text string) string {
	if w.veil == nil {
		w.veil = veilOf(w.Plan.Env)
	}
	return w.veil.Replace(text)
}

// veilOf replaces every value, its lines (a PEM file is shown line by line), and
// both as they stand in a URL. Of two that begin alike the longer one goes first.
func veilOf(env map[string]string) *strings.Replacer {
	var hide []string
	for _, value := range env {
		for _, part := range append(strings.Split(value, "\n"), value) {
			if part = strings.TrimSpace(part); len(part) >= secret {
				hide = append(hide, part, url.QueryEscape(part), url.PathEscape(part))
			}
		}
	}
	slices.SortFunc(hide, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, part := range hide {
		pairs = append(pairs, part, masked)
	}
	return strings.NewReplacer(pairs...)
}

// redacted hides them in all that an attempt reports.
func (w *World) redacted(a *event.Attempt) {
	if len(w.Plan.Env) == 0 {
		return
	}
	a.Message = w.redact(a.Message)
	for i := range a.Findings {
		f := &a.Findings[i]
		f.Message, f.Observed = w.redact(f.Message), w.redact(f.Observed)
		for j := range f.Parts {
			f.Parts[j].Value = w.redact(f.Parts[j].Value)
		}
	}
	for i := range a.Evidence {
		e := &a.Evidence[i]
		e.Title = w.redact(e.Title)
		for j := range e.Lines {
			e.Lines[j] = w.redact(e.Lines[j])
		}
	}
	for i := range a.Notes {
		a.Notes[i] = w.redact(a.Notes[i])
	}
}
