package step

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/probe"
	"github.com/realspec/realspec/engine/spec"
)

// asked is what an http step and an http measure have in common.
type asked struct {
	url     spec.Text
	method  string
	headers map[string]spec.Text
	body    spec.Text
	json    spec.Object
	from    string
	as      map[string]string
	tls     *spec.TLS
	timeout spec.Duration
}

// calling is a request with everything filled in.
type calling struct {
	request probe.Request
	from    string // spec.FromCluster or spec.FromHere
	url     string // as it was written
}

// String is the method and the address, without the password that may be in it.
func (c calling) String() string {
	shown := c.url
	if u, err := url.Parse(c.url); err == nil {
		shown = u.Redacted()
	}
	return c.request.Method + " " + shown
}

// calling fills in what is sent.
func (w *World) calling(ctx context.Context, s *plan.Step, a asked) (calling, error) {
	var c calling
	var err error
	if c.url, err = w.text(ctx, s.Text(a.url)); err != nil {
		return c, err
	}
	c.from = spec.FromOf(c.url, a.from)
	r := &c.request
	*r = probe.Request{URL: c.url, Method: a.method, Timeout: a.timeout.Or(plan.RequestTimeout), Headers: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(a.headers)) {
		if r.Headers[name], err = w.text(ctx, s.Text(a.headers[name])); err != nil {
			return c, err
		}
	}
	if err := w.requestBody(ctx, s, a, r); err != nil {
		return c, err
	}
	if r.Method = cmp.Or(r.Method, http.MethodGet); a.method == "" && len(r.Body) > 0 {
		r.Method = http.MethodPost
	}
	if a.tls != nil {
		ca, err := w.text(ctx, s.Text(a.tls.CA))
		if err != nil {
			return c, err
		}
		if r.ServerName, err = w.text(ctx, s.Text(a.tls.ServerName)); err != nil {
			return c, err
		}
		r.CA, r.Insecure = []byte(ca), a.tls.Insecure
	}
	if c.from == spec.FromCluster && len(a.as) == 0 {
		atHome(r, w.Namespace)
	}
	return c, nil
}

func (w *World) requestBody(ctx context.Context, s *plan.Step, a asked, r *probe.Request) error {
	if !a.json.IsSet() {
		body, err := w.text(ctx, s.Text(a.body))
		r.Body = []byte(body)
		return err
	}
	fields, err := s.Object(a.json).Eval(ctx, w.known())
	if err != nil {
		return err
	}
	if r.Body, err = json.Marshal(fields); err != nil {
		return fmt.Errorf("the json of the request cannot be written: %w", err)
	}
	if !hasHeader(r.Headers, "content-type") {
		r.Headers["Content-Type"] = "application/json"
	}
	return nil
}

func hasHeader(headers map[string]string, name string) bool {
	for key := range headers {
		if strings.EqualFold(key, name) {
			return true
		}
	}
	return false
}

// atHome makes a Service that is called by its name that of the scenario's
// namespace, as it is for the scenario's own pods: agents without labels stand in
// another one. The server sees the name as it was written.
func atHome(r *probe.Request, namespace string) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return // sending it says why
	}
	name := u.Hostname()
	if _, err := netip.ParseAddr(name); err == nil || name == "" || name == "localhost" || strings.Contains(name, ".") {
		return
	}
	if !hasHeader(r.Headers, "host") {
		r.Headers["Host"] = u.Host
	}
	r.ServerName = cmp.Or(r.ServerName, name)
	full := name + "." + namespace + ".svc"
	if port := u.Port(); port != "" {
		full = net.JoinHostPort(full, port)
	}
	u.Host = full
	r.URL = u.String()
}
