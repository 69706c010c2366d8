package engine_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/realspec/realspec/"

// rooms are the packages of the engine and the rooms that each may know. The
// data goes one way: spec ← diag ← load ← plan ← run ← cmd, and the reports
// read events, never the run, the steps or a cluster.
var rooms = map[string][]string{
	"spec":    {},
	"diag":    {"spec"},
	"load":    {"spec", "diag"},
	"expr":    {"spec", "diag"},
	"plan":    {"spec", "diag", "load", "expr"},
	"cluster": {"spec", "diag", "ready"},
	"ready":   {},
	"local":   {"spec"},
	"stats":   {"spec"},
	"event":   {"spec", "diag"},
	"rate":    {},
	"probe":   {"spec", "stats", "rate", "expr"},
	"agent":   {"spec", "cluster", "probe"},
	"grade":   {"spec", "stats", "event"},
	"capture": {},
	"measure": {"spec", "stats", "event"},
	"compare": {"spec", "stats", "event"},
	"step":    {"spec", "cluster", "event", "expr", "measure", "plan", "ready", "stats", "rate", "compare", "probe", "agent"},
	"run":     {"spec", "cluster", "event", "plan", "step"},
	"report":  {"spec", "diag", "event"},
	"manual":  {"spec", "diag", "expr", "schema"},
	"schema":  {"spec", "manual"}, // the manual only for the generator
}

// owners are the libraries, or parts of them, that belong to one room.
var owners = map[string]string{
	"k8s.io/client-go":               "cluster",
	"k8s.io/client-go/util/jsonpath": "spec", // it talks to nobody
	"github.com/google/cel-go":       "expr",
	"k8s.io/apiserver":               "expr",
	"go.yaml.in/yaml/v3":             "load",
	"github.com/alecthomas/kong":     "cmd",
}

func TestRoomsKnowOnlyWhatTheyMay(t *testing.T) {
	var checked int
	known := map[[2]string]bool{} // what a room may know and does
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		room, _, _ := strings.Cut(filepath.ToSlash(path), "/")
		may, listed := rooms[room]
		if !listed {
			t.Errorf("%s is in a room that this test does not know", path)
			return nil
		}
		for _, imported := range importsOf(t, path) {
			checked++
			other, _, _ := strings.Cut(strings.TrimPrefix(imported, module+"engine/"), "/")
			known[[2]string{room, other}] = true
			checkImport(t, path, room, imported, may)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room, may := range rooms {
		for _, other := range may {
			if !known[[2]string{room, other}] {
				t.Errorf("room %s may know %s and does not: take that away from it", room, other)
			}
		}
	}
	if checked < 100 {
		t.Fatalf("only %d imports were checked: the test does not see the engine", checked)
	}
}

func checkImport(t *testing.T, path, room, imported string, may []string) {
	t.Helper()
	if other, ok := strings.CutPrefix(imported, module+"engine/"); ok {
		other, _, _ = strings.Cut(other, "/")
		if other != room && !slices.Contains(may, other) {
			t.Errorf("%s: room %s must not know %s", path, room, other)
		}
	} else if strings.HasPrefix(imported, module+"cmd/") {
		t.Errorf("%s: the engine must not know the command line", path)
	}
	library := ""
	for one := range owners {
		if (imported == one || strings.HasPrefix(imported, one+"/")) && len(one) > len(library) {
			library = one
		}
	}
	if library != "" && room != owners[library] {
		t.Errorf("%s: %s belongs to room %s", path, library, owners[library])
	}
}

func importsOf(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	return all
}
