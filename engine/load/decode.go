package load

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// decoder turns the nodes of one document into values of package spec. It is
// strict, and goes on after an error so as to find the next one.
type decoder struct {
	l *loader
	t *text
	// root is the content of the document.
	root *yaml.Node
	// visited counts the nodes that were read, again each time an alias leads to
	// them; open holds the lists and mappings that are being read.
	visited int
	open    map[*yaml.Node]bool
	// kubectl is set for manifests, whose keys are read as kubectl reads them.
	kubectl bool
}

// maxExpanded bounds what aliases may add to a document: nine lines of nested
// aliases otherwise make a billion values. A document without them has fewer
// values than bytes.
const maxExpanded = 100_000

// decoder reads the document whose content is root.
func (l *loader) decoder(t *text, root *yaml.Node) *decoder {
	return &decoder{l: l, t: t, root: root, open: map[*yaml.Node]bool{}}
}

// scope is where a value stands: the field that holds it, and the structures
// around that. Messages quote its name.
type scope struct {
	name   string
	item   bool // whether it is an item of the list name
	outer  *scope
	struc  *structure   // of the value itself, once that is known
	fields reflect.Type // the type that struc was made from
}

// subject begins a sentence about the value.
func (s *scope) subject() string {
	if s.item {
		return "an item of " + s.name
	}
	return s.name
}

// decode reads a whole document. The name is what messages call it.
func (d *decoder) decode(n *yaml.Node, into any, name string) {
	d.value(n, reflect.ValueOf(into).Elem(), &scope{name: name})
}

// value reads one node into v.
func (d *decoder) value(n *yaml.Node, v reflect.Value, s *scope) {
	d.follow(n, func(n *yaml.Node) { d.read(n, v, s) })
}

func (d *decoder) read(n *yaml.Node, v reflect.Value, s *scope) {
	switch into := v.Addr().Interface().(type) {
	case *spec.Text:
		into.Source = d.textual(n, s, "a text", "!!str", "!!timestamp")
		return
	case *spec.Expr:
		into.Source = d.textual(n, s, "an expression", "!!str", "!!timestamp", "!!bool", "!!int", "!!float")
		return
	case *spec.Duration:
		*into = d.duration(n, s)
		return
	case *spec.Quantity:
		*into = d.quantity(n, s)
		return
	case *spec.Percent:
		*into = d.percent(n, s)
		return
	case *spec.Object:
		*into = d.object(n, s)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.read(n, v.Elem(), s)
	case reflect.Struct:
		d.structure(n, v, s)
	case reflect.Slice:
		d.list(n, v, s)
	case reflect.Map:
		d.mapping(n, v, s)
	case reflect.String:
		v.SetString(d.textual(n, s, "a text", "!!str", "!!timestamp").Text)
	case reflect.Int:
		if !d.computed(n, v, s) {
			v.SetInt(d.count(n, s))
		}
	case reflect.Float64:
		if !d.computed(n, v, s) {
			v.SetFloat(d.rate(n, s))
		}
	case reflect.Bool:
		v.SetBool(d.boolean(n, s))
	}
}

// structure reads a mapping into a struct: its fields, then the rules that its
// tags state.
func (d *decoder) structure(n *yaml.Node, v reflect.Value, s *scope) {
	s.fields, s.struc = v.Type(), d.l.structureOf(v.Type())
	if n.Kind != yaml.MappingNode {
		help := "known here: " + strings.Join(s.struc.known(), ", ")
		d.wrongType(n, s, "a mapping").Help = cmp.Or(longForm(n, s), help)
		return
	}
	at := d.pos(n)
	if s.struc.at >= 0 {
		v.Field(s.struc.at).Set(reflect.ValueOf(at))
	}
	w := &written{at: at}
	for _, p := range d.pairs(n) {
		f, ok := s.struc.field(p.name)
		if !ok {
			w.unknown = append(w.unknown, p.name)
			d.l.marks[mark{at, unknownMark}] = marked{d.t, p.key, p.value}
			d.unknown(p, s)
			continue
		}
		w.fields = append(w.fields, f)
		w.pairs = append(w.pairs, p)
		d.l.marks[mark{at, p.name}] = marked{d.t, p.key, p.value}
		d.field(p, f, v.Field(f.index), s)
	}
	d.required(w, s)
	d.unary(w, s)
	d.beside(w, s)
}

