package load

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// scenarioFile is the file that makes a folder a scenario.
const scenarioFile = "scenario.yaml"

// baselinesFolder holds what was measured before, one file per kind of
// environment.
const baselinesFolder = "baselines"

var stepFileName = regexp.MustCompile(`^([0-9]+)-(.*)\.ya?ml$`)

// folder is what stands in a scenario's folder.
type folder struct {
	hasScenario bool
	steps       []stepFile
	others      []os.DirEntry // neither scenario.yaml nor a step file
}

// stepFile is a numbered file.
type stepFile struct {
	path   string
	stem   string // 00-apply
	number int    // 0
	rest   string // apply
}

// folder lists the scenario's folder. It is false when there is none.
func (l *loader) folder() (folder, bool) {
	var f folder
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		c := fileComplaint(err)
		if info, err := os.Stat(l.dir); err == nil && !info.IsDir() {
			c = complaint{code: "not-a-folder", message: "is a file, expected a scenario's folder"}
		}
		l.diags.Add(spec.Pos{File: l.dir}, c.code, "%s %s", l.dir, c.message).Help = c.help
		return f, false
	}
	for _, e := range entries {
		m := stepFileName.FindStringSubmatch(e.Name())
		switch {
		case e.Name() == scenarioFile:
			f.hasScenario = true
		case m != nil:
			f.steps = append(f.steps, l.stepFile(e.Name(), m)...)
		default:
			f.others = append(f.others, e)
		}
	}
	slices.SortStableFunc(f.steps, func(a, b stepFile) int {
		return cmp.Or(cmp.Compare(a.number, b.number), strings.Compare(a.stem, b.stem))
	})
	if !f.hasScenario {
		l.noScenario(f)
	}
	return f, true
}

func (l *loader) stepFile(name string, m []string) []stepFile {
	path := filepath.Join(l.dir, name)
	number, err := strconv.Atoi(m[1])
	if err != nil {
		l.diags.Add(spec.Pos{File: path}, "bad-name", "the number of %s is too large", name)
		return nil
	}
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	return []stepFile{{path: path, stem: stem, number: number, rest: m[2]}}
}

func (l *loader) noScenario(f folder) {
	d := l.diags.Add(spec.Pos{File: filepath.Join(l.dir, scenarioFile)}, "missing-file",
		"there is no %s in %s", scenarioFile, l.dir)
	d.Help = "it says what the scenario proves and needs; realspec explain scenario shows what stands in it"
	for _, e := range f.others {
		if isMisnamed(e.Name()) {
			d.Help = fmt.Sprintf("found %s: rename it to %s", e.Name(), scenarioFile)
		}
	}
}

// isMisnamed tells whether a file was meant to be scenario.yaml.
func isMisnamed(name string) bool {
	switch strings.ToLower(name) {
	case "scenario.yaml", "scenario.yml", "scenario.json":
		return name != scenarioFile
	}
	return false
}

// reportUnread warns about what stands in the scenario's folder and is not read.
func (l *loader) reportUnread(f folder) {
	for _, e := range f.others {
		path := filepath.Join(l.dir, e.Name())
		if e.IsDir() && e.Name() == baselinesFolder {
			l.reportNoBaselines(path)
		}
		if isExpected(e) || l.isNamed(path) || isMisnamed(e.Name()) && !f.hasScenario {
			continue
		}
		help := ""
		switch {
		case isMisnamed(e.Name()):
			help = "the scenario is read from " + scenarioFile
		case e.IsDir():
			help = "a step reads a folder that its files name, such as apply: {files: [manifests/]}"
		case isManifest(path):
			help = "a step's file is named by number and words, such as 00-apply.yaml"
		}
		l.notRead(path, help)
	}
}

// reportNoBaselines warns about what stands in baselines/ and is no baseline.
func (l *loader) reportNoBaselines(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.notRead(dir, fileComplaint(err).message)
	}
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); !isIgnored(e.Name()) && (e.IsDir() || filepath.Ext(path) != ".json") {
			l.notRead(path, "a baseline is a file that realspec baseline record has written, and ends in .json")
		}
	}
}

// notRead warns about a file that nothing reads.
func (l *loader) notRead(path, help string) {
	l.diags = append(l.diags, diag.Diagnostic{
		Pos: spec.Pos{File: path}, Severity: diag.Warning, Code: "not-read",
		Message: "not read: " + filepath.Base(path), Help: help,
	})
}

// isNamed tells whether a step names the path, or something below it.
func (l *loader) isNamed(path string) bool {
	for named := range l.manifests {
		if named == path || strings.HasPrefix(named, path+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// isExpected tells whether a file has its place in a scenario without being a
// step.
func isExpected(e os.DirEntry) bool {
	if e.IsDir() && (e.Name() == "manifests" || e.Name() == baselinesFolder) {
		return true
	}
	return isIgnored(e.Name())
}

// isIgnored tells whether a file is for people or tools, not for realspec.
func isIgnored(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "README") || name == "LICENSE"
}

// shown is a path as messages name it: within the scenario's folder.
func (l *loader) shown(path string) string {
	if rel, err := filepath.Rel(l.dir, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}
