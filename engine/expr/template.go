package expr

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Template is a compiled text in which ${{ expr }} stands for the value of an
// expression. Shell's ${X} and $(X) are text; a ${{ that is meant as text is
// written $${{.
type Template struct {
	pieces []piece
}

// piece is either text or an expression.
type piece struct {
	text    string
	program *Program
}

// CompileText compiles the expressions of a text, and collects everything that
// is wrong with them. The template is nil when something is.
func (e *Env) CompileText(t spec.Text) (*Template, diag.List) {
	var diags diag.List
	out := &Template{}
	rest := 0
	for {
		at := strings.Index(t.Text[rest:], "${{")
		if at < 0 {
			out.addText(t.Text[rest:])
			break
		}
		at += rest
		if at > rest && t.Text[at-1] == '$' {
			out.addText(t.Text[rest:at-1] + "${{")
			rest = at + len("${{")
			continue
		}
		out.addText(t.Text[rest:at])
		from := at + len("${{")
		to := closeOf(t.Text, from)
		if to < 0 {
			d := diags.Add(t.Locate(at), codeSyntax, "this ${{ has no end")
			d.Width, d.Help = len("${{"), "close it with }}, or write $${{ when it is text"
			break
		}
		p, found := e.compile(newCode(t.Source, from, to), Any)
		diags = append(diags, found...)
		out.pieces = append(out.pieces, piece{program: p})
		rest = to + len("}}")
	}
	if len(diags) > 0 {
		return nil, diags
	}
	return out, nil
}

func (t *Template) addText(text string) {
	if text != "" {
		t.pieces = append(t.pieces, piece{text: text})
	}
}

// closeOf is where the }} stands that closes an expression, -1 when nowhere. A
// }} within a string or a map does not close it, unless a string or a map was
// left open: then that is the error to report.
func closeOf(text string, from int) int {
	depth := 0
	for t := nextToken(text, from); t.from < t.to; t = nextToken(text, t.to) {
		switch {
		case depth == 0 && strings.HasPrefix(text[t.from:], "}}"):
			return t.from
		case t.kind == tokenOpen && text[t.from] == '{':
			depth++
		case t.kind == tokenClose && text[t.from] == '}':
			depth--
		}
	}
	end := strings.Index(text[from:], "}}")
	if end < 0 || strings.Contains(text[from:from+end], "${{") {
		return -1
	}
	return from + end
}

// IsConstant tells whether the text holds no expression.
func (t *Template) IsConstant() bool {
	for _, p := range t.pieces {
		if p.program != nil {
			return false
		}
	}
	return true
}

// Eval fills in the values. A text that is one ${{ expr }} alone has the type
// of its value; every other text is a string.
func (t *Template) Eval(ctx context.Context, v Values) (any, error) {
	if p := t.alone(); p != nil {
		return p.Eval(ctx, v)
	}
	return t.Text(ctx, v)
}

// Text fills in the values and gives a string, whatever the type is.
func (t *Template) Text(ctx context.Context, v Values) (string, error) {
	var b strings.Builder
	for _, p := range t.pieces {
		if p.program == nil {
			b.WriteString(p.text)
			continue
		}
		value, err := p.program.Eval(ctx, v)
		if err != nil {
			return "", err
		}
		text, err := textForm(value)
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.program.text(), err)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// alone is the expression of a text that holds nothing else. The line break at
// the end of a block scalar does not count.
func (t *Template) alone() *Program {
	pieces := t.pieces
	if n := len(pieces); n == 2 && pieces[1].program == nil && strings.Trim(pieces[1].text, "\r\n") == "" {
		pieces = pieces[:1]
	}
	if len(pieces) != 1 {
		return nil
	}
	return pieces[0].program
}

// textForm is a value within a text.
func textForm(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case time.Duration:
		return durationText(v), nil
	case *resource.Quantity:
		return v.String(), nil
	}
	plain, err := jsonValue(value)
	if err != nil {
		return "", err
	}
	if s, ok := plain.(string); ok {
		return s, nil
	}
	encoded, err := json.Marshal(plain)
	return string(encoded), err
}

func durationText(d time.Duration) string {
	if d == spec.Missing {
		return "not reached"
	}
	return d.String()
}
