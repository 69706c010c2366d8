package expr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// A field that is null where a list, a map or a number is needed is one that has
// not been filled in yet: API servers write `endpoints: null` for an empty list.

// null finds the part of a failed expression that is null and must not be; nil when
// there is none.
func (p *Program) null(ctx context.Context, v Values, at int64, message string) *MissingError {
	isNull := func(val ref.Val) bool { return val.Type() == types.NullType }
	for _, e := range p.failed(at, message) {
		for _, o := range needed(e) {
			if p.seek(ctx, v, o, isNull) != nil {
				return isNullError(p.textOf(o))
			}
		}
	}
	return nil
}

func isNullError(part string) *MissingError {
	return &MissingError{Field: part, Part: part, null: true}
}

// noLoop says what a loop was to go over that is neither a list nor a map.
func (p *Program) noLoop(ctx context.Context, v Values) error {
	noItems := func(val ref.Val) bool { return !val.Type().HasTrait(traits.IterableType) }
	for _, e := range p.loopsOf() {
		over := e.AsComprehension().IterRange()
		if val := p.seek(ctx, v, over, noItems); val != nil {
			return fmt.Errorf("%s: this must be a list or a map, but it is %s: %s", p.textOf(over), typeWord(val.Type().TypeName()), short(val))
		}
	}
	return fmt.Errorf("%s: this goes over something that is neither a list nor a map", p.text())
}

func isNoLoop(message string) bool {
	return strings.Contains(message, "expected iterable type") || strings.HasPrefix(message, "unsupported comprehension range type")
}

// failed are the parts that an error may be about. Which loop could not begin CEL
// does not say: it names the && around it, or nothing.
func (p *Program) failed(at int64, message string) []ast.Expr {
	if isNoLoop(message) {
		return p.loopsOf()
	}
	if e := p.find(at); e != nil {
		return []ast.Expr{e}
	}
	return nil
}

func (p *Program) loopsOf() []ast.Expr {
	var loops []ast.Expr
	ast.PostOrderVisit(p.tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			loops = append(loops, e)
		}
	}))
	return loops
}

// needed are the parts that a call or a loop cannot do without. A null that was
// written there is a mistake that does not heal.
func needed(e ast.Expr) []ast.Expr {
	var all []ast.Expr
	switch e.Kind() {
	case ast.ComprehensionKind:
		all = []ast.Expr{e.AsComprehension().IterRange()}
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			all = append(all, call.Target())
		}
		all = append(all, call.Args()...)
		if call.FunctionName() == operators.Conditional {
			all = all[:1]
		}
	}
	return slices.DeleteFunc(all, func(e ast.Expr) bool { return e.Kind() == ast.LiteralKind })
}

// seek evaluates a part of the expression in every turn of the loops around it,
// until its value is one that is looked for; nil when it never is. The records of
// an evaluation know the last turn only.
func (p *Program) seek(ctx context.Context, v Values, part ast.Expr, hit func(ref.Val) bool) ref.Val {
	s := &seeker{ctx: ctx, p: p, part: part, hit: hit, programs: map[int64]cel.Program{}}
	return s.within(p.loopsAround(part.ID()), activation{v, new(int)})
}

type seeker struct {
	ctx      context.Context
	p        *Program
	part     ast.Expr
	hit      func(ref.Val) bool
	programs map[int64]cel.Program
	turns    int
}

// seekLimit bounds the turns for one message.
const seekLimit = 10000

func (s *seeker) within(loops []ast.ComprehensionExpr, a interpreter.Activation) ref.Val {
	if len(loops) == 0 {
		if val := s.value(s.part, a); val != nil && s.hit(val) {
			return val
		}
		return nil
	}
	loop, inner := loops[0], loops[1:]
	if isBind(loop) {
		if val := s.value(loop.AccuInit(), a); val != nil {
			return s.within(inner, &bound{a, loop.AccuVar(), val})
		}
		return nil
	}
	items, ok := s.value(loop.IterRange(), a).(traits.Iterable)
	if !ok {
		return nil
	}
	index := 0
	for it := items.Iterator(); it.HasNext() == types.True && s.turns < seekLimit && s.ctx.Err() == nil; index++ {
		s.turns++
		item := it.Next()
		turn := &bound{a, loop.IterVar(), item}
		if loop.HasIterVar2() {
			if entries, ok := items.(traits.Mapper); ok {
				turn = &bound{turn, loop.IterVar2(), entries.Get(item)}
			} else {
				turn = &bound{&bound{a, loop.IterVar(), types.Int(index)}, loop.IterVar2(), item}
			}
		}
		if found := s.within(inner, turn); found != nil {
			return found
		}
	}
	return nil
}

// value is the value of a part; nil when it has none.
func (s *seeker) value(e ast.Expr, a interpreter.Activation) ref.Val {
	program, ok := s.programs[e.ID()]
	if !ok {
		program, _ = s.p.subprogram(e)
		s.programs[e.ID()] = program
	}
	if program == nil {
		return nil
	}
	val, _, err := program.ContextEval(s.ctx, a)
	if err != nil {
		return nil
	}
	return val
}

// loopsAround are the loops whose variables a part may use, outermost first.
func (p *Program) loopsAround(id int64) []ast.ComprehensionExpr {
	var loops []ast.ComprehensionExpr
	found := ast.MatchDescendants(ast.NavigateAST(p.tree), func(e ast.NavigableExpr) bool { return e.ID() == id })
	if len(found) == 0 {
		return nil
	}
	child := found[0]
	for parent, ok := child.Parent(); ok; parent, ok = child.Parent() {
		if parent.Kind() == ast.ComprehensionKind {
			loop := parent.AsComprehension()
			if child.ID() != loop.IterRange().ID() && child.ID() != loop.AccuInit().ID() {
				loops = append(loops, loop)
			}
		}
		child = parent
	}
	slices.Reverse(loops)
	return loops
}

// bound adds a variable of a loop to the values of an evaluation.
type bound struct {
	interpreter.Activation
	name  string
	value ref.Val
}

// ResolveName implements interpreter.Activation.
func (b *bound) ResolveName(name string) (any, bool) {
	if name == b.name {
		return b.value, true
	}
	return b.Activation.ResolveName(name)
}
