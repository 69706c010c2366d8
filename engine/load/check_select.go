package load

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/realspec/realspec/engine/spec"
)

// checkLet looks at the selections of a `let`, by name.
func (l *loader) checkLet(at spec.Pos, let map[string]spec.Selector) {
	for _, name := range slices.Sorted(maps.Keys(let)) {
		pos, width := l.entry(at, "let", name)
		l.checkName(pos, width, "name", name)
		s := let[name]
		l.checkSelector(&s)
	}
}

func (l *loader) checkSelector(s *spec.Selector) {
	if !s.At.IsValid() {
		return
	}
	if l.has(s.At, "name") && l.has(s.At, "selector") {
		l.wrongKey(s.At, "selector", "too-many", "name and selector in one selection").Help =
			"name selects one object, selector those with matching labels"
	}
	l.checkText(s.At, "where", s.Where.Text)
	l.checkText(s.At, "name", s.Name.Text)
	l.checkLabels(s.At, "selector", s.Selector.Text)
	switch meant := meantKind(s.Kind); {
	case strings.Contains(s.Kind, "${{"):
		l.wrong(s.At, "kind", "bad-kind", "kind takes no ${{ }}").Help = "the kinds are looked up before anything runs"
	case meant != "":
		l.wrong(s.At, "kind", "bad-kind", "%q is no kind", shorten(s.Kind)).Help = "write kind: " + meant
	case l.has(s.At, "namespace") && isClusterScoped(s.APIVersion, s.Kind):
		l.wrongKey(s.At, "namespace", "no-place", "namespace has no place beside kind: %s", s.Kind).Help =
			"a " + s.Kind + " is in no namespace"
	}
}

// checkLabels looks at the syntax of a label selector, unless it is made of
// expressions.
func (l *loader) checkLabels(at spec.Pos, field, selector string) {
	if strings.Contains(selector, "${{") {
		return
	}
	if _, err := labels.Parse(selector); err != nil {
		why := strings.TrimPrefix(err.Error(), "unable to parse requirement: ")
		l.wrong(at, field, "bad-selector", "%q is no label selector: %s", shorten(selector), why).Help =
			"such as app=web, tier!=cache, env in (a, b), !debug; joined by commas"
	}
}
