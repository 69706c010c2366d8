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
	counted := map[string]string{}   // the script, by the name
	defined := map[string][]string{} // the scripts
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range counts.FindAllSubmatch(text, -1) {
			counted[string(m[1])] = file
		}
		for _, m := range defines.FindAllSubmatch(text, -1) {
			if name := string(m[1]); !slices.Contains(defined[name], file) {
				defined[name] = append(defined[name], file)
			}
		}
	}
	if len(counted) < 20 || len(defined) < 50 {
		t.Fatalf("only %d names are counted and %d scenarios defined: the test does not see the scripts", len(counted), len(defined))
	}
	for name, file := range counted {
		if in := defined[name]; len(in) != 1 || in[0] != file {
			t.Errorf("%s counts what scenario %s has made: that is defined in %v", file, name, in)
		}
	}
}
