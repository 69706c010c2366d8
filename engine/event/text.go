package event

import "unicode/utf8"

// valid is the event with every text in valid UTF-8, as it will be read again
// from the events file: the last lines of a container may be any bytes, and JSON
// has no place for them. Without it a report made at once and one made from the
// file would differ.
func valid(e Event) Event {
	switch e := e.(type) {
	case Notice:
		e.Text = validText(e.Text)
		return e
	case StepProgress:
		e.Text = validText(e.Text)
		return e
	case AttemptEnded:
		e.Attempt = validAttempt(e.Attempt)
		return e
	case StepEnded:
		e.Attempt = validAttempt(e.Attempt)
		e.Measures = validMeasures(e.Measures)
		return e
	case ScenarioEnded:
		e.Message = validText(e.Message)
		return e
	case CleanupEnded:
		e.Message = validText(e.Message)
		e.Left = validTexts(e.Left)
		return e
	}
	return e // made of scenario files, which are checked, and of names in the cluster
}

func validAttempt(a Attempt) Attempt {
	a.Message, a.Notes = validText(a.Message), validTexts(a.Notes)
	findings, evidence := a.Findings, a.Evidence
	a.Findings, a.Evidence = nil, nil
	for _, f := range findings {
		f.Message, f.Expr, f.Observed = validText(f.Message), validText(f.Expr), validText(f.Observed)
		var parts []Part
		for _, p := range f.Parts {
			parts = append(parts, Part{validText(p.Expr), validText(p.Value)})
		}
		f.Parts = parts
		a.Findings = append(a.Findings, f)
	}
	for _, e := range evidence {
		e.Title, e.Lines = validText(e.Title), validTexts(e.Lines)
		a.Evidence = append(a.Evidence, e)
	}
	return a
}

// validMeasures also copies nothing unless it must: measures may have thousands
// of samples, whose names come from the cluster and are valid.
func validMeasures(all []Measured) []Measured {
	for i, m := range all {
		if utf8.ValidString(m.What) && utf8.ValidString(m.Unmeasurable) {
			continue
		}
		out := append([]Measured{}, all...)
		for j := i; j < len(out); j++ {
			out[j].What, out[j].Unmeasurable = validText(out[j].What), validText(out[j].Unmeasurable)
		}
		return out
	}
	return all
}

func validTexts(all []string) []string {
	for i, s := range all {
		if utf8.ValidString(s) {
			continue
		}
		out := append([]string{}, all...)
		for j := i; j < len(out); j++ {
			out[j] = validText(out[j])
		}
		return out
	}
	return all
}

// validText has U+FFFD for each byte that is no UTF-8, as the JSON encoder writes.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
