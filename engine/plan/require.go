package plan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/spec"
)

// Unmet is a requirement that the cluster does not meet.
type Unmet struct {
	Pos    spec.Pos
	Needed string
	Found  string
}

// String says what was needed and what was found.
func (u Unmet) String() string { return fmt.Sprintf("needs %s; found %s", u.Needed, u.Found) }

// Unmet lists the requirements of the scenario that do not hold on a cluster. An
// error means that one could not be told.
func (s *Scenario) Unmet(facts *spec.Facts) ([]Unmet, error) {
	r := s.Spec.Spec.Requires
	if r == nil {
		return nil, nil
	}
	var unmet []Unmet
	if r.Kubernetes != "" {
		ok, err := versionHolds(r.Kubernetes, facts.Cluster.Version)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.At, err)
		}
		if !ok {
			unmet = append(unmet, Unmet{r.At, "Kubernetes " + r.Kubernetes, facts.Cluster.Version})
		}
	}
	if r.Nodes != nil {
		unmet = append(unmet, unmetNodes(r.Nodes, facts.Nodes)...)
	}
	checks, err := s.unmetChecks(facts)
	return append(unmet, checks...), err
}

// versionHolds compares without the vendor's suffix: 1.31.2-gke.100 is 1.31.2.
func versionHolds(constraint, version string) (bool, error) {
	c, err := semver.NewConstraint(constraint)
	if err != nil {
		return false, fmt.Errorf("the version range %q cannot be read: %w", constraint, err)
	}
	v, err := semver.NewVersion(version)
	if err != nil {
		return false, fmt.Errorf("the server's version %q cannot be read: %w", version, err)
	}
	plain, err := v.SetPrerelease("")
	if err != nil {
		return false, err
	}
	return c.Check(&plain), nil
}

// unmetNodes counts the nodes that are ready, schedulable and large enough.
func unmetNodes(r *spec.NodeRequirement, nodes []spec.Node) []Unmet {
	var fit int
	var small []string
	for _, n := range nodes {
		lack := lacks(n, r.Each)
		switch {
		case !n.Ready:
			small = append(small, n.Name+" is not ready")
		case r.Real && n.Simulated:
			small = append(small, n.Name+" is simulated")
		case !n.Schedulable:
			small = append(small, n.Name+" takes no new pods")
		case lack != "":
			small = append(small, n.Name+" has "+lack)
		default:
			fit++
		}
	}
	least := max(r.Min, 1)
	needed := fmt.Sprintf("at least %d", least)
	if r.Max > 0 {
		needed += fmt.Sprintf(" and at most %d", r.Max)
	}
	noun := "nodes"
	if r.Real {
		noun = "real nodes"
	}
	needed += " ready " + noun
	if each := sizes(r.Each); each != "" {
		needed += " of " + each + " or more"
	}
	if fit >= least && (r.Max == 0 || fit <= r.Max) {
		return nil
	}
	found := foundNodes(r, fit, len(nodes))
	if len(small) > 0 {
		found += " (" + strings.Join(small[:min(len(small), 5)], ", ")
		if len(small) > 5 {
			found += fmt.Sprintf(" and %d more", len(small)-5)
		}
		found += ")"
	}
	return []Unmet{{r.At, needed, found}}
}

// foundNodes says how many nodes of all are as they must be.
func foundNodes(r *spec.NodeRequirement, fit, all int) string {
	if r.Real {
		return fmt.Sprintf("%d real nodes of %d nodes", fit, all)
	}
	return fmt.Sprintf("%d of %d nodes", fit, all)
}

func sizes(each map[string]spec.Quantity) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(each)) {
		parts = append(parts, name+" "+each[name].String())
	}
	return strings.Join(parts, " and ")
}

// lacks names the first resource of which the node has too little.
func lacks(n spec.Node, each map[string]spec.Quantity) string {
	for _, name := range slices.Sorted(maps.Keys(each)) {
		has, ok := n.Allocatable[name]
		if !ok {
			has = resource.Quantity{}
		}
		if has.Cmp(*each[name].Quantity) < 0 {
			return name + " " + has.String()
		}
	}
	return ""
}

func (s *Scenario) unmetChecks(facts *spec.Facts) ([]Unmet, error) {
	values := s.Values(facts, "", "")
	var unmet []Unmet
	for _, check := range s.Checks {
		ok, err := check.CEL.Bool(context.Background(), values)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", check.Check.CEL.At, err)
		}
		if ok {
			continue
		}
		needed := check.Check.CEL.Text
		if m, err := textOf(check.Message, values); err == nil && m != "" {
			needed = m + " (" + needed + ")"
		}
		unmet = append(unmet, Unmet{check.At, needed, foundParts(check.CEL.Explain(context.Background(), values))})
	}
	return unmet, nil
}

func foundParts(parts []expr.Part) string {
	var found []string
	for _, p := range parts {
		found = append(found, p.Expr+" = "+p.Value)
	}
	if len(found) == 0 {
		return "false"
	}
	return strings.Join(found, ", ")
}

func textOf(t *expr.Template, values expr.Values) (string, error) {
	if t == nil {
		return "", nil
	}
	v, err := t.Eval(context.Background(), values)
	return fmt.Sprint(v), err
}
