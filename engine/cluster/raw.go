package cluster

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Raw reads any path of the server within the usual retry budget: /metrics, or
// /api/v1/namespaces/x/services/prometheus:9090/proxy/api/v1/query. The path is
// escaped as in a URL. It returns the body and the head of the answer.
func (c *Client) Raw(ctx context.Context, path string, query url.Values) ([]byte, http.Header, error) {
	a, err := c.do(ctx, call{
		verb: "get", method: http.MethodGet, path: path, query: query,
		accept: "application/json, */*", what: "read " + path,
	})
	var missing *NotFound
	if errors.As(err, &missing) {
		// Not of a kind, as it is elsewhere: of an address.
		err = &NotFound{What: missing.What, Message: "there is nothing at this address (404)"}
	}
	return a.body, a.header, err
}

// RoundTripper sends requests with the cluster's credentials, so that a client
// library can talk to a service through the API server's proxy, at an address
// below Server. It does not retry. Each request counts as "proxy" in the account.
func (c *Client) RoundTripper() http.RoundTripper {
	return proxied{client: c, next: c.requests.Transport}
}

// Server is the address of the API server, without a slash at its end.
func (c *Client) Server() *url.URL {
	address := *c.base
	address.Path = strings.TrimRight(address.Path, "/")
	return &address
}

type proxied struct {
	client *Client
	next   http.RoundTripper
}

func (p proxied) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.client.as != "" {
		r = r.Clone(r.Context()) // it is the caller's
		p.client.impersonate(r)
	}
	p.client.ledger.request("proxy")
	sent := time.Now()
	resp, err := p.next.RoundTrip(r)
	p.client.audit(r.Context(), call{verb: "proxy", method: r.Method, path: r.URL.EscapedPath(), query: r.URL.Query()}, sent, resp, err)
	return resp, err
}
