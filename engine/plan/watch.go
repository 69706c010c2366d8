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
func (c *compiler) watches() { c.scenario.Watches = watchesOf(c.scenario.Steps) }

// Watches are what the steps read that a repeated step wraps.
func (s *Step) Watches() []Watch { return watchesOf(s.During) }

func watchesOf(steps []*Step) []Watch {
	var out []Watch
	seen := map[string]bool{}
	add := func(apiVersion, kind string, ns *expr.Template, nsText string) {
		key := apiVersion + " " + kind + " " + nsText
		if kind == "" || seen[key] {
			return
		}
		seen[key] = true
		out = append(out, Watch{APIVersion: apiVersion, Kind: kind, Namespace: ns})
	}
	for _, step := range steps {
		step.walk(func(s *Step) { s.reads(add) })
	}
	return out
}

// walk visits the step and the steps that it wraps, unless they are repeated:
// each repetition has a namespace and watches of its own.
func (s *Step) walk(visit func(*Step)) {
	visit(s)
	if s.Repeat > 1 {
		return
	}
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
	}
}
