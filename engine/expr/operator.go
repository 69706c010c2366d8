package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	apiservercel "k8s.io/apiserver/pkg/cel"
)

// operator reports an operator whose operands do not fit.
func (d *doctor) operator(i int, name string, args []ast.Expr, kinds []*types.Type) {
	t := d.code.token(i)
	var said []string
	for _, k := range kinds {
		said = append(said, typeWord(k.String()))
	}
	switch name {
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.Equals, operators.NotEquals:
		d.on(t, codeType, "%q cannot compare %s with %s", t.text, said[0], said[1]).Help = compareHelp(args, kinds)
	case operators.In, operators.OldIn:
		d.membership(t, kinds, said)
	case operators.Index, operators.OptIndex:
		d.index(i, kinds, said)
	case operators.LogicalNot:
		d.on(t, codeType, `"!" takes true or false, but this is %s`, said[0]).Help = notHelp(kinds[0])
	case operators.Negate:
		d.on(t, codeType, `"-" takes a number or a duration, but this is %s`, said[0])
	default:
		d.on(t, codeType, "%q does not work on %s", t.text, words(said)).Help = arithmeticHelp(name, args, kinds)
	}
}

func notHelp(t *types.Type) string {
	switch t.Kind() {
	case types.ListKind, types.MapKind:
		return "write .size() == 0"
	case types.StringKind:
		return "write == ''"
	}
	return ""
}

func (d *doctor) membership(t token, kinds []*types.Type, said []string) {
	if k := kinds[1].Kind(); k == types.ListKind || k == types.MapKind {
		d.on(t, codeType, `"in" looks for %s here, and this %s has %s`, said[0],
			strings.TrimPrefix(said[1], "a "), plural(kinds[1].Parameters()))
		return
	}
	found := d.on(t, codeType, `"in" looks into lists and maps, but this is %s`, said[1])
	if kinds[1].Kind() == types.StringKind {
		found.Help = "write text.contains(part)"
	}
}

// plural says what a list or map holds.
func plural(parameters []*types.Type) string {
	switch parameters[0].Kind() {
	case types.IntKind, types.UintKind:
		return "ints"
	case types.StringKind:
		return "strings"
	case types.DoubleKind:
		return "doubles"
	case types.DurationKind:
		return "durations"
	}
	return "other things"
}

func (d *doctor) index(i int, kinds []*types.Type, said []string) {
	t := d.code.token(i)
	switch kinds[0].Kind() {
	case types.ListKind:
		d.on(t, codeType, "an item of a list is chosen by its number, not by %s", said[1])
	case types.MapKind:
		d.on(t, codeType, "an entry of this map is chosen by %s, not by %s", typeWord(kinds[0].Parameters()[0].String()), said[1])
	case types.StructKind:
		name := d.code.token(i - 1).text
		d.on(t, codeType, "the fields of %s are not chosen with brackets", name).Help = "write " + name + "." + d.fieldName(i+1)
	default:
		d.on(t, codeType, "%s cannot be indexed", said[0])
	}
}

// fieldName is a string token as it would be written as a field.
func (d *doctor) fieldName(i int) string {
	name := "NAME"
	if t := d.code.token(i); t.kind == tokenString {
		name = strings.Trim(t.text, `'"`)
	}
	if !identifier.MatchString(name) {
		return "`" + name + "`"
	}
	return name
}

func (d *doctor) conditional(i int, kinds []*types.Type) {
	t := d.code.token(i)
	if len(kinds) == 3 && kinds[0].Kind() != types.BoolKind && !isAny(kinds[0]) {
		d.on(t, codeType, `what stands before "?" must be true or false, but it is %s`, typeWord(kinds[0].String()))
		return
	}
	if len(kinds) == 3 {
		d.on(t, codeType, `both sides of ":" must be of one type, but they are %s and %s`,
			typeWord(kinds[1].String()), typeWord(kinds[2].String())).Help = "dyn(…) around one of them allows it"
	}
}

// compareHelp says how two types can be compared.
func compareHelp(args []ast.Expr, kinds []*types.Type) string {
	has := func(test func(*types.Type) bool) int { return slices.IndexFunc(kinds, test) }
	is := func(kind types.Kind) int {
		return has(func(t *types.Type) bool { return t.Kind() == kind })
	}
	quantity := has(func(t *types.Type) bool { return t.TypeName() == apiservercel.QuantityType.TypeName() })
	series := has(func(t *types.Type) bool { return t.TypeName() == typeSeries || t.TypeName() == typeValues })
	phases := has(func(t *types.Type) bool { return t.TypeName() == typePhases || t.TypeName() == typeGrouped })
	load := has(func(t *types.Type) bool { return t.TypeName() == typeDelivery })
	server := has(func(t *types.Type) bool { return t.TypeName() == typeServer })
	switch {
	case is(types.BoolKind) == 0 && (number(kinds[1]) || kinds[1].Kind() == types.DurationKind):
		return "comparisons do not chain: write a < b && b < c"
	case phases >= 0:
		return "say which series and which value of it: .startup.max, .ready.p95 …"
	case load >= 0:
		return "say which value of it: .rate, .lag, .failed, .latency.p99 …"
	case server >= 0:
		return "say which calls and which value of them: .mutating.p99, .reads.p99, .lists.p99 …"
	case series >= 0:
		return "say which value of it: .max, .p95, .mean …"
	case quantity >= 0 && kinds[0].TypeName() == kinds[1].TypeName():
		return "compare quantities with a.compareTo(b) < 0, a.isLessThan(b) or a.isGreaterThan(b)"
	case quantity >= 0:
		return fmt.Sprintf("make a quantity of it and write a.compareTo(quantity('%s')) >= 0", literal(args[1-quantity], "4"))
	case is(types.DurationKind) >= 0 && is(types.StringKind) >= 0:
		return fmt.Sprintf("write duration('%s')", literal(args[is(types.StringKind)], "30s"))
	case is(types.DurationKind) >= 0:
		return fmt.Sprintf("write duration('%sms')", literal(args[1-is(types.DurationKind)], "500"))
	case is(types.ListKind) >= 0 && is(types.IntKind) >= 0:
		return "write .size() to count its items"
	case slices.ContainsFunc(args, isVersion):
		return versionHelp
	case is(types.StringKind) >= 0 && number(kinds[1-is(types.StringKind)]):
		return "write the number without quotes, or turn one side with int(…) or string(…)"
	case number(kinds[0]) && number(kinds[1]):
		return "write double(…) around the int"
	case is(types.BoolKind) >= 0 && is(types.StringKind) >= 0:
		return "write true and false without quotes"
	}
	return ""
}

