package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/spec"
)

// checks judge answers. Without any, the status must be from 200 to 299.
type checks struct {
	programs  []*expr.Program
	vars, env any
	needs     needs
}

// needs are the parts of an answer that somebody looks at; the others are not made.
type needs struct{ headers, body, json bool }

func newChecks(job HTTPJob) (*checks, error) {
	c := &checks{vars: map[string]any(job.Vars), env: job.Env}
	keep := job.Request.Keep
	c.needs = needs{headers: keep, body: keep, json: keep}
	if len(job.Checks) == 0 {
		return c, nil
	}
	scope := expr.Scope{Vars: job.Vars, Env: slices.Collect(maps.Keys(job.Env)), Response: true}
	env, err := expr.New(scope)
	if err != nil {
		return nil, err
	}
	for _, text := range job.Checks {
		p, found := env.Compile(spec.Expr{Source: spec.Source{Text: text}}, expr.Bool)
		if p == nil {
			return nil, fmt.Errorf("the check %q cannot be used: %s", text, found[0].Message)
		}
		c.programs = append(c.programs, p)
		c.needs.add(text)
	}
	return c, nil
}

// add looks for the names of fields in a check: too often rather than never. A
// check that hands on the whole response is one that names none.
func (n *needs) add(check string) {
	whole := strings.Count(check, "response") > strings.Count(check, "response.")
	n.json = n.json || whole || strings.Contains(check, "json")
	n.headers = n.headers || whole || strings.Contains(check, "headers")
	n.body = n.body || n.json || strings.Contains(check, "body")
}

// judge tells why a request has failed, if it has. A request without an answer has
// failed, unless there are checks and they want just that.
func (c *checks) judge(ctx context.Context, a *answer) error {
	if len(c.programs) == 0 {
		switch status := a.response.Status; {
		case a.err != nil:
			return a.err
		case status < 200 || status > 299:
			return failure(fmt.Sprintf("status %d", status))
		}
		return nil
	}
	values := expr.Values{"vars": c.vars, "env": c.env, "response": &a.response}
	for _, p := range c.programs {
		holds, err := p.Bool(context.WithoutCancel(ctx), values)
		switch {
		case holds:
		case a.err != nil:
			return a.err
		case err != nil:
			return failure(short(fmt.Sprintf("check %q cannot be evaluated: %s", p.Source(), err)))
		default:
			return failure(fmt.Sprintf("check %q does not hold", p.Source()))
		}
	}
	return nil
}

// short cuts a text that may quote a whole body: it is the name of a kind.
func short(text string) string {
	const most = 300
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + " …"
	}
	return text
}

// parseJSON is nil when the text is not JSON. Whole numbers are int64, as in YAML.
func parseJSON(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	if _, err := d.Token(); err != io.EOF {
		return nil // more than one value, or a bracket too many, for which More is false
	}
	return plain(v)
}

func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = plain(v[key])
		}
	}
	return v
}

// UnmarshalJSON reads a report from the wire. The answer's JSON is read from its
// body again, so that whole numbers are whole on this side as well.
func (r *HTTPReport) UnmarshalJSON(data []byte) error {
	type wire HTTPReport
	if err := json.Unmarshal(data, (*wire)(r)); err != nil || !r.whole() {
		return errors.New("the agent's report cannot be read: realspec and its agent may be of different versions")
	}
	if r.Answer != nil {
		r.Answer.JSON = parseJSON(r.Answer.Body)
	}
	return nil
}

// whole tells that every sample has all its parts, and its second.
func (r *HTTPReport) whole() bool {
	end := time.Duration(len(r.Seconds)) * time.Second
	return len(r.Service) == len(r.Latency) && len(r.At) == len(r.Latency) &&
		!slices.ContainsFunc(r.At, func(at time.Duration) bool { return at < 0 || at >= end })
}
