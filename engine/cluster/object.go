package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// FieldManager is the name under which realspec owns the fields that it sets.
const FieldManager = "realspec"

// pageSize is the number of objects that one LIST request returns.
const pageSize = 500

// Get reads one object, without its managedFields.
func (c *Client) Get(ctx context.Context, r Resource, namespace, name string) (*unstructured.Unstructured, error) {
	what := "get " + title(r, namespace, name)
	a, err := c.do(ctx, call{verb: "get", method: http.MethodGet, path: path(r, namespace, name, ""), what: what})
	if err != nil {
		return nil, err
	}
	return c.object(what, a)
}

// ListOptions narrow a list.
type ListOptions struct {
	Selector      string // a label selector as kubectl takes it
	FieldSelector string // Example: metadata.name=web
}

// List reads all objects of a kind, in one namespace or, with none, in all of
// them; large lists page by page, as of one moment. The objects come without
// their managedFields, in the server's order (namespace, name).
func (c *Client) List(ctx context.Context, r Resource, namespace string, o ListOptions) ([]*unstructured.Unstructured, error) {
	q := listCall(r, namespace, o)
	q.query.Set("labelSelector", withoutCanaries(r, o.Selector))
	all, _, err := c.all(ctx, q, r)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(u *unstructured.Unstructured) bool { return isCanary(u.Object) }), nil
}

func listCall(r Resource, namespace string, o ListOptions) call {
	query := url.Values{}
	if o.Selector != "" {
		query.Set("labelSelector", o.Selector)
	}
	if o.FieldSelector != "" {
		query.Set("fieldSelector", o.FieldSelector)
	}
	return call{
		verb: "list", method: http.MethodGet, path: path(r, namespace, "", ""), query: query,
		what: "list " + title(r, namespace, ""),
	}
}

// all reads a list and its resourceVersion.
func (c *Client) all(ctx context.Context, q call, r Resource) ([]*unstructured.Unstructured, string, error) {
	out := []*unstructured.Unstructured{}
	meta, err := c.pages(ctx, q, c.opts.RetryBudget, func(a answer, anew bool) (metav1.ListMeta, error) {
		if anew {
			out = out[:0]
		}
		objects, meta, err := decodeList(a.body, r)
		out = append(out, objects...)
		return meta, err
	})
	return out, meta.ResourceVersion, err
}

// pages reads a list and hands over page by page; anew is true for the first
// one. When the server forgets the moment of the list between two pages, it is
// read anew, and the second time in one piece.
func (c *Client) pages(ctx context.Context, q call, budget time.Duration, page func(a answer, anew bool) (metav1.ListMeta, error)) (metav1.ListMeta, error) {
	q.query.Set("limit", strconv.Itoa(pageSize))
	for expired := 0; ; {
		a, err := c.send(ctx, q, budget)
		if isExpired(err) && q.query.Has("continue") {
			q.query.Del("continue")
			if expired++; expired > 1 {
				q.query.Del("limit")
			}
			continue
		}
		if err != nil {
			return metav1.ListMeta{}, err
		}
		meta, err := page(a, !q.query.Has("continue"))
		if err != nil {
			return meta, c.garbled(q.what, err)
		}
		if meta.Continue == "" {
			return meta, nil
		}
		q.query.Set("continue", meta.Continue)
	}
}

// decodeList reads a list.
func decodeList(body []byte, r Resource) ([]*unstructured.Unstructured, metav1.ListMeta, error) {
	var out []*unstructured.Unstructured
	meta, err := eachItem(body, func(raw []byte) error {
		u, err := decodeItem(raw, r)
		out = append(out, u)
		return err
	})
	return out, meta, err
}

// eachItem calls f with every item of a list, not decoded yet.
func eachItem(body []byte, f func(raw []byte) error) (metav1.ListMeta, error) {
	var list struct {
		Metadata metav1.ListMeta   `json:"metadata"`
		Items    []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return list.Metadata, err
	}
	for _, raw := range list.Items {
		if err := f(raw); err != nil {
			return list.Metadata, err
		}
	}
	return list.Metadata, nil
}

// decodeItem reads an item of a list. Those of built-in kinds come without
// apiVersion and kind, which every object is expected to have. It uses up raw.
func decodeItem(raw []byte, r Resource) (*unstructured.Unstructured, error) {
	fields, err := decodeObject(raw)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{Object: fields}
	if u.GetKind() == "" {
		u.SetGroupVersionKind(r.GVK)
	}
	return u, nil
}

