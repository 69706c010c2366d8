package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/realspec/realspec/engine/load"
)

// typed is what the words before the one that is being typed mean.
type typed struct {
	node  *kong.Node
	args  []string   // of the command
	flag  *kong.Flag // that waits for its value
	equal bool       // its value follows a = that the shell made a word of
	plain bool       // after --, nothing is a flag
}

// take reads a word that is complete.
func (t *typed) take(word string) {
	switch {
	case t.flag != nil && word == "=":
		t.equal = true
	case t.flag != nil:
		t.flag, t.equal = nil, false
	case t.plain:
		t.args = append(t.args, word)
	case word == "--":
		t.plain = true
	case len(word) > 1 && word[0] == '-':
		name, _, hasValue := strings.Cut(word, "=")
		if f := t.find(name); f != nil && !hasValue && !f.IsBool() && !f.IsCounter() {
			t.flag = f
		}
	default:
		for _, child := range t.node.Children {
			if child.Name == word && len(t.args) == 0 {
				t.node = child
				return
			}
		}
		t.args = append(t.args, word)
	}
}

// find is the flag that is written so: --cluster, or -v.
func (t *typed) find(written string) *kong.Flag {
	for _, f := range t.flags() {
		if written == "--"+f.Name || f.Short != 0 && written == "-"+string(f.Short) {
			return f
		}
	}
	return nil
}

func (t *typed) flags() []*kong.Flag {
	return slices.Concat(t.node.AllFlags(false)...)
}

// candidates are what a word may become.
type candidates struct {
	list  []string // each with a tab and a description, where there is one
	files bool     // files too
}

// complete is what the last word may become.
func (t *typed) complete(word string) candidates {
	if t.flag != nil {
		if word == "=" {
			word = ""
		}
		return t.value(t.flag.Value, word, "")
	}
	if name, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(name, "--") && !t.plain {
		if f := t.find(name); f != nil {
			return t.value(f.Value, value, name+"=")
		}
		return candidates{}
	}
	var found candidates
	if strings.HasPrefix(word, "-") && !t.plain {
		for _, f := range t.flags() {
			if !f.Hidden {
				found.add(word, "--"+f.Name, f.Help)
			}
		}
		return found
	}
	for _, child := range t.node.Children {
		if !child.Hidden && len(t.args) == 0 {
			found.add(word, child.Name, child.Help)
		}
	}
	if at := len(t.args); len(t.node.Positional) > 0 {
		p := t.node.Positional[min(at, len(t.node.Positional)-1)]
		if at < len(t.node.Positional) || p.IsCumulative() {
			return t.value(p, word, "")
		}
	}
	return found
}

// add adds a candidate that begins with what was typed. A tab parts it from the
// first sentence of what it is.
func (c *candidates) add(word, candidate, about string) {
	if !strings.HasPrefix(candidate, word) {
		return
	}
	if about, _, _ = strings.Cut(about, ". "); about != "" {
		candidate += "\t" + strings.TrimSuffix(about, ".")
	}
	c.list = append(c.list, candidate)
}

// value is what the value of a flag or an argument may become. Its placeholder
// says what it is; before is what stands in front of it in the same word.
func (t *typed) value(v *kong.Value, word, before string) candidates {
	var found candidates
	switch {
	case v.Enum != "":
		for _, value := range strings.Split(v.Enum, ",") {
			if value != "" {
				found.add(before+word, before+value, "")
			}
		}
	case v.Name == "path":
		for _, dir := range scenarioFolders(word) {
			found.add(word, filepath.ToSlash(dir), "")
		}
	case v.Name == "from" && t.node.Name == "init":
		for _, name := range recipeNames() {
			found.add(before+word, before+name, recipeDescription(name))
		}
	case v.Flag != nil && v.Flag.PlaceHolder == "WHERE":
		found.places(word, before)
	case isStep(v):
		t.steps(&found, word, before)
	case v.Name == "set":
		t.vars(&found, word, before)
	case v.Flag == nil || strings.Contains(strings.ToUpper(v.Flag.PlaceHolder), "FILE"):
		found.files = true
	}
	return found
}

// places adds where to run; several are written as local,current.
func (c *candidates) places(word, before string) {
	first := ""
	if i := strings.LastIndexByte(word, ','); i >= 0 {
		first = word[:i+1]
	}
	for _, where := range []string{clusterAuto, clusterCurrent, clusterLocal, clusterReal} {
		if first != "" && where == clusterAuto {
			continue // it chooses one
		}
		if !strings.Contains(","+first, ","+where+",") {
			c.add(before+word, before+first+where, "")
		}
	}
}

// isStep tells whether a flag takes the id of a step.
func isStep(v *kong.Value) bool {
	return v.Flag != nil && (v.Flag.PlaceHolder == "STEP" || v.Name == "step")
}

// steps adds the steps of the scenarios on the command line.
func (t *typed) steps(found *candidates, word, before string) {
	for _, l := range t.scenarios() {
		for _, s := range l.Steps {
			found.add(before+word, before+s.ID, s.Name)
		}
	}
}

// vars adds the variables of the scenarios on the command line.
func (t *typed) vars(found *candidates, word, before string) {
	var names []string
	for _, l := range t.scenarios() {
		for name := range l.Spec.Spec.Vars.Fields {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		found.add(before+word, before+name+"=", "")
	}
}

// scenarios are those on the command line, as far as they can be read.
func (t *typed) scenarios() []*load.Loaded {
	dirs, _ := load.Find(t.args)
	var all []*load.Loaded
	for _, dir := range dirs {
		l, _ := load.Scenario(dir, nil)
		all = append(all, l)
	}
	return all
}

// Completing must be quick also in a home folder: so deep, and no more folders
// than these are looked at.
const (
	completionDepth   = 4
	completionFolders = 2000
)

// scenarioFolders are the scenarios whose path begins with what was typed.
func scenarioFolders(word string) []string {
	top := filepath.Dir(word + "x") // of specs/hi it is specs
	var found []string
	folders := 0
	_ = filepath.WalkDir(top, func(at string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return nil
		}
		rel, _ := filepath.Rel(top, at)
		folders++
		switch {
		case folders > completionFolders:
			return fs.SkipAll
		case at != top && strings.HasPrefix(e.Name(), "."), strings.Count(rel, string(filepath.Separator)) >= completionDepth:
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(at, "scenario.yaml")); err != nil {
			return nil
		}
		if strings.HasPrefix(word, "./") && !strings.HasPrefix(at, ".") {
			at = "./" + at
		}
		found = append(found, at)
		return fs.SkipDir
	})
	return found
}
