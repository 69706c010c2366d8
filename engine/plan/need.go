package plan

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/spec"
)

// Need is something that a run of the scenario must be allowed to do.
type Need struct {
	Verb             string
	APIVersion, Kind string
	Subresource      string
	// Resource is set where there is no such kind: users, to impersonate one.
	Resource string
	// Namespace is as it is written; empty means the scenario's own, or none where
	// the kind has none, and AllNamespaces every one.
	Namespace string
	// Name narrows it to one object; empty means any.
	Name string
	// Path is an address that belongs to no kind.
	Path string
	// Optional needs are not needed to run. Without them there is no evidence of
	// failures, and a threshold can stay inconclusive for want of an error bar.
	Optional bool
	// ClusterOnly needs matter only where the kind has no namespaces.
	ClusterOnly bool
}

// Needs are the permissions that a run of the scenario takes, each once: what its
// steps do, what watching and cleaning up take, and what is read as evidence of a
// failure.
func (s *Scenario) Needs() []Need {
	n := &needs{outliner: &outliner{values: s.Values(nil, runID, s.Name+"-"+runID)}}
	n.kind("v1", "Node", "", "list")
	n.kind("v1", "Namespace", "", "create", "list", "watch", "delete")
	n.kind("v1", "ServiceAccount", "", "watch")
	for _, step := range s.Steps {
		step.each(n.step)
	}
	n.optional = true
	n.kind("v1", "Pod", "", "list")
	n.kind("v1", "Event", "", "list")
	return n.sorted()
}

// VerbOrder sorts verbs in the order of an object's life.
func VerbOrder(verb string) int {
	return slices.Index([]string{"impersonate", "create", "get", "list", "watch", "patch", "delete"}, verb)
}

// needs collects.
type needs struct {
	*outliner
	all      []Need
	optional bool
}

func (n *needs) kind(apiVersion, kind, namespace string, verbs ...string) {
	for _, verb := range verbs {
		n.add(Need{Verb: verb, APIVersion: apiVersion, Kind: kind, Namespace: namespace})
	}
}

func (n *needs) add(one Need) {
	one.Optional = n.optional
	if one.APIVersion == "" && (one.Kind == "Pod" || one.Kind == "Node") {
		one.APIVersion = "v1" // the same need, however the kind is written
	}
	known := slices.IndexFunc(n.all, func(other Need) bool {
		other.Optional = one.Optional
		return other == one
	})
	switch {
	case one.Kind+one.Path == "":
	case known < 0:
		n.all = append(n.all, one)
	default:
		n.all[known].Optional = n.all[known].Optional && one.Optional
	}
}

// sorted are the needs by kind, then by namespace, in the order of a life.
func (n *needs) sorted() []Need {
	slices.SortStableFunc(n.all, func(a, b Need) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Kind, b.Kind),
			strings.Compare(a.APIVersion, b.APIVersion), strings.Compare(a.Namespace, b.Namespace),
			strings.Compare(a.Subresource, b.Subresource),
			VerbOrder(a.Verb)-VerbOrder(b.Verb))
	})
	return n.all
}

func (n *needs) step(s *Step) {
	switch {
	case s.Apply != nil:
		n.apply(s)
	case s.Wait != nil:
		for i := range s.Wait {
			n.selector(s, s.Wait[i].On, "list", "watch")
			for _, name := range slices.Sorted(maps.Keys(s.Wait[i].Let)) {
				sel := s.Wait[i].Let[name]
				n.selector(s, &sel, "list", "watch")
			}
		}
	case s.Assert != nil:
		n.assert(s)
	case s.Delete != nil:
		for i := range s.Delete.On {
			n.read(s, &s.Delete.On[i])
			n.selector(s, &s.Delete.On[i], "list", "watch", "delete")
		}
		for _, m := range n.manifests(s) {
			n.kind(m.APIVersion, m.Kind, m.Namespace, "get", "list", "watch", "delete")
		}
	case s.Patch != nil:
		n.read(s, &s.Patch.On)
		n.add(Need{Verb: "patch", APIVersion: s.Patch.On.APIVersion, Kind: s.Patch.On.Kind,
			Namespace: n.text(s, s.Patch.On.Namespace), Subresource: s.Patch.Subresource})
	case s.Load != nil:
		n.load(s)
	default:
		n.call(s)
	}
	for i := range s.Measure {
		n.measure(s, &s.Measure[i])
	}
}

// workloads are removed one by one when a run cleans up; all else within the
// namespace goes with it.
var workloads = []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"}

// apply is create and patch at once to the authorizer. What stands outside the
// scenario's namespace is looked at before, and removed by itself; whether a kind
// has namespaces is for the caller to know.
func (n *needs) apply(s *Step) {
	n.impersonate(n.text(s, s.Apply.As))
	for _, m := range n.manifests(s) {
		n.kind(m.APIVersion, m.Kind, m.Namespace, "create", "patch", "list", "watch")
		if slices.Contains(workloads, m.Kind) {
			n.kind(m.APIVersion, m.Kind, m.Namespace, "delete")
		}
		for _, verb := range []string{"get", "delete"} {
			n.add(Need{Verb: verb, APIVersion: m.APIVersion, Kind: m.Kind, Namespace: m.Namespace, ClusterOnly: m.Namespace == ""})
		}
	}
}

