package expr

import (
	"github.com/google/cel-go/common/ast"
)

// textOf is the text of an expression as it was written.
func (p *Program) textOf(e ast.Expr) string {
	from, to := p.extent(e)
	return p.code.part(p.code.token(from).from, p.code.token(to).to)
}

// extent gives the first and the last token of an expression. CEL keeps only
// where an operator, a bracket or a first token stands:
//
//	pods.map(p, p.spec.nodeName).size() >= 3
//	^^^^    ^    ^              ^    ^  ^^ ^
func (p *Program) extent(e ast.Expr) (from, to int) {
	c := p.code
	span, ok := p.tree.SourceInfo().GetOffsetRange(e.ID())
	if !ok {
		return 0, len(c.tokens) - 1
	}
	i, t := c.tokenAt(byteOffset(c.text, int(span.Start)))
	switch {
	case t.kind == tokenOpen && (t.is("(") || t.is("[") && c.token(i-1).endsOperand()):
		return c.chainStart(i - 1), c.closing(i)
	case t.kind == tokenOpen:
		return i, c.closing(i)
	case t.is("."):
		to = i + 1
		if c.token(to).is("?") {
			to++
		}
		return c.chainStart(i - 1), to
	case e.Kind() == ast.LiteralKind && t.is("-"):
		return i, i + 1
	case e.Kind() == ast.CallKind && len(e.AsCall().Args()) > 0 && !e.AsCall().IsMemberFunction():
		args := e.AsCall().Args()
		from, _ = p.outer(args[0])
		_, to = p.outer(args[len(args)-1])
		return min(from, i), max(to, i)
	}
	return i, i
}

// outer is the extent of an expression with the parentheses around it.
func (p *Program) outer(e ast.Expr) (from, to int) {
	c := p.code
	from, to = p.extent(e)
	for from > 0 && c.token(from-1).is("(") && c.token(to+1).is(")") && c.closing(from-1) == to+1 {
		if callee := c.token(from - 2); from > 1 && callee.kind == tokenName && !callee.is("in") {
			break
		}
		from, to = from-1, to+1
	}
	return from, to
}

// closing is the index of the bracket that belongs to the one at i, or i.
func (c *code) closing(i int) int {
	if j := match(c.tokens, i); j >= 0 {
		return j
	}
	return i
}

// chainStart is the first token of the chain of fields, calls and indexes that
// ends with token i.
func (c *code) chainStart(i int) int {
	for i > 0 {
		start := c.operandStart(i)
		dot := start - 1
		if c.token(dot).is("?") && c.token(dot-1).is(".") {
			dot--
		}
		if dot < 1 || !c.token(dot).is(".") || !c.token(dot-1).endsOperand() {
			return start
		}
		i = dot - 1
	}
	return max(i, 0)
}

// operandStart is the first token of the operand that ends with token i, without
// what stands before its dot.
func (c *code) operandStart(i int) int {
	for c.token(i).kind == tokenClose {
		open := c.closing(i)
		before := c.token(open - 1)
		if open == 0 || open == i || !before.endsOperand() || c.token(open).is("{") {
			return open
		}
		i = open - 1
	}
	return i
}
