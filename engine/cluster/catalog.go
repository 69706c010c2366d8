package cluster

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// aggregated asks for all groups and resources in one document. Servers before
// Kubernetes 1.27 answer with the plain list of groups instead.
const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList," +
	"application/json"

// readCatalog asks for everything that is served, in two requests.
func (c *Client) readCatalog(ctx context.Context) (*catalog, error) {
	var core, groups *catalog
	var coreErr, groupsErr error
	var wait sync.WaitGroup
	wait.Go(func() { core, coreErr = c.readRoot(ctx, "/api") })
	wait.Go(func() { groups, groupsErr = c.readRoot(ctx, "/apis") })
	wait.Wait()
	if coreErr != nil {
		return nil, coreErr
	}
	if groupsErr != nil {
		return nil, groupsErr
	}
	core.resources = append(core.resources, groups.resources...)
	core.versions = slices.Sorted(slices.Values(append(core.versions, groups.versions...)))
	core.silent = append(core.silent, groups.silent...)
	return core, nil
}

func (c *Client) readRoot(ctx context.Context, root string) (*catalog, error) {
	a, err := c.do(ctx, call{
		verb: "other", method: http.MethodGet, path: root, accept: aggregated,
		what: "read which kinds the cluster has",
	})
	if err != nil {
		return nil, err
	}
	if strings.Contains(a.header.Get("Content-Type"), "as=APIGroupDiscoveryList") {
		var list apidiscovery.APIGroupDiscoveryList
		if err := json.Unmarshal(a.body, &list); err != nil {
			return nil, c.garbled("read which kinds the cluster has", err)
		}
		return catalogOf(list), nil
	}
	versions, err := plainVersions(root, a.body)
	if err != nil {
		return nil, c.garbled("read which kinds the cluster has", err)
	}
	return c.readVersions(ctx, versions)
}

// catalogOf reads the aggregated document.
func catalogOf(list apidiscovery.APIGroupDiscoveryList) *catalog {
	out := &catalog{}
	for _, group := range list.Items {
		for rank, version := range group.Versions {
			gv := schema.GroupVersion{Group: group.Name, Version: version.Version}
			if version.Freshness == apidiscovery.DiscoveryFreshnessStale {
				out.silent = append(out.silent, gv.String())
				continue
			}
			out.versions = append(out.versions, gv.String())
			for _, r := range version.Resources {
				if r.ResponseKind == nil || r.ResponseKind.Kind == "" {
					continue // only a parent of subresources
				}
				out.resources = append(out.resources, served{
					Resource: Resource{
						GVR:        gv.WithResource(r.Resource),
						GVK:        gv.WithKind(r.ResponseKind.Kind),
						Namespaced: r.Scope == apidiscovery.ScopeNamespace,
					},
					verbs: r.Verbs, singular: r.SingularResource, short: r.ShortNames, rank: rank,
				})
			}
		}
	}
	return out
}

// ranked is a group version and its place among the versions of its group.
type ranked struct {
	gv   schema.GroupVersion
	rank int
}

// plainVersions reads the documents of old servers: a list of core versions at
// /api, a list of groups at /apis.
func plainVersions(root string, body []byte) ([]ranked, error) {
	var out []ranked
	if root == "/api" {
		var core metav1.APIVersions
		if err := json.Unmarshal(body, &core); err != nil {
			return nil, err
		}
		for rank, version := range core.Versions {
			out = append(out, ranked{schema.GroupVersion{Version: version}, rank})
		}
		return out, nil
	}
	var groups metav1.APIGroupList
	if err := json.Unmarshal(body, &groups); err != nil {
		return nil, err
	}
	for _, group := range groups.Groups {
		for rank, version := range group.Versions {
			if version.Version == group.PreferredVersion.Version {
				rank = -1
			}
			out = append(out, ranked{schema.GroupVersion{Group: group.Name, Version: version.Version}, rank})
		}
	}
	return out, nil
}

// readVersions asks each group version for its resources. One that does not
// answer is noted, not an error: an aggregated API that is down (a metrics
// server, say) must not hide all the others.
func (c *Client) readVersions(ctx context.Context, versions []ranked) (*catalog, error) {
	found := make([][]served, len(versions))
	errs := make([]error, len(versions))
	forEach(len(versions), func(i int) {
		found[i], errs[i] = c.readVersion(ctx, versions[i])
	})
	out := &catalog{}
	for i, v := range versions {
		switch {
		case ctx.Err() != nil:
			return nil, errs[i]
		case errs[i] != nil:
			out.silent = append(out.silent, v.gv.String())
		default:
			out.versions = append(out.versions, v.gv.String())
			out.resources = append(out.resources, found[i]...)
		}
	}
	return out, nil
}

// readVersion asks one group version for its resources.
func (c *Client) readVersion(ctx context.Context, v ranked) ([]served, error) {
	what := "read which kinds " + v.gv.String() + " has"
	a, err := c.do(ctx, call{verb: "other", method: http.MethodGet, path: groupPath(v.gv), what: what})
	if err != nil {
		return nil, err
	}
	var list metav1.APIResourceList
	if err := json.Unmarshal(a.body, &list); err != nil {
		return nil, c.garbled(what, err)
	}
	var out []served
	for _, r := range list.APIResources {
		if strings.Contains(r.Name, "/") {
			continue
		}
		out = append(out, served{
			Resource: Resource{GVR: v.gv.WithResource(r.Name), GVK: v.gv.WithKind(r.Kind), Namespaced: r.Namespaced},
			verbs:    r.Verbs, singular: r.SingularName, short: r.ShortNames, rank: v.rank,
		})
	}
	return out, nil
}

// groupPath is where a group version is served.
func groupPath(gv schema.GroupVersion) string {
	if gv.Group == "" {
		return "/api/" + gv.Version
	}
	return "/apis/" + gv.Group + "/" + gv.Version
}

// garbled is an answer that cannot be read.
func (c *Client) garbled(what string, err error) error {
	return &Unavailable{What: what, Server: c.info.Server, Attempts: 1, Why: "its answer cannot be read", Err: err}
}

// width is how many requests run at a time where there are many to make.
const width = 16

// forEach calls f for 0 … n-1, some at a time, and returns when all are done.
func forEach(n int, f func(i int)) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, width)
	for i := range n {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wait.Wait()
}
