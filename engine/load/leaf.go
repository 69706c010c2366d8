package load

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/spec"
)

// textual reads a text. Numbers and truth values are refused where tags does
// not list them: 1.30 would lose its zero in every other reader of the file.
func (d *decoder) textual(n *yaml.Node, s *scope, takes string, tags ...string) spec.Source {
	if n.Kind != yaml.ScalarNode || !slices.Contains(tags, n.Tag) {
		at := d.wrongType(n, s, takes)
		switch {
		case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
			at.Help = fmt.Sprintf("in quotes it is a text: %q", n.Value)
		case s.name == "selector" && n.Kind == yaml.MappingNode:
			at.Help = "selectors are written as for kubectl: app=web,tier!=cache"
		}
		return spec.Source{}
	}
	return d.t.source(n)
}

// count reads a whole number. All whole numbers of the language are counts.
func (d *decoder) count(n *yaml.Node, s *scope) int64 {
	const takes = "a whole number"
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" {
		at := d.wrongType(n, s, takes)
		if _, err := strconv.Atoi(n.Value); err == nil && n.Kind == yaml.ScalarNode {
			at.Help = fmt.Sprintf("write it without quotes: %s: %s", s.name, n.Value)
		}
		return 0
	}
	i, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, 32)
	switch {
	case err != nil:
		d.add(n, "out-of-range", "%s takes a number up to 2147483647, found %s", s.name, n.Value)
	case i < 0:
		d.add(n, "out-of-range", "%s cannot be negative, found %s", s.name, n.Value)
		return 0
	}
	return i
}

// rate reads a number that may have a fraction. All of them are rates.
func (d *decoder) rate(n *yaml.Node, s *scope) float64 {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" && n.Tag != "!!float" {
		at := d.wrongType(n, s, "a number")
		if _, err := strconv.ParseFloat(n.Value, 64); err == nil && n.Kind == yaml.ScalarNode {
			at.Help = fmt.Sprintf("write it without quotes: %s: %s", s.name, n.Value)
		} else if strings.Contains(n.Value, "/") {
			at.Help = "it is a number a second: 0.5 is one every two seconds"
		}
		return 0
	}
	f, ok := numeral(n.Value)
	switch {
	case !ok:
		d.add(n, "out-of-range", "%s takes a number that is finite, found %s", s.name, n.Value)
	case f < 0:
		d.add(n, "out-of-range", "%s cannot be negative, found %s", s.name, n.Value)
	default:
		return f
	}
	return 0
}

