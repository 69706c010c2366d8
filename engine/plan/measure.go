package plan

import (
	"maps"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/spec"
)

// measure compiles the measures of a step, then its thresholds, which may use
// the measures of earlier steps too.
func (c *compiler) measure(s *spec.Step) {
	for i := range s.Measure {
		m := &s.Measure[i]
		c.measured(m.At, m.Name, c.measureKind(m, s))
	}
	if b := s.Baseline; b != nil {
		b.Floor.Value = c.duration(b.Floor, 0)
		b.Limit.Value = c.duration(b.Limit, 0)
	}
	c.thresholds(s)
}

func (c *compiler) measured(at spec.Pos, name string, kind expr.MeasureKind) {
	if err := expr.CheckName(name); err != nil {
		c.diags.Add(at, "bad-name", "%v", err).Help = "give the measure another name"
		return
	}
	if c.measures == nil {
		c.measures = map[string]expr.MeasureKind{}
	}
	c.measures[name] = kind
}

// measureKind compiles one measure and tells what its name stands for.
func (c *compiler) measureKind(m *spec.Measure, s *spec.Step) expr.MeasureKind {
	switch {
	case m.Pods != nil:
		c.text(m.Pods.Selector)
		c.text(m.Pods.Namespace)
		if m.Pods.By != "" {
			return expr.MeasureGrouped
		}
		return expr.MeasurePhases
	case m.Objects != nil:
		c.selector(&m.Objects.On)
		c.program(c.object(), m.Objects.Start, expr.Bool)
		c.program(c.object(), m.Objects.End, expr.Bool)
		return expr.MeasureSeries
	case m.API != nil:
		if m.API.On != nil {
			c.selector(m.API.On)
		}
		c.freeFormIn(c.indexed(), m.API.Object, m.API.Merge)
		m.API.For.Value = c.duration(m.API.For, 0)
		return expr.MeasureDelivery
	case m.APIServer != nil:
		return expr.MeasureServer
	case m.Prometheus != nil:
		c.text(m.Prometheus.URL)
		c.text(m.Prometheus.Query)
		c.text(m.Prometheus.Token)
		m.Prometheus.Step.Value = c.duration(m.Prometheus.Step, 0)
		return expr.MeasureValues
	case m.HTTP != nil, m.Network != nil, m.Usage != nil, m.Exec != nil:
		return c.probes(m)
	case s.Repeat > 1:
		return expr.MeasureSeries // one duration a repetition
	}
	return expr.MeasureDuration
}

// load compiles a load step. Its figures have a name, as measures have.
func (c *compiler) load(s *spec.Step) {
	l := s.Load
	c.freeFormIn(c.indexed(), l.Object)
	l.Ramp.Value = c.duration(l.Ramp, 0)
	l.For.Value = c.duration(l.For, 0)
	l.Hold.Value = c.duration(l.Hold, 0)
	for i := range l.Stages {
		l.Stages[i].For.Value = c.duration(l.Stages[i].For, 0)
	}
	c.measured(l.At, l.Measure(), expr.MeasureDelivery)
	if l.Churn > 0 {
		c.measured(l.At, l.Measure()+spec.ChurnSuffix, expr.MeasureDelivery)
	}
	c.thresholds(s)
}

func (c *compiler) thresholds(s *spec.Step) {
	known := maps.Clone(c.measures)
	env := c.env("measures", func(s *expr.Scope) { s.Measures = known })
	for _, t := range s.Thresholds {
		c.program(env, t.CEL, expr.Bool)
		c.text(t.Message)
	}
}
