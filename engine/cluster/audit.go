package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Write is one request that may have changed the cluster. What was written is
// not in it: bodies hold secrets.
type Write struct {
	// Time is when it was sent.
	Time time.Time `json:"time"`
	// Scenario and Step are what it was for, as Within said; the step is cleanup
	// when the scenario was cleaned up.
	Scenario string `json:"scenario,omitempty"`
	Step     string `json:"step,omitempty"`
	// Verb is create, apply, patch, delete, evict, exec or proxy.
	Verb string `json:"verb"`
	// Resource is the plural with its group, and the subresource.
	// Example: deployments.apps/scale.
	Resource  string `json:"resource,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// Name is empty, or the prefix followed by *, where the server chooses it.
	Name string `json:"name,omitempty"`
	// As is the user that was impersonated for this request alone.
	As string `json:"as,omitempty"`
	// Code is the HTTP status; 0 when there was no answer.
	Code int `json:"code"`
	// Error is why there was no answer, in plain words.
	Error string `json:"error,omitempty"`
}

// Within marks what a context's requests are for, in the audit log.
func Within(ctx context.Context, scenario, step string) context.Context {
	return context.WithValue(ctx, originKey{}, origin{scenario, step})
}

type originKey struct{}

type origin struct{ scenario, step string }

// AuditLog writes one line of JSON for every write, as it happens. It is safe for
// concurrent use.
type AuditLog struct {
	mu  sync.Mutex
	out io.Writer
	err error
}

// NewAuditLog is an audit log into out.
func NewAuditLog(out io.Writer) *AuditLog { return &AuditLog{out: out} }

// Add writes one line; it fits Options.OnWrite.
func (l *AuditLog) Add(w Write) {
	line, err := json.Marshal(w)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		_, err = l.out.Write(append(line, '\n'))
	}
	l.err = cmp.Or(l.err, err)
}

// Err is the first error of writing: a log with a hole is no audit log.
func (l *AuditLog) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// audit tells of a request that was sent. Every attempt is one: an attempt that
// got no answer may have been carried out.
func (c *Client) audit(ctx context.Context, q call, sent time.Time, resp *http.Response, err error) {
	if c.opts.OnWrite == nil || !writes(q) {
		return
	}
	w := Write{Time: sent, Verb: q.verb, As: c.as}
	from, _ := ctx.Value(originKey{}).(origin)
	w.Scenario, w.Step = from.scenario, from.step
	// What a library sends has the server's own path in front, a gateway's say.
	w.Resource, w.Namespace, w.Name = target(strings.TrimPrefix(q.path, c.Server().EscapedPath()))
	if w.Name == "" {
		w.Name = nameIn(q.body)
	}
	if err != nil {
		w.Error = plainNet(err)
	} else {
		w.Code = resp.StatusCode
	}
	c.opts.OnWrite(w)
}

// writes tells whether a request can change anything. A dry run does not, nor
// does asking what one may do, which is a POST.
func writes(q call) bool {
	switch q.method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return q.query.Get("dryRun") == "" &&
		!strings.HasPrefix(q.path, "/apis/authorization.k8s.io/") && !strings.HasPrefix(q.path, "/apis/authentication.k8s.io/")
}

// target reads a path of the API:
//
//	/api/v1/namespaces/shop/pods/web-1/eviction
//	/apis/apps/v1/namespaces/shop/deployments/web
func target(path string) (resource, namespace, name string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			parts[i] = plain
		}
	}
	group := ""
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		group, parts = "."+parts[1], parts[3:]
	default:
		return path, "", ""
	}
	if parts[0] == "namespaces" && len(parts) > 2 && parts[2] != "finalize" && parts[2] != "status" {
		namespace, parts = parts[1], parts[2:]
	}
	resource = parts[0] + group
	if len(parts) > 1 {
		name = parts[1]
	}
	if len(parts) > 2 {
		resource += "/" + parts[2]
	}
	return resource, namespace, name
}

// nameIn is the name of an object that is created: its address has none.
func nameIn(body []byte) string {
	var o struct {
		Metadata struct {
			Name         string `json:"name"`
			GenerateName string `json:"generateName"`
		} `json:"metadata"`
	}
	switch err := json.Unmarshal(body, &o); {
	case err != nil:
		return ""
	case o.Metadata.Name == "" && o.Metadata.GenerateName != "":
		return o.Metadata.GenerateName + "*"
	}
	return o.Metadata.Name
}
