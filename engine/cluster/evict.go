package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BudgetRefused means that a PodDisruptionBudget does not allow an eviction now.
type BudgetRefused struct {
	Pod     string // Example: shop/web-1
	Message string // the server's, with the budget's name and numbers
	After   time.Duration
}

// Error names the pod and what the server says of its budget.
func (e *BudgetRefused) Error() string {
	return fmt.Sprintf("Pod/%s is not evicted: %s", e.Pod, e.Message)
}

// Evict asks for the end of a pod, as a drain does: its disruption budgets are
// kept. grace is how many seconds its containers get; nil is the pod's own.
// A *BudgetRefused is not tried again: whether to wait is the caller's to say. A
// pod that is not there is a *NotFound.
func (c *Client) Evict(ctx context.Context, namespace, pod string, grace *int64) error {
	eviction := policyv1.Eviction{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "Eviction"},
		ObjectMeta: metav1.ObjectMeta{Name: pod, Namespace: namespace},
	}
	if grace != nil {
		eviction.DeleteOptions = &metav1.DeleteOptions{GracePeriodSeconds: grace}
	}
	body, err := json.Marshal(eviction)
	if err != nil {
		return err
	}
	q := call{
		verb: "evict", method: http.MethodPost, path: path(Pods, namespace, pod, "eviction"),
		body: body, what: "evict " + title(Pods, namespace, pod),
	}
	start := time.Now()
	end := start.Add(c.opts.RetryBudget)
	for n := 1; ; n++ {
		refused, f := c.evict(ctx, q, min(c.opts.RequestTimeout, time.Until(end)))
		if refused != nil {
			refused.Pod = namespace + "/" + pod
			return refused
		}
		if f == nil {
			return nil
		}
		if ctx.Err() != nil {
			return c.stopped(ctx, q, f, n, start)
		}
		if f.final != nil {
			return f.final
		}
		pause := max(f.after, backoff(n))
		if f.reason == "" || time.Until(end) <= pause {
			return c.unavailable(q, f, n, start)
		}
		c.ledger.retry(f.reason)
		if !sleep(ctx, pause) {
			return c.stopped(ctx, q, f, n, start)
		}
	}
}

// evict asks once. A 429 is the budget's when its cause says so; without a cause
// the server is busy.
func (c *Client) evict(ctx context.Context, q call, timeout time.Duration) (*BudgetRefused, *fault) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	resp, err := c.open(ctx, c.requests, q)
	if err != nil {
		return nil, faultOf(q, err, timeout)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, faultOf(q, err, timeout)
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return nil, nil
	}
	status := statusOf(resp, body)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests && budgetWords(status) != "":
		return &BudgetRefused{Message: budgetWords(status), After: retryAfter(resp, status)}, nil
	case resp.StatusCode == http.StatusInternalServerError && strings.Contains(status.Message, "PodDisruptionBudget"):
		// Several budgets select the pod: the server will say so for ever.
		return nil, &fault{final: refusal(q, status), why: status.Message}
	}
	return nil, faultIn(q, resp, body)
}

// budgetWords are what the server says of the budget; "" when the budget is not
// the cause.
func budgetWords(status metav1.Status) string {
	if status.Details == nil {
		return ""
	}
	for _, cause := range status.Details.Causes {
		if cause.Type == policyv1.DisruptionBudgetCause {
			return strings.TrimSuffix(status.Message, ".") + ": " + cause.Message
		}
	}
	return ""
}
