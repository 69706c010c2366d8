package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/realspec/realspec/engine/diag"
)

// explain turns an error of CEL's checker into a diagnostic. CEL gives a text, a
// place and the id of a node; the types come from the typed tree.
func (d *doctor) explain(e *common.Error) {
	i, t := d.code.tokenAt(d.offset(e))
	node := d.node(e.ExprID)
	message := plain(e.Message)
	switch {
	case strings.HasPrefix(message, "undeclared reference"):
		d.undeclared(i, quoted(message))
	case strings.HasPrefix(message, "undefined field"):
		d.undefinedField(i, quoted(message), node)
	case strings.HasPrefix(message, "found no matching overload"):
		d.noOverload(i, node)
	case strings.HasSuffix(message, "does not support field selection"), strings.HasPrefix(message, "unexpected failed resolution"):
		d.noFields(i, node)
	case strings.HasPrefix(message, "expected type"):
		d.mismatch(i, e.Message)
	case strings.Contains(message, "cannot be range of a comprehension"):
		d.notIterable(i, quoted(message))
	case strings.HasPrefix(message, "invalid duration argument"):
		d.on(t, codeType, "%s is not a duration", t.text).Help = "write numbers with their units: '30s', '500ms', '1h30m'"
	case strings.HasPrefix(message, "invalid timestamp argument"):
		d.on(t, codeType, "%s is not a point in time", t.text).Help = "write it as in '2026-01-31T12:00:00Z'"
	case strings.HasPrefix(message, "invalid matches argument"):
		d.on(t, codeType, "%s is not a regular expression", t.text)
	case strings.HasPrefix(message, "invalid quantity argument"):
		d.on(t, codeType, "%s is not a quantity", t.text).Help = "write it as Kubernetes does: '4', '500m', '8Gi'"
	case strings.HasSuffix(message, "is not a type"), strings.HasSuffix(message, "is not a message type"):
		d.on(t, codeType, "%q is not a type that can be made here", quoted(message)).Help = "write a map: {'name': value}"
	default:
		d.on(t, codeType, "%s", message)
	}
}

