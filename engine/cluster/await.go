package cluster

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
)

// awaitObject waits by a watch of one object until it is as wanted. A watch
// without a resourceVersion begins with the object as it is, so one request does
// it where the object is already there.
func (c *Client) awaitObject(ctx context.Context, r Resource, namespace, name, what string, wanted func(*unstructured.Unstructured) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.RetryBudget)
	defer cancel()
	q := watchCall(r, namespace)
	q.query.Set("fieldSelector", "metadata.name="+name)
	q.what = what
	start := time.Now()
	for n := 1; ; n++ {
		ok, err := c.awaitOnce(ctx, q, wanted)
		if ok || isFinal(err) {
			return err
		}
		f := &fault{why: "it is not there yet", err: err}
		if err != nil && ctx.Err() == nil {
			f.why = plainNet(err)
		}
		if !sleep(ctx, backoff(n)) {
			return c.stopped(ctx, q, f, n, start)
		}
		c.ledger.reconnects.Add(1)
	}
}

// awaitOnce reads one watch until the object is as wanted or the watch ends.
func (c *Client) awaitOnce(ctx context.Context, q call, wanted func(*unstructured.Unstructured) (bool, error)) (bool, error) {
	body, err := c.stream(ctx, q)
	if err != nil {
		return false, err
	}
	defer func() { _ = body.Close() }()
	lines := body.frames()
	for {
		raw, _, err := lines.next(nil)
		if err != nil {
			return false, err
		}
		e, err := decodeFrame(raw)
		if err != nil {
			return false, err
		}
		if e.kind != "ADDED" && e.kind != "MODIFIED" {
			continue
		}
		if ok, err := wanted(&unstructured.Unstructured{Object: e.object}); ok || err != nil {
			return ok, err
		}
	}
}

// isFinal tells an error that trying again does not mend.
func isFinal(err error) bool { return IsRefused(err) && !isExpired(err) || IsNotFound(err) }

// watchCall is a watch of a kind.
func watchCall(r Resource, namespace string) call {
	return call{
		verb: "watch", method: http.MethodGet, path: path(r, namespace, "", ""),
		query: url.Values{"watch": {"true"}, "allowWatchBookmarks": {"true"}},
		what:  "watch " + title(r, namespace, ""),
	}
}

// servedVersions are the versions of a CRD that are served.
func servedVersions(crd *unstructured.Unstructured) []ranked {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	var names []string
	for _, item := range versions {
		v, _ := item.(map[string]any)
		name, _ := v["name"].(string)
		if served, _ := v["served"].(bool); served && name != "" {
			names = append(names, name)
		}
	}
	// The server prefers v2 to v1, and v1 to v1beta1, however they are written.
	slices.SortFunc(names, func(a, b string) int { return version.CompareKubeAwareVersionStrings(b, a) })
	var out []ranked
	for rank, name := range names {
		out = append(out, ranked{schema.GroupVersion{Group: group, Version: name}, rank})
	}
	return out
}