// longForm is how a text is written where a mapping is wanted, and it is clear which:
// pod/web as a selection, ready as a condition, an expression as a check.
func longForm(n *yaml.Node, s *scope) string {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		return ""
	}
	_, hasFor := s.struc.field("for")
	_, hasCEL := s.struc.field("cel")
	kind, name, isObject := strings.Cut(n.Value, "/")
	_, err := spec.ParseFor(n.Value)
	switch {
	case s.fields == reflect.TypeFor[spec.Selector]() && isObject && kindName.MatchString(n.Value):
		return fmt.Sprintf("write {kind: %s, name: %s}", cmp.Or(meantKind(kind), kind), name)
	case hasFor && hasCEL && err == nil:
		return "write {for: " + n.Value + "}"
	case hasCEL && s.item && strings.ContainsAny(n.Value, "=<>!("):
		return fmt.Sprintf("write {cel: %q}", n.Value)
	}
	return ""
}

// field reads the value of one field.
func (d *decoder) field(p pair, f field, v reflect.Value, s *scope) {
	d.value(p.value, v, &scope{name: p.name, outer: s})
	d.oneOf(p.value, f, v)
	if (f.unary != "" || f.required || len(f.enum) > 0) && d.isEmpty(p.value, v) {
		d.add(p.value, "empty", "%s is empty", p.name)
	}
}

// oneOf looks at the text of a field, or at the texts of a list, of which only
// some are known.
func (d *decoder) oneOf(n *yaml.Node, f field, v reflect.Value) {
	switch {
	case len(f.enum) == 0:
	case v.Kind() == reflect.String && v.String() != "" && !slices.Contains(f.enum, v.String()):
		d.add(n, "not-one-of", "%s cannot be %q", f.name, v.String()).Help = diag.DidYouMean(v.String(), f.enum)
	case v.Kind() == reflect.Slice:
		items := target(n).Content
		for i := range min(v.Len(), len(items)) {
			item := f
			item.name = "an item of " + f.name
			d.oneOf(target(items[i]), item, v.Index(i))
		}
	}
}

// isEmpty tells whether something was written that says nothing: "" or [].
func (d *decoder) isEmpty(n *yaml.Node, v reflect.Value) bool {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.SequenceNode:
		return v.Kind() == reflect.Slice && len(n.Content) == 0
	case yaml.ScalarNode:
		return n.Tag == "!!str" && strings.TrimSpace(n.Value) == ""
	}
	return false
}

// list reads a list. All items are made before the first is read, so that one
// that cannot be read leaves its place.
func (d *decoder) list(n *yaml.Node, v reflect.Value, s *scope) {
	if n.Kind != yaml.SequenceNode {
		help := "write it as a list: [" + s.name + "]"
		switch {
		case n.Kind == yaml.MappingNode:
			help = `begin each item with "- "`
		case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
			help = fmt.Sprintf("write %s: [%s]", s.name, itemsOf(s.name, n.Value))
		}
		d.wrongType(n, s, "a list").Help = help
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), &scope{name: s.name, item: true, outer: s.outer})
	}
}

// itemsOf is a text as the items of the list that is wanted: a command is written
// word by word, and one for a shell is given to it.
func itemsOf(list, text string) string {
	switch {
	case list != "command":
		return text
	case strings.ContainsAny(text, "|&;<>$'\"`*"):
		return "sh, -c, " + strconv.Quote(text)
	}
	return strings.Join(strings.Fields(text), ", ")
}

// mapping reads a mapping with free keys.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, s *scope) {
	if n.Kind != yaml.MappingNode {
		d.wrongType(n, s, "a mapping")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, p := range d.pairs(n) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(p.value, item, &scope{name: p.name, outer: s.outer})
		v.SetMapIndex(reflect.ValueOf(p.name), item)
	}
}

// pos is where a node begins, without its anchor and tag.
func (d *decoder) pos(n *yaml.Node) spec.Pos {
	return d.t.pos(d.t.skipProperties(d.t.start(n)))
}

// add adds an error about a node, as wide as its text.
func (d *decoder) add(n *yaml.Node, code, format string, args ...any) *diag.Diagnostic {
	pos, width := d.t.place(n)
	out := d.l.diags.Add(pos, code, format, args...)
	out.Width = width
	return out
}

// place is where a node begins, and how many characters of it stand on that
// line; 0 for a list or mapping, of which the first word is meant.
func (t *text) place(n *yaml.Node) (spec.Pos, int) {
	if n.Kind != yaml.ScalarNode {
		return t.pos(t.skipProperties(t.start(n))), 0
	}
	start, end, _ := t.extent(n)
	return t.pos(start), t.span(start, end)
}
