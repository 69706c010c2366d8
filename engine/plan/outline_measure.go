package plan

import (
	"fmt"
	"strings"

	"github.com/realspec/realspec/engine/spec"
)

func (o *outliner) load(s *Step) string {
	l := s.Load
	out := l.Measure() + ": " + o.manifest(s, l.Object).Kind
	if l.Count > 0 {
		out = fmt.Sprintf("%s: %d x %s", l.Measure(), l.Count, o.manifest(s, l.Object).Kind)
	}
	out += pace(l.Rate, l.For)
	if l.Ramp.Value > 0 {
		out += fmt.Sprintf(", rising for %s", l.Ramp.Value)
	}
	for _, stage := range l.Stages {
		out += fmt.Sprintf(", %g a second for %s", stage.Rate, stage.For.Value)
	}
	if l.Hold.Value > 0 {
		out += fmt.Sprintf(", held for %s", l.Hold.Value)
	}
	if l.Churn > 0 {
		out += fmt.Sprintf(", of which %g a second are replaced", l.Churn)
	}
	return out
}

func pace(rate float64, during spec.Duration) string {
	var out string
	if rate > 0 {
		out = fmt.Sprintf(" at %g a second", rate)
	}
	if during.Value > 0 {
		out += fmt.Sprintf(" for %s", during.Value)
	}
	return out
}

func (o *outliner) measure(s *Step, m *spec.Measure) string {
	out := m.Name + ": " + m.Kind()
	switch {
	case m.Pods != nil:
		out += " " + o.podsOf(s, m.Pods)
	case m.Elapsed != nil && m.Elapsed.From != "":
		out += fmt.Sprintf(" from %s to %s", m.Elapsed.From, m.Elapsed.To)
	case m.Elapsed != nil:
		out += " of the steps below"
	case m.Objects != nil:
		out += fmt.Sprintf(" %s until %s", o.selector(s, &m.Objects.On), oneLine(m.Objects.End.Text))
	case m.API != nil && m.API.On != nil:
		out += fmt.Sprintf(" %s %s%s", m.API.Verb, o.selector(s, m.API.On), pace(m.API.Rate, m.API.For))
	case m.API != nil:
		out += fmt.Sprintf(" %s %s%s", m.API.Verb, o.manifest(s, m.API.Object).Kind, pace(m.API.Rate, m.API.For))
	case m.APIServer != nil:
		out += " " + strings.Join(m.APIServer.Resources, ", ")
	case m.Prometheus != nil:
		out += fmt.Sprintf(" %s at %s", oneLine(o.text(s, m.Prometheus.Query)), o.text(s, m.Prometheus.URL))
	default:
		out += o.probes(s, m)
	}
	return strings.TrimRight(out, " ")
}

func (o *outliner) podsOf(s *Step, p *spec.PodsMeasure) string {
	out := "with " + o.text(s, p.Selector)
	if p.Selector.Text == "" {
		out = "of the namespace"
	}
	if ns := o.text(s, p.Namespace); ns != "" {
		out += " in " + ns
	}
	if p.Expect > 0 {
		out += fmt.Sprintf(", at least %d", p.Expect)
	}
	return out
}
