package plan

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/spec"
)

// Write is something that a scenario changes in a namespace that is not its own.
type Write struct {
	Step string // its id
	What string // patch Deployment/web
	// Namespace is empty when it is known only during the run; Text is then what
	// was written, or how it is selected.
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
	for _, one := range s.Step.Writes() {
		if one.Object != nil {
			w.object(s, one.Verb, *one.Object)
		} else {
			w.selected(s, one.Verb, one.On)
		}
	}
}

func (w *writes) object(s *Step, verb string, source spec.Object) {
	m := w.manifest(s, source)
	namespace := w.namespaceOf(source, m)
	m.Namespace = "" // it is said behind
	w.add(s, verb+" "+m.String(), namespace, m.At)
}

// namespaceOf is the namespace that an object is in or is; with ${{ }} where only
// the run knows it.
func (w *writes) namespaceOf(source spec.Object, m Manifest) string {
	field := "namespace"
	if m.Kind == "Namespace" {
		field = "name"
	}
	for _, t := range source.Templates {
		known := m.Err == nil && !load.UsesIndex(t.Text.Text) // of a load only the first object is seen here
		if slices.Equal(t.Path, []any{"metadata", field}) && !known {
			return t.Text.Text
		}
	}
	switch {
	case m.Kind == "Namespace":
		return m.Name
	case m.Namespace == "" && strings.Contains(m.Kind, "${{"): // it may be a Namespace
		return m.Kind
	}
	return m.Namespace
}

func (w *writes) selected(s *Step, verb string, on *spec.Selector) {
	what, namespace := on.Kind, w.text(s, on.Namespace)
	name := w.text(s, on.Name)
	if name != "" {
		what += "/" + name
	}
	switch query := w.text(s, on.Selector); {
	case on.Kind != "Namespace":
	case name != "":
		namespace = name
	case madeByRuns(query):
	case query != "":
		w.unknown(s, verb+" "+what, "with "+query, on.At)
		return
	default:
		w.unknown(s, verb+" "+what, "that is selected", on.At)
		return
	}
	w.add(s, verb+" "+what, namespace, on.At)
}

// madeByRuns tells whether a label selector selects nothing but what runs have made.
func madeByRuns(query string) bool {
	selector, err := labels.Parse(query)
	if err != nil {
		return false
	}
	requirements, _ := selector.Requirements()
	return slices.ContainsFunc(requirements, func(r labels.Requirement) bool {
		pinned := []selection.Operator{selection.Equals, selection.DoubleEquals, selection.In, selection.Exists}
		return strings.HasPrefix(r.Key(), "realspec.dev/") && slices.Contains(pinned, r.Operator())
	})
}

func (w *writes) add(s *Step, what, namespace string, at spec.Pos) {
	switch {
	case namespace == w.own, spec.IsRunNamespace(namespace):
	case strings.Contains(namespace, "${{"):
		w.unknown(s, what, namespace, at)
	default:
		w.all = append(w.all, Write{Step: s.ID, What: what, Namespace: namespace, At: at})
	}
}

// unknown is a write in a namespace that only the run knows.
func (w *writes) unknown(s *Step, what, text string, at spec.Pos) {
	w.all = append(w.all, Write{Step: s.ID, What: what, Text: text, At: at})
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
