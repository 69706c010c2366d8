package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// Scripts share a cluster and run at the same time: what one of them counts by the name
// of a scenario must not be another's.
func TestWhatAScriptCountsIsItsOwn(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	counts := regexp.MustCompile(`realspec\.dev/scenario=([a-z0-9-]+)`)
	defines := regexp.MustCompile(`(?m)^kind: Scenario\nmetadata:\s+\{?name: ([a-z0-9-]+)`)
	counted, defined := map[string][]string{}, map[string][]string{} // the scripts, by the name
	add := func(all map[string][]string, found [][][]byte, file string) {
		for _, m := range found {
			if name := string(m[1]); !slices.Contains(all[name], file) {
				all[name] = append(all[name], file)
			}
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		add(counted, counts.FindAllSubmatch(text, -1), file)
		add(defined, defines.FindAllSubmatch(text, -1), file)
	}
	if len(counted) < 20 || len(defined) < 50 {
		t.Fatalf("only %d names are counted and %d scenarios defined: the test does not see the scripts", len(counted), len(defined))
	}
	for name, by := range counted {
		if in := defined[name]; len(in) != 1 || !slices.Equal(in, by) {
			t.Errorf("%v count what scenario %s has made: that is defined in %v", by, name, in)
		}
	}
}
