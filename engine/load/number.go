package load

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Numbers tells what the ${{ expr }} of numbers stand for in a scenario whose
// variables have been read. It gives nil when the variables themselves are wrong:
// whoever reads those says so.
type Numbers func(*spec.Scenario) func(spec.Expr) (any, diag.List)

// computed reads a number that is written as ${{ expr }}. Its value is put in when
// everything is read, variables included, and before anything is checked; until
// then, and where nobody tells, it is 1. It is false for a number as it is.
func (d *decoder) computed(n *yaml.Node, v reflect.Value, s *scope) bool {
	if d.l.numbers == nil || n.Kind != yaml.ScalarNode || n.Tag != "!!str" || !strings.Contains(n.Value, "${{") {
		return false
	}
	c := number{node: n, of: s, whole: v.Kind() == reflect.Int}
	expr := d.only(n, d.t.source(n), s, "wrong-type", c.takes(), "2 * vars.replicas")
	if expr == nil {
		return true
	}
	set := func(f float64) {
		if c.whole {
			v.SetInt(int64(f))
		} else {
			v.SetFloat(f)
		}
	}
	set(1)
	d.l.later = append(d.l.later, func(value func(spec.Expr) (any, diag.List)) {
		got, diags := value(*expr)
		d.l.diags = append(d.l.diags, diags...)
		if diags.HasErrors() {
			return
		}
		if f, ok := d.number(c, got); ok {
			d.l.numbers[n] = f
			set(f)
		}
	})
	return true
}

// number is a number that an expression gives.
type number struct {
	node  *yaml.Node
	of    *scope
	whole bool
}

func (c number) takes() string {
	if c.whole {
		return "a whole number"
	}
	return "a number"
}

// number is what an expression gave, as its field takes it.
func (d *decoder) number(c number, got any) (float64, bool) {
	var f float64
	switch got := got.(type) {
	case int64:
		f = float64(got)
	case uint64:
		f = float64(got)
	case float64:
		f = got
	case string:
		to := "int"
		if !c.whole {
			to = "double"
		}
		d.add(c.node, "wrong-type", "%s takes %s, and the expression gives the text %q", c.of.subject(), c.takes(), shorten(got)).Help =
			fmt.Sprintf("%s('5') makes a number of a text", to)
		return 0, false
	default:
		if got == nil {
			got = "null"
		}
		d.add(c.node, "wrong-type", "%s takes %s, and the expression gives %v", c.of.subject(), c.takes(), got)
		return 0, false
	}
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f):
		d.add(c.node, "out-of-range", "%s takes a number that is finite, and the expression gives %v", c.of.name, f)
	case c.whole && f != math.Trunc(f):
		d.add(c.node, "wrong-type", "%s takes a whole number, and the expression gives %v", c.of.subject(), f).Help =
			"int(…) cuts the fraction off"
	case f < 0:
		d.add(c.node, "out-of-range", "%s cannot be negative, and the expression gives %v", c.of.name, f)
	case c.whole && f > math.MaxInt32:
		d.add(c.node, "out-of-range", "%s takes a number up to 2147483647, and the expression gives %.0f", c.of.name, f)
	default:
		return f, true
	}
	return 0, false
}

// compute puts in the numbers that are written as expressions.
func (l *loader) compute(numbers Numbers, s *spec.Scenario) {
	if numbers == nil || len(l.later) == 0 {
		return
	}
	if value := numbers(s); value != nil {
		for _, put := range l.later {
			put(value)
		}
	}
}
