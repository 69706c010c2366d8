package load

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/realspec/realspec/engine/spec"
)

// assertTimeout is how long the objects of an NN-assert.yaml file may take to
// come about. It is kuttl's default, so that a kuttl folder keeps its meaning.
const assertTimeout = 30 * time.Second

// The order of files with the same number. It lets a kuttl folder work: there
// 00-assert.yaml is about what 00-install.yaml applied.
const (
	rankObjects = iota
	rankSteps
	rankAssert
	rankErrors
)

// parsedFile is a step file with its documents.
type parsedFile struct {
	stepFile
	t    *text
	docs []document
	rank int
}

// steps reads the step files, in the order in which their steps run.
func (l *loader) steps(files []stepFile) []*spec.Step {
	var parsed []parsedFile
	for _, f := range files {
		if p, ok := l.stepDocuments(f); ok {
			parsed = append(parsed, p)
		}
	}
	slices.SortStableFunc(parsed, func(a, b parsedFile) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.rank, b.rank), strings.Compare(a.stem, b.stem))
	})
	var out []*spec.Step
	for _, p := range parsed {
		steps := l.fileSteps(p)
		for i, s := range steps {
			p.named(s, i)
			l.stems[p.stem] = append(l.stems[p.stem], s.ID)
		}
		out = append(out, steps...)
	}
	return out
}

func (l *loader) stepDocuments(f stepFile) (parsedFile, bool) {
	p := parsedFile{stepFile: f}
	pos := spec.Pos{File: f.path}
	t, ok := l.read(f.path, pos)
	if !ok {
		l.partial = true
		return p, false
	}
	docs, ok := l.parse(t)
	l.partial = l.partial || !ok
	if ok && len(docs) == 0 {
		l.diags.Add(pos, "empty-file", "there is no step in this file").Help =
			"a step has one verb, such as apply: {files: [manifests/]}"
	}
	p.t, p.docs, p.rank = t, docs, rankSteps
	switch {
	case strings.HasPrefix(f.rest, "assert"):
		p.rank = rankAssert
	case strings.HasPrefix(f.rest, "errors"):
		p.rank = rankErrors
	case !slices.ContainsFunc(docs, func(d document) bool { return !isPlain(d.node) }):
		p.rank = rankObjects
	}
	return p, len(docs) > 0
}

// isPlain tells whether a document is a Kubernetes object rather than a step.
func isPlain(n *yaml.Node) bool {
	return scalarAt(n, "apiVersion") != "" && scalarAt(n, "kind") != ""
}

// scalarAt is the text of a field of a mapping, or empty.
func scalarAt(n *yaml.Node, name string) string {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if n.Content[i].Value == name && n.Content[i+1].Kind == yaml.ScalarNode {
			return n.Content[i+1].Value
		}
	}
	return ""
}

// fileSteps makes the steps of a file. Plain objects that follow each other are
// one step; in an assert or errors file all of them are.
func (l *loader) fileSteps(p parsedFile) []*spec.Step {
	var out []*spec.Step
	var plain *spec.Step // the step that takes the next plain object
	for _, doc := range p.docs {
		if !isPlain(doc.node) {
			if p.rank < rankAssert {
				plain = nil
			}
			out = append(out, l.writtenStep(p.t, doc.node))
			continue
		}
		if plain == nil {
			plain = newPlainStep(p.rank, l.decoder(p.t, doc.node).pos(doc.node))
			out = append(out, plain)
		}
		for _, o := range l.plainObjects(p.t, doc) {
			addPlain(plain, p.rank, o)
		}
	}
	return out
}

func newPlainStep(rank int, at spec.Pos) *spec.Step {
	if rank < rankAssert {
		return &spec.Step{At: at, Apply: &spec.Apply{At: at}}
	}
	return &spec.Step{At: at, Timeout: spec.Duration{Value: assertTimeout}, Assert: &spec.Assert{At: at}}
}

func addPlain(s *spec.Step, rank int, o spec.Object) {
	switch rank {
	case rankAssert:
		s.Assert.Checks = append(s.Assert.Checks, spec.Check{At: o.At, Object: o})
	case rankErrors:
		s.Assert.Checks = append(s.Assert.Checks, spec.Check{At: o.At, AbsentObject: o})
	default:
		s.Apply.Objects = append(s.Apply.Objects, o)
	}
}

