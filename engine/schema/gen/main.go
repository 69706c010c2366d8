// Command gen writes the JSON Schemas of the language to schemas/. Run it from
// the root of the repository: go run ./engine/schema/gen
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/realspec/realspec/engine/schema"
)

func main() {
	if err := generate("engine/spec", "schemas"); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n  run it from the root of the repository: go run ./engine/schema/gen\n", err)
		os.Exit(1)
	}
}

// generate makes both schemas before it writes one, so that an error leaves the
// files as they were.
func generate(from, to string) error {
	docs, err := schema.ReadDocs(from)
	if err != nil {
		return err
	}
	scenario, err := schema.Scenario(docs)
	if err != nil {
		return err
	}
	step, err := schema.Step(docs)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "scenario.schema.json"), scenario, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "step.schema.json"), step, 0o644)
}
