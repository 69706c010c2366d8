package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// serverChecks are what the API server says of a plan without storing anything.
type serverChecks struct {
	// Namespace is where objects of the scenario's own namespace were tried.
	Namespace string       `json:"namespace"`
	Objects   []triedOut   `json:"objects"`
	Access    []accessible `json:"access"`
}

// triedOut is an object and what the server says of it.
type triedOut struct {
	Object string `json:"object"`
	// State is accepted, refused, not allowed or not checked.
	State     string `json:"state"`
	Namespace string `json:"namespace,omitempty"`
	Why       string `json:"why,omitempty"`
}

// accessible is a permission and whether it is there.
type accessible struct {
	cluster.Answer
	// Optional permissions are not needed to run: without them there is no evidence
	// of failures, and a threshold can stay inconclusive for want of an error bar.
	Optional bool `json:"optional,omitempty"`
}

const (
	objectAccepted  = "accepted"
	objectRefused   = "refused"
	objectForbidden = "not allowed"
	objectUnchecked = "not checked"
)

func (s *serverChecks) invalid() bool {
	return slices.ContainsFunc(s.Objects, func(o triedOut) bool { return o.State == objectRefused })
}

func (s *serverChecks) forbidden() bool {
	return slices.ContainsFunc(s.Objects, func(o triedOut) bool { return o.State == objectForbidden }) ||
		slices.ContainsFunc(s.Access, func(a accessible) bool { return !a.Allowed && !a.Optional })
}

// askServer tries the objects of a scenario and asks for its permissions.
func askServer(ctx context.Context, client *cluster.Client, p *plan.Scenario, facts *spec.Facts, namespace string) (*serverChecks, error) {
	there, err := client.HasNamespace(ctx, namespace)
	switch {
	case err != nil && !cluster.IsRefused(err):
		return nil, err
	case err == nil && !there:
		return nil, usage("there is no namespace %s to try objects in: give one with --server-namespace", namespace)
	}
	out := &serverChecks{Namespace: namespace, Objects: []triedOut{}, Access: []accessible{}}
	all := p.Manifests(facts)
	for _, m := range all {
		tried, err := tryOut(ctx, client, p, m, all, namespace)
		if err != nil {
			return nil, err
		}
		out.Objects = append(out.Objects, tried)
	}
	if out.Access, err = askAccess(ctx, client, p); err != nil {
		return nil, err
	}
	return out, nil
}

func tryOut(ctx context.Context, client *cluster.Client, p *plan.Scenario, m plan.Manifest, all []plan.Manifest, namespace string) (triedOut, error) {
	out := triedOut{Object: m.String(), State: objectUnchecked}
	if m.Fields == nil {
		out.Why = "it is not known before the run: " + m.Err.Error()
		return out, nil
	}
	if _, comes := p.Defines()[[2]string{m.APIVersion, m.Kind}]; comes {
		if _, err := client.Resource(m.APIVersion, m.Kind); err != nil {
			out.Why = "its kind comes with this scenario"
			return out, nil
		}
	}
	if needed := neededFirst(m, all); needed != "" {
		out.Why = "it needs " + needed + ", which comes with this scenario"
		return out, nil
	}
	got, err := client.Rehearse(ctx, &unstructured.Unstructured{Object: m.Fields}, namespace)
	if err != nil {
		return out, err
	}
	out.Namespace, out.State = got.Namespace, objectAccepted
	var refused *cluster.Refused
	switch {
	case errors.As(got.Err, &refused):
		out.State, out.Why = objectRefused, refused.Message
	case got.Err != nil:
		out.State, out.Why = objectRefused, got.Err.Error()
	case m.Namespace != "" && got.Namespace != "" && got.Namespace != m.Namespace:
		out.Why = "tried in " + got.Namespace + ": its namespace is not there yet"
	}
	if got.Forbidden() {
		out.State = objectForbidden
	}
	return out, nil
}

// neededFirst is an object of the same scenario without which the server refuses
// a pod at once; other kinds only name what they need.
func neededFirst(m plan.Manifest, all []plan.Manifest) string {
	pod, _ := m.Fields["spec"].(map[string]any)
	if m.Kind != "Pod" || pod == nil {
		return ""
	}
	for _, other := range all {
		if other.Kind == "ServiceAccount" && other.Name == pod["serviceAccountName"] ||
			other.Kind == "PriorityClass" && other.Name == pod["priorityClassName"] ||
			other.Kind == "RuntimeClass" && other.Name == pod["runtimeClassName"] {
			return other.String()
		}
	}
	return ""
}

// askAccess asks for every permission that a run of the scenario takes.
func askAccess(ctx context.Context, client *cluster.Client, p *plan.Scenario) ([]accessible, error) {
	var all []cluster.Access
	optional := map[cluster.Access]bool{}
	for _, need := range p.Needs() {
		access, ok, err := accessOf(client, p, need)
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
	out := []accessible{}
	for _, answer := range answers {
		out = append(out, accessible{answer, optional[answer.Access]})
	}
	return out, nil
}

// accessOf is a need in the words of the authorizer. A kind that neither the
// cluster nor the scenario has is left out: that it is missing shows elsewhere.
func accessOf(client *cluster.Client, p *plan.Scenario, need plan.Need) (cluster.Access, bool, error) {
	if need.Path != "" {
		return cluster.Access{Verb: need.Verb, Path: need.Path}, true, nil
	}
	access := cluster.Access{Verb: need.Verb, Subresource: need.Subresource, Name: need.Name}
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
		access.Namespace = or(need.Namespace, p.Name+"-plan")
	}
	return access, true, nil
}

// resourceText is the resource as kubectl auth can-i takes it.
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

// show writes both as tables.
func (s *serverChecks) show(w io.Writer) {
	if len(s.Objects) > 0 {
		fmt.Fprintf(w, "\n  objects, tried by the server without storing them\n"+
			"  (in namespace %s: the scenario's own is not there yet, and a dry run\n"+
			"  needs one that is; quotas and policies are those of %s)\n", s.Namespace, s.Namespace)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, o := range s.Objects {
		fmt.Fprintf(table, "    %s\t%s\n", o.State, o.Object)
		if o.Why != "" {
			fmt.Fprintf(table, "    \t  %s\n", o.Why)
		}
	}
	flush(table)
	fmt.Fprintln(w, "\n  permissions that a run takes")
	table = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "    VERB\tRESOURCE\tNAMESPACE\tALLOWED")
	for _, a := range s.Access {
		allowed := "yes"
		switch {
		case !a.Allowed && a.Optional:
			allowed = "no (runs without)"
		case !a.Allowed:
			allowed = "NO"
		}
		fmt.Fprintf(table, "    %s\t%s\t%s\t%s\n", a.Verb, resourceText(a.Access), or(a.Namespace, "-"), allowed)
	}
	flush(table)
}

// flush writes a table. Its writer is the console: what cannot be written there
// cannot be said either.
func flush(table *tabwriter.Writer) { _ = table.Flush() }