// read is how a selection is read at once: one object by its name, or a list.
func (n *needs) read(s *Step, sel *spec.Selector) {
	if sel.Name.Text != "" {
		n.selector(s, sel, "get")
		return
	}
	n.selector(s, sel, "list")
}

func (n *needs) selector(s *Step, sel *spec.Selector, verbs ...string) {
	if sel != nil {
		n.kind(sel.APIVersion, sel.Kind, n.text(s, sel.Namespace), verbs...)
	}
}

func (n *needs) assert(s *Step) {
	verbs := []string{}
	if s.Timeout > 0 { // it looks again whenever something changes
		verbs = append(verbs, "list", "watch")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Assert.Let)) {
		sel := s.Assert.Let[name]
		n.read(s, &sel)
		n.selector(s, &sel, verbs...)
	}
	for i := range s.Assert.Checks {
		check := &s.Assert.Checks[i]
		if check.Absent != nil {
			n.read(s, check.Absent)
			n.selector(s, check.Absent, verbs...)
		}
		for _, o := range []spec.Object{check.Object, check.AbsentObject} {
			if !o.IsSet() {
				continue
			}
			m := n.manifest(s, o)
			how := "list"
			if m.Name != "" {
				how = "get"
			}
			n.kind(m.APIVersion, m.Kind, m.Namespace, append([]string{how}, verbs...)...)
		}
	}
}

func (n *needs) load(s *Step) {
	for _, m := range n.manifests(s) {
		n.kind(m.APIVersion, m.Kind, m.Namespace, "create")
		if s.Load.Churn > 0 || m.Namespace != "" {
			n.kind(m.APIVersion, m.Kind, m.Namespace, "delete")
		}
	}
}

func (n *needs) measure(s *Step, m *spec.Measure) {
	switch {
	case m.Pods != nil:
		n.kind("v1", "Pod", n.text(s, m.Pods.Namespace), "list", "watch")
		n.probe("Pod")
	case m.Objects != nil:
		n.selector(s, &m.Objects.On, "list", "watch")
		if m.Objects.On.Kind == "Pod" {
			n.probe("Pod")
		} else {
			n.probe("ConfigMap")
		}
	case m.API != nil && m.API.On != nil:
		n.selector(s, m.API.On, m.API.Verb)
		if m.API.Verb != "list" {
			n.read(s, m.API.On)
		}
	case m.API != nil:
		o := n.manifest(s, m.API.Object)
		n.kind(o.APIVersion, o.Kind, o.Namespace, m.API.Verb)
	case m.APIServer != nil:
		n.add(Need{Verb: "get", Path: "/metrics"})
	case m.Prometheus != nil:
		n.proxy(n.text(s, m.Prometheus.URL))
	default:
		n.probed(s, m)
	}
}

// probe is the object that is changed all through a scenario to see how late its
// watch is. Without it the error of measuring is unknown: reports say so, and a
// threshold that needs it is inconclusive (seen with examples/load).
func (n *needs) probe(kind string) {
	before := n.optional
	n.optional = true
	n.kind("v1", kind, "", "list", "watch", "create", "patch", "delete")
	n.optional = before
}

// proxied is a Service that is asked through the API server.
var proxied = regexp.MustCompile(`^/api/v1/namespaces/([^/]+)/services/([^/]+)/proxy(/|$)`)

// proxy is needed for a Prometheus behind the API server. Queries are sent as
// POST, which is create to the authorizer, and as GET where that is refused.
func (n *needs) proxy(address string) {
	if found := proxied.FindStringSubmatch(address); found != nil {
		n.add(Need{Verb: "create", APIVersion: "v1", Kind: "Service", Subresource: "proxy", Namespace: found[1], Name: found[2]})
	}
}

// Defines gives the kinds that the scenario's own CustomResourceDefinitions bring,
// by apiVersion and kind: no cluster can be asked for them before the run.
func (s *Scenario) Defines() map[[2]string]Defined {
	out := map[[2]string]Defined{}
	for _, m := range s.Manifests(nil) {
		if m.Kind != "CustomResourceDefinition" || m.Fields == nil {
			continue
		}
		body, _ := m.Fields["spec"].(map[string]any)
		names, _ := body["names"].(map[string]any)
		versions, _ := body["versions"].([]any)
		d := Defined{CRD: m.Name}
		d.Group, _ = body["group"].(string)
		d.Plural, _ = names["plural"].(string)
		d.Namespaced = body["scope"] == "Namespaced"
		kind, _ := names["kind"].(string)
		for _, v := range versions {
			version, _ := v.(map[string]any)
			out[[2]string{fmt.Sprintf("%s/%v", d.Group, version["name"]), kind}] = d
		}
		out[[2]string{"", kind}] = d
	}
	return out
}

// Defined is a kind that a scenario brings.
type Defined struct {
	CRD, Group, Plural string
	Namespaced         bool
}
