package cluster

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// call is one operation on the API server.
type call struct {
	verb    string // as the account counts it
	method  string
	path    string // escaped
	query   url.Values
	body    []byte
	content string // the body's type; empty is JSON
	accept  string // the answer's type; empty is JSON
	what    string // for people. Example: apply ConfigMap shop/web

	// unsafe marks what must not happen twice: it is not tried again when the
	// first attempt may have been carried out (a JSON patch that appends, say).
	unsafe bool
	// conflicts marks where a 409 passes by itself.
	conflicts bool
	// eager marks where a refused connection is an answer.
	eager bool
}

// answer is a server's answer that is not an error.
type answer struct {
	body   []byte
	header http.Header
	sent   time.Time // when the attempt that was answered began
	at     time.Time // when the body had arrived
	// unsure: an earlier attempt got no answer and may have been carried out, so
	// that "already exists" and "not found" can be our own doing.
	unsure bool
}

const (
	firstPause = 50 * time.Millisecond
	longPause  = 5 * time.Second
)

// do carries out an operation within the retry budget.
func (c *Client) do(ctx context.Context, q call) (answer, error) {
	return c.send(ctx, q, c.opts.RetryBudget)
}

// send tries until there is an answer, a fault that does not pass, or the budget
// is used up; with no budget it tries once. Its errors are *Refused, *NotFound, *Unavailable, or the context's
// cancellation.
func (c *Client) send(ctx context.Context, q call, budget time.Duration) (answer, error) {
	start := time.Now()
	end := start.Add(budget)
	unsure := false
	for n := 1; ; n++ {
		timeout := c.opts.RequestTimeout
		if budget > 0 {
			timeout = min(timeout, time.Until(end))
		}
		a, f := c.attempt(ctx, q, timeout)
		if f == nil {
			a.unsure = unsure
			return a, nil
		}
		unsure = unsure || f.maybe
		if ctx.Err() != nil {
			return answer{unsure: unsure}, c.stopped(ctx, q, f, n, start)
		}
		if f.final != nil {
			return answer{unsure: unsure}, f.final
		}
		pause := max(f.after, backoff(n))
		if q.unsafe && f.maybe || f.reason == "" || time.Until(end) <= pause {
			return answer{unsure: unsure}, c.unavailable(q, f, n, start)
		}
		c.ledger.retry(f.reason)
		if !sleep(ctx, pause) {
			return answer{unsure: unsure}, c.stopped(ctx, q, f, n, start)
		}
	}
}

// attempt sends one request and reads the whole answer.
func (c *Client) attempt(ctx context.Context, q call, timeout time.Duration) (answer, *fault) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	sent := time.Now()
	resp, err := c.open(ctx, c.requests, q)
	if err != nil {
		return answer{}, faultOf(q, err, timeout)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	at := time.Now()
	if err != nil {
		return answer{}, faultOf(q, err, timeout)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return answer{}, faultIn(q, resp, body)
	}
	return answer{body: body, header: resp.Header, sent: sent, at: at}, nil
}

// open sends the request and returns when the answer's head is in.
func (c *Client) open(ctx context.Context, client *http.Client, q call) (*http.Response, error) {
	address := strings.TrimSuffix(c.base.String(), "/") + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, q.method, address, bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", cmp.Or(q.accept, "application/json"))
	if len(q.body) > 0 {
		req.Header.Set("Content-Type", cmp.Or(q.content, "application/json"))
	}
	c.impersonate(req)
	c.ledger.request(q.verb)
	sent := time.Now()
	resp, err := client.Do(req)
	c.audit(ctx, q, sent, resp, err)
	return resp, err
}

// unavailable is the end of an operation that got no usable answer.
func (c *Client) unavailable(q call, f *fault, attempts int, start time.Time) error {
	if f.lastly != nil {
		return f.lastly
	}
	return &Unavailable{
		What: q.what, Server: c.info.Server, Attempts: attempts,
		Elapsed: time.Since(start), Why: f.why, Err: f.err, after: f.after,
	}
}

// stopped is the end of an operation by its context. A deadline says that the
// server did not answer in time; a cancellation says nothing about the server.
func (c *Client) stopped(ctx context.Context, q call, f *fault, attempts int, start time.Time) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("%s: stopped: %w", q.what, context.Cause(ctx))
	}
	why := f.why
	if attempts == 1 && errors.Is(f.err, context.DeadlineExceeded) {
		why = "no answer within " + time.Since(start).Round(10*time.Millisecond).String()
	}
	return &Unavailable{
		What: q.what, Server: c.info.Server, Attempts: attempts,
		Elapsed: time.Since(start), Why: why, Err: errors.Join(ctx.Err(), f.err),
	}
}

// backoff is the pause after the n-th attempt: it doubles from 50 ms to 5 s, half
// of it by chance, so that many clients do not come back at the same moment.
func backoff(n int) time.Duration {
	pause := longPause
	if n < 8 {
		pause = min(firstPause<<(n-1), longPause)
	}
	return pause/2 + rand.N(pause/2+1)
}

// sleep pauses; it is false when the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
