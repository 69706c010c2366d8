package load

import (
	"regexp"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// checkRefusal looks at what an apply expects of the API server.
func (l *loader) checkRefusal(a *spec.Apply) {
	for _, field := range []string{"message", "reason"} {
		if l.has(a.At, field) && a.Expect != "refused" {
			l.wrongKey(a.At, field, "no-place", "%s is about a refusal, and this apply expects none", field).Help = "write expect: refused"
		}
	}
	if a.Expect == "refused" && l.holds(a.At, "dependencies") {
		l.wrongKey(a.At, "dependencies", "no-place", "dependencies have no place beside expect: refused").Help =
			"what is refused is never ready"
	}
	l.checkText(a.At, "message", a.Message.Text)
	l.checkText(a.At, "reason", a.Reason)
	l.checkText(a.At, "as", a.As.Text)
}

var kindName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*/[^/\s]+$`)

// checkDependencies looks at the order of the objects of an apply step: its ends
// are objects of the step, and there is an order.
func (l *loader) checkDependencies(a *spec.Apply) {
	objects, open := appliedNames(a)
	waits := map[string][]string{} // what each object waits for, so far
	for i := range a.Dependencies {
		d := &a.Dependencies[i]
		if !d.At.IsValid() {
			continue
		}
		known := l.checkEnd(d.At, "of", d.Of, objects, open)
		known = l.checkEnd(d.At, "on", d.On, objects, open) && known
		l.checkPositive(d.At, "timeout", d.Timeout)
		l.checkDependencyFor(d)
		if !known {
			continue
		}
		if path := pathTo(waits, d.On, d.Of, nil); path != nil {
			l.diags.Add(d.At, "dependency-cycle", "the objects wait for each other in a circle: %s",
				strings.Join(append(path, d.On), " → ")).Help = "take one of these dependencies out: something must come first"
			continue
		}
		waits[d.Of] = append(waits[d.Of], d.On)
	}
}

// appliedNames are the objects of an apply step as KIND/NAME, and the kinds of
// which some have names that only the run knows.
func appliedNames(a *spec.Apply) (names []string, open map[string]bool) {
	open = map[string]bool{}
	for _, o := range slices.Concat(a.Manifests, a.Objects) {
		kind, _ := o.Fields["kind"].(string)
		metadata, _ := o.Fields["metadata"].(map[string]any)
		name, _ := metadata["name"].(string)
		if strings.Contains(kind+name, "${{") {
			open[kind] = true
		}
		names = append(names, kind+"/"+name)
	}
	slices.Sort(names)
	return slices.Compact(names), open
}

// checkEnd looks at one end of a dependency, and tells whether it is good.
func (l *loader) checkEnd(at spec.Pos, field, text string, objects []string, open map[string]bool) bool {
	kind, _, _ := strings.Cut(text, "/")
	switch {
	case text == "":
		return false
	case slices.Contains(objects, text):
		return true
	case !kindName.MatchString(text):
		l.wrong(at, field, "bad-dependency", "%q is no object, which is written as KIND/NAME", shorten(text)).Help = "such as Deployment/database"
		return false
	case open[kind] || len(objects) == 0 || l.unread():
		return true
	}
	l.wrong(at, field, "bad-dependency", "%s names no object of this step: %s", field, shorten(text)).Help =
		diag.DidYouMean(text, objects)
	return false
}

// unread tells whether a manifest could not be read: what it holds is not known.
func (l *loader) unread() bool {
	for _, objects := range l.manifests {
		if objects == nil {
			return true
		}
	}
	return false
}

func (l *loader) checkDependencyFor(d *spec.Dependency) {
	text, ok := l.scalar(d.At, "for")
	if !ok || text != d.For {
		return
	}
	f, err := parseFor(d.For)
	switch {
	case err != nil:
		l.wrong(d.At, "for", "bad-for", "%s", err).Help =
			"known here: ready, create, condition=NAME, condition=NAME=STATUS, jsonpath={.path}=VALUE"
	case f.Kind == spec.ForDeleted:
		l.wrong(d.At, "for", "bad-for", "an object that is applied is not waited for to be deleted").Help =
			"a wait step waits for that: [{for: deleted, on: …}]"
	}
}

// pathTo is the way from one object to another over what they wait for, both
// included; nil when there is none.
func pathTo(waits map[string][]string, from, to string, seen []string) []string {
	if from == to {
		return []string{to}
	}
	if slices.Contains(seen, from) {
		return nil
	}
	for _, next := range waits[from] {
		if rest := pathTo(waits, next, to, append(seen, from)); rest != nil {
			return append([]string{from}, rest...)
		}
	}
	return nil
}
