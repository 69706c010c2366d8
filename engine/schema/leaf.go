package schema

import (
	"math"
	"reflect"
	"regexp"

	"github.com/realspec/realspec/engine/spec"
)

// The patterns are what package load reads. They use nothing that only one of
// Go's and JavaScript's regular expressions has, such as a look-ahead: editors
// run them in JavaScript.
const (
	// goDuration is what Go's time.ParseDuration reads, without the sign -.
	goDuration = `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`
	// wholeExpression is one ${{ expr }} and nothing around it.
	wholeExpression = `^\$\{\{\s*[^\s$}]([^$]|\$[^{]|\$\{[^{])*\}\}$`
	// percent is a number and a percent sign, at most 1000%.
	percent = `^0*(1000(\.0+)?|[0-9]{1,3}(\.[0-9]+)?)%$`
	// quantity is what Kubernetes' resource.ParseQuantity reads, without the sign -.
	quantity = `^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$`
)

// leaf is a type of the language that stands for one value.
func leaf(t reflect.Type) (*node, bool) {
	switch t {
	case reflect.TypeFor[spec.Text]():
		return &node{Type: "string"}, true
	case reflect.TypeFor[spec.Expr]():
		// true and 1 are expressions too, and YAML reads them as what they are.
		return &node{Type: []string{"string", "boolean", "number"}, MinLength: new(1)}, true
	case reflect.TypeFor[spec.Duration]():
		return &node{Type: "string", Pattern: goDuration + "|" + wholeExpression,
			PatternErrorMessage: "a duration has a unit: 500ms, 30s, 3m, 1h30m, or it is one ${{ expression }}"}, true
	case reflect.TypeFor[spec.Quantity]():
		return &node{Type: []string{"string", "number"}, Pattern: quantity, Minimum: new(0),
			PatternErrorMessage: "a quantity is a number with or without a unit: 4, 500m, 8Gi"}, true
	case reflect.TypeFor[spec.Percent]():
		return &node{Type: "string", Pattern: percent,
			PatternErrorMessage: "a share is a number and %: 20%, 12.5%"}, true
	case reflect.TypeFor[spec.Object]():
		return &node{Type: "object"}, true
	}
	return nil, false
}

// numeric is a number, or the expression that gives it.
func (b *builder) numeric(t reflect.Type) *node {
	kind, says := "number", "this is a number"
	if t.Kind() == reflect.Int {
		kind, says = "integer", "this is a whole number"
	}
	if !b.variables {
		return &node{Type: kind, Minimum: new(0)}
	}
	return &node{Type: []string{kind, "string"}, Minimum: new(0), Pattern: wholeExpression,
		PatternErrorMessage: says + ", or one ${{ expression }} that gives it"}
}

// accepts tells which values a Go type takes in YAML.
type accepts struct {
	scalar bool
	value  func(any) bool
}

func (b *builder) accepts(t reflect.Type) accepts {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n, ok := leaf(t); ok {
		return n.accepts()
	}
	switch t.Kind() {
	case reflect.String:
		return (&node{Type: "string"}).accepts()
	case reflect.Int:
		return accepts{true, func(v any) bool {
			f, ok := v.(float64)
			return ok && f >= 0 && f == math.Trunc(f) || b.variables && b.numeric(t).acceptsText(v)
		}}
	case reflect.Float64:
		return accepts{true, func(v any) bool {
			f, ok := v.(float64)
			return ok && f >= 0 || b.variables && b.numeric(t).acceptsText(v)
		}}
	case reflect.Bool:
		return accepts{true, is[bool]}
	case reflect.Map:
		return accepts{false, func(v any) bool {
			fields, ok := v.(map[string]any)
			for _, value := range fields {
				ok = ok && b.accepts(t.Elem()).value(value)
			}
			return ok
		}}
	case reflect.Slice:
		return accepts{false, func(v any) bool {
			items, ok := v.([]any)
			for _, item := range items {
				ok = ok && b.accepts(t.Elem()).value(item)
			}
			return ok
		}}
	}
	if t.Kind() == reflect.Struct {
		return accepts{false, func(v any) bool { return b.acceptsFields(t, v) }}
	}
	return accepts{false, func(any) bool { return false }}
}

// acceptsFields tells whether a value is a mapping of fields that a struct has.
func (b *builder) acceptsFields(t reflect.Type, v any) bool {
	fields, ok := v.(map[string]any)
	known := map[string]Field{}
	for _, f := range Fields(t, b.docs) {
		known[f.Name] = f
	}
	for name, value := range fields {
		f, is := known[name]
		ok = ok && is && b.accepts(f.Type).value(value)
	}
	return ok
}

// accepts is that of a leaf.
func (n *node) accepts() accepts {
	switch n.Type {
	case "string":
		return accepts{true, func(v any) bool { return n.acceptsText(v) }}
	case "object":
		return accepts{false, is[map[string]any]}
	}
	return accepts{true, func(v any) bool { return is[float64](v) || n.acceptsText(v) }}
}

func (n *node) acceptsText(v any) bool {
	text, ok := v.(string)
	return ok && (n.Pattern == "" || regexp.MustCompile(n.Pattern).MatchString(text))
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}
