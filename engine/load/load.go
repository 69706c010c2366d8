// Package load reads scenario folders: the files in their order, their YAML as
// values of package spec with positions, the manifests that they name. It
// collects every error of every file, so that one look shows all that is wrong.
//
// The data goes: folder (which files, in what order) → read (bytes) → parse
// (nodes, one tree a document) → decode and manifest (values) → check (rules
// that hold between values).
package load

import (
	"path/filepath"
	"reflect"
	"regexp"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Loaded is a scenario as it stands in its folder. When the diagnostics that
// come with it hold errors, it is incomplete and of use only for its names and
// its files.
type Loaded struct {
	Dir   string            // as given, cleaned; Pos.File of everything begins with it
	Name  string            // metadata.name, or the folder's base name when that is unreadable
	Spec  *spec.Scenario    // never nil
	Steps []*spec.Step      // in execution order, defaults for Name, ID and Number filled in
	Files map[string][]byte // content of every file read, by the path used in positions
}

// Scenario reads the scenario in folder dir: scenario.yaml, the numbered step
// files and every manifest that they name. It collects every error of every
// file. The ends of an elapsed measure are step ids afterwards, also where a
// file was named. Without numbers, those that expressions give are 1.
func Scenario(dir string, numbers Numbers) (*Loaded, diag.List) {
	l := &loader{
		dir:       filepath.Clean(dir),
		files:     map[string][]byte{},
		texts:     map[string]*text{},
		marks:     map[mark]marked{},
		types:     map[reflect.Type]*structure{},
		manifests: map[string][]spec.Object{},
		stems:     map[string][]string{},
		numbers:   map[*yaml.Node]float64{},
	}
	out := &Loaded{Dir: l.dir, Name: baseName(l.dir), Spec: &spec.Scenario{}, Files: l.files}
	f, ok := l.folder()
	if !ok {
		return out, l.finish()
	}
	if f.hasScenario {
		l.scenario(out.Spec)
	}
	if name := out.Spec.Metadata.Name; name != "" {
		out.Name = name
	}
	out.Steps = l.steps(f.steps)
	l.compute(numbers, out.Spec)
	l.check(out)
	l.reportUnread(f)
	return out, l.finish()
}

// loader is the state of reading one scenario.
type loader struct {
	dir       string
	diags     diag.List
	files     map[string][]byte
	texts     map[string]*text
	marks     map[mark]marked
	types     map[reflect.Type]*structure
	manifests map[string][]spec.Object // by path; nil for a file that could not be read
	partial   bool                     // whether a step file could not be read to its end
	allowed   []string                 // what the scenario may do; nil when that is not known
	stems     map[string][]string      // the ids of a step file's steps, by 00-apply
	// later puts in the numbers that expressions give, and numbers has them then; it is
	// nil where there are no variables that they could use.
	later   []func(value func(spec.Expr) (any, diag.List))
	numbers map[*yaml.Node]float64
}

// mark names a written field: by the place of the mapping that holds it.
type mark struct {
	at    spec.Pos
	field string
}

// marked is a field as it was written, for diagnostics about its value.
type marked struct {
	t          *text
	key, value *yaml.Node
}

// scenario reads scenario.yaml.
func (l *loader) scenario(into *spec.Scenario) {
	path := filepath.Join(l.dir, scenarioFile)
	t, ok := l.read(path, spec.Pos{File: path})
	if !ok {
		return
	}
	docs, ok := l.parse(t)
	if len(docs) == 0 {
		if ok {
			l.diags.Add(spec.Pos{File: path}, "empty-file", "%s is empty", scenarioFile).Help =
				"it begins with apiVersion: " + spec.APIVersion
		}
		return
	}
	d := l.decoder(t, docs[0].node)
	d.decode(docs[0].node, into, "scenario")
	for _, extra := range docs[1:] {
		d.add(extra.node, "two-scenarios", "%s holds a second document", scenarioFile).Help =
			"steps go into numbered files beside it, such as 00-apply.yaml"
	}
}

var word = regexp.MustCompile(`^[\pL\pN_./-]+`)

// finish gives a width to every diagnostic that has none: that of the word at
// its place.
func (l *loader) finish() diag.List {
	for i := range l.diags {
		d := &l.diags[i]
		if t := l.texts[d.Pos.File]; t != nil && d.Pos.IsValid() && d.Width == 0 {
			at := t.at(d.Pos)
			d.Width = utf8.RuneCount(word.Find(t.data[at:t.end(at)]))
		}
	}
	return l.diags
}

func baseName(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Base(dir)
}
