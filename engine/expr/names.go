package expr

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/realspec/realspec/engine/spec"
)

// Stat is a read of one value of a measure's series.
type Stat struct {
	Measure string // the measure's name
	Series  string // the path to the series, as spec.SeriesOf takes it
	Field   string // what is read: p95, max, count …
}

// Names are the names of let and of measures that the expression refers to,
// sorted.
func (p *Program) Names() []string {
	r := p.read()
	slices.Sort(r.names)
	return slices.Compact(r.names)
}

// Stats are the values of series that the expression reads, each once, in the
// order of the text. A series that was given a name (cel.bind, or the variable of
// a loop) is followed to its measure; where an expression chooses between series,
// all of them count as read.
func (p *Program) Stats() []Stat { return p.read().stats }

func (p *Program) read() *reader {
	r := &reader{p: p}
	r.visit(p.tree.Expr())
	return r
}

// reader finds what an expression reads.
type reader struct {
	p      *Program
	locals []local // innermost last
	names  []string
	stats  []Stat
}

// local is a name that the expression itself brings in, and the measures that it
// may stand for.
type local struct {
	name    string
	sources []source
}

// source is a measure, or one series of it.
type source struct {
	measure, series string
	kind            MeasureKind
}

func (r *reader) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind:
		r.name(e.AsIdent())
	case ast.SelectKind:
		r.visit(e.AsSelect().Operand())
		if !e.AsSelect().IsTestOnly() && !r.holds(e.AsSelect().Operand()) {
			r.field(r.sources(e.AsSelect().Operand()), e.AsSelect().FieldName())
		}
	case ast.CallKind:
		r.call(e)
	case ast.ListKind:
		for _, item := range e.AsList().Elements() {
			r.visit(item)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			r.visit(entry.AsMapEntry().Key())
			r.visit(entry.AsMapEntry().Value())
		}
	case ast.ComprehensionKind:
		loop := e.AsComprehension()
		r.visit(loop.IterRange())
		r.visit(loop.AccuInit())
		r.within(loop, func() {
			r.visit(loop.LoopCondition())
			r.visit(loop.LoopStep())
			r.visit(loop.Result())
		})
	}
}

func (r *reader) name(name string) {
	if _, own := r.local(name); own {
		return
	}
	_, measure := r.p.env.measures[name]
	_, let := r.p.env.let[name]
	if measure || let {
		r.names = append(r.names, name)
	}
}

func (r *reader) call(e ast.Expr) {
	call := e.AsCall()
	if call.IsMemberFunction() {
		r.visit(call.Target())
	}
	for _, arg := range call.Args() {
		r.visit(arg)
	}
	if field, ok := r.indexed(e); ok {
		r.field(r.sources(call.Args()[0]), field)
	}
}

// indexed is the field of x['field'] and x.?field, unless x is a list or map.
func (r *reader) indexed(e ast.Expr) (string, bool) {
	if !isLink(e) || e.Kind() != ast.CallKind {
		return "", false
	}
	args := e.AsCall().Args()
	if r.holds(args[0]) || args[1].Kind() != ast.LiteralKind {
		return "", false
	}
	field, ok := args[1].AsLiteral().(types.String)
	return string(field), ok
}

// holds tells whether an expression is a list or map, whose items and fields are
// values that were put into it.
func (r *reader) holds(e ast.Expr) bool {
	kind := r.p.tree.GetType(e.ID()).Kind()
	return kind == types.ListKind || kind == types.MapKind
}

func (r *reader) field(sources []source, field string) {
	for _, s := range sources {
		stat := Stat{Measure: s.measure, Series: s.series, Field: field}
		if (s.kind == MeasureSeries || s.kind == MeasureValues) && !slices.Contains(r.stats, stat) {
			r.stats = append(r.stats, stat)
		}
	}
}

// within runs a function with the names of a loop.
func (r *reader) within(loop ast.ComprehensionExpr, do func()) {
	before := len(r.locals)
	items := r.sources(loop.IterRange())
	r.locals = append(r.locals,
		local{loop.AccuVar(), r.sources(loop.AccuInit())}, local{loop.IterVar(), items}, local{loop.IterVar2(), items})
	do()
	r.locals = r.locals[:before]
}

func (r *reader) local(name string) (local, bool) {
	for _, l := range slices.Backward(r.locals) {
		if l.name == name {
			return l, true
		}
	}
	return local{}, false
}

// sources are the measures that an expression may stand for or hold.
func (r *reader) sources(e ast.Expr) []source {
	if !r.carries(e) {
		return nil
	}
	switch e.Kind() {
	case ast.IdentKind:
		return r.named(e.AsIdent())
	case ast.SelectKind:
		inner := r.sources(e.AsSelect().Operand())
		if r.holds(e.AsSelect().Operand()) {
			return inner
		}
		return phase(inner, e.AsSelect().FieldName())
	case ast.CallKind:
		return r.called(e)
	case ast.ListKind:
		return r.all(e.AsList().Elements()...)
	case ast.MapKind:
		var out []source
		for _, entry := range e.AsMap().Entries() {
			out = append(out, r.sources(entry.AsMapEntry().Value())...)
		}
		return out
	case ast.ComprehensionKind:
		var out []source
		loop := e.AsComprehension()
		r.within(loop, func() { out = r.all(loop.LoopStep(), loop.Result()) })
		return out
	}
	return nil
}

// carries tells whether a value of the expression's type can hold a measure.
func (r *reader) carries(e ast.Expr) bool {
	switch r.p.tree.GetType(e.ID()).Kind() {
	case types.DynKind, types.ListKind, types.MapKind, types.StructKind, types.OpaqueKind, types.TypeParamKind:
		return true
	}
	return false
}

func (r *reader) named(name string) []source {
	if l, ok := r.local(name); ok {
		return l.sources
	}
	kind, ok := r.p.env.measures[name]
	if !ok {
		return nil
	}
	return []source{{measure: name, kind: kind}}
}

func (r *reader) called(e ast.Expr) []source {
	call := e.AsCall()
	if field, ok := r.indexed(e); ok {
		return phase(r.sources(call.Args()[0]), field)
	}
	if call.FunctionName() == operators.Conditional {
		return r.all(call.Args()[1:]...)
	}
	out := r.all(call.Args()...)
	if call.IsMemberFunction() {
		out = append(r.sources(call.Target()), out...)
	}
	return out
}

func (r *reader) all(list ...ast.Expr) []source {
	var out []source
	for _, e := range list {
		out = append(out, r.sources(e)...)
	}
	return out
}

// phase is one series of each measure that has several.
func phase(sources []source, name string) []source {
	var out []source
	for _, s := range sources {
		next := source{measure: s.measure, series: name, kind: MeasureSeries}
		switch s.kind {
		case MeasureGrouped:
			if name == spec.WorstGroup {
				next.kind = MeasurePhases
			}
		case MeasurePhases:
			if s.series != "" {
				next.series = s.series + "." + name
			}
		case MeasureExec:
			if name == "value" {
				next.kind = MeasureValues
			}
		case MeasureServer, MeasureNetwork: // all their fields are series
		case MeasureDelivery, MeasureRequests:
			if name != "latency" && name != "service" {
				continue
			}
		default:
			continue
		}
		out = append(out, next)
	}
	return out
}
