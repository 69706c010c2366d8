package load

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Find turns the arguments of the command line into scenario folders: a folder
// with scenario.yaml is one, otherwise every folder below it that has one,
// sorted, duplicates dropped. An argument that does not exist, is a file
// (scenario.yaml itself is accepted), or holds no scenario is an error.
func Find(args []string) ([]string, diag.List) {
	var diags diag.List
	found := map[string]string{} // by absolute path, so that ./a and a are one
	for _, arg := range args {
		for _, dir := range findOne(filepath.Clean(arg), &diags) {
			key, err := filepath.Abs(dir)
			if err != nil {
				key = dir
			}
			if _, again := found[key]; !again {
				found[key] = dir
			}
		}
	}
	var dirs []string
	for _, dir := range found {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs, diags
}

func findOne(arg string, diags *diag.List) []string {
	info, err := os.Stat(arg)
	switch {
	case err != nil:
		c := fileComplaint(err)
		diags.Add(spec.Pos{File: arg}, c.code, "%s %s", arg, c.message).Help = pathHelp(arg, c.help)
		return nil
	case !info.IsDir() && filepath.Base(arg) == scenarioFile:
		return []string{filepath.Dir(arg)}
	case !info.IsDir():
		diags.Add(spec.Pos{File: arg}, "not-a-folder", "%s is a file, expected a scenario's folder", arg).Help = fileHelp(arg)
		return nil
	}
	dirs := below(arg, diags)
	if len(dirs) == 0 && !slices.ContainsFunc(*diags, func(d diag.Diagnostic) bool { return d.Pos.File == arg }) {
		diags.Add(spec.Pos{File: arg}, "no-scenario", "no scenario in %s", arg).Help =
			fmt.Sprintf("a scenario is a folder with %s; realspec init makes one", scenarioFile)
	}
	return dirs
}

// below finds the scenario folders at and below dir. A folder whose scenario
// file has the wrong name counts: loading it says what is wrong. Links to
// folders are not followed.
func below(dir string, diags *diag.List) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		c := fileComplaint(err)
		diags.Add(spec.Pos{File: dir}, c.code, "%s %s", dir, c.message).Help = c.help
		return nil
	}
	if hasScenario(entries) {
		return []string{dir}
	}
	var dirs []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			dirs = append(dirs, below(filepath.Join(dir, e.Name()), diags)...)
		}
	}
	return dirs
}

func hasScenario(entries []os.DirEntry) bool {
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return !e.IsDir() && (e.Name() == scenarioFile || isMisnamed(e.Name()))
	})
}

// pathHelp names what is there under the first part of a path that is not.
func pathHelp(path, otherwise string) string {
	parent := filepath.Dir(path)
	entries, err := os.ReadDir(parent)
	if err != nil || otherwise != "" {
		if parent != path && err != nil {
			return pathHelp(parent, otherwise)
		}
		return otherwise
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && e.IsDir() {
			names = append(names, e.Name())
		}
	}
	if near := diag.Nearest(filepath.Base(path), names); near != "" {
		return fmt.Sprintf("did you mean %s?", filepath.Join(parent, near))
	}
	if len(names) == 0 || len(names) > 20 {
		return ""
	}
	slices.Sort(names)
	return fmt.Sprintf("folders in %s: %s", parent, strings.Join(names, ", "))
}

func fileHelp(path string) string {
	dir := filepath.Dir(path)
	if entries, err := os.ReadDir(dir); err == nil && hasScenario(entries) {
		return "give the folder: " + dir
	}
	return fmt.Sprintf("a scenario is a folder with %s", scenarioFile)
}
