package load

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// maxRetries bounds the retries of a step: what passes on the eleventh attempt
// says nothing about the system.
const maxRetries = 10

var stepID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

func (l *loader) checkStep(s *spec.Step) {
	if !s.At.IsValid() {
		return // an item of during that could not be read
	}
	l.checkCovers(s.At, s.Covers)
	l.checkPositive(s.At, "timeout", s.Timeout)
	l.checkText(s.At, "if", s.If.Text)
	l.checkText(s.At, "name", s.Name)
	if s.Retries > maxRetries {
		l.wrong(s.At, "retries", "out-of-range", "retries is %d, at most %d are allowed", s.Retries, maxRetries)
	}
	if id, ok := l.scalar(s.At, "id"); ok && s.ID == id && !stepID.MatchString(id) {
		l.wrong(s.At, "id", "bad-name", "the id %q is not valid", shorten(id)).Help =
			"lower-case letters, digits, - and _ only, beginning with a letter or digit: rollout"
	}
	l.checkVerb(s)
	l.checkRepeat(s)
	for i := range s.During {
		inner := &s.During[i]
		if l.has(inner.At, "measure") {
			l.wrongKey(inner.At, "measure", "nested-measure", "measure has no place in during").Help =
				"one measure step takes several measures, each an item of measure"
		}
		l.checkStep(inner)
	}
}

func (l *loader) checkVerb(s *spec.Step) {
	if a := s.Apply; a != nil {
		l.checkApply(s.At, a)
	}
	for i := range s.Wait {
		l.checkCondition(&s.Wait[i])
	}
	if s.Assert != nil {
		l.checkAssert(s.Assert)
	}
	if s.Delete != nil {
		l.checkDelete(s.Delete)
	}
	if s.Patch != nil {
		l.checkPatch(s.Patch)
	}
	for i := range s.Measure {
		l.checkMeasure(s, &s.Measure[i])
	}
	if s.Load != nil {
		l.checkLoad(s.Load)
	}
	l.checkCall(s)
}

// checkCall looks at the verbs that ask something and check the answer, and at
// disrupt.
func (l *loader) checkCall(s *spec.Step) {
	if s.HTTP != nil {
		l.checkHTTP(s.HTTP)
	}
	if s.Exec != nil {
		l.checkExec(s.Exec)
	}
	if s.Run != nil {
		l.checkRun(s.Run)
	}
	if s.Logs != nil {
		l.checkLogs(s.Logs)
	}
	if s.Disrupt != nil {
		l.checkDisrupt(s.At, s.Disrupt)
	}
}

func (l *loader) checkApply(step spec.Pos, a *spec.Apply) {
	if a.At.IsValid() && l.has(step, "apply") && !l.holds(a.At, "files") && !l.holds(a.At, "objects") &&
		!l.has(a.At, unknownMark) {
		l.diags.Add(a.At, "missing-field", "apply names nothing to apply").Help =
			"files: [manifests/] or objects: a list of Kubernetes objects"
	}
	l.checkFiles(a.At, a.Files)
	for _, objects := range [][]spec.Object{a.Objects, a.Manifests} {
		for _, o := range objects {
			l.checkApplied(o)
		}
	}
	l.checkRefusal(a)
	l.checkDependencies(a)
}

func (l *loader) checkFiles(at spec.Pos, files []string) {
	for i, f := range files {
		if f == "" && l.isText(at, "files", i) {
			pos, width := l.item(at, "files", i)
			l.addAt(pos, width, "empty", "this path is empty")
		}
	}
}

func (l *loader) checkDelete(d *spec.Delete) {
	if d.At.IsValid() && !l.holds(d.At, "files") && !l.holds(d.At, "on") && !l.has(d.At, unknownMark) {
		l.diags.Add(d.At, "missing-field", "delete names nothing to delete").Help =
			"on: a list such as [{kind: Pod, selector: app=web}], or files: [manifests/web.yaml]"
	}
	l.checkFiles(d.At, d.Files)
	l.checkGrace(d.At, d.GracePeriod)
	for i := range d.On {
		l.checkSelector(&d.On[i])
	}
	for _, o := range d.Manifests {
		l.checkApplied(o)
	}
}

// checkGrace refuses parts of seconds, which Kubernetes does not know here: 500ms
// would end pods at once.
func (l *loader) checkGrace(at spec.Pos, grace *spec.Duration) {
	if grace != nil && grace.Value%time.Second != 0 {
		l.wrong(at, "gracePeriod", "bad-duration", "gracePeriod takes whole seconds, found %s", grace.Value).Help =
			"Kubernetes counts it in seconds; 0s ends pods at once"
	}
}

func (l *loader) checkPatch(p *spec.Patch) {
	l.checkSelector(&p.On)
	if !p.At.IsValid() {
		return
	}
	l.exactlyOne(p.At, "patch", []string{"merge", "strategic", "json"})
	for _, op := range p.JSON {
		l.checkJSONPatch(op)
	}
}

// exactlyOne reports fields of which exactly one must be written.
func (l *loader) exactlyOne(at spec.Pos, where string, fields []string) bool {
	var got []string
	for _, f := range fields {
		if l.has(at, f) {
			got = append(got, f)
		}
	}
	list := strings.Join(fields[:len(fields)-1], ", ") + " or " + fields[len(fields)-1]
	switch len(got) {
	case 0:
		if l.has(at, unknownMark) {
			return false // most likely one of them, misspelled
		}
		none := "this %s has none of %s"
		if len(fields) == 2 {
			none, list = "this %s has neither %s", fields[0]+" nor "+fields[1]
		}
		l.diags.Add(at, "missing-field", none, where, list)
	case 1:
		return true
	default:
		l.wrongKey(at, got[1], "too-many", "%s and %s in one %s", got[0], got[1], where).Help = "only one of " + list
	}
	return false
}

