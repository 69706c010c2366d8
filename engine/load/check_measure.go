package load

import (
	"fmt"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

func (l *loader) checkMeasure(m *spec.Measure, s *spec.Step) {
	if !m.At.IsValid() {
		return
	}
	if m.Name != "" {
		pos, width := m.At, 0
		if mk, ok := l.marks[mark{m.At, "name"}]; ok {
			pos, width = mk.t.place(target(mk.value))
		}
		l.checkName(pos, width, "measure's name", m.Name)
	}
	if p := m.Pods; p != nil {
		l.checkLabels(p.At, p.Selector.Text)
		l.checkCount(p.At, "expect", p.Expect)
	}
	if o := m.Objects; o != nil {
		l.checkSelector(&o.On)
		l.checkCount(o.At, "expect", o.Expect)
		l.checkText(o.At, "start", o.Start.Text)
	}
}

// checkMeasureNames reports measures of one scenario that have the same name.
func (l *loader) checkMeasureNames(steps []*spec.Step) {
	first := map[string]spec.Pos{}
	for _, s := range steps {
		for i := range s.Measure {
			m := &s.Measure[i]
			if m.Name == "" {
				continue
			}
			if earlier, again := first[m.Name]; again {
				l.wrong(m.At, "name", "duplicate-name", "the measure %s is there twice", m.Name).Help =
					fmt.Sprintf("the first is at %s; names are unique in a scenario", earlier)
				continue
			}
			first[m.Name] = m.At
		}
	}
}

// checkElapsed looks at the ends of the elapsed measures of a step, and turns
// the name of a file into the id of its first or last step.
func (l *loader) checkElapsed(steps []*spec.Step, current int) {
	for i := range steps[current].Measure {
		e := steps[current].Measure[i].Elapsed
		if e == nil || !e.At.IsValid() {
			continue
		}
		hasFrom, hasTo := l.has(e.At, "from"), l.has(e.At, "to")
		switch {
		case !hasFrom && !hasTo && !l.has(steps[current].At, "during"):
			l.diags.Add(e.At, "missing-field", "elapsed has no from and to").Help =
				"from: 00-apply and to: 01-wait, or steps under during"
			continue
		case hasFrom != hasTo:
			l.diags.Add(e.At, "missing-field", "elapsed has only one of from and to").Help =
				"both are ids of steps, or neither is written and the steps under during are measured"
			continue
		}
		from, okFrom := l.elapsedEnd(steps, current, e.At, "from", &e.From)
		to, okTo := l.elapsedEnd(steps, current, e.At, "to", &e.To)
		if okFrom && okTo && from > to {
			l.wrong(e.At, "from", "bad-order", "from is %s, which runs after to, %s", e.From, e.To)
		}
	}
}

// elapsedEnd finds the step that one end of an elapsed measure names.
func (l *loader) elapsedEnd(steps []*spec.Step, current int, at spec.Pos, field string, name *string) (int, bool) {
	if *name == "" {
		if text, ok := l.scalar(at, field); ok && strings.TrimSpace(text) == "" {
			l.wrong(at, field, "empty", "%s is empty", field)
		}
		return 0, false
	}
	id := *name
	if ids := l.stems[id]; len(ids) > 0 && field == "from" {
		id = ids[0]
	} else if len(ids) > 0 {
		id = ids[len(ids)-1]
	}
	i := slices.IndexFunc(steps, func(s *spec.Step) bool { return s.ID == id })
	switch {
	case i < 0 && l.partial:
		return 0, false // it may be in what could not be read
	case i < 0:
		var known []string
		for _, s := range steps[:current] {
			known = append(known, s.ID)
		}
		l.wrong(at, field, "unknown-step", "%s names no step: %q", field, shorten(*name)).Help = diag.DidYouMean(*name, known)
		return 0, false
	case i >= current:
		l.wrong(at, field, "bad-order", "%s names %s, which does not end before this step", field, *name).Help =
			"elapsed measures steps that ran before; those under during are measured by elapsed: {}"
		return 0, false
	}
	*name = id
	return i, true
}
