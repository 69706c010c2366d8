package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/spec"
)

// RequestTimeout is how long an answer may take where nothing is written.
const RequestTimeout = 10 * time.Second

// call compiles the steps that ask something and check the answer, and disrupt.
func (c *compiler) call(s *spec.Step) {
	switch {
	case s.HTTP != nil:
		h := s.HTTP
		c.request(h.URL, h.Headers, h.Body, h.JSON, h.TLS)
		h.RequestTimeout.Value = c.duration(h.RequestTimeout, RequestTimeout)
		c.rules(c.response(), h.Checks)
		c.output(h.Output, expr.OutputResponse)
	case s.Exec != nil:
		e := s.Exec
		c.selector(&e.On)
		c.texts(append([]spec.Text{e.Container, e.Stdin}, e.Command...))
		c.rules(c.result(), e.Checks)
		c.output(e.Output, expr.OutputResult)
	case s.Run != nil:
		r := s.Run
		c.texts(append([]spec.Text{r.Stdin}, r.Command...))
		c.textsOf(r.Env)
		c.rules(c.result(), r.Checks)
		c.output(r.Output, expr.OutputResult)
	case s.Logs != nil:
		l := s.Logs
		c.selector(&l.On)
		c.text(l.Container)
		l.Since.Value = c.duration(l.Since, 0)
		c.rules(c.env("logs", func(s *expr.Scope) { s.Logs = true }), l.Checks)
		c.output(l.Output, expr.OutputLogs)
	case s.Disrupt != nil:
		d := s.Disrupt
		c.selector(&d.On)
		d.Delay.Value = c.duration(d.Delay, 0)
		if d.GracePeriod != nil {
			d.GracePeriod.Value = c.duration(*d.GracePeriod, 0)
		}
	}
}

// request compiles what http steps and http measures send.
func (c *compiler) request(url spec.Text, headers map[string]spec.Text, body spec.Text, json spec.Object, tls *spec.TLS) {
	c.texts([]spec.Text{url, body})
	c.textsOf(headers)
	c.freeForm(json)
	if tls != nil {
		c.texts([]spec.Text{tls.CA, tls.ServerName})
	}
}

func (c *compiler) rules(env *expr.Env, rules []spec.Rule) {
	for _, r := range rules {
		c.program(env, r.CEL, expr.Bool)
		c.text(r.Message)
	}
}

func (c *compiler) texts(texts []spec.Text) {
	for _, t := range texts {
		c.text(t)
	}
}

func (c *compiler) textsOf(texts map[string]spec.Text) {
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		c.text(texts[name])
	}
}

func (c *compiler) response() *expr.Env {
	return c.env("response", func(s *expr.Scope) { s.Response = true })
}

// answered is for checks of every answer under load: they are evaluated where the
// requests are sent, which knows nothing of the cluster and of earlier steps.
func (c *compiler) answered() *expr.Env {
	env, err := expr.New(expr.Scope{Vars: c.scenario.Vars, Env: c.scenario.Spec.Spec.Env, Response: true})
	if err != nil {
		c.diags.Add(c.scenario.Spec.At, "expression", "%v", err)
	}
	return env
}

func (c *compiler) result() *expr.Env {
	return c.env("result", func(s *expr.Scope) { s.Result = true })
}

// output makes the name of an output known to what comes later.
func (c *compiler) output(name string, kind expr.OutputKind) {
	if name == "" {
		return
	}
	c.outputs = maps.Clone(c.outputs)
	if c.outputs == nil {
		c.outputs = map[string]expr.OutputKind{}
	}
	c.outputs[name] = kind
	c.envs = nil // they do not know it
}

// probes compiles the measures that send traffic, run commands or ask kubelets.
func (c *compiler) probes(m *spec.Measure) expr.MeasureKind {
	switch {
	case m.HTTP != nil:
		h := m.HTTP
		c.request(h.URL, h.Headers, h.Body, h.JSON, h.TLS)
		h.For.Value = c.duration(h.For, 0)
		h.RequestTimeout.Value = c.duration(h.RequestTimeout, RequestTimeout)
		c.rules(c.answered(), h.Checks)
		return expr.MeasureRequests
	case m.Network != nil:
		n := m.Network
		c.text(n.Nodes)
		if n.Transaction == "throughput" {
			n.For.Value = c.duration(n.For, ThroughputTime)
			return expr.MeasureValues
		}
		n.For.Value = c.duration(n.For, NetworkTime)
		return expr.MeasureNetwork
	case m.Usage != nil:
		c.texts([]spec.Text{m.Usage.Selector, m.Usage.Namespace})
		m.Usage.For.Value = c.duration(m.Usage.For, 0)
		m.Usage.Every.Value = c.duration(m.Usage.Every, UsageEvery)
		return expr.MeasureUsage
	}
	e := m.Exec
	c.selector(&e.On)
	c.texts(append([]spec.Text{e.Container}, e.Command...))
	c.program(c.result(), e.Value, expr.Number)
	return expr.MeasureExec
}

// The times of measures where nothing is written.
const (
	NetworkTime    = time.Minute
	ThroughputTime = 10 * time.Second // of each pair
	UsageEvery     = 10 * time.Second
)

// dependencies are the times of an apply step's dependencies, all together.
func (c *compiler) dependencies(a *spec.Apply) time.Duration {
	var sum time.Duration
	for i := range a.Dependencies {
		d := &a.Dependencies[i]
		d.Timeout.Value = c.duration(d.Timeout, DependencyTimeout)
		sum += d.Timeout.Value
	}
	return sum
}
