// Command gen writes what is made from the types and comments of the language:
// the JSON Schemas, the reference, and the comments for `realspec explain`, all
// to schemas/. Run it from the root of the repository: go run ./engine/schema/gen
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/realspec/realspec/engine/manual"
	"github.com/realspec/realspec/engine/schema"
)

func main() {
	if err := generate("engine", "schemas"); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n  run it from the root of the repository: go run ./engine/schema/gen\n", err)
		os.Exit(1)
	}
}

// generate makes all files before it writes one, so that an error leaves them as
// they were.
func generate(from, to string) error {
	docs, err := schema.ReadDocs(filepath.Join(from, "spec"))
	if err != nil {
		return err
	}
	if err := docs.AddConstants(filepath.Join(from, "event"), "Reason"); err != nil {
		return err
	}
	files := map[string][]byte{}
	if files["scenario.schema.json"], err = schema.Scenario(docs); err != nil {
		return err
	}
	if files["step.schema.json"], err = schema.Step(docs); err != nil {
		return err
	}
	if files["config.schema.json"], err = schema.Config(docs); err != nil {
		return err
	}
	m, err := manual.New(docs)
	if err != nil {
		return err
	}
	files["reference.md"] = m.Reference()
	if files["comments.json"], err = comments(docs); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(to, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// comments is a file with the comments, sorted by their names.
func comments(docs schema.Docs) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(docs)
	return out.Bytes(), err
}
