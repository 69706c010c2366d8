package cluster

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Apply creates or changes an object by server-side apply, in one request.
// Fields that another manager owns and unknown fields are refused, never taken
// or dropped. A kind that the cluster does not have is an *UnknownKindError.
func (c *Client) Apply(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.apply(ctx, obj, false)
}

// DryRun is Apply without a change: the server's checks, admission included.
func (c *Client) DryRun(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.apply(ctx, obj, true)
}

func (c *Client) apply(ctx context.Context, obj *unstructured.Unstructured, dry bool) (*unstructured.Unstructured, error) {
	r, err := c.resource(ctx, obj.GetAPIVersion(), obj.GetKind())
	if err != nil {
		return nil, err
	}
	what := "apply " + title(r, obj.GetNamespace(), obj.GetName())
	if err := applicable(what, r, obj); err != nil {
		return nil, err
	}
	body, err := obj.MarshalJSON()
	if err != nil {
		return nil, &Refused{What: what, Reason: "Invalid", Message: "it cannot be written as JSON: " + err.Error()}
	}
	query := url.Values{"fieldManager": {FieldManager}, "force": {"false"}, "fieldValidation": {"Strict"}}
	if dry {
		query.Set("dryRun", "All")
	}
	a, err := c.do(ctx, call{
		verb: "apply", method: http.MethodPatch, path: path(r, obj.GetNamespace(), obj.GetName(), ""),
		query: query, body: body, content: string(types.ApplyPatchType), what: what,
		// With a uid or a resourceVersion in the manifest the conflict is meant.
		conflicts: obj.GetUID() == "" && obj.GetResourceVersion() == "",
	})
	if err != nil {
		return nil, err
	}
	return c.object(what, a)
}

// applicable refuses what the server could only answer with a puzzling 404 or
// 405 on the address that results.
func applicable(what string, r Resource, obj *unstructured.Unstructured) error {
	refused := func(field, message string) error {
		return &Refused{What: what, Reason: "Invalid", Message: message, Causes: []Cause{{
			Reason: "FieldValueRequired", Field: field, Message: message,
		}}}
	}
	switch {
	case obj.GetName() == "" && obj.GetGenerateName() != "":
		return refused("metadata.name", "metadata.generateName cannot be applied; give it a metadata.name")
	case obj.GetName() == "":
		return refused("metadata.name", "metadata.name is missing")
	case r.Namespaced && obj.GetNamespace() == "":
		return refused("metadata.namespace", "metadata.namespace is missing")
	}
	return nil
}

// ApplyAll applies objects in the order of their dependencies, whatever order
// they are given in: wave by wave, each wave at once. New namespaces are waited
// for until pods can be created in them, new CRDs until their kinds are served.
// done is called once for every object, one call at a time, in no fixed order. A
// server that does not answer ends it: the objects that were not tried get that
// error too.
func (c *Client) ApplyAll(ctx context.Context, objs []*unstructured.Unstructured, done func(i int, got *unstructured.Unstructured, err error)) {
	var mu sync.Mutex
	var stop error // the first sign that going on is pointless
	report := func(i int, got *unstructured.Unstructured, err error) {
		mu.Lock()
		defer mu.Unlock()
		if stop == nil && (IsUnavailable(err) || ctx.Err() != nil) {
			stop = err
		}
		done(i, got, err)
	}
	stopped := func() error {
		mu.Lock()
		defer mu.Unlock()
		return stop
	}
	for _, wave := range waves(objs) {
		forEach(len(wave), func(n int) {
			i := wave[n]
			if err := stopped(); err != nil {
				report(i, nil, err)
				return
			}
			got, err := c.applyAndSettle(ctx, objs[i])
			report(i, got, err)
		})
	}
}

// applyAndSettle applies an object and waits until others can build on it.
func (c *Client) applyAndSettle(ctx context.Context, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	got, err := c.Apply(ctx, obj)
	if err != nil {
		return nil, err
	}
	switch obj.GroupVersionKind().GroupKind().String() {
	case "Namespace":
		err = c.namespaceSettled(ctx, obj.GetName())
	case "CustomResourceDefinition.apiextensions.k8s.io":
		err = c.kindsServed(ctx, got)
	}
	return got, err
}

