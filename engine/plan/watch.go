package plan

import (
	"maps"
	"slices"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/spec"
)

// watches lists what the scenario reads, so that every watch can begin before
// the first apply. A kind that the cluster does not serve yet is watched from
// the moment that a step asks for it.
func (c *compiler) watches() {
	seen := map[string]bool{}
	add := func(apiVersion, kind string, ns *expr.Template, nsText string) {
		key := apiVersion + " " + kind + " " + nsText
		if kind == "" || seen[key] {
			return
		}
		seen[key] = true
		c.scenario.Watches = append(c.scenario.Watches, Watch{APIVersion: apiVersion, Kind: kind, Namespace: ns})
	}
	for _, step := range c.scenario.Steps {
		step.walk(func(s *Step) { s.reads(add) })
	}
}

// walk visits the step and the steps that it wraps.
func (s *Step) walk(visit func(*Step)) {
	visit(s)
	for _, d := range s.During {
		d.walk(visit)
	}
}

type addWatch func(apiVersion, kind string, ns *expr.Template, nsText string)

func (s *Step) reads(add addWatch) {
	selector := func(sel *spec.Selector) {
		if sel != nil {
			add(sel.APIVersion, sel.Kind, s.Text(sel.Namespace), sel.Namespace.Text)
		}
	}
	switch {
	case s.Apply != nil:
		for _, o := range slices.Concat(s.Apply.Objects, s.Apply.Manifests) {
			apiVersion, _ := o.Fields["apiVersion"].(string)
			kind, _ := o.Fields["kind"].(string)
			add(apiVersion, kind, nil, "")
		}
	case s.Wait != nil:
		for i := range s.Wait {
			selector(s.Wait[i].On)
			for _, name := range slices.Sorted(maps.Keys(s.Wait[i].Let)) {
				sel := s.Wait[i].Let[name]
				selector(&sel)
			}
		}
	case s.Delete != nil:
		for i := range s.Delete.On {
			selector(&s.Delete.On[i])
		}
	case s.Measure != nil:
		for i := range s.Measure {
			switch m := &s.Measure[i]; {
			case m.Pods != nil:
				add("v1", "Pod", s.Text(m.Pods.Namespace), m.Pods.Namespace.Text)
			case m.Objects != nil:
				selector(&m.Objects.On)
			}
		}
	}
}
