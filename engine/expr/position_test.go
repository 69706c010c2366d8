package expr

import (
	"strconv"
	"strings"
	"testing"

	"github.com/realspec/realspec/engine/spec"
)

// A block scalar: every line of the text is one of the file, indented.
func TestPositionsInBlockScalars(t *testing.T) {
	env := newEnv(t, fullScope())
	for _, tc := range []struct{ text, places string }{
		{"vars.unknown == 1", "10:12+7"},
		{"vars.replicas > 1 &&\nvars.unknown == 1 &&\n  env.NOPE == ''\n", "11:12+7 12:13+4"},
		{"'ümläut' == vars.unknown", "10:24+7"},
		{"'日本語' == 'x' &&\n'日本' == vars.unknown", "11:20+7"},
		{"// a comment\nnodes.all(n,\n  n.redy)", "12:11+4"},
		{"vars.replicas = 5 and\nvars.unknown", "10:21+1 10:25+3 11:12+7"},
		{"vars.replicas ==\n\n", "10:21+2"},
		{"\n\nvars.replicas", "12:7+13"},
		{"vars.replicas +\n1", "10:7+15"},
		{"has(\n  vars\n    .unknown)", "12:12+7"},
		{"'''a\nb''' == vars.unknown", "11:20+7"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			_, diags := env.Compile(spec.Expr{Source: written(tc.text, 10, 7)}, Bool)
			var got []string
			for _, d := range diags {
				got = append(got, strings.TrimPrefix(d.Pos.String(), "steps.yaml:")+"+"+strconv.Itoa(d.Width))
			}
			if strings.Join(got, " ") != tc.places {
				t.Errorf("%v, want %v\n%v", got, tc.places, diags)
			}
		})
	}
}

// A quoted scalar with escapes, "vars.name == \"x\" && vars.unknown == 1" behind
// a quote in column 6: the spans say where the text goes on.
func TestPositionsBehindEscapes(t *testing.T) {
	env := newEnv(t, fullScope())
	at := func(offset, column int) spec.Span {
		return spec.Span{Offset: offset, At: spec.Pos{File: "steps.yaml", Line: 3, Column: column}}
	}
	src := spec.Source{
		Text:  `vars.name == "x" && vars.unknown == 1`,
		Spans: []spec.Span{at(0, 7), at(13, 20), at(14, 22), at(15, 23), at(16, 25)},
	}
	_, diags := env.Compile(spec.Expr{Source: src}, Bool)
	if len(diags) != 1 || diags[0].Pos.String() != "steps.yaml:3:34" || diags[0].Width != 7 {
		t.Errorf("%v", diags)
	}
}
