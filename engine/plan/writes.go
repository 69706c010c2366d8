package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/spec"
)

// Write is something that a scenario changes in a namespace that is not its own.
type Write struct {
	Step string // its id
	What string // patch Deployment/web
	// Namespace is empty when it is known only during the run; Text is then what
	// was written.
	Namespace, Text string
	At              spec.Pos
}

// Writes are what the steps change in namespaces that are written down: what they
// apply, load, patch, delete, evict, and the pods in which they run commands.
// Changing a Namespace counts as writing in it.
func (s *Scenario) Writes(facts *spec.Facts) []Write {
	w := &writes{outliner: &outliner{values: s.Values(facts, runID, s.Name+"-"+runID)}, own: s.Name + "-" + runID}
	for _, step := range s.Steps {
		step.each(w.step)
	}
	return w.all
}

type writes struct {
	*outliner
	own string
	all []Write
}

func (w *writes) step(s *Step) {
	switch {
	case s.Apply != nil:
		w.objects(s, "apply")
	case s.Load != nil:
		w.objects(s, "create")
	case s.Patch != nil:
		w.selected(s, "patch", &s.Patch.On)
	case s.Delete != nil:
		w.objects(s, "delete")
		for i := range s.Delete.On {
			w.selected(s, "delete", &s.Delete.On[i])
		}
	case s.Exec != nil:
		w.selected(s, "run a command in", &s.Exec.On)
	case s.Disrupt != nil && s.Disrupt.Action == "evict":
		w.selected(s, "evict", &s.Disrupt.On)
	}
	for i := range s.Measure {
		m := &s.Measure[i]
		switch {
		case m.Exec != nil:
			w.selected(s, "run a command in", &m.Exec.On)
		case m.API != nil && m.API.Verb == "create":
			w.object(s, "create", w.manifest(s, m.API.Object))
		case m.API != nil && m.API.Verb == "patch" && m.API.On != nil:
			w.selected(s, "patch", m.API.On)
		}
	}
}

func (w *writes) objects(s *Step, verb string) {
	for _, m := range w.manifests(s) {
		w.object(s, verb, m)
	}
}

func (w *writes) object(s *Step, verb string, m Manifest) {
	namespace := m.Namespace
	if m.Kind == "Namespace" {
		namespace = m.Name
	}
	m.Namespace = "" // it is said behind
	w.add(s, verb+" "+m.String(), namespace, m.At)
}

func (w *writes) selected(s *Step, verb string, on *spec.Selector) {
	what, namespace := on.Kind, w.text(s, on.Namespace)
	if name := w.text(s, on.Name); name != "" {
		what += "/" + name
		if on.Kind == "Namespace" {
			namespace = name
		}
	}
	w.add(s, verb+" "+what, namespace, on.At)
}

func (w *writes) add(s *Step, what, namespace string, at spec.Pos) {
	one := Write{Step: s.ID, What: what, Namespace: namespace, At: at}
	switch {
	case namespace == "", namespace == w.own:
		return
	case strings.Contains(namespace, "${{"):
		one.Namespace, one.Text = "", namespace
	}
	w.all = append(w.all, one)
}

// Refused says what of the scenario a configuration forbids on a cluster, each with
// its place; with own set, on a cluster that realspec has started. Nothing of such a
// scenario may run.
func (s *Scenario) Refused(c *spec.Config, facts *spec.Facts, own bool) []string {
	var out []string
	if !own {
		for _, w := range s.Writes(facts) {
			if why := w.refused(c); why != "" {
				out = append(out, why)
			}
		}
	}
	if c == nil {
		return out
	}
	for _, over := range s.Most(facts).Over(c.Caps) {
		out = append(out, fmt.Sprintf("%s: this scenario %s (%s)", s.Spec.At, over, c.Caps.At))
	}
	return out
}

// refused is why a write is refused; "" when it is not.
func (w Write) refused(c *spec.Config) string {
	if w.Text != "" { // only who allows every namespace allows one that nobody knows yet
		if allowsAll(c) {
			return ""
		}
		return w.sentence(c, w.Text, "is known only during the run, so it may be a protected one", `["*"]`)
	}
	namespace := w.Namespace
	if pattern, protected := c.ProtectsNamespace(namespace); protected {
		return w.sentence(c, namespace, "is protected ("+pattern+")", "["+namespace+"]")
	}
	return ""
}

func allowsAll(c *spec.Config) bool {
	if c == nil {
		return false
	}
	none := c.Namespaces.Protected != nil && len(c.Namespaces.Protected) == 0
	return none || slices.Contains(c.Namespaces.Allowed, "*")
}

func (w Write) sentence(c *spec.Config, namespace, why, allow string) string {
	return fmt.Sprintf("%s: step %s would %s, and the namespace %s %s; to allow it, write in %s: namespaces: {allowed: %s}",
		w.At, w.Step, w.What, namespace, why, c.File(), allow)
}
