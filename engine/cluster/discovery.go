package cluster

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/realspec/realspec/engine/diag"
)

// Resource is a kind as a cluster serves it.
type Resource struct {
	GVR        schema.GroupVersionResource
	GVK        schema.GroupVersionKind
	Namespaced bool
}

// String is the kind with its group. Example: Deployment.apps.
func (r Resource) String() string { return r.GVK.GroupKind().String() }

// served is a resource with what discovery says of it.
type served struct {
	Resource
	verbs    []string
	singular string
	short    []string
	rank     int // among the versions of its group: 0 is the preferred one
}

func (s served) can(verb string) bool { return slices.Contains(s.verbs, verb) }

// catalog is everything that a cluster serves, in the server's order.
type catalog struct {
	resources []served
	versions  []string // served group versions, sorted
	silent    []string // group versions whose server does not answer
}

// discovery holds the catalog. It is read when it is first needed, and again
// when a kind is missing from it, so that a CRD installed a moment ago is found;
// at most every second, so that a misspelt kind costs next to nothing.
type discovery struct {
	client *Client

	mu      sync.Mutex
	catalog *catalog
	asked   time.Time // when it was last asked for
	failure error     // what came of that; many may wait for the same answer
}

const discoveryPause = time.Second

// Resource finds a kind. An empty apiVersion means the preferred version of the
// only group that has the kind; where several have it, the core group wins, and
// otherwise it is an *AmbiguousKindError. A kind that is not there is an
// *UnknownKindError.
func (c *Client) Resource(apiVersion, kind string) (Resource, error) {
	return c.resource(context.Background(), apiVersion, kind)
}

func (c *Client) resource(ctx context.Context, apiVersion, kind string) (Resource, error) {
	d := c.discovery
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh, err := d.ensure(ctx)
	if err != nil {
		return Resource{}, err
	}
	r, err := d.catalog.find(apiVersion, kind)
	if _, unknown := err.(*UnknownKindError); !unknown || fresh || d.failure == nil && time.Since(d.asked) < discoveryPause {
		return r, err
	}
	if err := d.refresh(ctx); err != nil {
		return Resource{}, err
	}
	return d.catalog.find(apiVersion, kind)
}

// ensure reads the catalog if there is none, and tells whether it did.
func (d *discovery) ensure(ctx context.Context) (bool, error) {
	if d.catalog != nil {
		return false, nil
	}
	return true, d.refresh(ctx)
}

// refresh reads the catalog, unless that has failed a moment ago.
func (d *discovery) refresh(ctx context.Context) error {
	if d.failure != nil && time.Since(d.asked) < discoveryPause {
		return d.failure
	}
	found, err := d.client.readCatalog(ctx)
	if ctx.Err() != nil {
		return err // it says nothing about the others who wait
	}
	d.asked, d.failure = time.Now(), err
	if err == nil {
		d.catalog = found
	}
	return err
}

// forget drops the catalog: a kind that was in it has been deleted.
func (d *discovery) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.catalog, d.asked, d.failure = nil, time.Time{}, nil
}

// everything is the catalog, read anew.
func (d *discovery) everything(ctx context.Context) (*catalog, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.refresh(ctx)
	return d.catalog, err
}

// current is the catalog as it was last read.
func (d *discovery) current(ctx context.Context) (*catalog, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := d.ensure(ctx)
	return d.catalog, err
}

// add takes the resources of one group version into the catalog.
func (d *discovery) add(found []served) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.catalog == nil || len(found) == 0 {
		return
	}
	gv := found[0].GVK.GroupVersion()
	next := &catalog{silent: d.catalog.silent}
	for _, s := range d.catalog.resources {
		if s.GVK.GroupVersion() != gv {
			next.resources = append(next.resources, s)
		}
	}
	next.resources = append(next.resources, found...)
	next.versions = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(d.catalog.versions), gv.String()))))
	d.catalog = next
}

// find looks a kind up.
func (g *catalog) find(apiVersion, kind string) (Resource, error) {
	var found []served
	for _, s := range g.resources {
		if s.GVK.Kind == kind && (apiVersion == "" || s.GVK.GroupVersion().String() == apiVersion) {
			found = append(found, s)
		}
	}
	found = preferred(found)
	switch {
	case len(found) == 0:
		return Resource{}, &UnknownKindError{
			APIVersion: apiVersion, Kind: kind, Nearest: g.nearest(apiVersion, kind), Silent: g.silent,
		}
	case len(found) == 1, found[0].GVK.Group == "":
		return found[0].Resource, nil
	}
	var versions []string
	for _, s := range found {
		versions = append(versions, s.GVK.GroupVersion().String())
	}
	return Resource{}, &AmbiguousKindError{Kind: kind, APIVersions: slices.Sorted(slices.Values(versions))}
}

// preferred keeps the best version of each group's resource, the core group
// first. Event is in two groups and means the core one, as in kubectl.
func preferred(all []served) []served {
	best := map[schema.GroupResource]served{}
	for _, s := range all {
		key := s.GVR.GroupResource()
		if old, ok := best[key]; !ok || s.rank < old.rank {
			best[key] = s
		}
	}
	return slices.SortedFunc(maps.Values(best), func(a, b served) int {
		return cmp.Or(cmp.Compare(a.GVR.Group, b.GVR.Group), cmp.Compare(a.GVR.Resource, b.GVR.Resource))
	})
}

// nearest is what was perhaps meant: the kind in another group or version, the
// kind of a plural or short name (pods, po), or a kind that is spelt alike.
func (g *catalog) nearest(apiVersion, kind string) []string {
	var elsewhere, renamed, names []string
	for _, s := range g.resources {
		full := s.GVK.GroupVersion().String() + "/" + s.GVK.Kind
		switch {
		case s.GVK.Kind == kind:
			elsewhere = append(elsewhere, full)
		case s.calls(kind):
			renamed = append(renamed, s.GVK.Kind)
		case apiVersion == "" || s.GVK.GroupVersion().String() == apiVersion:
			names = append(names, s.GVK.Kind)
		}
	}
	switch {
	case len(elsewhere) > 0:
		return slices.Compact(slices.Sorted(slices.Values(elsewhere)))
	case len(renamed) > 0:
		return slices.Compact(slices.Sorted(slices.Values(renamed)))
	}
	if near := diag.Nearest(kind, names); near != "" {
		return []string{near}
	}
	return nil
}

// calls tells whether name is one of kubectl's names of the kind.
func (s served) calls(name string) bool {
	name = strings.ToLower(name)
	return name == strings.ToLower(s.GVK.Kind) || name == s.GVR.Resource ||
		name == s.singular || slices.Contains(s.short, name)
}
