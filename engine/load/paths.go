package load

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
	tree := manifestTree{l: l, report: report, seen: map[string]bool{}}
	tree.read(path)
	if len(tree.paths) == 0 && !tree.stopped {
		report("empty-folder", "no manifest in %s", entry).Help = "manifests end in .yaml, .yml or .json"
	}
	return tree.paths
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

// maxManifests bounds the files and folders below one entry of `files`. Ten
// times as many would still be read in a second, but it is a slip by then: a
// path such as ../.. that names half of the disk.
const maxManifests = 1000

// manifestTree lists the manifests below a folder, sorted. What is no manifest
// is reported. Linked folders are followed, each once.
type manifestTree struct {
	l       *loader
	report  reporter
	paths   []string
	seen    map[string]bool // folders, without links
	entries int
	stopped bool // by an error
}

func (m *manifestTree) read(dir string) {
	if m.again(dir) || m.holdsScenario(dir) {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		c := fileComplaint(err)
		m.stop(c.code, "%s %s", m.l.shown(dir), c.message).Help = c.help
		return
	}
	if m.entries += len(entries); m.entries > maxManifests {
		m.stop("too-large", "there are more than %d files in this folder", maxManifests).Help =
			"name the folders of the manifests that the step needs"
		return
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case m.stopped:
			return
		case isIgnored(e.Name()):
		case e.IsDir(), e.Type()&fs.ModeSymlink != 0 && isDir(path):
			m.read(path)
		case isManifest(path):
			m.paths = append(m.paths, path)
		default:
			m.l.notRead(path, "manifests end in .yaml, .yml or .json")
		}
	}
}

func (m *manifestTree) stop(code, format string, args ...any) *diag.Diagnostic {
	m.stopped = true
	return m.report(code, format, args...)
}

func (m *manifestTree) again(dir string) bool {
	real := realPath(dir)
	again := m.seen[real]
	m.seen[real] = true
	return again
}

// holdsScenario reports a folder in which the scenario itself lies: its own
// steps are no manifests.
func (m *manifestTree) holdsScenario(dir string) bool {
	rel, err := filepath.Rel(realPath(dir), realPath(m.l.dir))
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return false
	}
	m.stop("bad-path", "%s holds the scenario itself", m.l.shown(dir)).Help =
		"manifests have a folder of their own, such as manifests/"
	return true
}

// realPath is a path without links, as far as they can be followed.
func realPath(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path
}