func number(t *types.Type) bool {
	return t.Kind() == types.IntKind || t.Kind() == types.DoubleKind || t.Kind() == types.UintKind
}

func arithmeticHelp(operator string, args []ast.Expr, kinds []*types.Type) string {
	if len(kinds) != 2 {
		return ""
	}
	text := slices.IndexFunc(kinds, func(t *types.Type) bool { return t.Kind() == types.StringKind })
	long := slices.IndexFunc(kinds, func(t *types.Type) bool { return t.Kind() == types.DurationKind })
	amount := slices.IndexFunc(kinds, func(t *types.Type) bool { return t.TypeName() == apiservercel.QuantityType.TypeName() })
	switch {
	case amount >= 0:
		return "write a.add(b) and a.sub(b) for quantities"
	case long >= 0 && operator != operators.Add && operator != operators.Subtract:
		return "durations can only be added, subtracted and compared"
	case long >= 0 && text < 0:
		return fmt.Sprintf("durations are added and subtracted: duration('%sms')", literal(args[1-long], "500"))
	case text >= 0:
		return "string(…) makes a string of the other side"
	case number(kinds[0]) && number(kinds[1]):
		return "turn one side with int(…) or double(…)"
	}
	return ""
}

// literal is the value of a constant, or otherwise where it is none.
func literal(e ast.Expr, otherwise string) string {
	if e.Kind() != ast.LiteralKind {
		return otherwise
	}
	switch v := e.AsLiteral().(type) {
	case types.Int, types.Double, types.Uint, types.String:
		return fmt.Sprint(v.Value())
	}
	return otherwise
}

// function reports a function that cannot take its arguments, and says what it
// takes.
func (d *doctor) function(t token, name string, member bool, kinds []*types.Type) {
	var said []string
	for _, k := range kinds {
		said = append(said, typeWord(k.String()))
	}
	same, others := d.usage(name, kinds)
	var message, help string
	switch {
	case len(said) == 0 || len(same) > 0 && member && len(said) == 1:
		message = fmt.Sprintf("%q needs an argument", name)
	case member && len(same) == 0:
		message = fmt.Sprintf("%q cannot be asked of %s", name, said[0])
	case member:
		message = fmt.Sprintf("%q of %s cannot take %s", name, said[0], words(said[1:]))
	default:
		message = fmt.Sprintf("%q cannot take %s", name, words(said))
	}
	if len(same) == 0 {
		same = others
	}
	if len(same) > 4 {
		same = append(same[:4:4], "…")
	}
	if help = "it is used as " + strings.Join(same, ", "); name == "contains" && kinds[0].Kind() == types.ListKind {
		help = "write item in list"
	}
	d.on(t, codeType, "%s", message).Help = help
}

// usage says how a function is used: for the value that it was asked of, and for
// others.
func (d *doctor) usage(name string, kinds []*types.Type) (same, others []string) {
	fn := d.env.cel.Functions()[name]
	if fn == nil {
		return nil, nil
	}
	for _, o := range fn.OverloadDecls() {
		var args []string
		for _, a := range o.ArgTypes() {
			args = append(args, shortType(a))
		}
		use := fmt.Sprintf("%s(%s)", name, strings.Join(args, ", "))
		if o.IsMemberFunction() {
			use = fmt.Sprintf("%s.%s(%s)", args[0], name, strings.Join(args[1:], ", "))
		}
		list := &others
		if len(kinds) > 0 && len(args) > 0 && o.ArgTypes()[0].Kind() == kinds[0].Kind() && o.ArgTypes()[0].TypeName() == kinds[0].TypeName() {
			list = &same
		}
		if !slices.Contains(*list, use) {
			*list = append(*list, use)
		}
	}
	return same, others
}

// shortType is the name of a type in a usage line.
func shortType(t *types.Type) string {
	switch t.Kind() {
	case types.TypeParamKind, types.DynKind:
		return "value"
	case types.ListKind:
		return "list"
	case types.MapKind:
		return "map"
	}
	return strings.TrimPrefix(strings.TrimPrefix(typeWord(t.String()), "a "), "an ")
}
