package load

import (
	"fmt"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// checkJudged looks at what a step, and those under `during`, say of measures:
// its thresholds, which may be about measures of earlier steps too, and its
// baseline.
func (l *loader) checkJudged(earlier []*spec.Step, s *spec.Step) {
	var known []*spec.Measure
	for _, e := range append(slices.Clone(earlier), s) {
		for i := range e.Measure {
			known = append(known, &e.Measure[i])
		}
	}
	own := known[len(known)-len(s.Measure):]
	l.checkThresholds(s, own, known)
	for i := range s.During {
		l.checkThresholds(&s.During[i], nil, known[:len(known)-len(own)])
	}
	if s.Baseline != nil {
		l.checkBaseline(s.Baseline, s, own)
	}
}

// checkThresholds looks at the thresholds of a step, and writes out those that
// are official objectives.
func (l *loader) checkThresholds(s *spec.Step, own, known []*spec.Measure) {
	taken := map[spec.Pos]bool{}
	for i := range s.Thresholds {
		t := &s.Thresholds[i]
		if !t.At.IsValid() {
			continue
		}
		l.exactlyOne(t.At, "threshold", []string{"cel", "slo"})
		l.checkText(t.At, "cel", t.CEL.Text)
		l.checkText(t.At, "of", t.Of)
		if l.has(t.At, "of") && !l.has(t.At, "slo") {
			l.wrongKey(t.At, "of", "missing-field", "of goes with slo, and there is no slo in this threshold").Help =
				"a cel names its measures itself"
		}
		if o, ok := objective(t.SLO); ok && !l.has(t.At, "cel") && (l.has(s.At, "measure") || l.has(s.At, "load")) {
			if l.expandObjective(t, o, own, known) {
				placeObjective(t, taken)
			}
		}
	}
}

// objective is the official objective of that name.
func objective(name string) (spec.SLO, bool) {
	i := slices.IndexFunc(spec.SLOs, func(o spec.SLO) bool { return o.Name == name })
	if i < 0 {
		return spec.SLO{}, false
	}
	return spec.SLOs[i], true
}

// expandObjective gives a threshold the expression of its objective. It is false
// where there is no measure that the objective could be about.
func (l *loader) expandObjective(t *spec.Threshold, o spec.SLO, own, known []*spec.Measure) bool {
	name, ok := "", false
	if l.has(t.At, "of") {
		name, ok = l.namedMeasure(t, o, known)
	} else {
		name, ok = l.onlyMeasure(t, o, own, known)
	}
	if !ok {
		return false
	}
	pos, _ := l.valueOf(t.At, "slo")
	t.CEL.Source = spec.Source{Text: strings.ReplaceAll(o.CEL, "NAME", name), At: pos}
	if t.Message.Text == "" {
		t.Message.Source = spec.Source{Text: o.What, At: pos}
	}
	return true
}

// namedMeasure is the measure that `of` names.
func (l *loader) namedMeasure(t *spec.Threshold, o spec.SLO, known []*spec.Measure) (string, bool) {
	if strings.TrimSpace(t.Of) == "" {
		return "", false
	}
	i := slices.IndexFunc(known, func(m *spec.Measure) bool { return m.Name == t.Of })
	switch {
	case i < 0 && l.partial:
	case i < 0:
		l.wrong(t.At, "of", "unknown-measure", "of names no measure of this or an earlier step: %q", shorten(t.Of)).Help =
			diag.DidYouMean(t.Of, namesOf(known, o.Kind))
	case known[i].Kind() == o.Kind:
		return t.Of, true
	case known[i].Kind() != "":
		l.wrong(t.At, "of", "wrong-measure", "%s is about a measure of %s, and %s is one of %s",
			o.Name, o.Kind, t.Of, known[i].Kind())
	}
	return "", false
}

// onlyMeasure is the one measure of a step that an objective can be about.
func (l *loader) onlyMeasure(t *spec.Threshold, o spec.SLO, own, known []*spec.Measure) (string, bool) {
	fit := namesOf(own, o.Kind)
	unclear := slices.ContainsFunc(own, func(m *spec.Measure) bool { return m.Kind() == "" || m.Name == "" })
	switch {
	case len(fit) == 1:
		return fit[0], true
	case unclear: // what is wrong with it has been said
	case len(fit) == 0:
		l.wrong(t.At, "slo", "missing-measure", "%s is about a measure of %s, and this step has none", o.Name, o.Kind).Help =
			missingMeasureHelp(o.Kind, own, known)
	default:
		l.wrong(t.At, "slo", "many-measures", "%s can be about %s", o.Name, strings.Join(fit, " or ")).Help = "of: " + fit[0]
	}
	return "", false
}

func missingMeasureHelp(kind string, own, known []*spec.Measure) string {
	if names := namesOf(known, kind); len(names) > 0 {
		return "of names one of an earlier step: " + strings.Join(names, ", ")
	}
	example := fmt.Sprintf("{name: %s, %s: {}}", map[string]string{"pods": "startup", "apiserver": "server", "network": "net", "usage": "used"}[kind], kind)
	if len(own) == 0 {
		return "a step with measure has it: measure: [" + example + "]"
	}
	return "add " + example + " to measure"
}

// namesOf are the names of the measures of one kind, or of all when it is empty.
func namesOf(measures []*spec.Measure, kind string) []string {
	var names []string
	for _, m := range measures {
		if (kind == "" || m.Kind() == kind) && m.Name != "" {
			names = append(names, m.Name)
		}
	}
	return names
}

// placeObjective keeps the expressions of one step at places of their own, also
// where an alias or << gives two thresholds the same slo.
func placeObjective(t *spec.Threshold, taken map[spec.Pos]bool) {
	if taken[t.CEL.At] {
		t.CEL.At = t.At
	}
	taken[t.CEL.At] = true
}
