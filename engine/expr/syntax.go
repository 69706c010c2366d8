package expr

import (
	"strings"

	"github.com/google/cel-go/common"
)

// syntax reports what the parser could not read. Its parser goes on after an
// error as if a token were missing or too much, and then stumbles over its own
// repair, so only the first error of that kind is reported; errors of literals
// and macros are independent of each other and reported all.
func (d *doctor) syntax(errs []*common.Error) {
	var first *common.Error
	for _, e := range errs {
		switch {
		case !strings.HasPrefix(e.Message, "Syntax error: "):
			d.grammar(e)
		case first == nil:
			first = e
		}
	}
	if first != nil && len(d.diags) == len(d.fixes) {
		d.unexpected(d.offset(first))
	}
}

// offset is the byte of the expression that an error of CEL is about.
func (d *doctor) offset(e *common.Error) int {
	return d.original(lineOffset(d.fixed(), e.Location.Line(), e.Location.Column()))
}

// unexpected reports a token that cannot stand where it stands. What the parser
// expected instead is nearly everything, and no help.
func (d *doctor) unexpected(offset int) {
	i, t := d.code.tokenAt(offset)
	before := d.code.token(i - 1)
	switch {
	case t.from == t.to:
		d.on(before, codeSyntax, "the expression ends too early").Help = "something must follow after " + before.text
	case i > 0 && before.endsOperand() && t.beginsOperand():
		d.on(t, codeSyntax, "there is no operator between %q and %q", before.text, t.text).Help = d.joinHelp(before, t)
	case before.kind == tokenOperator || before.is("in"):
		d.on(t, codeSyntax, "%q cannot follow %q", t.text, before.text).Help = "a value is missing between them"
	default:
		d.on(t, codeSyntax, "%q cannot stand here", t.text)
	}
}

func (d *doctor) joinHelp(before, t token) string {
	if before.kind == tokenNumber && t.kind == tokenName && before.to == t.from {
		return "write durations as duration('" + before.text + t.text + "') and quantities as quantity('" + before.text + t.text + "')"
	}
	return "write one of == != < <= > >= in && || + - * / % between them"
}

// grammar reports what the parser read and refused for its meaning.
func (d *doctor) grammar(e *common.Error) {
	offset := d.offset(e)
	i, t := d.code.tokenAt(offset)
	message := plain(e.Message)
	switch {
	case strings.HasPrefix(message, "reserved identifier: "):
		d.reserved(t)
	case strings.HasPrefix(message, "invalid int literal"), strings.HasPrefix(message, "invalid uint literal"):
		d.number(i, "is too large for a whole number")
	case strings.HasPrefix(message, "invalid double literal"):
		d.number(i, "is not a number")
	case strings.HasPrefix(message, "expression code point size"):
		d.on(t, codeSyntax, "the expression is too long: it may have 100000 characters")
	case strings.HasPrefix(message, "expression recursion limit"), strings.HasPrefix(message, "max recursion depth"):
		d.on(t, codeSyntax, "the expression is nested too deeply")
	case strings.HasPrefix(message, "argument is not an identifier"), strings.HasPrefix(message, "argument must be a simple name"):
		d.on(t, codeSyntax, "this must be a new name for each item").Help = "for example: pods.all(p, p.status.phase == 'Running')"
	case strings.HasPrefix(message, "invalid argument to has() macro"):
		d.on(t, codeSyntax, "has() takes a field").Help = "for example: has(object.status.phase)"
	case strings.HasPrefix(message, "cel.bind() variable names"):
		d.on(t, codeSyntax, "cel.bind() takes a new name first").Help = "for example: cel.bind(n, pods.size(), n > 3 && n < 6)"
	case strings.HasPrefix(message, "duplicate variable name"):
		d.on(t, codeSyntax, "both names of the loop are the same")
	case strings.HasPrefix(message, "unsupported ident kind"):
		d.on(t, codeSyntax, "the name of a field is missing here")
	case strings.HasPrefix(message, "error recovery"):
		d.on(t, codeSyntax, "the expression cannot be read from here on")
	default:
		d.on(t, codeSyntax, "%s", message)
	}
}

func (d *doctor) number(i int, problem string) {
	t := d.code.token(i)
	if t.is("-") {
		t.to = d.code.token(i + 1).to
	}
	d.on(t, codeSyntax, "%s %s", d.code.text[t.from:t.to], problem)
}

func (d *doctor) reserved(t token) {
	found := d.on(t, codeSyntax, "%q is a word that CEL keeps for itself", t.text)
	switch t.text {
	case "if", "else":
		found.Help = "write condition ? a : b"
	case "for", "while", "loop":
		found.Help = "write list.all(x, …), list.exists(x, …), list.filter(x, …) or list.map(x, …)"
	case "let", "var", "const":
		found.Help = "write cel.bind(name, value, expression)"
	default:
		found.Help = "it cannot be the name of a variable"
	}
}
