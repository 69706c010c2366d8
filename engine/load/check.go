package load

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// maxName is the longest name of a scenario: the namespace of a run is that
// name and a suffix, within the 63 characters of a DNS label.
const maxName = 40

var (
	envName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// taken are the names that expressions know already.
var taken = []string{"object", "vars", "env", "nodes", "cluster", "run", "response", "result", "logs", "outputs"}

// celWords cannot name a variable in CEL.
var celWords = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
	"namespace", "null", "package", "return", "true", "var", "void", "while",
}

// check looks at what holds between values: what the types and tags of package
// spec cannot say.
func (l *loader) check(out *Loaded) {
	if out.Spec.At.IsValid() {
		l.checkScenario(out.Spec)
	}
	l.allowed = consent(out.Spec)
	if len(out.Steps) == 0 && !l.diags.HasErrors() {
		l.diags.Add(spec.Pos{File: filepath.Join(l.dir, scenarioFile)}, "no-step", "no step in %s", l.dir).Help =
			"add a file such as 00-apply.yaml, with apply: {files: [manifests/]}"
	}
	for _, s := range out.Steps {
		l.checkStep(s)
	}
	l.checkIDs(out.Steps)
	l.checkMeasureNames(out.Steps)
	l.checkOutputs(out.Steps)
	l.checkAllowed(out)
	for i := range out.Steps {
		l.checkElapsed(out.Steps, i)
		l.checkFrom(out.Steps[:i], out.Steps[i])
		l.checkJudged(out.Steps[:i], out.Steps[i])
	}
}

func (l *loader) checkScenario(s *spec.Scenario) {
	if s.APIVersion != "" && s.APIVersion != spec.APIVersion {
		l.wrong(s.At, "apiVersion", "bad-version", "unknown apiVersion %q", s.APIVersion).Help =
			"this realspec reads " + spec.APIVersion
	}
	if s.Kind != "" && s.Kind != spec.KindScenario {
		l.wrong(s.At, "kind", "bad-kind", "unknown kind %q", s.Kind).Help = "the kind of scenario.yaml is " + spec.KindScenario
	}
	l.checkMetadata(s.Metadata)
	l.checkCovers(s.Spec.At, s.Spec.Covers)
	l.checkPositive(s.Spec.At, "timeout", s.Spec.Timeout)
	l.checkVars(s.Spec)
	l.checkEnv(s.Spec)
	if s.Spec.Requires != nil {
		l.checkRequires(s.Spec.Requires)
	}
	if s.Spec.Local != nil {
		for _, p := range s.Spec.Local.Nodes {
			l.checkPool(p)
		}
	}
}

func (l *loader) checkMetadata(m spec.Metadata) {
	switch {
	case m.Name == "":
	case len(content.IsDNS1123Label(m.Name)) > 0:
		l.wrong(m.At, "name", "bad-name", "the name %q is no DNS label", shorten(m.Name)).Help =
			"lower-case letters, digits and - only, beginning and ending with a letter or digit: high-load"
	case len(m.Name) > maxName:
		l.wrong(m.At, "name", "bad-name", "the name has %d characters, at most %d fit", len(m.Name), maxName).Help =
			"the namespace of a run is this name and a suffix"
	}
	for _, key := range slices.Sorted(maps.Keys(m.Labels)) {
		const help = "letters, digits, - _ and . only, at most 63 of them, beginning and ending with a letter or digit"
		pos, width := l.entry(m.At, "labels", key)
		if len(content.IsLabelKey(key)) > 0 {
			l.addAt(pos, width, "bad-label", "%q cannot be the key of a label", shorten(key)).Help =
				help + "; before it there may be a DNS name and /"
		}
		if len(content.IsLabelValue(m.Labels[key])) > 0 {
			l.addAt(pos, width, "bad-label", "%q cannot be the value of a label", shorten(m.Labels[key])).Help = help
		}
	}
}

func (l *loader) checkCovers(at spec.Pos, ids []string) {
	for i, id := range ids {
		if strings.TrimSpace(id) == "" && l.isText(at, "covers", i) {
			pos, width := l.item(at, "covers", i)
			l.addAt(pos, width, "empty", "this requirement id is empty").Help = "an id is such as BR-PRODUCTION-001"
		}
	}
}

// checkPositive refuses a time of 0s where it would leave no time at all.
func (l *loader) checkPositive(at spec.Pos, field string, d spec.Duration) {
	if d.At.IsValid() && d.Value == 0 && d.Expr == nil {
		l.wrong(at, field, "bad-duration", "%s must be more than 0s", field)
	}
}

func (l *loader) checkVars(s spec.ScenarioSpec) {
	for _, name := range slices.Sorted(maps.Keys(s.Vars.Fields)) {
		if identifier.MatchString(name) && !slices.Contains([]string{"in", "true", "false", "null"}, name) {
			continue
		}
		pos, width := l.entry(s.At, "vars", name)
		l.addAt(pos, width, "bad-name", "the variable %q cannot be written as vars.%s", shorten(name), shorten(name)).Help =
			"letters, digits and _ only, not beginning with a digit: " + asIdentifier(name)
	}
}

