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

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/run"
	"github.com/realspec/realspec/engine/spec"
)

// serverChecks are what the API server says of a plan without storing anything.
type serverChecks struct {
	// Namespace is where objects of the scenario's own namespace were tried.
	Namespace string           `json:"namespace"`
	Objects   []triedOut       `json:"objects"`
	Access    []run.Permission `json:"access"`
}

// triedOut is an object and what the server says of it.
type triedOut struct {
	Object string `json:"object"`
	// State is accepted, refused, not allowed or not checked.
	State     string `json:"state"`
	Namespace string `json:"namespace,omitempty"`
	Why       string `json:"why,omitempty"`
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

// inTheWay is the first thing without which the scenario cannot run; "" when there
// is none.
func (s *serverChecks) inTheWay() string {
	for _, o := range s.Objects {
		if o.State == objectRefused || o.State == objectForbidden {
			return o.Object + " is " + o.State + ": " + o.Why
		}
	}
	for _, a := range s.Access {
		if !a.Allowed && !a.Optional {
			return "needs the permission to " + a.Verb + " " + a.Text()
		}
	}
	return ""
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
	out := &serverChecks{Namespace: namespace, Objects: []triedOut{}, Access: []run.Permission{}}
	all := p.Manifests(facts)
	for _, m := range all {
		tried, err := tryOut(ctx, client, p, m, all, namespace)
		if err != nil {
			return nil, err
		}
		out.Objects = append(out.Objects, tried)
	}
	if out.Access, err = run.Permissions(ctx, client, p, p.Name+"-plan"); err != nil {
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
		fmt.Fprintf(table, "    %s\t%s\t%s\t%s\n", a.Verb, a.Text(), cmp.Or(a.Namespace, "-"), allowed)
	}
	flush(table)
}

// flush writes a table. Its writer is the console: what cannot be written there
// cannot be said either.
func flush(table *tabwriter.Writer) { _ = table.Flush() }