// numeral is the number that YAML writes as text: 50, 0.5, 1e3, 1_000, 0x10. It
// is false for .inf and .nan, and for what no float64 holds.
func numeral(text string) (float64, bool) {
	text = strings.ReplaceAll(text, "_", "")
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		return float64(i), true
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

func (d *decoder) boolean(n *yaml.Node, s *scope) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		at := d.wrongType(n, s, "true or false")
		if n.Kind != yaml.ScalarNode {
			return false
		}
		switch strings.ToLower(n.Value) {
		case "true", "yes", "on", "y":
			at.Help = fmt.Sprintf("write %s: true", s.name)
		case "false", "no", "off", "n":
			at.Help = fmt.Sprintf("write %s: false", s.name)
		}
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// duration reads a time span, or one ${{ expr }} that gives it later.
func (d *decoder) duration(n *yaml.Node, s *scope) spec.Duration {
	const takes = "a duration such as 30s"
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Tag == "!!bool" {
		d.wrongType(n, s, takes)
		return spec.Duration{}
	}
	src := d.t.source(n)
	out := spec.Duration{At: src.At}
	text := strings.TrimSpace(n.Value)
	if strings.Contains(text, "${{") {
		if out.Expr = d.only(n, src, s, "bad-duration", "a duration", "duration(string(vars.minutes) + 'm')"); out.Expr == nil {
			return spec.Duration{}
		}
		return out
	}
	value, err := time.ParseDuration(text)
	switch {
	case isNumber(text):
		d.add(n, "bad-duration", "%s has no unit, did you mean %ss?", text, text).Help =
			fmt.Sprintf("%s takes a duration: 500ms, 30s, 3m, 1h30m", s.name)
	case err != nil:
		d.add(n, "bad-duration", "%s takes %s, found %q", s.name, takes, shorten(text)).Help = durationHelp(text)
	case value < 0:
		d.add(n, "bad-duration", "%s cannot be negative, found %s", s.name, text)
	default:
		out.Value = value
		return out
	}
	return spec.Duration{}
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789.") == ""
}

// durationHelp guesses what was meant: days, spaces, or words for units.
func durationHelp(text string) string {
	const units = "units: ms, s, m, h; joined as in 1h30m"
	compact := strings.ToLower(strings.ReplaceAll(text, " ", ""))
	for _, unit := range []struct{ word, short string }{
		{"milliseconds", "ms"}, {"millisecond", "ms"}, {"seconds", "s"}, {"second", "s"}, {"secs", "s"}, {"sec", "s"},
		{"minutes", "m"}, {"minute", "m"}, {"mins", "m"}, {"min", "m"}, {"hours", "h"}, {"hour", "h"}, {"hrs", "h"}, {"hr", "h"},
	} {
		compact = strings.ReplaceAll(compact, unit.word, unit.short)
	}
	if days, ok := strings.CutSuffix(strings.TrimSuffix(strings.TrimSuffix(compact, "s"), "ay"), "d"); ok {
		if n, err := strconv.Atoi(days); err == nil {
			return fmt.Sprintf("did you mean %dh?  %s", n*24, units)
		}
	}
	if _, err := time.ParseDuration(compact); err == nil {
		return fmt.Sprintf("did you mean %s?  %s", compact, units)
	}
	return units
}

// only is the expression of a text that is nothing but ${{ expr }}, such as the example,
// where a field takes that; code is of the error that it is something else.
func (d *decoder) only(n *yaml.Node, src spec.Source, s *scope, code, takes, example string) *spec.Expr {
	from := strings.Index(src.Text, "${{") + len("${{")
	to := strings.LastIndex(src.Text, "}}")
	whole := to >= from && strings.TrimSpace(src.Text[:from]) == "${{" && strings.TrimSpace(src.Text[to:]) == "}}" &&
		!strings.Contains(src.Text[from:to], "${{")
	if !whole {
		d.add(n, code, "%s takes %s or one ${{ expression }}, found %q", s.subject(), takes, shorten(src.Text)).Help =
			"compute it within: ${{ " + example + " }}"
		return nil
	}
	for ; from < to && src.Text[from] == ' '; from++ {
	}
	for ; to > from && src.Text[to-1] == ' '; to-- {
	}
	if from == to {
		d.add(n, code, "%s has an empty ${{ }}", s.subject())
		return nil
	}
	return &spec.Expr{Source: part(src, from, to)}
}

// part is a piece of a text with its positions.
func part(src spec.Source, from, to int) spec.Source {
	out := spec.Source{Text: src.Text[from:to], At: src.Locate(from)}
	out.Spans = []spec.Span{{At: out.At}}
	for _, span := range src.Spans {
		if span.Offset > from && span.Offset < to {
			out.Spans = append(out.Spans, spec.Span{Offset: span.Offset - from, At: span.At})
		}
	}
	return out
}

// maxPercent bounds a share: what may be eleven times as much has no limit.
const maxPercent = 1000

var percent = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)%$`)

// percent reads a share.
func (d *decoder) percent(n *yaml.Node, s *scope) spec.Percent {
	const takes = "a share such as 20%"
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Tag == "!!bool" {
		d.wrongType(n, s, takes)
		return spec.Percent{}
	}
	text := strings.TrimSpace(n.Value)
	m := percent.FindStringSubmatch(text)
	switch {
	case isNumber(text):
		d.add(n, "bad-percent", "%s has no %%, did you mean %s?", text, asPercent(text)).Help =
			fmt.Sprintf("%s takes a share: 20%% or 12.5%%", s.name)
		return spec.Percent{}
	case m == nil && strings.HasPrefix(text, "-") && percent.MatchString(text[1:]):
		d.add(n, "bad-percent", "%s cannot be negative, found %s", s.name, text)
		return spec.Percent{}
	case m == nil:
		d.add(n, "bad-percent", "%s takes %s, found %q", s.name, takes, shorten(text)).Help =
			"a number and %: 20% or 12.5%"
		return spec.Percent{}
	}
	value, err := strconv.ParseFloat(m[1], 64)
	if err != nil || value > maxPercent {
		d.add(n, "out-of-range", "%s can be %d%% at most, found %s", s.name, maxPercent, shorten(text))
		return spec.Percent{}
	}
	at, _ := d.t.place(n)
	return spec.Percent{Value: value / 100, At: at}
}

// asPercent guesses the share that was meant by a bare number: 0.2 and 20 are
// both 20%.
func asPercent(text string) string {
	if f, ok := numeral(text); ok && f > 0 && f < 1 {
		return strconv.FormatFloat(math.Round(f*1e6)/1e4, 'f', -1, 64) + "%"
	}
	return text + "%"
}

// quantity reads a Kubernetes quantity.
func (d *decoder) quantity(n *yaml.Node, s *scope) spec.Quantity {
	const takes = "a quantity such as 4, 500m or 8Gi"
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Tag == "!!bool" {
		d.wrongType(n, s, takes)
		return spec.Quantity{}
	}
	at, _ := d.t.place(n)
	text := strings.TrimSpace(n.Value)
	q, err := resource.ParseQuantity(text)
	switch {
	case err != nil:
		d.add(n, "bad-quantity", "%s takes %s, found %q", s.name, takes, shorten(text)).Help = quantityHelp(text)
		return spec.Quantity{}
	case q.Sign() < 0:
		d.add(n, "bad-quantity", "%s cannot be negative, found %s", s.name, text)
		return spec.Quantity{}
	}
	return spec.Quantity{Quantity: &q, At: at}
}

func quantityHelp(text string) string {
	const units = "units: m (thousandths), k, M, G, T, and Ki, Mi, Gi, Ti for powers of 1024"
	short := strings.TrimSuffix(strings.TrimSuffix(strings.ReplaceAll(text, " ", ""), "b"), "B")
	for _, guess := range []string{short, strings.Replace(short, "K", "k", 1), strings.Replace(short, "g", "G", 1)} {
		if _, err := resource.ParseQuantity(guess); err == nil && guess != text && guess != "" {
			return fmt.Sprintf("did you mean %s?  %s", guess, units)
		}
	}
	return units
}