func (l *loader) checkJSONPatch(op spec.Object) {
	if !op.IsSet() {
		return
	}
	ops := []string{"add", "remove", "replace", "move", "copy", "test"}
	name, _ := op.Fields["op"].(string)
	if path, ok := op.Fields["path"].(string); !ok || path != "" && path[0] != '/' && !strings.Contains(path, "${{") {
		l.diags.Add(orAt(op, "/path"), "bad-patch", "an operation of a JSON patch needs a path that begins with /").Help =
			"such as {op: replace, path: /spec/replicas, value: 8}"
	}
	switch {
	case name == "":
		l.diags.Add(orAt(op, "/op"), "bad-patch", "an operation of a JSON patch needs op").Help =
			"known here: " + strings.Join(ops, ", ")
	case !slices.Contains(ops, name):
		l.diags.Add(orAt(op, "/op"), "bad-patch", "unknown operation %q in a JSON patch", shorten(name)).Help =
			diag.DidYouMean(name, ops)
	}
}

func (l *loader) checkCondition(c *spec.Condition) {
	if !c.At.IsValid() {
		return
	}
	hasFor, hasCEL := l.has(c.At, "for"), l.has(c.At, "cel")
	hasOn, hasLet := l.has(c.At, "on"), l.has(c.At, "let")
	l.exactlyOne(c.At, "condition", []string{"for", "cel"})
	switch {
	case hasOn && hasLet:
		l.wrongKey(c.At, "let", "too-many", "let and on in one condition").Help =
			"on looks at each object by itself, let at lists of objects"
	case hasLet && hasFor && !hasCEL:
		l.wrongKey(c.At, "let", "bad-let", "let goes with cel, and this condition has for").Help =
			"on says what for looks at"
	case hasCEL && !hasFor && !hasOn && !hasLet:
		l.wrongKey(c.At, "cel", "missing-field", "this cel has neither on nor let").Help =
			"on: {kind: Deployment, name: web} makes it a condition over object"
	}
	l.checkText(c.At, "cel", c.CEL.Text)
	l.checkFor(c, hasOn)
	if c.Never && !l.has(c.At, "stays") {
		l.wrongKey(c.At, "never", "missing-field", "never needs stays").Help = "stays: 10s says for how long it must not happen"
	}
	l.checkFailFast(c)
	l.checkLet(c.At, c.Let)
	if c.On != nil {
		l.checkSelector(c.On)
	}
}

// checkFailFast refuses it where a pod that does not heal is what is waited for, or
// no reason to end.
func (l *loader) checkFailFast(c *spec.Condition) {
	f, err := spec.ParseFor(c.For)
	switch {
	case !l.has(c.At, "failFast"):
	case c.Never:
		l.wrongKey(c.At, "failFast", "no-place", "failFast has no place beside never").Help = "what must not happen may be just that"
	case err == nil && f.Kind == spec.ForDeleted:
		l.wrongKey(c.At, "failFast", "no-place", "failFast has no place beside for: deleted").Help = "a pod in any state can be deleted"
	}
}

// parseFor is spec.ParseFor, and an error where a JSONPath cannot be read.
func parseFor(text string) (spec.For, error) {
	f, err := spec.ParseFor(text)
	if err == nil && f.Kind == spec.ForJSONPath {
		_, err = spec.JSONPath(f.Name)
	}
	return f, err
}

func (l *loader) checkFor(c *spec.Condition, hasOn bool) {
	text, ok := l.scalar(c.At, "for")
	if !ok || c.For != text {
		return
	}
	f, err := parseFor(c.For)
	switch {
	case err != nil:
		l.wrong(c.At, "for", "bad-for", "%s", err).Help =
			"known here: ready, deleted, create, condition=NAME, condition=NAME=STATUS, jsonpath={.path}=VALUE"
	case f.Kind != spec.ForReady && !hasOn:
		l.wrong(c.At, "for", "missing-field", "for: %s needs on", c.For).Help =
			"on says which objects: {kind: Deployment, name: web}"
	}
}

func (l *loader) checkAssert(a *spec.Assert) {
	l.checkLet(a.At, a.Let)
	for i := range a.Checks {
		c := &a.Checks[i]
		switch {
		case c.AbsentObject.IsSet():
			l.checkPart(c.AbsentObject)
			continue
		case !c.At.IsValid():
			continue
		case l.has(c.At, "cel") || l.has(c.At, "absent") || l.has(c.At, "object") || !c.Object.IsSet():
			l.exactlyOne(c.At, "check", []string{"cel", "object", "absent"})
		}
		l.checkText(c.At, "cel", c.CEL.Text)
		if c.Object.IsSet() {
			l.checkPart(c.Object)
		}
		if c.Absent != nil {
			l.checkSelector(c.Absent)
		}
	}
}

// checkIDs reports steps that have the same id.
func (l *loader) checkIDs(steps []*spec.Step) {
	first := map[string]spec.Pos{}
	for s := range every(steps) {
		if earlier, again := first[s.ID]; again && s.At.IsValid() {
			l.wrong(s.At, "id", "duplicate-id", "the id %s is taken", s.ID).Help =
				fmt.Sprintf("the step at %s has it; give one of them another id", earlier)
		} else {
			first[s.ID] = s.At
		}
	}
}
