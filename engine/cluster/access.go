package cluster

import (
	"context"
	"encoding/json"
	"net/http"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Access is something that one may be allowed to do.
type Access struct {
	Verb        string `json:"verb"`
	Group       string `json:"group,omitempty"`
	Resource    string `json:"resource,omitempty"` // in the plural
	Subresource string `json:"subresource,omitempty"`
	// Namespace is empty for what has none, and for all namespaces.
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	// Path is an address that belongs to no resource. Example: /metrics.
	Path string `json:"path,omitempty"`
}

// Answer is whether one is allowed to do something.
type Answer struct {
	Access
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason,omitempty"` // the authorizer's, where it gives one
}

// MayI asks the API server for each of the accesses whether it is allowed, in
// their order: SelfSubjectAccessReviews, which store nothing. The namespace need
// not be there. The error means that the server could not be asked.
func (c *Client) MayI(ctx context.Context, all []Access) ([]Answer, error) {
	answers, errs := make([]Answer, len(all)), make([]error, len(all))
	forEach(len(all), func(i int) { answers[i], errs[i] = c.mayI(ctx, all[i]) })
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}

func (c *Client) mayI(ctx context.Context, a Access) (Answer, error) {
	review := authorizationv1.SelfSubjectAccessReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"},
	}
	if a.Path != "" {
		review.Spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Path: a.Path, Verb: a.Verb}
	} else {
		review.Spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Verb: a.Verb, Group: a.Group, Resource: a.Resource, Subresource: a.Subresource,
			Namespace: a.Namespace, Name: a.Name,
		}
	}
	body, err := json.Marshal(review)
	if err != nil {
		return Answer{}, err
	}
	what := "ask whether " + a.Verb + " is allowed"
	got, err := c.do(ctx, call{
		verb: "other", method: http.MethodPost, what: what, body: body,
		path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
	})
	if err != nil {
		return Answer{}, err
	}
	if err := json.Unmarshal(got.body, &review); err != nil {
		return Answer{}, c.garbled(what, err)
	}
	return Answer{Access: a, Allowed: review.Status.Allowed, Reason: review.Status.Reason}, nil
}
