package step

import "github.com/realspec/realspec/engine/event"

// redact hides the values of the scenario's declared environment variables in a
// text: commands, answers and logs repeat what they were given.
func (w *World) redact(text string) string {
	if w.veil == nil {
		w.veil = w.Plan.Veil()
	}
	return w.veil.Replace(text)
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
