package plan

import (
	"context"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/spec"
)

// Requirement is one thing that a scenario needs of its cluster.
type Requirement struct {
	Needed string   `json:"needed"`
	Found  string   `json:"found,omitempty"`
	State  string   `json:"state"`
	Pos    spec.Pos `json:"pos"`
}

// The states of a requirement.
const (
	Met     = "met"
	NotMet  = "not met"
	NotTold = "not told" // there is no cluster, or it may not be looked at
)

// Requirements lists what the scenario needs, and what a cluster has of it. With
// no facts nothing is told. Unlike Unmet it does not stop at what cannot be told.
func (s *Scenario) Requirements(facts *spec.Facts) []Requirement {
	r := s.Spec.Spec.Requires
	if r == nil {
		return nil
	}
	var out []Requirement
	if r.Kubernetes != "" {
		out = append(out, s.versionRequirement(r, facts))
	}
	if r.Nodes != nil {
		out = append(out, nodesRequirement(r.Nodes, facts))
	}
	for _, check := range s.Checks {
		out = append(out, s.checkRequirement(check, facts))
	}
	return out
}

func (s *Scenario) versionRequirement(r *spec.Requires, facts *spec.Facts) Requirement {
	q := Requirement{Needed: "Kubernetes " + r.Kubernetes, State: NotTold, Pos: r.At}
	if facts == nil {
		return q
	}
	ok, err := versionHolds(r.Kubernetes, facts.Cluster.Version)
	if err != nil {
		q.Found = err.Error()
		return q
	}
	q.Found, q.State = facts.Cluster.Version, state(ok)
	return q
}

func nodesRequirement(r *spec.NodeRequirement, facts *spec.Facts) Requirement {
	q := Requirement{Needed: neededNodes(r), State: NotTold, Pos: r.At}
	switch {
	case facts == nil:
	case facts.Cluster.Unknown["nodes"] != "":
		q.Found = facts.Cluster.Unknown["nodes"]
	default:
		q.State = Met
		q.Found = foundNodes(r, fitting(r, facts.Nodes), len(facts.Nodes))
		if unmet := unmetNodes(r, facts.Nodes); len(unmet) > 0 {
			q.State, q.Found = NotMet, unmet[0].Found
		}
	}
	return q
}

// neededNodes says it as Unmet does: no node at all meets no such requirement.
func neededNodes(r *spec.NodeRequirement) string {
	return unmetNodes(&spec.NodeRequirement{
		At: r.At, Min: r.Min, Max: r.Max, Each: r.Each, Real: r.Real,
	}, nil)[0].Needed
}

func fitting(r *spec.NodeRequirement, nodes []spec.Node) int {
	n := 0
	for _, node := range nodes {
		if node.Ready && node.Schedulable && lacks(node, r.Each) == "" && !(r.Real && node.Simulated) {
			n++
		}
	}
	return n
}

func (s *Scenario) checkRequirement(check Check, facts *spec.Facts) Requirement {
	values := s.Values(facts, "", "")
	q := Requirement{Needed: check.Check.CEL.Text, State: NotTold, Pos: check.At}
	if m, err := textOf(check.Message, values); err == nil && m != "" {
		q.Needed = m + " (" + q.Needed + ")"
	}
	if facts == nil {
		return q
	}
	if why := facts.Cluster.Unknown["nodes"]; why != "" && nodesRead.MatchString(check.Check.CEL.Text) {
		q.Found = why
		return q
	}
	ok, err := check.CEL.Bool(context.Background(), values)
	if err != nil {
		q.Found = err.Error()
		return q
	}
	parts := check.CEL.Explain(context.Background(), values)
	q.State, q.Found = state(ok), foundParts(parts)
	if ok { // why it holds is said in short
		q.Found = "true"
		if len(parts) > 0 {
			q.Found = foundParts(parts[len(parts)-1:])
		}
	}
	return q
}

func state(ok bool) string {
	if ok {
		return Met
	}
	return NotMet
}

var (
	nodesRead    = regexp.MustCompile(`\bnodes\b`)
	surveyedRead = regexp.MustCompile(`(\.\s*\??\s*|\[['"])(` + strings.Join(spec.SurveyedFields, "|") + `)\b`)
)

// NeedsSurvey tells whether an expression of the scenario may read what takes a
// survey of the cluster, so that a run can spare the others its requests.
func (s *Scenario) NeedsSurvey() bool {
	if readsSurvey(reflect.ValueOf(s.Spec.Spec)) {
		return true
	}
	return slices.ContainsFunc(s.Steps, func(st *Step) bool { return readsSurvey(reflect.ValueOf(*st.Step)) })
}

// readsSurvey looks at every text of a part of the language.
func readsSurvey(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && readsSurvey(v.Elem())
	case reflect.Struct:
		if source, ok := v.Interface().(spec.Source); ok {
			return surveyedRead.MatchString(source.Text)
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && readsSurvey(v.Field(i)) {
				return true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if readsSurvey(v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if readsSurvey(v.MapIndex(key)) {
				return true
			}
		}
	}
	return false
}
