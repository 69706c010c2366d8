package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// The head of a baseline's file.
const (
	apiVersion = "realspec.dev/v1alpha1"
	kind       = "Baseline"
	version    = 1
)

// head is what tells a baseline from other files.
type head struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Version    int    `json:"version"`
}

// file is a baseline as it is written.
type file struct {
	head
	Scenario    string      `json:"scenario"`
	Environment environment `json:"environment"`
	Runs        []recorded  `json:"runs"`
}

type environment struct {
	Kubernetes string `json:"kubernetes"`
	Nodes      string `json:"nodes"`
	Simulated  bool   `json:"simulated"`
	Local      bool   `json:"local"`
}

type recorded struct {
	Started  time.Time `json:"started"`
	Realspec string    `json:"realspec"`
	Measures []Series  `json:"measures"`
}

// Write writes the baseline as JSON, one series a line, sorted: the same baseline
// is the same bytes, and a run that was added is lines that were added.
func (b *Baseline) Write(w io.Writer) error {
	var out bytes.Buffer
	e := b.Environment
	fmt.Fprintf(&out, "{\n  \"apiVersion\": %q,\n  \"kind\": %q,\n  \"version\": %d,\n  \"scenario\": %s,\n  \"environment\": %s,\n  \"runs\": [",
		apiVersion, kind, version, text(b.Scenario), text(environment{e.Kubernetes, e.Nodes, e.Simulated, e.Local}))
	for i, r := range b.Runs {
		fmt.Fprintf(&out, "%s\n    {\"started\": %s, \"realspec\": %s, \"measures\": [",
			comma(i), text(r.Started.UTC()), text(r.Realspec))
		sorted := slices.Clone(r.Measures)
		slices.SortStableFunc(sorted, bySeries)
		for j, s := range sorted {
			fmt.Fprintf(&out, "%s\n      %s", comma(j), text(s))
		}
		out.WriteString("\n    ]}")
	}
	out.WriteString("\n  ]\n}\n")
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("the baseline cannot be written: %w", err)
	}
	return nil
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// text is a value as JSON on one line. Only values that have a form in JSON come
// here: reduce has left out what is not finite.
func text(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Read reads a baseline. It is strict: a field that it does not know would be one
// that somebody relies on.
func Read(r io.Reader) (*Baseline, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("the baseline cannot be read: %w", err)
	}
	var h head
	if err := json.Unmarshal(content, &h); err != nil {
		return nil, fmt.Errorf("this is not a baseline: %w", plain(content, err))
	}
	switch {
	case h.Kind != kind || h.APIVersion != apiVersion:
		return nil, fmt.Errorf("this is not a baseline: it should have apiVersion %s and kind %s, and it has %q and %q",
			apiVersion, kind, h.APIVersion, h.Kind)
	case h.Version > version:
		return nil, fmt.Errorf("the baseline has version %d, and this realspec reads up to %d: use a newer realspec, "+
			"or record again with `realspec baseline record`", h.Version, version)
	case h.Version < 1:
		return nil, fmt.Errorf("the baseline has version %d, and the first one is 1", h.Version)
	}
	var f file
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, plain(content, err)
	}
	return f.baseline()
}

func (f file) baseline() (*Baseline, error) {
	e := f.Environment
	b := &Baseline{Scenario: f.Scenario, Environment: event.Environment{
		Kubernetes: e.Kubernetes, Nodes: e.Nodes, Simulated: e.Simulated, Local: e.Local,
	}}
	if f.Scenario == "" {
		return nil, errors.New(`"scenario" is missing: it should be the name of the scenario`)
	}
	if len(f.Runs) == 0 {
		return nil, errors.New(`"runs" is empty: there should be at least one recorded run`)
	}
	for i, r := range f.Runs {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("run %d: %w", i+1, err)
		}
		b.Runs = append(b.Runs, Recorded(r))
	}
	slices.SortStableFunc(b.Runs, func(x, y Recorded) int { return x.Started.Compare(y.Started) })
	for i := 1; i < len(b.Runs); i++ {
		if b.Runs[i].Started.Equal(b.Runs[i-1].Started) {
			return nil, fmt.Errorf("two runs started at %s: the same run would count twice", b.Runs[i].Started.Format(time.RFC3339Nano))
		}
	}
	return b, nil
}

// mostSamples of a series are more than any run has, and fit into memory.
const mostSamples = 100_000_000

func (r recorded) check() error {
	if r.Started.IsZero() {
		return errors.New(`"started" is missing`)
	}
	if len(r.Measures) == 0 {
		return errors.New(`"measures" is empty: a run without any says nothing`)
	}
	seen := map[string]bool{}
	for i := range r.Measures {
		s := &r.Measures[i]
		name := s.metric("")
		switch {
		case s.Name == "":
			return fmt.Errorf(`measure %d has no "name"`, i+1)
		case seen[name]:
			return fmt.Errorf("%s is there twice", name)
		case s.Missing < 0 || s.Count < 0:
			return fmt.Errorf("%s has a number of samples below zero", name)
		case s.Missing > mostSamples || s.Count > mostSamples:
			return fmt.Errorf("%s has more than %d samples: no run has so many", name, mostSamples)
		case s.Error != nil && *s.Error < 0:
			return fmt.Errorf("%s has an error below zero", name)
		case s.n() == 0:
			return fmt.Errorf("%s has neither a value nor samples", name)
		case s.Value != nil && (s.Samples != nil || s.Stats != nil || s.Missing > 0):
			return fmt.Errorf("%s has a value, and samples as well: it should have one of them", name)
		}
		seen[name] = true
		for _, v := range s.Samples {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%s has a sample that is not a number", name)
			}
		}
	}
	return nil
}
