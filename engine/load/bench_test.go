package load

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkScenario reads a hundred scenarios of six files an iteration. Other
// work waits for this on every change of a file: it has to stay far below 300 ms.
func BenchmarkScenario(b *testing.B) {
	var dirs []string
	for i := range 100 {
		dir := filepath.Join(b.TempDir(), fmt.Sprintf("high-load-%d", i))
		if err := os.CopyFS(dir, os.DirFS("testdata/ok/high-load")); err != nil {
			b.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	for b.Loop() {
		for _, dir := range dirs {
			if _, diags := Scenario(dir, nil); len(diags) > 0 {
				b.Fatal(diags)
			}
		}
	}
}
