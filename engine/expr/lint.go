package expr

import (
	"fmt"
	"slices"
	"strings"
)

// fix is a token that was taken for another one, so that the rest of the
// expression can be checked as well.
type fix struct {
	from, to int
	text     string
}

// lint finds what people write who come from other languages. Where it is clear
// what was meant the expression is read on as if it stood there. It tells
// whether reading on makes sense.
func (d *doctor) lint(want Type) bool {
	c := d.code
	if len(c.tokens) == 0 {
		found := d.on(token{}, codeSyntax, "the expression is empty")
		if found.Help = "write one such as vars.NAME"; want == Bool {
			found.Help = "write a condition such as object.status.readyReplicas == 3"
		}
		return false
	}
	if trimmed := strings.TrimSpace(c.text); strings.HasPrefix(trimmed, "${{") {
		d.on(c.tokens[0], codeSyntax, "${{ }} is not needed here: this is an expression already").Help =
			"write it without: " + strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(trimmed, "${{"), "}}"))
		return false
	}
	ok := true
	for i := 0; i < len(c.tokens); i++ {
		switch t := c.tokens[i]; t.kind {
		case tokenUnknown:
			n, known := d.unknown(i)
			i += n - 1
			ok = ok && known
		case tokenUnclosed:
			d.on(t, codeSyntax, "the string has no end").Help = "close it with " + string(quoteOf(t.text)) + " on the same line"
			return false
		case tokenName:
			ok = d.word(i) && ok
		case tokenOperator:
			i += d.pair(i)
		}
	}
	return d.brackets() && ok
}

// pair reports the operators of other languages that are written with two
// signs. It gives the number of tokens behind the first.
func (d *doctor) pair(i int) int {
	t, next := d.code.token(i), d.code.token(i+1)
	instead := map[string]string{"<>": "!=", "===": "==", "!==": "!=", "=>": ">=", "=<": "<="}[t.text+next.text]
	if instead == "" || next.from != t.to || next.to == next.from {
		return 0
	}
	d.meant(t.from, next.to, fmt.Sprintf("%q is not an operator", t.text+next.text), instead)
	return 1
}

func quoteOf(text string) byte { return text[strings.IndexAny(text, `'"`)] }

// unknown reports characters that CEL does not know, beginning at token i. It
// gives the number of tokens that it dealt with, and whether it knew better.
func (d *doctor) unknown(i int) (n int, known bool) {
	c, t := d.code, d.code.tokens[i]
	next := c.token(i + 1)
	beside := next.from == t.to
	switch t.text {
	case "=":
		if next.is("~") && beside {
			found := d.at(t.from, next.to, `"=~" is not an operator`)
			found.Code, found.Help = codeSyntax, "write text.matches('regular expression')"
			return 2, false
		}
		if d.pair(i) > 0 {
			return 2, true
		}
		d.meant(t.from, t.to, `"=" does not compare`, "==")
		return 1, true
	case "&", "|":
		d.meant(t.from, t.to, `"`+t.text+`" is not an operator`, t.text+t.text)
		return 1, true
	case "$":
		return d.dollar(i, beside)
	case "“", "”", "‘", "’", "„":
		d.on(t, codeSyntax, "%s does not quote in expressions", t.text).Help = `write ' or "`
		return len(c.tokens), false
	case "`":
		d.on(t, codeSyntax, "the name in backticks has no end").Help = "close it with ` (letters, digits and _ . - / may stand in it)"
		return len(c.tokens), false
	}
	d.on(t, codeSyntax, "%q cannot stand in an expression", t.text)
	return 1, false
}