// decodeObject reads an object without its managedFields, which are often half
// of its bytes and more than half of the work. It uses up raw.
func decodeObject(raw []byte) (map[string]any, error) {
	fields := map[string]any{}
	if err := utiljson.Unmarshal(cutManagedFields(raw), &fields); err != nil {
		return nil, err
	}
	if metadata, ok := fields["metadata"].(map[string]any); ok {
		delete(metadata, "managedFields") // what is left of them: an empty list
	}
	return fields, nil
}

// object reads the answer to a request for one object.
func (c *Client) object(what string, a answer) (*unstructured.Unstructured, error) {
	fields, err := decodeObject(a.body)
	if err != nil {
		return nil, c.garbled(what, err)
	}
	return &unstructured.Unstructured{Object: fields}, nil
}

// Patch changes an object, or one of its subresources.
func (c *Client) Patch(ctx context.Context, r Resource, namespace, name string, kind types.PatchType, patch []byte, subresource string) (*unstructured.Unstructured, error) {
	what := "patch " + title(r, namespace, name)
	a, err := c.do(ctx, call{
		verb: "patch", method: http.MethodPatch, path: path(r, namespace, name, subresource),
		query: url.Values{"fieldManager": {FieldManager}, "fieldValidation": {"Strict"}},
		body:  patch, content: string(kind), what: what,
		// With a version in the patch the conflict is meant.
		conflicts: !bytes.Contains(patch, []byte(`"resourceVersion"`)),
		// A merge has the same result twice; a JSON patch may append twice.
		unsafe: kind == types.JSONPatchType,
	})
	if err != nil {
		return nil, err
	}
	return c.object(what, a)
}

// DeleteOptions say how to delete.
type DeleteOptions struct {
	// UID, when set, is the only object that may be deleted: one that has taken
	// its name since is left alone, and the result is NotFound.
	UID types.UID
	// Grace is the seconds that pods get to end. Nil: the object's own.
	Grace *int64
}

// Delete asks for the deletion of an object; what it owns is deleted after it,
// in the background. It does not wait.
func (c *Client) Delete(ctx context.Context, r Resource, namespace, name string, o DeleteOptions) error {
	background := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{
		TypeMeta:           metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"},
		GracePeriodSeconds: o.Grace, PropagationPolicy: &background,
	}
	if o.UID != "" {
		options.Preconditions = &metav1.Preconditions{UID: &o.UID}
	}
	body, err := json.Marshal(options)
	if err != nil {
		return err
	}
	what := "delete " + title(r, namespace, name)
	a, err := c.do(ctx, call{
		verb: "delete", method: http.MethodDelete, path: path(r, namespace, name, ""), body: body,
		what: what, conflicts: o.UID == "",
	})
	switch {
	case IsNotFound(err) && a.unsure:
		return nil // an earlier attempt of ours deleted it
	case o.UID != "" && isConflict(err):
		return c.deleteAgain(ctx, r, namespace, name, o, err)
	}
	return err
}

// deleteAgain tells a UID that has changed from other conflicts: with the former
// the object that was meant is gone.
func (c *Client) deleteAgain(ctx context.Context, r Resource, namespace, name string, o DeleteOptions, conflict error) error {
	now, err := c.Get(ctx, r, namespace, name)
	switch {
	case err != nil:
		return err
	case now.GetUID() != o.UID:
		return &NotFound{What: "delete " + title(r, namespace, name), Message: "another object has taken its name"}
	}
	return conflict
}

// path is where a resource is served.
func path(r Resource, namespace, name, subresource string) string {
	p := groupPath(r.GVR.GroupVersion())
	if r.Namespaced && namespace != "" {
		p += "/namespaces/" + url.PathEscape(namespace)
	}
	p += "/" + r.GVR.Resource
	if name != "" {
		p += "/" + url.PathEscape(name)
	}
	if subresource != "" {
		p += "/" + subresource
	}
	return p
}

// title names an object, or the objects of a kind, for people.
func title(r Resource, namespace, name string) string {
	switch {
	case name == "" && namespace == "":
		return r.GVR.Resource
	case name == "":
		return fmt.Sprintf("%s of namespace %s", r.GVR.Resource, namespace)
	case namespace == "" || !r.Namespaced:
		return r.GVK.Kind + " " + name
	}
	return fmt.Sprintf("%s %s/%s", r.GVK.Kind, namespace, name)
}
