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
	ReasonHopeless    Reason = "hopeless"     // failed: a pod is in a state that does not heal by itself
	ReasonSamples     Reason = "samples"      // inconclusive: too few samples
	ReasonError       Reason = "error-bar"    // inconclusive: the limit lies within the error of measuring
	ReasonDelivery    Reason = "delivery"     // inconclusive: the load was not delivered as asked
	ReasonSkew        Reason = "skew"         // inconclusive: the server's stamps contradict what was measured
	ReasonBaseline    Reason = "baseline"     // failed: worse than the baseline; skipped or inconclusive: none that fits
	ReasonRequirement Reason = "requirement"  // skipped: the cluster does not meet one
	ReasonCondition   Reason = "condition"    // skipped: `if` was false
	ReasonEarlier     Reason = "earlier"      // skipped: an earlier step did not pass
	ReasonSelection   Reason = "selection"    // skipped: not selected by a flag
	ReasonUnmeasured  Reason = "unmeasurable" // skipped: not measurable here
	ReasonInvalid     Reason = "invalid"      // error: the scenario is not valid
	ReasonCluster     Reason = "cluster"      // error: the cluster did not answer
	ReasonCommand     Reason = "command"      // error: a command could not be started on this machine
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
	// Matrix is the requirements that scenarios and steps cover, and what came of them.
	Matrix  []Requirement `json:"matrix,omitempty"`
	Account Account       `json:"account"`
}

// Scenario is one scenario of a run.
type Scenario struct {
	Path        string            `json:"path"` // unique in the run: of a repeated scenario with #2 …
	Name        string            `json:"name"`
	Repetition  int               `json:"repetition,omitempty"` // from 1, with --repeat
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
	Notes    []string   `json:"notes,omitempty"` // what was done, for a reader: one line each
	// EvidenceFile is where --evidence has written all of that, as it was named.
	EvidenceFile string     `json:"evidenceFile,omitempty"`
	Attempts     []Attempt  `json:"attempts,omitempty"` // all of them, when there was more than one
	Measures     []Measured `json:"measures,omitempty"`
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
	// Notes say what was done, also when it passed: the answer of a request, the pods
	// that a drain evicted, the words of an expected refusal.
	Notes []string `json:"notes,omitempty"`
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
	// Baseline has the numbers of a comparison with recorded runs.
	Baseline *Baseline `json:"baseline,omitempty"`
}

// Baseline is what a metric of this run is compared with. A number that there is
// not, because nothing was recorded or the sample never came, is null.
type Baseline struct {
	Name   string   `json:"name"`   // the metric, as startup.ready.p50
	Unit   string   `json:"unit"`   // of all numbers but P
	Value  *float64 `json:"value"`  // of this run
	Median *float64 `json:"median"` // of the recorded runs
	Low    *float64 `json:"low"`    // the lowest recorded value
	High   *float64 `json:"high"`
	Limit  *float64 `json:"limit"` // above which the value counts as worse
	P      *float64 `json:"p"`     // adjusted for all metrics judged together
	Runs   int      `json:"runs"`  // recorded runs that have the metric
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
	Name string `json:"name"`
	Kind string `json:"kind"` // pods, elapsed, objects, api, apiserver, prometheus, http, network, usage, exec or load
	// Unit is s, bit/s, bytes, bytes/s, cores, share (from 0 to 1), or empty for
	// numbers without one.
	Unit string `json:"unit"`
	From string `json:"from,omitempty"`
	What string `json:"what,omitempty"` // what a reader must know of it: the query, the source
	// Value is that of a measure that is one value.
	Value  *float64         `json:"value,omitempty"`
	Series []MeasuredSeries `json:"series,omitempty"`
	// Error is how far a sample may be from the truth: the p99 of Lag. Null when
	// it is not known, or when nothing came between the moment and its stamp.
	Error *float64 `json:"error,omitempty"`
	Lag   *Lag     `json:"lag,omitempty"`
	// Delivery is of a measure that made its load itself.
	Delivery *Delivery `json:"delivery,omitempty"`
	// Unmeasurable says why it cannot be measured on this cluster; there is then no
	// value and no series.
	Unmeasurable string `json:"unmeasurable,omitempty"`
	// Failures is the share of operations that failed, with its 95 % interval.
	Failures *Ratio `json:"failures,omitempty"`
	// Timelines are values over the time of the measure.
	Timelines []Timeline `json:"timelines,omitempty"`
	// Repetitions, when there was more than one, and how many of them failed.
	Repetitions int `json:"repetitions,omitempty"`
	FailedRuns  int `json:"failedRepetitions,omitempty"`
}