// CreateNamespace creates a namespace and waits until pods can be created in it.
// One that is there already is refused (Reason AlreadyExists).
func (c *Client) CreateNamespace(ctx context.Context, name string, labels map[string]string) (*unstructured.Unstructured, error) {
	ns := &unstructured.Unstructured{}
	ns.SetAPIVersion("v1")
	ns.SetKind("Namespace")
	ns.SetName(name)
	ns.SetLabels(labels)
	body, err := ns.MarshalJSON()
	if err != nil {
		return nil, err
	}
	what := "create Namespace " + name
	a, err := c.do(ctx, call{
		verb: "create", method: http.MethodPost, path: "/api/v1/namespaces", body: body, what: what,
		query: url.Values{"fieldManager": {FieldManager}, "fieldValidation": {"Strict"}},
	})
	var got *unstructured.Unstructured
	switch {
	case err == nil:
		got, err = c.object(what, a)
	case a.unsure && isConflict(err):
		got, err = c.ownNamespace(ctx, name, labels, err)
	}
	if err != nil {
		return nil, err
	}
	return got, c.namespaceSettled(ctx, name)
}

// ownNamespace tells whether a namespace that is there is the one that an
// earlier attempt without an answer created: it has our labels.
func (c *Client) ownNamespace(ctx context.Context, name string, labels map[string]string, taken error) (*unstructured.Unstructured, error) {
	got, err := c.Get(ctx, Namespaces, "", name)
	if err != nil {
		return nil, err
	}
	for key, value := range labels {
		if got.GetLabels()[key] != value {
			return nil, taken
		}
	}
	return got, nil
}

// namespaceSettled waits for the ServiceAccount "default", without which the
// server refuses every pod. The controller makes it some milliseconds after the
// namespace.
func (c *Client) namespaceSettled(ctx context.Context, name string) error {
	what := "wait for the ServiceAccount " + name + "/default"
	return c.awaitObject(ctx, serviceAccounts, name, "default", what, func(*unstructured.Unstructured) (bool, error) {
		return true, nil
	})
}

// kindsServed waits until a CRD is established and its kinds are served, and
// takes them into the catalog.
func (c *Client) kindsServed(ctx context.Context, crd *unstructured.Unstructured) error {
	what := "wait for the kinds of CustomResourceDefinition " + crd.GetName()
	err := c.awaitObject(ctx, crds, "", crd.GetName(), what, func(u *unstructured.Unstructured) (bool, error) {
		return established(what, u)
	})
	if err != nil {
		return err
	}
	for _, gv := range servedVersions(crd) {
		if err := c.versionServed(ctx, gv, crd, what); err != nil {
			return err
		}
	}
	return nil
}

// established reads a CRD's conditions.
func established(what string, u *unstructured.Unstructured) (bool, error) {
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, item := range conditions {
		c, _ := item.(map[string]any)
		switch {
		case c["type"] == "Established" && c["status"] == "True":
			return true, nil
		case c["type"] == "NamesAccepted" && c["status"] == "False":
			message, _ := c["message"].(string)
			return false, &Refused{What: what, Reason: "NamesNotAccepted", Message: message}
		}
	}
	return false, nil
}

// versionServed asks until the API server lists the CRD's kind in one version;
// it does so some milliseconds after the CRD is established. Discovery cannot be
// watched, so this is a poll, of one small document.
func (c *Client) versionServed(ctx context.Context, v ranked, crd *unstructured.Unstructured, what string) error {
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	for n := 1; ; n++ {
		found, err := c.readVersion(ctx, v)
		if err != nil && !IsNotFound(err) {
			return err
		}
		if slices.ContainsFunc(found, func(s served) bool { return s.GVK.Kind == kind }) {
			c.discovery.add(found)
			return nil
		}
		if !sleep(ctx, min(backoff(n), discoveryPause)) {
			return &Unavailable{
				What: what, Server: c.info.Server, Attempts: n,
				Why: "version " + v.gv.String() + " is not served yet", Err: ctx.Err(),
			}
		}
	}
}