// writtenStep reads a document that is a step.
func (l *loader) writtenStep(t *text, n *yaml.Node) *spec.Step {
	d := l.decoder(t, n)
	s := &spec.Step{At: d.pos(n)}
	if missing := halfObject(n); missing != "" {
		d.add(n, "half-object", "this looks like a Kubernetes object, and has no %s", missing)
		return s
	}
	d.decode(n, s, "step")
	l.readManifests(s)
	return s
}

// halfObject is the word that a document lacks to be a Kubernetes object, or
// empty when it is a step.
func halfObject(n *yaml.Node) string {
	apiVersion, kind := scalarAt(n, "apiVersion"), scalarAt(n, "kind")
	switch {
	case kind != "" && apiVersion == "":
		return "apiVersion"
	case apiVersion != "" && kind == "":
		return "kind"
	}
	return ""
}

// readManifests reads what the step, and those under `during`, name in files.
func (l *loader) readManifests(s *spec.Step) {
	if a := s.Apply; a != nil {
		a.Manifests = l.namedManifests(a.At, a.Files)
		var objects []spec.Object
		for _, o := range a.Objects {
			objects = append(objects, expand(o)...)
		}
		a.Objects = objects
	}
	if d := s.Delete; d != nil {
		d.Manifests = l.namedManifests(d.At, d.Files)
	}
	for i := range s.During {
		l.readManifests(&s.During[i])
	}
}

// named fills in what follows from the file: number, id and name of its i-th
// step.
func (p parsedFile) named(s *spec.Step, i int) {
	s.Number = p.number
	id := p.stem
	if i > 0 {
		id = fmt.Sprintf("%s/%d", p.stem, i+1)
	}
	s.ID = cmp.Or(s.ID, id)
	words := strings.TrimSpace(strings.ReplaceAll(p.rest, "-", " "))
	s.Name = cmp.Or(s.Name, words, s.ID)
	nameDuring(s)
}

func nameDuring(s *spec.Step) {
	for i := range s.During {
		inner := &s.During[i]
		inner.Number = s.Number
		inner.ID = cmp.Or(inner.ID, fmt.Sprintf("%s.%d", s.ID, i+1))
		inner.Name = cmp.Or(inner.Name, inner.ID)
		nameDuring(inner)
	}
}

// every gives all steps, those under `during` behind the step that wraps them.
func every(steps []*spec.Step) iter.Seq[*spec.Step] {
	return func(yield func(*spec.Step) bool) {
		for _, s := range steps {
			if !visit(s, yield) {
				return
			}
		}
	}
}

func visit(s *spec.Step, yield func(*spec.Step) bool) bool {
	if !yield(s) {
		return false
	}
	for i := range s.During {
		if !visit(&s.During[i], yield) {
			return false
		}
	}
	return true
}

// kuttlVerbs say how a kind of kuttl is written here.
var kuttlVerbs = map[string]string{
	"TestStep": "its apply is a step's apply: {files: […]}, its assert a file NN-assert.yaml, its delete a step's delete: {on: […]}; " +
		"its commands a step's run: {command: […]}",
	"TestAssert": "its timeout is the timeout of a step with assert, and its objects are the checks of that step",
	"TestSuite":  "its timeout and namespace belong to scenario.yaml and the command line",
}

// foreign reports a document that belongs to another tool, or elsewhere.
func (d *decoder) foreign(n *yaml.Node) bool {
	apiVersion, kind := scalarAt(n, "apiVersion"), scalarAt(n, "kind")
	group, _, _ := strings.Cut(apiVersion, "/")
	switch {
	case group == "kuttl.dev":
		d.add(n, "foreign", "kuttl's %s is not read", kind).Help =
			cmp.Or(kuttlVerbs[kind], "write it as a step: realspec explain step")
	case strings.HasPrefix(group, "chainsaw."):
		d.add(n, "foreign", "chainsaw's %s is not read", kind).Help = "write its steps as files: realspec explain step"
	case group == "realspec.dev" && kind == spec.KindScenario:
		d.add(n, "foreign", "a Scenario is no object for the cluster").Help = "it belongs in " + scenarioFile
	default:
		return false
	}
	return true
}
