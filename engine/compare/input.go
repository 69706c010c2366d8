package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// Input is what was read: the results of runs, and baselines.
type Input struct {
	Results   []*event.Result
	Baselines []*Baseline
}

// Load reads a result, an events file, a baseline, a folder that holds such files
// (also in folders within), or a list of all those with commas. Errors begin with the path.
func Load(list string) (*Input, error) {
	in := &Input{}
	for _, path := range paths(list) {
		if err := in.load(path); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// Runs are the runs of all results and baselines with the picked values, each once.
func (in *Input) Runs(p Pick) []Run {
	var runs []Run
	for _, r := range in.Results {
		runs = append(runs, p.Runs(r)...)
	}
	for _, b := range in.Baselines {
		runs = append(runs, b.List(p)...)
	}
	return Unique(runs)
}

// paths divides a list at its commas, unless it is the name of a file.
func paths(list string) []string {
	if _, err := os.Stat(list); err == nil {
		return []string{list}
	}
	return slices.DeleteFunc(strings.Split(list, ","), func(p string) bool { return p == "" })
}

func (in *Input) load(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%s: there is no such file or folder", path)
	}
	if !info.IsDir() {
		return in.file(path)
	}
	found := 0
	err = filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: the folder cannot be read", path)
		}
		if ext := filepath.Ext(path); d.IsDir() || ext != ".json" && ext != ".jsonl" {
			return nil
		}
		found++
		return in.file(path)
	})
	if err == nil && found == 0 {
		return fmt.Errorf("%s: the folder has no .json and no .jsonl file", path)
	}
	return err
}

// file reads a file by what is in it, whatever it is called.
func (in *Input) file(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s: the file cannot be read", path)
	}
	if err := in.take(path, content); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// mark is what tells the kinds of files apart: an events file begins with the
// event run-started, a result has a schema version, a baseline its kind.
type mark struct {
	Event         string `json:"event"`
	SchemaVersion *int   `json:"schemaVersion"`
	Kind          string `json:"kind"`
}

func (in *Input) take(path string, content []byte) error {
	var m mark
	first, _, _ := bytes.Cut(content, []byte("\n"))
	if err := json.Unmarshal(first, &m); err == nil && m.Event != "" {
		return in.events(content)
	}
	if err := json.Unmarshal(content, &m); err != nil {
		return fmt.Errorf("it is no result, events file or baseline: %w", plain(content, err))
	}
	switch {
	case m.SchemaVersion != nil:
		return in.result(content, *m.SchemaVersion)
	case m.Kind == kind:
		b, err := Read(bytes.NewReader(content))
		if err != nil {
			return err
		}
		b.File = path
		in.Baselines = append(in.Baselines, b)
		return nil
	}
	return fmt.Errorf("it is no result, events file or baseline: those are written by `realspec run --json`, " +
		"`realspec run --events` and `realspec baseline record`")
}

func (in *Input) events(content []byte) error {
	events, err := event.Read(bytes.NewReader(content))
	if err != nil {
		return err
	}
	in.Results = append(in.Results, event.Fold(events))
	return nil
}

func (in *Input) result(content []byte, version int) error {
	if version > event.SchemaVersion {
		return fmt.Errorf("the result has version %d, and this realspec reads up to %d: use a newer realspec",
			version, event.SchemaVersion)
	}
	if version < 1 {
		return fmt.Errorf("the result has version %d, and the first one is 1", version)
	}
	r := &event.Result{}
	if err := json.Unmarshal(content, r); err != nil {
		return plain(content, err)
	}
	r.Scenarios = slices.DeleteFunc(r.Scenarios, func(s *event.Scenario) bool { return s == nil })
	for _, s := range r.Scenarios {
		s.Steps = slices.DeleteFunc(s.Steps, func(s *event.Step) bool { return s == nil })
	}
	in.Results = append(in.Results, r)
	return nil
}
