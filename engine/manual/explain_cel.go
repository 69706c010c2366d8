package manual

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/schema"
)

const celSays = "Expressions are CEL, the language of Kubernetes' admission policies, with the same functions. " +
	"They stand in fields of that type, and in texts as ${{ expr }}; a text that is one ${{ expr }} and nothing else keeps the type of its value. " +
	"Durations and numbers take one, too, over vars and env: they are known before the run. " +
	"All of them are checked before the cluster is touched."

// expressions explains CEL, one of its names, or one of its functions.
func (m *Manual) expressions(p *page, topic string) (string, error) {
	first, rest, _ := strings.Cut(topic, ".")
	if topic == "" {
		m.cel(p)
		return p.String(), nil
	}
	if topic == "measures" {
		measures(p)
		return p.String(), nil
	}
	if f, ok := functionOf(topic); ok {
		m.function(p, f)
		return p.String(), nil
	}
	if first == "measures" {
		return m.measured(p, rest)
	}
	for _, v := range Variables() {
		if v.Name == first {
			return m.variable(p, v, rest)
		}
	}
	help := "realspec explain cel lists the names and functions"
	if near := diag.Nearest(first, m.celNames()); near != "" {
		help = fmt.Sprintf("did you mean %q?  %s", "cel."+near, help)
	}
	return "", fmt.Errorf("there is no topic %q\n  %s", "cel."+topic, help)
}

func (m *Manual) celNames() []string {
	out := []string{"measures"}
	for _, v := range Variables() {
		if v.Name != strings.ToUpper(v.Name) {
			out = append(out, v.Name)
		}
	}
	for name := range m.uses {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (m *Manual) cel(p *page) {
	p.line("cel: expressions")
	p.paragraph(celSays)
	var rows [][]string
	for _, v := range Variables() {
		rows = append(rows, []string{v.Name, v.Says})
	}
	p.rows("names", rows)
	for _, g := range Groups() {
		var names []string
		for _, f := range g.Functions {
			names = append(names, f.Name)
		}
		p.list(strings.ToLower(g.Title), names)
	}
	p.paragraph("More: realspec explain cel.NAME, and cel.measures for what thresholds know.")
}

func measures(p *page) {
	p.line("cel.measures: what the name of a measure stands for in thresholds")
	var rows [][]string
	for _, k := range MeasuredKinds() {
		rows = append(rows, []string{k.Kind, k.Says})
	}
	p.rows("", rows)
	p.paragraph("More: realspec explain cel.measures.KIND")
}

func (m *Manual) measured(p *page, kind string) (string, error) {
	var known []string
	for _, k := range MeasuredKinds() {
		if known = append(known, k.Kind); k.Kind != kind {
			continue
		}
		p.line("cel.measures.%s: what thresholds know of it", kind)
		p.paragraph(k.Says)
		k.example(p)
		fieldRows(p, m.fieldsOf(k.Type, k.fields))
		if k.Kind == "pods" {
			p.paragraph("The values of a series: realspec explain cel.measures.objects")
		}
		return p.String(), nil
	}
	return "", fmt.Errorf("there is no kind of measure %q\n  %s", kind, diag.DidYouMean(kind, known))
}

func (e Example) example(p *page) {
	p.space()
	p.line("  example")
	for _, line := range breakExpr(e.Expr) {
		p.line("    %s", line)
	}
	p.line("      gives %s", e.Gives)
}

// breakExpr breaks a long expression where it has a space.
func breakExpr(text string) []string {
	lines := wrap(text, "")
	for i := range lines[1:] {
		lines[i+1] = "  " + lines[i+1]
	}
	return lines
}

func fieldRows(p *page, fields []schema.Field) {
	var rows [][]string
	for _, f := range fields {
		says := f.Says
		if f.Unit != "" {
			says += " Unit: " + f.Unit + "."
		}
		rows = append(rows, []string{f.Name, word(f.Type), says})
	}
	p.rows("fields", rows)
}

// variable explains a name, or a field below it.
func (m *Manual) variable(p *page, v Variable, rest string) (string, error) {
	path, t, fields := "cel."+v.Name, v.Type, m.fieldsOf(v.Type, v.fields)
	if rest == "" {
		p.line("%s", path)
		p.paragraph(v.Says)
		p.rows("", [][]string{{"known in", v.Where}})
		v.example(p)
		fieldRows(p, fields)
		return p.String(), nil
	}
	var found schema.Field
	for w := range strings.SplitSeq(rest, ".") {
		i := slices.IndexFunc(fields, func(f schema.Field) bool { return f.Name == w })
		if i < 0 {
			return "", unknownField(path, w, fields)
		}
		found = fields[i]
		path, t = path+"."+w, found.Type
		fields = m.fieldsOf(t, nil)
	}
	p.line("%s: %s", path, word(t))
	p.paragraph(found.Says)
	if found.Example != "" {
		p.space()
		p.line("  example")
		p.block(found.Example)
	}
	if t != reflect.TypeFor[string]() {
		fieldRows(p, fields)
	}
	return p.String(), nil
}

func unknownField(path, word string, fields []schema.Field) error {
	if len(fields) == 0 {
		return fmt.Errorf("%s has no fields that are known here, so there is no %q", path, word)
	}
	var known []string
	for _, f := range fields {
		known = append(known, f.Name)
	}
	return fmt.Errorf("%s has no field %q\n  %s", path, word, diag.DidYouMean(word, known))
}

func functionOf(name string) (Function, bool) {
	for _, g := range Groups() {
		for _, f := range g.Functions {
			if f.Name == name {
				return f, true
			}
		}
	}
	return Function{}, false
}

func (m *Manual) function(p *page, f Function) {
	p.line("cel.%s", f.Name)
	p.paragraph(f.Says)
	f.example(p)
	var rows [][]string
	for _, use := range m.uses[f.Name].Uses {
		rows = append(rows, []string{use})
	}
	p.rows("it is used as", rows)
}