// dollar reports $x, ${x} and $(x).
func (d *doctor) dollar(i int, beside bool) (n int, known bool) {
	c, t := d.code, d.code.tokens[i]
	name, end := c.token(i+1), c.token(i+1)
	n = 2
	if beside && name.kind == tokenOpen {
		name, end, n = c.token(i+2), c.token(i+3), 4
	}
	if !beside || name.kind != tokenName || n == 4 && end.kind != tokenClose {
		d.on(t, codeSyntax, `"$" cannot stand in an expression`).Help = "write vars.NAME, env.NAME or the name of a variable as it is"
		return 1, false
	}
	found := d.at(t.from, end.to, "variables are written without $ in expressions")
	found.Code, found.Help = codeSyntax, "write "+d.variableFor(name.text)
	d.fixes = append(d.fixes, fix{t.from, end.to, "dyn(0)"})
	return n, true
}

// variableFor is how the variable of a shell would be written.
func (d *doctor) variableFor(name string) string {
	if _, ok := d.env.vars[name]; ok {
		return name
	}
	if _, ok := d.env.records[typeVars].types[name]; ok {
		return "vars." + name
	}
	return "vars." + name + " for a variable of the scenario, or env." + name + " for a declared environment variable"
}

// word reports and, or, is and not, and tells whether it is clear what was
// meant.
func (d *doctor) word(i int) bool {
	c, t := d.code, d.code.tokens[i]
	before, after := c.token(i-1), c.token(i+1)
	if _, declared := d.env.vars[t.text]; declared || before.is(".") {
		return true
	}
	word := strings.ToLower(t.text)
	if symbol := map[string]string{"and": "&&", "or": "||", "is": "=="}[word]; symbol != "" {
		if before.endsOperand() && after.beginsOperand() {
			d.meant(t.from, t.to, fmt.Sprintf("%q is not an operator", t.text), symbol)
		}
		return true
	}
	switch {
	case word != "not":
		return true
	case before.endsOperand() && after.is("in"):
		found := d.at(t.from, after.to, `"not in" is not an operator`)
		found.Code, found.Help = codeSyntax, "write !(x in list)"
		return false
	case !before.endsOperand() && after.beginsOperand():
		d.on(t, codeSyntax, "%q is not an operator", t.text).Help = "write !(…)"
		return false
	}
	return true
}

// meant reports a text and reads on as if another stood there.
func (d *doctor) meant(from, to int, message, instead string) {
	found := d.at(from, to, "%s", message)
	found.Code, found.Help = codeSyntax, "write "+instead
	d.fixes = append(d.fixes, fix{from, to, instead})
}

// brackets reports brackets without their other half.
func (d *doctor) brackets() bool {
	var open []token
	for _, t := range d.code.tokens {
		switch t.kind {
		case tokenOpen:
			open = append(open, t)
		case tokenClose:
			if len(open) == 0 {
				d.on(t, codeSyntax, "%q closes nothing", t.text).Help = "take it away, or add its opening bracket"
				return false
			}
			last := open[len(open)-1]
			open = open[:len(open)-1]
			if want := closing(last.text); t.text != want {
				d.on(t, codeSyntax, "%q does not close %q", t.text, last.text).Help = "write " + want
				return false
			}
		}
	}
	if len(open) > 0 {
		last := open[len(open)-1]
		d.on(last, codeSyntax, "%q is not closed", last.text).Help = "add " + closing(last.text)
		return false
	}
	return true
}

func closing(open string) string {
	return map[string]string{"(": ")", "[": "]", "{": "}"}[open]
}

// fixed is the expression with all fixes.
func (d *doctor) fixed() string {
	if len(d.fixes) == 0 {
		return d.code.text
	}
	slices.SortFunc(d.fixes, func(a, b fix) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, f := range d.fixes {
		b.WriteString(d.code.text[at:f.from])
		b.WriteString(f.text)
		at = f.to
	}
	b.WriteString(d.code.text[at:])
	return b.String()
}

// original is the byte of the expression as it was written that belongs to a
// byte of the fixed one.
func (d *doctor) original(offset int) int {
	shift := 0
	for _, f := range d.fixes {
		start := f.from + shift // in the fixed text
		switch {
		case offset < start:
			return offset - shift
		case offset < start+len(f.text):
			return f.from
		}
		shift += len(f.text) - (f.to - f.from)
	}
	return offset - shift
}
