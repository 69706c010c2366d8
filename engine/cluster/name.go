package cluster

import (
	"context"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
)

// Named finds a kind by any of kubectl's names for it: deployment, deployments,
// deploy, Deployment, deployments.apps or deployments.v1.apps. Where several API
// groups have the name, the core group wins, and otherwise it is an
// *AmbiguousNameError. A name that nothing has is an *UnknownKindError.
func (c *Client) Named(ctx context.Context, name string) (Resource, error) {
	found, err := c.discovery.current(ctx)
	if err != nil {
		return Resource{}, err
	}
	if r, err := found.named(name); err == nil {
		return r, nil
	}
	// A CRD may have come since.
	if found, err = c.discovery.everything(ctx); err != nil {
		return Resource{}, err
	}
	return found.named(name)
}

func (g *catalog) named(name string) (Resource, error) {
	word, group, qualified := strings.Cut(name, ".")
	var all, names = []served{}, []string{}
	for _, s := range g.resources {
		if !s.can("get") {
			continue // SubjectAccessReviews and their like are no objects
		}
		names = append(names, s.GVR.Resource, s.singular, strings.ToLower(s.GVK.Kind))
		if s.calls(word) && (!qualified || s.in(group)) {
			all = append(all, s)
		}
	}
	all = preferred(all)
	switch {
	case len(all) == 0:
		unknown := &UnknownKindError{Kind: name, Silent: g.silent}
		if near := diag.Nearest(strings.ToLower(word), slices.DeleteFunc(names, func(n string) bool { return n == "" })); near != "" {
			unknown.Nearest = []string{near}
		}
		return Resource{}, unknown
	case len(all) == 1, all[0].GVK.Group == "":
		return all[0].Resource, nil
	}
	var choices []string
	for _, s := range all {
		choices = append(choices, s.GVR.GroupResource().String())
	}
	return Resource{}, &AmbiguousNameError{Name: name, Choices: choices}
}

// in tells whether the text behind the first dot is the kind's group, or its
// version and group.
func (s served) in(group string) bool {
	return group == s.GVK.Group || group == s.GVK.Version+"."+s.GVK.Group
}

// AmbiguousNameError means that several API groups have kinds of the name.
type AmbiguousNameError struct {
	Name    string
	Choices []string // Example: ingresses.networking.k8s.io
}

// Error lists the full names.
func (e *AmbiguousNameError) Error() string {
	return quote(e.Name) + " is in several API groups; say which: " + strings.Join(e.Choices, ", ")
}
