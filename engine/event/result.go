package event

import (
	"time"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Outcome is how a step, a scenario or a run ended.
type Outcome string

// The outcomes. Failed means the system under test is wrong; Errored means that
// we could not tell; Inconclusive means too little evidence; Flaky means passed
// on a retry.
const (
	Passed       Outcome = "passed"
	Flaky        Outcome = "flaky"
	Skipped      Outcome = "skipped"
	Inconclusive Outcome = "inconclusive"
	Errored      Outcome = "error"
	Failed       Outcome = "failed"
)

// Reason is why an outcome is what it is: one stable word.
type Reason string

// The reasons.
const (
	ReasonAssertion   Reason = "assertion"    // failed: a check was false
	ReasonTimeout     Reason = "timeout"      // failed: a wait ran out of time
	ReasonThreshold   Reason = "threshold"    // failed: a measure crossed its limit
	ReasonRefused     Reason = "refused"      // failed: the API server refused an object
	ReasonNothing     Reason = "nothing"      // failed: a selection matched nothing
	ReasonSamples     Reason = "samples"      // inconclusive: too few samples
	ReasonRequirement Reason = "requirement"  // skipped: the cluster does not meet one
	ReasonCondition   Reason = "condition"    // skipped: `if` was false
	ReasonEarlier     Reason = "earlier"      // skipped: an earlier step did not pass
	ReasonSelection   Reason = "selection"    // skipped: not selected by a flag
	ReasonUnmeasured  Reason = "unmeasurable" // skipped: not measurable here
	ReasonInvalid     Reason = "invalid"      // error: the scenario is not valid
	ReasonCluster     Reason = "cluster"      // error: the cluster did not answer
	ReasonExpression  Reason = "expression"   // error: an expression could not be evaluated
	ReasonCleanup     Reason = "cleanup"      // error: something was left behind
	ReasonInterrupted Reason = "interrupted"  // error: the run was interrupted
	ReasonCrashed     Reason = "crashed"      // error: the run ended without saying so
	ReasonRun         Reason = "run"          // error: the whole run was stopped
)

// Result is a whole run.
type Result struct {
	SchemaVersion int         `json:"schemaVersion"` // 1
	RunID         string      `json:"runId"`
	Version       string      `json:"version"`
	Args          []string    `json:"args"`
	Started       time.Time   `json:"started"`
	Seconds       float64     `json:"seconds"`
	Outcome       Outcome     `json:"outcome"`
	ExitCode      int         `json:"exitCode"`
	Strict        bool        `json:"strict,omitempty"`
	Interrupted   bool        `json:"interrupted,omitempty"`
	Error         string      `json:"error,omitempty"`
	Misused       bool        `json:"misused,omitempty"` // a flag or the kubeconfig is wrong
	Notices       []string    `json:"notices,omitempty"`
	Scenarios     []*Scenario `json:"scenarios"`
	Account       Account     `json:"account"`
}

// Scenario is one scenario of a run.
type Scenario struct {
	Path        string            `json:"path"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Covers      []string          `json:"covers,omitempty"`
	Pos         spec.Pos          `json:"pos"`
	Cluster     Cluster           `json:"cluster"`
	Namespace   string            `json:"namespace,omitempty"`
	Started     time.Time         `json:"started,omitzero"`
	Seconds     float64           `json:"seconds"`
	Outcome     Outcome           `json:"outcome"`
	Reason      Reason            `json:"reason,omitempty"`
	Message     string            `json:"message,omitempty"`
	Diagnostics []diag.Diagnostic `json:"diagnostics,omitempty"` // of an invalid scenario
	Steps       []*Step           `json:"steps"`
	Cleanup     *Cleanup          `json:"cleanup,omitempty"`
	Notices     []string          `json:"notices,omitempty"`
}

// Step is one step of a scenario.
type Step struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Verb     string     `json:"verb"`
	Pos      spec.Pos   `json:"pos"`
	Covers   []string   `json:"covers,omitempty"`
	Started  time.Time  `json:"started,omitzero"` // zero when it never began
	Offset   float64    `json:"offset"`           // seconds since the run began
	Seconds  float64    `json:"seconds"`
	Outcome  Outcome    `json:"outcome"`
	Reason   Reason     `json:"reason,omitempty"`
	Message  string     `json:"message,omitempty"` // the first line of what went wrong, or why skipped
	Findings []Finding  `json:"findings,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
	Attempts []Attempt  `json:"attempts,omitempty"` // all of them, when there was more than one
	Measures []Measured `json:"measures,omitempty"`
}

// Attempt is one try of a step.
type Attempt struct {
	Number   int        `json:"number"` // from 1
	Seconds  float64    `json:"seconds"`
	Outcome  Outcome    `json:"outcome"`
	Reason   Reason     `json:"reason,omitempty"`
	Message  string     `json:"message,omitempty"`
	Findings []Finding  `json:"findings,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Finding is one check, condition, threshold or object of a step that did not
// pass, or a threshold that did.
type Finding struct {
	Outcome  Outcome  `json:"outcome"`
	Reason   Reason   `json:"reason,omitempty"`
	Pos      spec.Pos `json:"pos"`
	Message  string   `json:"message"`            // what it means, in a sentence
	Expr     string   `json:"expr,omitempty"`     // the expression, as written
	Parts    []Part   `json:"parts,omitempty"`    // the values of its parts
	Observed string   `json:"observed,omitempty"` // the last state seen, YAML or text, may have several lines
}

// Part is the value of one part of an expression.
type Part struct {
	Expr  string `json:"expr"`
	Value string `json:"value"`
}

// Evidence is what someone would have typed next: events, pod states, logs.
type Evidence struct {
	Title string   `json:"title"` // e.g. "events of Pod/web-1"
	Lines []string `json:"lines"`
}

// Measured is one measure of a step with everything that was seen.
type Measured struct {
	Name   string           `json:"name"`
	Kind   string           `json:"kind"`
	Value  *float64         `json:"seconds,omitempty"` // of a measure that is one duration
	Series []MeasuredSeries `json:"series,omitempty"`
}

// MeasuredSeries is one series of samples. Times are in seconds.
type MeasuredSeries struct {
	Name    string   `json:"name"` // "" for a measure of one series
	Count   int64    `json:"count"`
	Missing int64    `json:"missing"`
	Min     *float64 `json:"min"` // null when the value is a missing sample, or there is none
	Mean    *float64 `json:"mean"`
	P50     *float64 `json:"p50"`
	P90     *float64 `json:"p90"`
	P95     *float64 `json:"p95"`
	P99     *float64 `json:"p99"`
	Max     *float64 `json:"max"`
	Stddev  *float64 `json:"stddev"`
	Samples []Sample `json:"samples,omitempty"`
}

// Sample is one sample of a series.
type Sample struct {
	Object  string   `json:"object"`           // the name of the pod or object
	Seconds *float64 `json:"seconds"`          // null when it never came
	Server  *float64 `json:"server,omitempty"` // the same span by the server's own stamps, which have whole seconds
}

// Cleanup is how the end of a scenario's namespace and objects went.
type Cleanup struct {
	Outcome Outcome  `json:"outcome"` // passed, skipped (kept) or error
	Left    []string `json:"left,omitempty"`
	Message string   `json:"message,omitempty"`
	Seconds float64  `json:"seconds"`
}

// Cluster is the cluster that a scenario ran on.
type Cluster struct {
	Name      string `json:"name"` // context, or the local cluster's name
	Kind      string `json:"kind"` // current or local
	Server    string `json:"server"`
	Version   string `json:"version"` // of Kubernetes
	Nodes     int    `json:"nodes"`
	Simulated bool   `json:"simulated"`
	Why       string `json:"why"` // why this cluster was chosen
}

// Account is what realspec itself cost.
type Account struct {
	Requests     map[string]int64 `json:"requests"`          // API requests by verb
	Retries      map[string]int64 `json:"retries,omitempty"` // by what was retried: 409, 429, 5xx, timeout, connection
	Relists      int64            `json:"relists,omitempty"` // watches that had to list again
	Reconnects   int64            `json:"reconnects,omitempty"`
	CPUSeconds   float64          `json:"cpuSeconds"`
	PeakRSSBytes int64            `json:"peakRssBytes"`
}