// quoted is what a message of CEL names.
func quoted(message string) string {
	_, rest, _ := strings.Cut(message, `"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// undeclared reports a variable or function that is not there.
func (d *doctor) undeclared(i int, name string) {
	t := d.code.token(i)
	switch {
	case t.is("("):
		d.noFunction(d.code.token(i-1), name)
		return
	case t.is("{"):
		d.on(d.code.token(i-1), codeName, "there is no type %q", name).Help = "write a map: {'name': value}"
		return
	case d.inLoop(t), t.is("cel", "math") && d.code.token(i+3).is("("):
		return
	}
	found := d.on(t, codeName, "there is no variable %q here", t.text)
	known := d.known()
	if help := knownElsewhere(t.text); help != "" {
		found.Help = help
		return
	}
	for _, holder := range []struct{ name, record string }{{"vars", typeVars}, {"env", typeEnv}} {
		if _, ok := d.env.records[holder.record].types[t.text]; ok {
			found.Help = "write " + holder.name + "." + t.text
			return
		}
	}
	found.Help = diag.DidYouMean(t.text, known)
}

// known are the names that the expression may use: its scope's, and those that
// its own loops bring in.
func (d *doctor) known() []string {
	names := sortedNames(d.env.vars)
	if d.typed == nil {
		return names
	}
	ast.PostOrderVisit(d.typed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.ComprehensionKind {
			return
		}
		for _, name := range []string{e.AsComprehension().IterVar(), e.AsComprehension().IterVar2()} {
			if identifier.MatchString(name) && !strings.HasPrefix(name, "__") && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}))
	return names
}

// knownElsewhere helps with names that other places or other languages have.
func knownElsewhere(name string) string {
	switch name {
	case "response":
		return "response is known in the checks of http; later steps know the answer as outputs.NAME, when http has output: NAME"
	case "result":
		return "result is known in the checks of exec and run, and in value of a measure; later steps know it as outputs.NAME, when the step has output: NAME"
	case "logs":
		return "logs is known in the checks of logs; later steps know the lines as outputs.NAME, when logs has output: NAME"
	case "outputs":
		return "outputs has what steps before have seen, where they have output: NAME; there is none here"
	case "object":
		return "object is known in wait (for each object of on), in where, and in start and end of a measure"
	case "cluster", "nodes", "run":
		return name + " is known before and during a run, but not here, where only vars and env are"
	case "True", "TRUE", "yes":
		return "write true"
	case "False", "FALSE", "no":
		return "write false"
	case "nil", "None", "NULL", "undefined":
		return "write null"
	case "self", "oldObject", "params", "request":
		return name + " belongs to admission policies; here it is object, vars or the name of a let"
	}
	return ""
}

// otherNames are functions of other languages.
var otherNames = map[string]string{
	"len": "size", "length": "size", "count": "size", "any": "exists", "some": "exists", "every": "all",
	"each": "all", "lower": "lowerAscii", "toLower": "lowerAscii", "toLowerCase": "lowerAscii", "upper": "upperAscii",
	"toUpper": "upperAscii", "toUpperCase": "upperAscii", "unique": "distinct", "uniq": "distinct", "str": "string",
	"float": "double", "match": "matches", "hasPrefix": "startsWith", "hasSuffix": "endsWith", "where": "filter",
	"select": "filter", "exist": "exists",
}

// macroUse are the functions that CEL expands by the number of their arguments.
var macroUse = map[string]string{
	"all": "list.all(x, condition)", "exists": "list.exists(x, condition)", "exists_one": "list.exists_one(x, condition)",
	"existsOne": "list.existsOne(key, x, condition)", "filter": "list.filter(x, condition)",
	"map": "list.map(x, value), list.map(x, condition, value)", "has": "has(a.field)", "sortBy": "list.sortBy(x, key)",
	"bind": "cel.bind(name, value, expression)", "transformList": "list.transformList(index, x, value)",
	"transformMap": "map.transformMap(key, x, value)", "transformMapEntry": "map.transformMapEntry(key, x, {key: value})",
	"optMap": "value.optMap(x, result)", "optFlatMap": "value.optFlatMap(x, result)",
	"greatest": "math.greatest(a, b)", "least": "math.least(a, b)",
}

func (d *doctor) noFunction(t token, name string) {
	if use, ok := macroUse[name]; ok {
		d.on(t, codeType, "%q has other arguments", name).Help = "it is used as " + use
		return
	}
	found := d.on(t, codeName, "there is no function %q", name)
	if other, ok := otherNames[name]; ok {
		found.Help = "write " + other
		return
	}
	known := append(sortedNames(d.env.cel.Functions()), sortedNames(macroUse)...)
	known = slices.DeleteFunc(known, func(name string) bool { return !identifier.MatchString(strings.ReplaceAll(name, ".", "")) })
	if near := diag.Nearest(name, known); near != "" {
		found.Help = fmt.Sprintf("did you mean %q?", near)
	}
}

// loop is the range of a call of a function that is not there, and the name that
// it would have given to its items. Errors about that name would be noise.
type loop struct {
	from, to int
	name     string
}

func (d *doctor) findLoops(errs []*common.Error) {
	for _, e := range errs {
		i, t := d.code.tokenAt(d.offset(e))
		name, behind := d.code.token(i+1), d.code.token(i+2)
		_, macro := macroUse[d.code.token(i-1).text]
		if t.is("(") && name.kind == tokenName && (macro || behind.is(",", ")")) {
			d.loops = append(d.loops, loop{t.from, d.code.token(d.code.closing(i)).to, name.text})
		}
	}
}

func (d *doctor) inLoop(t token) bool {
	return slices.ContainsFunc(d.loops, func(l loop) bool {
		return l.name == t.text && l.from < t.from && t.to < l.to
	})
}

// undefinedField reports a field that a record does not have. The error stands
// at the dot, or at the bracket of has( or [.
func (d *doctor) undefinedField(i int, field string, node ast.Expr) {
	t := d.code.token(i)
	for j := i; j < len(d.code.tokens); j++ {
		if t = d.code.token(j); strings.Trim(t.text, "`'\"") == field {
			break
		}
	}
	name := typeSeries
	if node != nil && node.Kind() == ast.SelectKind {
		name = d.typeOf(node.AsSelect().Operand()).TypeName()
	}
	fields, _ := d.env.cel.CELTypeProvider().FindStructFieldNames(name)
	switch name {
	case typeVars:
		d.on(t, codeName, "the scenario has no variable %q", field).Help = fieldHelp(field, fields, "declare it under vars in scenario.yaml")
	case typeOutputs:
		d.on(t, codeName, "no step before this one has the output %q", field).Help = fieldHelp(field, fields, "write output: "+field+" in an http, exec, run or logs step before it")
	case typeEnv:
		d.on(t, codeName, "the environment variable %q is not declared", field).Help = fieldHelp(field, fields, "declare it under env in scenario.yaml")
	default:
		d.on(t, codeName, "%s has no field %q", recordWord(name), field).Help = fieldHelp(field, fields, "")
	}
}