func (l *loader) checkEnv(s spec.ScenarioSpec) {
	l.checkNames(s.At, "env", s.Env, envName, "an environment variable",
		"letters, digits and _ only, not beginning with a digit: LLM_ENDPOINT")
}

// checkNames looks at a list of names: each of its form, and there once.
func (l *loader) checkNames(at spec.Pos, field string, names []string, form *regexp.Regexp, what, help string) {
	first := map[string]bool{}
	for i, name := range names {
		if !l.isText(at, field, i) {
			continue
		}
		pos, width := l.item(at, field, i)
		switch {
		case first[name]:
			l.addAt(pos, width, "duplicate", "%s is there twice", name)
		case !form.MatchString(name):
			l.addAt(pos, width, "bad-name", "%q is no name of %s", shorten(name), what).Help = help
		}
		first[name] = true
	}
}

func (l *loader) checkRequires(r *spec.Requires) {
	if r.Kubernetes != "" {
		if _, err := semver.NewConstraint(r.Kubernetes); err != nil {
			l.wrong(r.At, "kubernetes", "bad-version", "%q is no range of versions", shorten(r.Kubernetes)).Help =
				`such as ">=1.24", or ">=1.24 <2"; operators: = != > >= < <= ~ ^`
		}
	}
	if n := r.Nodes; n != nil {
		l.checkCount(n.At, "min", n.Min)
		if n.Max > 0 && n.Min > n.Max {
			l.wrong(n.At, "max", "out-of-range", "max is %d, less than min, which is %d", n.Max, n.Min)
		}
	}
	l.checkOnlyCEL(r.Checks)
}

func (l *loader) checkPool(p spec.NodePool) {
	l.checkCount(p.At, "count", p.Count)
	l.checkCount(p.At, "pods", p.Pods)
	for _, q := range []struct {
		field string
		value spec.Quantity
	}{{"cpu", p.CPU}, {"memory", p.Memory}} {
		if q.value.Quantity != nil && q.value.IsZero() {
			l.wrong(p.At, q.field, "out-of-range", "a node without %s runs nothing", q.field)
		}
	}
	if p.Name != "" && len(content.IsDNS1123Label(p.Name)) > 0 {
		l.wrong(p.At, "name", "bad-name", "%q cannot begin the name of a node", shorten(p.Name)).Help =
			"lower-case letters, digits and - only: gpu"
	}
}

// checkCount refuses a written 0 where it would be taken for "not written", and
// so for the default, which is more.
func (l *loader) checkCount(at spec.Pos, field string, n int) {
	if n == 0 && l.isZero(at, field) {
		l.wrong(at, field, "out-of-range", "%s must be 1 or more, found 0", field)
	}
}

// checkOnlyCEL refuses objects where only expressions can be judged.
func (l *loader) checkOnlyCEL(checks []spec.Check) {
	for _, c := range checks {
		if !c.At.IsValid() {
			continue
		}
		for _, field := range []string{"object", "absent"} {
			if l.has(c.At, field) {
				l.wrongKey(c.At, field, "bad-check", "%s has no place here", field).Help =
					"a check of requires is cel and message"
				break
			}
		}
		if !l.has(c.At, "cel") && !l.has(c.At, "object") && !l.has(c.At, "absent") {
			l.diags.Add(c.At, "missing-field", "this check has no cel").Help = "cel is the condition that must hold"
		}
		l.checkText(c.At, "cel", c.CEL.Text)
	}
}

// checkText refuses an expression that was written and is empty.
func (l *loader) checkText(at spec.Pos, field, text string) {
	if written, ok := l.scalar(at, field); ok && text == written && strings.TrimSpace(text) == "" {
		l.wrong(at, field, "empty", "%s is empty", field)
	}
}

// checkName looks at a name that expressions will use.
func (l *loader) checkName(pos spec.Pos, width int, what, name string) {
	var d *diag.Diagnostic
	switch {
	case slices.Contains(taken, name):
		d = l.addAt(pos, width, "bad-name", "the %s %q hides the variable %s", what, name, name)
	case slices.Contains(celWords, name):
		d = l.addAt(pos, width, "bad-name", "the %s %q is a word of CEL", what, name)
	case !identifier.MatchString(name):
		d = l.addAt(pos, width, "bad-name", "the %s %q cannot be used in an expression", what, shorten(name))
		d.Help = "letters, digits and _ only, not beginning with a digit: " + asIdentifier(name)
		return
	default:
		return
	}
	d.Help = "choose another name, such as my_" + name
}

// asIdentifier is the identifier nearest to a name.
func asIdentifier(name string) string {
	out := regexp.MustCompile(`[^A-Za-z0-9_]+`).ReplaceAllString(name, "_")
	if out == "" || out[0] >= '0' && out[0] <= '9' || out == "_" || slices.Contains(celWords, out) {
		return "my_" + strings.Trim(out, "_")
	}
	return out
}
