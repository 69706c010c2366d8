package plan

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/spec"
)

// varRef finds the variables that a template refers to. It only orders the
// resolution; what is right is decided by compiling the expression.
var varRef = regexp.MustCompile(`\bvars\.([A-Za-z_][A-Za-z0-9_]*)`)

// resolveVars fills in the templates of the variables, in the order in which
// they need each other, and takes what --set overrides.
func (c *compiler) resolveVars(set map[string]string) map[string]any {
	declared := c.scenario.Spec.Spec.Vars
	values := maps.Clone(declared.Fields)
	pending := map[string][]spec.Template{}
	for _, t := range declared.Templates {
		name, _ := t.Path[0].(string)
		if _, overridden := set[name]; !overridden {
			pending[name] = append(pending[name], t)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if old, ok := values[name]; ok {
			values[name] = c.override(name, old, set[name])
		}
	}
	for len(pending) > 0 {
		name, ok := nextVar(pending)
		if !ok {
			c.reportCycle(pending)
			return values
		}
		values[name] = c.resolveVar(name, values, pending)
		delete(pending, name)
	}
	return values
}

// nextVar is a variable that needs none that is still pending.
func nextVar(pending map[string][]spec.Template) (string, bool) {
	for _, name := range slices.Sorted(maps.Keys(pending)) {
		if len(pendingRefs(pending, name)) == 0 {
			return name, true
		}
	}
	return "", false
}

// pendingRefs are the pending variables that the named one refers to.
func pendingRefs(pending map[string][]spec.Template, name string) []string {
	var refs []string
	for _, t := range pending[name] {
		for _, m := range varRef.FindAllStringSubmatch(t.Text.Text, -1) {
			if _, ok := pending[m[1]]; ok {
				refs = append(refs, m[1])
			}
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

func (c *compiler) reportCycle(pending map[string][]spec.Template) {
	name := slices.Sorted(maps.Keys(pending))[0]
	var path []string
	for !slices.Contains(path, name) {
		path = append(path, name)
		name = pendingRefs(pending, name)[0]
	}
	path = append(path[slices.Index(path, name):], name)
	c.diags.Add(pending[name][0].Text.At, "vars-cycle", "the variables refer to each other in a circle: %s",
		strings.Join(path, " → ")).Help = "give one of them a value of its own"
}

// resolveVar fills in the templates of one variable.
func (c *compiler) resolveVar(name string, values map[string]any, pending map[string][]spec.Template) any {
	known := maps.Clone(values)
	for other := range pending {
		delete(known, other)
	}
	env, err := expr.New(expr.Scope{Vars: known, Env: c.scenario.Spec.Spec.Env})
	if err != nil {
		c.diags.Add(c.scenario.Spec.Spec.Vars.At, "vars", "%v", err)
		return values[name]
	}
	object, diags := env.CompileObject(spec.Object{
		Fields: map[string]any{name: values[name]}, At: c.scenario.Spec.Spec.Vars.At, Templates: pending[name],
	})
	c.diags = append(c.diags, diags...)
	if diags.HasErrors() {
		return values[name]
	}
	got, err := object.Eval(context.Background(), expr.Values{"vars": known, "env": c.scenario.Env})
	if err != nil {
		c.diags.Add(pending[name][0].Text.At, "vars", "vars.%s: %v", name, err)
		return values[name]
	}
	return got[name]
}

// override reads the text of --set as the type that the variable has.
func (c *compiler) override(name string, old any, text string) any {
	value, err := parseAs(old, text)
	if err != nil {
		pos := c.scenario.Spec.Spec.Vars.Places["/"+name]
		c.diags.Add(pos, "set", "--set %s=%s: %v", name, text, err)
		return old
	}
	return value
}

func parseAs(old any, text string) (any, error) {
	switch old.(type) {
	case string:
		return text, nil
	case int64:
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the variable is a whole number, and %q is none", text)
		}
		return v, nil
	case float64:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("the variable is a number, and %q is none", text)
		}
		return v, nil
	case bool:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("the variable is true or false, and %q is neither", text)
		}
		return v, nil
	}
	return nil, fmt.Errorf("only a text, a number or true/false can be set, and the variable is a list or a mapping")
}

// CheckSet finds the names of --set that none of the scenarios declares.
func CheckSet(scenarios []*Scenario, set map[string]string) error {
	known := map[string]bool{}
	for _, s := range scenarios {
		for name := range s.Spec.Spec.Vars.Fields {
			known[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if !known[name] {
			return fmt.Errorf("--set %s: no scenario of this run has a variable %q\n  %s", name, name,
				diag.DidYouMean(name, slices.Sorted(maps.Keys(known))))
		}
	}
	return nil
}
