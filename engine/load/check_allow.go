package load

import (
	"slices"

	"github.com/realspec/realspec/engine/spec"
)

// What a scenario does beyond its own namespace and ordinary pods is written in
// its own file, where a reader sees it before the run does it. Here it is judged as
// far as it is written out; what expressions give of vars is judged by package plan,
// and what only the run knows when it is sent.

// consent is what a scenario may do; nil when that cannot be told.
func consent(s *spec.Scenario) []string {
	if !s.Spec.At.IsValid() && !s.At.IsValid() {
		return nil
	}
	return append([]string{}, s.Spec.Allow...)
}

func (l *loader) allows(what string) bool {
	return l.allowed == nil || slices.Contains(l.allowed, what)
}

// AllowHelp says how a scenario gives its consent.
func AllowHelp(what string) string {
	return "write allow: [" + what + "] under spec in scenario.yaml"
}

// checkAllowed looks at all that the steps write.
func (l *loader) checkAllowed(out *Loaded) {
	own := ownNamespaces(out.Steps)
	for s := range every(out.Steps) {
		for _, w := range s.Writes() {
			l.checkWritten(w, own)
		}
	}
}

// ownNamespaces are the namespaces that the scenario makes, as they are written.
func ownNamespaces(steps []*spec.Step) []string {
	var own []string
	for s := range every(steps) {
		refused := s.Apply != nil && s.Apply.Expect == "refused"
		for _, w := range s.Writes() {
			if w.Object == nil || w.Verb == "delete" || refused || w.Object.Fields["kind"] != "Namespace" {
				continue
			}
			metadata, _ := w.Object.Fields["metadata"].(map[string]any)
			name, _ := metadata["name"].(string)
			own = append(own, name)
		}
	}
	return own
}

// checkWritten looks at one thing that a step writes. What is evicted takes the
// consent to disruption, which is asked for where that stands.
func (l *loader) checkWritten(w spec.Written, own []string) {
	switch {
	case w.Verb == "evict":
	case w.Object != nil:
		l.checkWrite(*w.Object, w.Verb, own)
	default:
		l.checkChange(w.On, own)
		for _, patch := range []spec.Object{w.Merge, w.Strategic} {
			l.checkReaches(patch, spec.Reaches(w.On.Kind, patch.Fields))
		}
		for _, operation := range w.JSON {
			l.checkReaches(operation, spec.ReachesOf(w.On.Kind, operation.Fields))
		}
	}
}

func (l *loader) checkWrite(o spec.Object, verb string, own []string) {
	apiVersion, _ := o.Fields["apiVersion"].(string)
	kind, _ := o.Fields["kind"].(string)
	if kind == "" {
		return
	}
	metadata, _ := o.Fields["metadata"].(map[string]any)
	namespace, _ := metadata["namespace"].(string)
	switch {
	case isClusterScoped(apiVersion, kind):
		l.needsAllow(orAt(o, "/kind"), spec.AllowClusterScoped, "the kind %s belongs to the whole cluster", kind)
	case !isOwn(namespace, own):
		where := "goes into"
		if verb == "delete" {
			where = "is in"
		}
		l.needsAllow(orAt(o, "/metadata/namespace"), spec.AllowNamespaces, "this %s %s the namespace %s, which the scenario did not make",
			kind, where, shorten(namespace))
	}
	if verb != "delete" {
		l.checkReaches(o, spec.Reaches(kind, o.Fields))
	}
}

func (l *loader) checkReaches(o spec.Object, reaches []spec.Reach) {
	for _, r := range reaches {
		l.needsAllow(orAt(o, r.At), r.Allow, "%s", r.Why)
	}
}

func (l *loader) checkChange(s *spec.Selector, own []string) {
	switch {
	case !s.At.IsValid():
	case isClusterScoped(s.APIVersion, s.Kind):
		pos, _ := l.valueOf(s.At, "kind")
		l.needsAllow(pos, spec.AllowClusterScoped, "the kind %s belongs to the whole cluster", s.Kind)
	case !isOwn(s.Namespace.Text, own):
		pos, _ := l.valueOf(s.At, "namespace")
		l.needsAllow(pos, spec.AllowNamespaces, "this is done in the namespace %s, which the scenario did not make", shorten(s.Namespace.Text))
	}
}

func (l *loader) needsAllow(at spec.Pos, what, format string, args ...any) {
	if !l.allows(what) {
		l.diags.Add(at, "needs-allow", format, args...).Help = AllowHelp(what)
	}
}

// isOwn tells whether a namespace, as it is written, is the scenario's own or one
// that it makes.
func isOwn(namespace string, own []string) bool {
	return spec.IsRunNamespace(namespace) || slices.Contains(own, namespace)
}
