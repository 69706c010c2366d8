package run

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/plan"
)

// Permission is something that a run takes, and whether it is allowed.
type Permission struct {
	cluster.Answer
	// Optional permissions are not needed to run: without them there is no evidence
	// of failures, and a threshold can stay inconclusive for want of an error bar.
	Optional bool `json:"optional,omitempty"`
}

// Text is the resource as kubectl auth can-i takes it. Example: pods/exec.
func (p Permission) Text() string { return resourceText(p.Access) }

// Permissions asks the API server for every permission that a run of the scenario
// takes in a namespace of its own, which need not be there yet. The error is a
// cluster.IsRefused where nobody may ask.
func Permissions(ctx context.Context, client *cluster.Client, p *plan.Scenario, namespace string) ([]Permission, error) {
	var all []cluster.Access
	optional := map[cluster.Access]bool{}
	for _, need := range p.Needs() {
		access, ok, err := accessOf(client, p, need, namespace)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		before, known := optional[access]
		optional[access] = need.Optional && (before || !known)
		if !known {
			all = append(all, access)
		}
	}
	slices.SortStableFunc(all, func(a, b cluster.Access) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(resourceText(a), resourceText(b)), cmp.Compare(a.Namespace, b.Namespace),
			plan.VerbOrder(a.Verb)-plan.VerbOrder(b.Verb))
	})
	answers, err := client.MayI(ctx, all)
	if err != nil {
		return nil, err
	}
	out := []Permission{}
	for _, answer := range answers {
		out = append(out, Permission{answer, optional[answer.Access]})
	}
	return out, nil
}

// accessOf is a need in the words of the authorizer. A kind that neither the
// cluster nor the scenario has is left out: that it is missing shows elsewhere.
func accessOf(client *cluster.Client, p *plan.Scenario, need plan.Need, namespace string) (cluster.Access, bool, error) {
	if need.Path != "" {
		return cluster.Access{Verb: need.Verb, Path: need.Path}, true, nil
	}
	access := cluster.Access{Verb: need.Verb, Subresource: need.Subresource, Name: need.Name}
	if need.Resource != "" { // of no kind: users, which one may act as
		access.Resource = need.Resource
		return access, true, nil
	}
	var namespaced bool
	r, err := client.Resource(need.APIVersion, need.Kind)
	var unknown *cluster.UnknownKindError
	var ambiguous *cluster.AmbiguousKindError
	switch {
	case err == nil:
		access.Group, access.Resource, namespaced = r.GVR.Group, r.GVR.Resource, r.Namespaced
	case errors.As(err, &unknown), errors.As(err, &ambiguous):
		d, comes := p.Defines()[[2]string{need.APIVersion, need.Kind}]
		if !comes {
			return access, false, nil
		}
		access.Group, access.Resource, namespaced = d.Group, d.Plural, d.Namespaced
	default:
		return access, false, err
	}
	if need.ClusterOnly && namespaced {
		return access, false, nil
	}
	if namespaced {
		access.Namespace = cmp.Or(need.Namespace, namespace)
	}
	if need.Namespace == plan.AllNamespaces {
		access.Namespace = ""
	}
	return access, true, nil
}

func resourceText(a cluster.Access) string {
	text := schema.GroupResource{Group: a.Group, Resource: a.Resource}.String()
	if a.Path != "" {
		return a.Path
	}
	if a.Subresource != "" {
		text += "/" + a.Subresource
	}
	if a.Name != "" {
		text += " " + a.Name
	}
	return text
}
