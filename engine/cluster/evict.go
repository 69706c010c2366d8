package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	_, err = c.do(ctx, call{
		verb: "evict", method: http.MethodPost, path: path(Pods, namespace, pod, "eviction"),
		body: body, what: "evict " + title(Pods, namespace, pod),
	})
	var refused *BudgetRefused
	if errors.As(err, &refused) {
		refused.Pod = namespace + "/" + pod
	}
	return err
}

// budgetRefusal is the server's no to an eviction when a disruption budget is the
// cause; nil when none is. A 429 is the budget's when its cause says so; without
// a cause the server is busy.
func budgetRefusal(q call, status metav1.Status, after time.Duration) error {
	switch {
	case q.verb != "evict":
	case status.Code == http.StatusTooManyRequests && budgetWords(status) != "":
		return &BudgetRefused{Message: budgetWords(status), After: after}
	case status.Code == http.StatusInternalServerError && strings.Contains(status.Message, "PodDisruptionBudget"):
		return refusal(q, status) // several budgets select the pod: the server will say so for ever
	}
	return nil
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
