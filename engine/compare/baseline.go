package compare

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// Baseline is the recorded runs of one scenario in one kind of environment. It is
// a file in the scenario's folder: baselines/KEY.json.
type Baseline struct {
	Scenario    string            // its name
	Environment event.Environment // without realspec's version, which every run has
	Runs        []Recorded        // sorted by start

	File string // where it was read, or ""
	Dir  string // the scenario's folder when Find has found it, for messages
}

// Recorded is one run of a baseline.
type Recorded struct {
	Started  time.Time
	Realspec string // version
	Measures []Series
}

// Record adds runs of a scenario. A run that is there already is not added again;
// how many were is the answer. One that belongs to another scenario or another
// environment is refused.
func (b *Baseline) Record(scenarios ...*event.Scenario) (int, error) {
	added := 0
	for _, s := range scenarios {
		env := s.Cluster.Environment
		switch {
		case s.Name != b.Scenario:
			return added, fmt.Errorf("a run of %s cannot be recorded for %s", s.Name, b.Scenario)
		case !Same(env, b.Environment):
			return added, fmt.Errorf("a run of %s cannot be recorded, its environment is another one: %s",
				s.Name, strings.Join(Differences(b.Environment, env), "; "))
		}
		run := Recorded{Started: s.Started.UTC(), Realspec: env.Realspec, Measures: reduce(measures(s), false)}
		known := slices.ContainsFunc(b.Runs, func(r Recorded) bool { return r.Started.Equal(run.Started) })
		if known || len(run.Measures) == 0 {
			continue
		}
		b.Runs = append(b.Runs, run)
		added++
	}
	slices.SortStableFunc(b.Runs, func(x, y Recorded) int { return x.Started.Compare(y.Started) })
	return added, nil
}

// List are the recorded runs with the picked values, for comparisons.
func (b *Baseline) List(p Pick) []Run {
	runs := make([]Run, 0, len(b.Runs))
	for _, r := range b.Runs {
		env := b.Environment
		env.Realspec = r.Realspec
		runs = append(runs, Run{Scenario: b.Scenario, Started: r.Started, Environment: env,
			Outcome: event.Passed, Metrics: p.values(r.Measures)})
	}
	return runs
}

// Folder is where a scenario's folder has its baselines.
func Folder(scenario string) string { return filepath.Join(scenario, "baselines") }

// Find reads the baseline for an environment from a folder of baselines, whatever
// its file is called. It is nil when there is none; others are the environments
// that have one. A file there that cannot be read is an error: a baseline that is
// silently not found would be no baseline.
func Find(dir string, env event.Environment) (*Baseline, []event.Environment, error) {
	files, err := filepath.Glob(filepath.Join(escaped(dir), "*.json"))
	if err != nil {
		return nil, nil, err
	}
	var found *Baseline
	var others []event.Environment
	for _, file := range files {
		b, err := ReadBaseline(file)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case !Same(b.Environment, env):
			others = append(others, b.Environment)
		case found != nil:
			return nil, nil, fmt.Errorf("%s and %s are baselines of the same environment: keep one", found.File, file)
		default:
			b.Dir = filepath.Dir(dir)
			found = b
		}
	}
	return found, others, nil
}

// Dir is the folder of a run's scenario: its path, without the #2 of a repetition.
func Dir(s *event.Scenario) string {
	path := s.Path
	if s.Repetition > 0 {
		path = strings.TrimSuffix(path, fmt.Sprintf("#%d", s.Repetition))
	}
	// In a run on several clusters both name and path end in @local, or another one.
	if i := strings.LastIndex(s.Name, "@"); i > 0 {
		path = strings.TrimSuffix(path, s.Name[i:])
	}
	return path
}

// ReadBaseline reads a baseline's file. Errors begin with its path.
func ReadBaseline(file string) (*Baseline, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("the baseline cannot be read: %w", err)
	}
	defer f.Close()
	b, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	b.File = file
	return b, nil
}

// WriteFile writes the baseline to its file, or to the one that has its
// environment's Key in a folder of baselines, whole or not at all.
func (b *Baseline) WriteFile(dir string) error {
	if b.File == "" {
		b.File = filepath.Join(dir, Key(b.Environment)+".json")
	}
	if err := os.MkdirAll(filepath.Dir(b.File), 0o755); err != nil {
		return fmt.Errorf("the baseline cannot be written: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(b.File), ".baseline-")
	if err != nil {
		return fmt.Errorf("the baseline cannot be written: %w", err)
	}
	err = b.Write(temporary)
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(temporary.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(temporary.Name(), b.File)
	}
	if err != nil {
		_ = os.Remove(temporary.Name()) // what is left of it says nothing
		return fmt.Errorf("the baseline cannot be written: %w", err)
	}
	return nil
}

// escaped makes the characters of a folder's name plain ones for Glob.
func escaped(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}
