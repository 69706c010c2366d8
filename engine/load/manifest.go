package load

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	kubeyaml "sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// namedManifests reads the manifests that the field `files` of a verb names:
// files, and folders of them.
func (l *loader) namedManifests(at spec.Pos, entries []string) []spec.Object {
	var out []spec.Object
	for i, entry := range entries {
		if entry == "" {
			continue // could not be read, or is reported as empty
		}
		pos, width := l.item(at, "files", i)
		report := func(code, format string, args ...any) *diag.Diagnostic {
			d := l.diags.Add(pos, code, format, args...)
			d.Width = width
			return d
		}
		for _, path := range l.manifestPaths(entry, pos, report) {
			out = append(out, l.manifest(path, pos)...)
		}
	}
	return out
}

type reporter func(code, format string, args ...any) *diag.Diagnostic

// manifestPaths are the files that one entry of `files` stands for.
func (l *loader) manifestPaths(entry string, pos spec.Pos, report reporter) []string {
	switch {
	case strings.Contains(entry, "${{"):
		report("bad-path", "files takes no ${{ }}, found %q", entry)
		return nil
	case strings.Contains(entry, "://"):
		report("bad-path", "%q is an address, expected a file or folder", entry).Help =
			"save the manifest beside the scenario: what is applied must not change between runs"
		return nil
	case filepath.IsAbs(entry):
		report("bad-path", "%q is an absolute path", entry).Help =
			"write it relative to the scenario's folder, so that it is the same on every machine"
		return nil
	}
	path := filepath.Join(l.dir, entry)
	info, err := os.Stat(path)
	if err != nil {
		l.missingManifest(entry, path, err, report)
		return nil
	}
	if !info.IsDir() {
		return []string{path}
	}
	paths := l.manifestFolder(path, map[string]bool{})
	if len(paths) == 0 {
		report("empty-folder", "no manifest in %s", entry).Help = "manifests end in .yaml, .yml or .json"
	}
	return paths
}

func (l *loader) missingManifest(entry, path string, err error, report reporter) {
	c := fileComplaint(err)
	d := report(c.code, "%s %s", entry, c.message)
	d.Help = c.help
	if c.code != "missing-file" {
		return
	}
	if strings.ContainsAny(entry, "*?[") {
		d.Help = "patterns are not expanded; name the folder, and every manifest in it is read"
		return
	}
	folder := filepath.Dir(path)
	for !isDir(folder) && folder != filepath.Dir(folder) {
		path, folder = folder, filepath.Dir(folder)
	}
	if known := manifestNames(folder); len(known) > 0 {
		d.Help = strings.Replace(diag.DidYouMean(filepath.Base(path), known), "known here", "found in "+folder, 1)
	} else {
		d.Help = fmt.Sprintf("there is no manifest in %s", folder)
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// manifestNames are what a step could have named in a folder.
func manifestNames(folder string) []string {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		isStep := e.Name() == scenarioFile || stepFileName.MatchString(e.Name())
		if !isIgnored(e.Name()) && !isStep && (e.IsDir() || isManifest(e.Name())) {
			names = append(names, e.Name())
		}
	}
	return names
}

func isManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
}

// manifestFolder lists the manifests below a folder, sorted. What is no
// manifest is reported. Linked folders are followed, each once.
func (l *loader) manifestFolder(dir string, seen map[string]bool) []string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		if seen[real] {
			return nil
		}
		seen[real] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		c := fileComplaint(err)
		l.diags.Add(spec.Pos{File: dir}, c.code, "%s %s", dir, c.message).Help = c.help
		return nil
	}
	var out []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if isIgnored(e.Name()) {
			continue
		}
		switch {
		case e.IsDir(), e.Type()&fs.ModeSymlink != 0 && isDir(path):
			out = append(out, l.manifestFolder(path, seen)...)
		case isManifest(path):
			out = append(out, path)
		default:
			l.notRead(path, "manifests end in .yaml, .yml or .json")
		}
	}
	return out
}

// manifest reads the objects of one file, once.
func (l *loader) manifest(path string, pos spec.Pos) []spec.Object {
	if objects, ok := l.manifests[path]; ok {
		return objects
	}
	l.manifests[path] = nil
	t, ok := l.read(path, pos)
	if !ok {
		return nil
	}
	docs, ok := l.parse(t)
	if ok && len(docs) == 0 {
		l.diags.Add(spec.Pos{File: path}, "empty-file", "there is no object in this file")
	}
	var out []spec.Object
	for _, doc := range docs {
		out = append(out, l.plainObjects(t, doc)...)
	}
	l.manifests[path] = out
	return out
}

// plainObjects reads one document as kubectl does, with its positions and
// templates beside it. A List gives its items.
func (l *loader) plainObjects(t *text, doc document) []spec.Object {
	d := l.decoder(t, doc.node)
	d.kubectl = true
	if doc.node.Kind != yaml.MappingNode {
		d.add(doc.node, "wrong-type", "a manifest is a mapping, found %s", found(doc.node))
		return nil
	}
	before := len(l.diags)
	var o spec.Object
	d.follow(doc.node, func(n *yaml.Node) { o = d.object(n, &scope{name: "manifest"}) })
	if l.diags[before:].HasErrors() {
		return nil
	}
	fields, err := kubectlRead(doc.raw)
	if err != nil {
		d.add(doc.node, "syntax", "kubectl cannot read this document: %s", plainError(err))
		return nil
	}
	o.Fields = fields
	return expand(o)
}

// kubectlRead reads a document by the rules of kubectl: YAML 1.1, by way of
// JSON, whole numbers as int64.
func kubectlRead(raw []byte) (map[string]any, error) {
	data, err := kubeyaml.YAMLToJSON(raw)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	err = utiljson.Unmarshal(data, &fields)
	return fields, err
}

func plainError(err error) string {
	if typed, ok := err.(*json.UnmarshalTypeError); ok {
		return "it is a " + typed.Value
	}
	text := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	return lineOfError.ReplaceAllString(text, "")
}

// expand gives the items of a List, and any other object itself.
func expand(o spec.Object) []spec.Object {
	items, isList := o.Fields["items"].([]any)
	if kind, _ := o.Fields["kind"].(string); kind != "List" || !isList {
		return []spec.Object{o}
	}
	var out []spec.Object
	for i, item := range items {
		prefix := fmt.Sprintf("/items/%d", i)
		fields, ok := item.(map[string]any)
		if !ok {
			fields = map[string]any{}
		}
		one := spec.Object{Fields: fields, At: o.Places[prefix], Places: map[string]spec.Pos{}}
		for pointer, pos := range o.Places {
			if rest, ok := strings.CutPrefix(pointer, prefix+"/"); ok {
				one.Places["/"+rest] = pos
			}
		}
		for _, tpl := range o.Templates {
			if len(tpl.Path) > 2 && tpl.Path[0] == "items" && tpl.Path[1] == i {
				one.Templates = append(one.Templates, spec.Template{Path: tpl.Path[2:], Text: tpl.Text})
			}
		}
		out = append(out, expand(one)...)
	}
	return out
}
