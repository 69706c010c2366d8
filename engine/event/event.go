// Package event is what happens in a run: the events, the file that keeps them,
// and the fold of events into a Result. Every report and the exit code are read
// from that Result, so that they cannot disagree.
package event

import (
	"time"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Event is one thing that happened. Its Kind is the value of "event" in the
// events file.
type Event interface{ Kind() string }

// RunStarted is the first event.
type RunStarted struct {
	RunID   string   `json:"runId"`
	Version string   `json:"version"` // realspec's own
	Args    []string `json:"args"`    // the command line, values of --set left out
	Strict  bool     `json:"strict,omitempty"`
}

// ScenarioPlanned announces a scenario with all its steps, before any runs.
type ScenarioPlanned struct {
	Scenario    string            `json:"scenario"` // its path, unique in the run
	Name        string            `json:"name"`
	Repetition  int               `json:"repetition,omitempty"` // from 1, with --repeat
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Covers      []string          `json:"covers,omitempty"`
	Pos         spec.Pos          `json:"pos"`
	Steps       []PlannedStep     `json:"steps"`
}

// PlannedStep is a step before it ran.
type PlannedStep struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Verb   string   `json:"verb"`
	Pos    spec.Pos `json:"pos"`
	Covers []string `json:"covers,omitempty"`
}

// ScenarioInvalid says why a scenario could not be loaded. Nothing of it runs.
type ScenarioInvalid struct {
	Scenario    string            `json:"scenario"`
	Name        string            `json:"name"`
	Diagnostics []diag.Diagnostic `json:"diagnostics"`
}

// ClusterReady says which cluster a scenario, or the whole run, uses.
type ClusterReady struct {
	Scenario string  `json:"scenario,omitempty"`
	Cluster  Cluster `json:"cluster"`
}

// Notice is a line to the reader: a fallback, a cluster being started.
type Notice struct {
	Scenario string `json:"scenario,omitempty"`
	Text     string `json:"text"`
}

// ScenarioStarted begins a scenario.
type ScenarioStarted struct {
	Scenario  string `json:"scenario"`
	Namespace string `json:"namespace,omitempty"`
}

// StepStarted begins a step.
type StepStarted struct {
	Scenario string `json:"scenario"`
	Step     string `json:"step"`
}

// StepProgress is a sign of life of a long step: what is still missing.
type StepProgress struct {
	Scenario string `json:"scenario"`
	Step     string `json:"step"`
	Text     string `json:"text"`
}

// AttemptEnded ends one attempt of a step that will be tried again.
type AttemptEnded struct {
	Scenario string  `json:"scenario"`
	Step     string  `json:"step"`
	Attempt  Attempt `json:"attempt"`
}

// StepEnded ends a step.
type StepEnded struct {
	Scenario string     `json:"scenario"`
	Step     string     `json:"step"`
	Attempt  Attempt    `json:"attempt"` // the last one
	Measures []Measured `json:"measures,omitempty"`
}

// ScenarioEnded ends a scenario's steps. Cleanup follows, beside other scenarios.
type ScenarioEnded struct {
	Scenario string  `json:"scenario"`
	Outcome  Outcome `json:"outcome,omitempty"` // set when no step decides: skipped, or an error before the first step
	Reason   Reason  `json:"reason,omitempty"`
	Message  string  `json:"message,omitempty"`
}

// CleanupEnded says what cleaning up a scenario came to.
type CleanupEnded struct {
	Scenario string   `json:"scenario"`
	Kept     bool     `json:"kept,omitempty"`    // on purpose, by --keep
	Left     []string `json:"left,omitempty"`    // what is still there, as KIND/NAME
	Message  string   `json:"message,omitempty"` // why
	Seconds  float64  `json:"seconds"`
}

// RunEnded is the last event.
type RunEnded struct {
	Interrupted bool    `json:"interrupted,omitempty"`
	Error       string  `json:"error,omitempty"`   // what stopped the whole run
	Misused     bool    `json:"misused,omitempty"` // a flag or the kubeconfig is wrong, so no cluster was asked
	Account     Account `json:"account"`
}

// Kind is the event's name in the events file.
func (RunStarted) Kind() string      { return "run-started" }
func (ScenarioPlanned) Kind() string { return "scenario-planned" }
func (ScenarioInvalid) Kind() string { return "scenario-invalid" }
func (ClusterReady) Kind() string    { return "cluster-ready" }
func (Notice) Kind() string          { return "notice" }
func (ScenarioStarted) Kind() string { return "scenario-started" }
func (StepStarted) Kind() string     { return "step-started" }
func (StepProgress) Kind() string    { return "step-progress" }
func (AttemptEnded) Kind() string    { return "attempt-ended" }
func (StepEnded) Kind() string       { return "step-ended" }
func (ScenarioEnded) Kind() string   { return "scenario-ended" }
func (CleanupEnded) Kind() string    { return "cleanup-ended" }
func (RunEnded) Kind() string        { return "run-ended" }

// Stamped is an event with its time: the wall clock for people, and the
// monotonic time since the run began for arithmetic.
type Stamped struct {
	At    time.Time
	Since time.Duration
	Event Event
}

// Sink takes events. Emit may be called from several goroutines.
type Sink interface{ Emit(Event) }
