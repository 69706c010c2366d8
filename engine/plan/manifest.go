package plan

import (
	"context"
	"slices"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/spec"
)

// Manifest is an object as a run would send it, without the run's labels.
type Manifest struct {
	APIVersion, Kind, Name string
	// Namespace is the one that is written; empty means the scenario's own, where
	// the kind has namespaces.
	Namespace string
	// Fields are the whole object. Nil when they cannot be known before the run.
	Fields map[string]any
	// Err says why they cannot.
	Err error
	At  spec.Pos
}

// String is KIND/NAME, with the namespace where one is written.
func (m Manifest) String() string {
	out := m.Kind
	if m.Name != "" {
		out += "/" + m.Name
	}
	if m.Namespace != "" {
		out += " in " + m.Namespace
	}
	return out
}

// Hidden stands for the values of a Secret.
const Hidden = "(hidden)"

// Redact hides the values of a Secret, and the copies of them that kubectl keeps
// in an annotation. The object itself is not changed.
func Redact(object map[string]any) map[string]any {
	kind, _ := object["kind"].(string)
	if kind != "Secret" {
		return object
	}
	out := make(map[string]any, len(object))
	for key, value := range object {
		out[key] = value
		values, ok := value.(map[string]any)
		if key != "data" && key != "stringData" || !ok {
			continue
		}
		hidden := map[string]any{}
		for name := range values {
			hidden[name] = Hidden
		}
		out[key] = hidden
	}
	if metadata, ok := out["metadata"].(map[string]any); ok {
		plain := make(map[string]any, len(metadata))
		for key, value := range metadata {
			if key != "annotations" {
				plain[key] = value
			}
		}
		out["metadata"] = plain
	}
	return out
}

// Manifests are the objects that the scenario would apply, in the order of its
// steps, without those of loads.
func (s *Scenario) Manifests(facts *spec.Facts) []Manifest {
	o := &outliner{values: s.Values(facts, runID, s.Name+"-"+runID)}
	var out []Manifest
	for _, step := range s.Steps {
		step.each(func(s *Step) {
			if s.Apply != nil {
				out = append(out, o.manifests(s)...)
			}
		})
	}
	return out
}

// each visits the step and all steps that it wraps.
func (s *Step) each(visit func(*Step)) {
	visit(s)
	for _, d := range s.During {
		d.each(visit)
	}
}

// manifests are the objects of an apply or delete step, or the first one of a
// load.
func (o *outliner) manifests(s *Step) []Manifest {
	var sources []spec.Object
	switch {
	case s.Apply != nil:
		sources = slices.Concat(s.Apply.Manifests, s.Apply.Objects)
	case s.Delete != nil:
		sources = s.Delete.Manifests
	case s.Load != nil:
		sources = []spec.Object{s.Load.Object}
	}
	var out []Manifest
	for _, source := range sources {
		out = append(out, o.manifest(s, source))
	}
	return out
}

func (o *outliner) manifest(s *Step, source spec.Object) Manifest {
	values := expr.Values{"index": int64(0)}
	for key, value := range o.values {
		values[key] = value
	}
	m := Manifest{At: source.At}
	fields := source.Fields
	if compiled := s.Object(source); compiled != nil {
		if m.Fields, m.Err = compiled.Eval(context.Background(), values); m.Err == nil {
			fields = m.Fields
		}
	}
	metadata, _ := fields["metadata"].(map[string]any)
	m.APIVersion, _ = fields["apiVersion"].(string)
	m.Kind, _ = fields["kind"].(string)
	m.Name, _ = metadata["name"].(string)
	m.Namespace, _ = metadata["namespace"].(string)
	return m
}
