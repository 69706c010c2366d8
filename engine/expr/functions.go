package expr

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
)

// Function is a function that every expression may use.
type Function struct {
	Name string   // as it is written: size, math.greatest
	Uses []string // how it is called and what it gives, in words: duration(string) → duration
	Loop bool     // it takes names of its own: list.all(x, condition)
}

var functionName = regexp.MustCompile(`^[a-zA-Z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$`)

// Functions are all functions of expressions, by name. Operators are not among
// them.
func Functions() ([]Function, error) {
	env, err := baseEnv()
	if err != nil {
		return nil, err
	}
	found := map[string]*Function{}
	named := func(name string) *Function {
		if found[name] == nil {
			found[name] = &Function{Name: name}
		}
		return found[name]
	}
	for name, fn := range env.Functions() {
		if !functionName.MatchString(name) || name == "in" || len(fn.OverloadDecls()) == 0 {
			continue
		}
		f := named(name)
		for _, o := range fn.OverloadDecls() {
			if use := useOf(name, o.IsMemberFunction(), o.ArgTypes(), o.ResultType()); !slices.Contains(f.Uses, use) {
				f.Uses = append(f.Uses, use)
			}
		}
		slices.Sort(f.Uses)
	}
	for _, m := range env.Macros() {
		named(macroName(m.Function())).Loop = true
	}
	var out []Function
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[name])
	}
	return out, nil
}

func useOf(name string, member bool, args []*cel.Type, result *cel.Type) string {
	var said []string
	for _, a := range args {
		said = append(said, shortType(a))
	}
	if member {
		return fmt.Sprintf("%s.%s(%s) → %s", said[0], name, strings.Join(said[1:], ", "), shortType(result))
	}
	return fmt.Sprintf("%s(%s) → %s", name, strings.Join(said, ", "), shortType(result))
}

// macroName is the name of a macro as it is written: CEL knows cel.bind as bind.
func macroName(name string) string {
	switch name {
	case "bind":
		return "cel.bind"
	case "greatest", "least":
		return "math." + name
	}
	return name
}
