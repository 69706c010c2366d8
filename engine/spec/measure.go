package spec

import "time"

// Measure is one thing to measure: a name and exactly one kind.
type Measure struct {
	// At is where the measure begins.
	At Pos `json:"-"`
	// The name under which thresholds and reports know the measure: a CEL
	// identifier. Example: startup.
	Name string `json:"name" realspec:"required"`
	// The life of every pod in the scenario, from the recording that began before
	// the first apply. Example: {selector: app=web}.
	Pods *PodsMeasure `json:"pods,omitempty" realspec:"kind"`
	// The time between two steps, or of the steps under `during`.
	// Example: {from: 00-apply, to: 01-wait}.
	Elapsed *ElapsedMeasure `json:"elapsed,omitempty" realspec:"kind"`
	// The time from one condition to another on each selected object.
	// Example: {on: {kind: Job}, end: "has(object.status.completionTime)"}.
	Objects *ObjectsMeasure `json:"objects,omitempty" realspec:"kind"`
	// Latency of API calls made at a given rate.
	// Example: {verb: get, on: {kind: Pod}, rate: 50, for: 30s}.
	API *APIMeasure `json:"api,omitempty" realspec:"kind"`
	// Latency of all API calls, as the API server itself measured it.
	// Example: {resources: [pods]}.
	APIServer *APIServerMeasure `json:"apiserver,omitempty" realspec:"kind"`
	// Requests at a constant arrival rate.
	// Example: {url: "http://web:80/", rate: 100, for: 30s}.
	HTTP *HTTPMeasure `json:"http,omitempty" realspec:"kind"`
	// Round trips and throughput between nodes. Example: {for: 60s}.
	Network *NetworkMeasure `json:"network,omitempty" realspec:"kind"`
	// CPU, memory, storage and network used. Example: {of: nodes, for: 1m}.
	Usage *UsageMeasure `json:"usage,omitempty" realspec:"kind"`
	// A PromQL query over the step's window.
	// Example: {url: "http://127.0.0.1:9090", query: up}.
	Prometheus *PrometheusMeasure `json:"prometheus,omitempty" realspec:"kind"`
	// A command in a pod, timed.
	// Example: {on: {kind: Pod, name: database-0}, command: [pg_isready]}.
	Exec *ExecMeasure `json:"exec,omitempty" realspec:"kind"`
}

// Kind is the name of the measure's kind, as it is written.
func (m *Measure) Kind() string {
	switch {
	case m.Pods != nil:
		return "pods"
	case m.Elapsed != nil:
		return "elapsed"
	case m.Objects != nil:
		return "objects"
	case m.API != nil:
		return "api"
	case m.APIServer != nil:
		return "apiserver"
	case m.Prometheus != nil:
		return "prometheus"
	case m.HTTP != nil:
		return "http"
	case m.Network != nil:
		return "network"
	case m.Usage != nil:
		return "usage"
	case m.Exec != nil:
		return "exec"
	}
	return ""
}

// PodsMeasure selects pods. Each phase is a series of durations in thresholds,
// from the moment that `from` names: NAME.scheduled, NAME.initialized,
// NAME.startup (all containers started: the official SLI) and NAME.ready. With
// `by`, NAME.worst has the same phases, each of the group with the largest p50.
type PodsMeasure struct {
	// At is where the measure begins.
	At Pos `json:"-"`
	// A label selector; empty selects all pods of the namespace. Example: app=web.
	Selector Text `json:"selector,omitempty"`
	// The namespace. Default: the scenario's own.
	Namespace Text `json:"namespace,omitempty"`
	// How many pods there must be at least; fewer is a failure. Default: 1. Unit:
	// pods.
	Expect int `json:"expect,omitempty"`
	// The moment that begins the time: stored (first seen on the watch), or, for
	// pods that a load step created itself, accepted (its answer had come), sent
	// (its request had left) or due (it should have left). Default: stored.
	From string `json:"from,omitempty" realspec:"enum=stored|accepted|sent|due"`
	// Also apart for every node, or for every owner (Deployment, Job …).
	By string `json:"by,omitempty" realspec:"enum=node|owner"`
}

// ElapsedMeasure is the time from the start of one step to the end of another;
// written as {}, it is the time of the steps under `during`. In thresholds NAME
// is a duration; with `repeat` it is a series with one duration a repetition.
type ElapsedMeasure struct {
	// At is where the measure begins.
	At Pos `json:"-"`
	// The id of the step whose start begins the time. Example: 00-apply.
	From string `json:"from,omitempty"`
	// The id of the step whose end ends the time. Example: 01-wait.
	To string `json:"to,omitempty"`
}

// ObjectsMeasure times every selected object from one condition to another, from
// the recording that began before the first apply. In thresholds NAME is a
// series of durations.
type ObjectsMeasure struct {
	// At is where the measure begins.
	At Pos `json:"-"`
	// The objects. Example: {kind: PersistentVolumeClaim}.
	On Selector `json:"on" realspec:"required"`
	// The condition over `object` that begins the time. Default: the object was
	// first seen. Example: object.status.phase == 'Pending'.
	Start Expr `json:"start,omitempty"`
	// The condition over `object` that ends the time.
	// Example: object.status.phase == 'Bound'.
	End Expr `json:"end" realspec:"required"`
	// How many objects there must be at least; fewer is a failure. Default: 1. Unit:
	// objects.
	Expect int `json:"expect,omitempty"`
}

// Phases are the series of a pods measure, in the order of a pod's life.
var Phases = []string{"scheduled", "initialized", "startup", "ready"}

// Series is what a threshold can ask of a series of samples. A sample that is
// missing (the pod was there and never got so far) counts above every seen one,
// so a quantile that falls on it is above every limit. Quantiles are nearest rank.
type Series struct {
	// Samples seen.
	Count int64 `json:"count"`
	// Samples that never came.
	Missing int64 `json:"missing"`
	// The shortest.
	Min time.Duration `json:"min"`
	// The mean of those seen.
	Mean time.Duration `json:"mean"`
	// The median: half of the samples are at most this long.
	P50 time.Duration `json:"p50"`
	// 90 % of the samples are at most this long.
	P90 time.Duration `json:"p90"`
	// 95 % of the samples are at most this long.
	P95 time.Duration `json:"p95"`
	// 99 % of the samples are at most this long.
	P99 time.Duration `json:"p99"`
	// The longest.
	Max time.Duration `json:"max"`
	// The standard deviation of those seen.
	Stddev time.Duration `json:"stddev"`
}

// WorstGroup is the name of a pods measure's phases in its worst group.
const WorstGroup = "worst"

// Missing stands for a duration that was not reached while realspec looked: it
// is above every limit. Reports show it as "not reached".
const Missing = time.Duration(1<<63 - 1)