// Ratio is a share from 0 to 1 and its 95 % confidence interval.
type Ratio struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Timeline is one value over time, for drawing.
type Timeline struct {
	Name string `json:"name"` // as "node-1 cpu" or "requests a second"
	Unit string `json:"unit"` // as that of a measure
	// Start is when its time 0 was, in seconds since the run began.
	Start  float64      `json:"start"`
	Points [][2]float64 `json:"points"` // seconds since Start, value
}

// Lag is how late the watch was, by the echo of a probe object that realspec
// changes all through the scenario: from the moment at which the change was due
// to its receipt on the same watch. Times are in seconds.
type Lag struct {
	What    string   `json:"what"` // the probe: pod or ConfigMap
	Count   int64    `json:"count"`
	Missing int64    `json:"missing"` // changes that never came back
	P50     *float64 `json:"p50"`
	P99     *float64 `json:"p99"`
	Max     *float64 `json:"max"`
}

// Delivery is what became of a load: operations a second, and their number.
type Delivery struct {
	Asked    float64 `json:"asked"` // 0: as fast as possible
	Rate     float64 `json:"rate"`
	Due      int     `json:"due"`
	Sent     int     `json:"sent"`
	Failed   int     `json:"failed"`
	Dropped  int     `json:"dropped"`
	WorstLag float64 `json:"worstLag"` // seconds
	LagP99   float64 `json:"lagP99"`
	Short    string  `json:"short,omitempty"` // why it was not delivered as asked
}

// MeasuredSeries is one series of samples.
type MeasuredSeries struct {
	Name    string   `json:"name"`            // "" for a measure of one series
	Group   string   `json:"group,omitempty"` // the node or owner
	Unit    string   `json:"unit,omitempty"`  // where it is not that of the measure
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
	// Intervals are the 95 % confidence intervals of quantiles, by name. The upper
	// end is null when it is not bounded.
	Intervals map[string][2]*float64 `json:"intervals,omitempty"`
	// Late is the number of samples that are only known within bounds, because
	// the watch was interrupted.
	Late int64 `json:"late,omitempty"`
	// Skewed is the number of samples that the server's own stamps contradict.
	Skewed  int64    `json:"skewed,omitempty"`
	Samples []Sample `json:"samples,omitempty"`
}

// Sample is one sample of a series.
type Sample struct {
	Object string   `json:"object"` // the name of the pod or object
	UID    string   `json:"uid,omitempty"`
	Value  *float64 `json:"value"` // null when it never came
	// Low and High bound a sample that is known only within them.
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
	Server *float64 `json:"server,omitempty"` // the same span by the server's own stamps, which have whole seconds
	Node   string   `json:"node,omitempty"`
	Run    int      `json:"repetition,omitempty"` // from 1, of a repeated measure
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
	// Environment is what measures depend on, for baselines and comparisons.
	Environment Environment `json:"environment,omitzero"`
}

// Environment is what the measures of a run depend on, besides the system under
// test. Only runs in equal environments are compared, unless somebody asks for it.
type Environment struct {
	Kubernetes string `json:"kubernetes"` // major.minor of the API server
	Nodes      string `json:"nodes"`      // sizes, as 4 x (8 cpu, 32Gi)
	Simulated  bool   `json:"simulated"`
	Local      bool   `json:"local"`    // a cluster that realspec started
	Realspec   string `json:"realspec"` // version; shown, and no reason against a comparison
}

// Account is what realspec itself cost.
type Account struct {
	Requests     map[string]int64 `json:"requests"`          // API requests by verb
	Retries      map[string]int64 `json:"retries,omitempty"` // by what was retried: 409, 429, 5xx, timeout, connection
	Relists      int64            `json:"relists,omitempty"` // watches that had to list again
	Reconnects   int64            `json:"reconnects,omitempty"`
	BytesIn      int64            `json:"bytesIn"` // on the wire, TLS included
	BytesOut     int64            `json:"bytesOut"`
	Events       int64            `json:"events"`              // changes that watches brought
	QueueHigh    int64            `json:"queueHigh"`           // the most frames that waited for decoding
	QueueFull    int64            `json:"queueFull,omitempty"` // times that reading had to wait for it: stamps were late
	GCPauses     int64            `json:"gcPauses"`
	GCPauseMax   float64          `json:"gcPauseMaxSeconds"`
	GCPauseTotal float64          `json:"gcPauseTotalSeconds"`
	CPUSeconds   float64          `json:"cpuSeconds"`
	PeakRSSBytes int64            `json:"peakRssBytes"`
}