func fieldHelp(field string, fields []string, declare string) string {
	switch {
	case len(fields) == 0:
		return declare
	case declare == "" || diag.Nearest(field, fields) != "":
		return diag.DidYouMean(field, fields)
	}
	return declare + "; " + diag.DidYouMean(field, fields)
}

// noFields reports a field of something that has none.
func (d *doctor) noFields(i int, node ast.Expr) {
	t := d.code.token(i)
	if t.is(".") || t.is("(") {
		i++
		t = d.code.token(i)
	}
	operand := types.DynType
	if node != nil && node.Kind() == ast.SelectKind {
		operand = d.typeOf(node.AsSelect().Operand())
	}
	found := d.on(t, codeType, "%s has no field %q, nor any other", typeWord(operand.String()), t.text)
	_, isFunction := d.env.cel.Functions()[t.text]
	switch {
	case isFunction:
		found.Help = "write " + t.text + "(…)"
	case operand.Kind() == types.ListKind:
		found.Help = fmt.Sprintf("look at its items: .all(x, x.%s …), .exists(x, …), .map(x, x.%s), or one of them: [0].%s", t.text, t.text, t.text)
	case operand.Kind() == types.DurationKind:
		found.Help = "it is one duration: compare it as it is"
	}
}

// mismatch reports a value of another type than its place wants.
func (d *doctor) mismatch(i int, message string) {
	quotes := strings.Split(message, "'")
	if len(quotes) < 4 {
		return
	}
	want, got := quotes[1], quotes[3]
	d.on(d.code.token(i), codeType, "this must be %s, but it is %s", typeWord(want), typeWord(got))
}

func (d *doctor) notIterable(i int, name string) {
	t := d.code.token(i)
	if t.is("(") {
		t = d.code.token(i - 1)
	}
	found := d.on(t, codeType, "%q goes over lists and maps, and this is %s", t.text, typeWord(name))
	if name == typePhases || name == typeSeries || name == typeGrouped || name == typeValues {
		found.Help = "a series has its statistics as fields: .max, .p95, .mean …"
	}
}

// noOverload reports an operator or function that cannot take its operands.
func (d *doctor) noOverload(i int, node ast.Expr) {
	if node == nil || node.Kind() != ast.CallKind {
		d.on(d.code.token(i), codeType, "this cannot be applied to these values")
		return
	}
	call := node.AsCall()
	name := call.FunctionName()
	var args []ast.Expr
	if call.IsMemberFunction() {
		args = append(args, call.Target())
	}
	args = append(args, call.Args()...)
	var kinds []*types.Type
	for _, a := range args {
		kinds = append(kinds, d.typeOf(a))
	}
	if slices.ContainsFunc(kinds, func(t *types.Type) bool { return t.Kind() == types.ErrorKind }) {
		return // the cause is reported where it stands
	}
	if _, ok := operators.FindReverse(name); ok && name != operators.Conditional || name == operators.Index {
		d.operator(i, name, args, kinds)
		return
	}
	if name == operators.Conditional {
		d.conditional(i, kinds)
		return
	}
	d.function(d.code.token(i-1), name, call.IsMemberFunction(), kinds)
}
