package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Rehearsal is what the server says of an object that it does not store.
type Rehearsal struct {
	// Namespace is where it was tried; empty for kinds without one.
	Namespace string
	// Name is the name under which it was tried: another one than the object's
	// where that is taken there.
	Name string
	// Err is the server's no: *Refused, *NotFound or *UnknownKindError. Nil: it
	// would be accepted.
	Err error
}

// Forbidden tells whether the no is about permissions, and not about the object.
func (r Rehearsal) Forbidden() bool { return isForbidden(r.Err) }

// Rehearse asks the server to check an object as apply would (schema, defaults,
// admission, webhooks) without storing it. A dry run needs a namespace that is
// there: in any other the server answers only that it is missing. So an object
// without a namespace of its own, or with one that is not there yet, is tried in
// the one that is given; the quotas, limits and policies that it meets are those
// of that namespace. Where its name is taken there, it is tried under another one:
// the server would judge the change of somebody else's object instead. Outside, a
// name that is taken is refused, as a run refuses it. The error means that the
// server could not be asked.
func (c *Client) Rehearse(ctx context.Context, o *unstructured.Unstructured, namespace string) (Rehearsal, error) {
	r, err := c.resource(ctx, o.GetAPIVersion(), o.GetKind())
	var unknown *UnknownKindError
	var ambiguous *AmbiguousKindError
	if errors.As(err, &unknown) || errors.As(err, &ambiguous) {
		return Rehearsal{Name: o.GetName(), Err: err}, nil
	}
	if err != nil {
		return Rehearsal{}, err
	}
	try := o.DeepCopy()
	own, err := c.stage(ctx, r, try, namespace)
	if err != nil {
		return Rehearsal{}, err
	}
	if name := try.GetName(); name != "" {
		_, err := c.Get(ctx, r, try.GetNamespace(), name)
		switch {
		case err == nil && !own:
			return Rehearsal{Namespace: try.GetNamespace(), Name: name, Err: taken(r, try)}, nil
		case err == nil:
			try.SetName(otherName(name))
		case !IsRefused(err) && !IsNotFound(err):
			return Rehearsal{}, err
		}
	}
	_, err = c.DryRun(ctx, try)
	if err != nil && !IsRefused(err) && !IsNotFound(err) {
		return Rehearsal{}, err
	}
	return Rehearsal{Namespace: try.GetNamespace(), Name: try.GetName(), Err: err}, nil
}

// stage puts an object where it is tried, and tells whether that stands for the
// scenario's own namespace.
func (c *Client) stage(ctx context.Context, r Resource, try *unstructured.Unstructured, namespace string) (own bool, err error) {
	asked := try.GetNamespace()
	try.SetNamespace("")
	if !r.Namespaced {
		return false, nil
	}
	if asked != "" {
		there, err := c.HasNamespace(ctx, asked)
		switch {
		case err != nil && !IsRefused(err):
			return false, err
		case there:
			try.SetNamespace(asked)
			return false, nil
		}
	}
	try.SetNamespace(namespace)
	return true, nil
}

func taken(r Resource, o *unstructured.Unstructured) error {
	return &Refused{
		What: "apply " + title(r, o.GetNamespace(), o.GetName()), Reason: "AlreadyExists", Code: http.StatusConflict,
		Message: "it is there already, and a run leaves alone what it did not make: use another name, or patch it",
	}
}

// otherName is a name that is free, and valid where the name is: 63 characters
// fit every kind.
func otherName(name string) string {
	return strings.TrimRight(name[:min(len(name), 56)], ".-") + "-" + strings.ToLower(rand.Text()[:6])
}

// HasNamespace tells whether a namespace is there.
func (c *Client) HasNamespace(ctx context.Context, name string) (bool, error) {
	_, err := c.Get(ctx, Namespaces, "", name)
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// codeOf is the HTTP status of a refusal, or 0.
func codeOf(err error) int {
	var refused *Refused
	if errors.As(err, &refused) {
		return refused.Code
	}
	return 0
}

// isForbidden tells that we are not allowed to ask.
func isForbidden(err error) bool {
	return codeOf(err) == http.StatusForbidden || codeOf(err) == http.StatusUnauthorized
}
