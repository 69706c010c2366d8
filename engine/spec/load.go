package spec

import (
	"strings"
	"time"
)

// Load creates many objects from a template. Every object is due at a moment of
// its own, counted from the beginning of the step: a slow answer delays no other
// object. What was asked and what was delivered is reported, and a load that
// was not delivered (under 99 % of the rate asked, or objects never sent) makes
// the step inconclusive.
type Load struct {
	// At is where the value of load begins.
	At Pos `json:"-"`
	// The name under which thresholds and reports know the load. Default: load.
	Name string `json:"name,omitempty"`
	// The object to create. ${{ index }} is 0, 1, 2 … in its texts; an object
	// without a name of its own is called like its kind, with the index behind.
	// Example: {apiVersion: v1, kind: ConfigMap, metadata: {name: "item-${{ index }}"}}.
	Object Object `json:"object" realspec:"required"`
	// How many objects. Default: as many as are due in the time of `for` or of the
	// stages. Example: 100. Unit: objects.
	Count int `json:"count,omitempty"`
	// Objects a second. Default: all are due at once, and `concurrency` bounds how
	// many are in flight. Example: 20. Unit: objects a second.
	Rate float64 `json:"rate,omitempty"`
	// The time in which the rate rises evenly from 0 to `rate`. Default: 0s.
	Ramp Duration `json:"ramp,omitempty"`
	// How long objects are created. Default: until `count` is reached. Example: 1m.
	For Duration `json:"for,omitempty"`
	// Rates one after the other, instead of rate, ramp and for.
	// Example: [{rate: 10, for: 30s}, {rate: 50, for: 1m, ramp: true}].
	Stages []Stage `json:"stages,omitempty"`
	// The most requests in flight. One that is due while all are busy is late, and
	// its lag is reported; it is never left out. Default: 256. Unit: requests.
	Concurrency int `json:"concurrency,omitempty"`
	// The first objects, which the figures leave out. Default: 0. Unit: objects.
	WarmUp int `json:"warmUp,omitempty"`
	// How long the objects are kept before the step ends. Default: 0s.
	Hold Duration `json:"hold,omitempty"`
	// Objects a second that are replaced during `hold`: the oldest is deleted and a
	// new one created. Its figures are NAME_churn. Default: 0. Unit: objects a
	// second.
	Churn float64 `json:"churn,omitempty"`
}

// Measure is the name of the load among the measures.
func (l *Load) Measure() string {
	if l.Name == "" {
		return "load"
	}
	return l.Name
}

// ChurnSuffix is behind the name of a load in the name of its churn's figures.
const ChurnSuffix = "_churn"

// Stage is a time with a rate of its own.
type Stage struct {
	// At is where the stage begins.
	At Pos `json:"-"`
	// Operations a second. Example: 50. Unit: operations a second.
	Rate float64 `json:"rate" realspec:"required"`
	// How long. Example: 30s.
	For Duration `json:"for" realspec:"required"`
	// Whether the rate changes evenly from the stage before (0 before the first),
	// and not at once. Default: false.
	Ramp bool `json:"ramp,omitempty"`
}

// APIMeasure calls the API server at a rate and times every call from the moment
// at which it was due, so that a stall shows in all calls that it delayed. In
// thresholds NAME has count, failed, dropped, asked and rate (a second), lag (the
// longest that a call left after its time) and latency, a series of durations.
type APIMeasure struct {
	// At is where the measure begins.
	At Pos `json:"-"`
	// What is called.
	Verb string `json:"verb" realspec:"required,enum=get|list|create|patch"`
	// With get, list and patch: the objects. get and patch take them in turn.
	// Example: {kind: Pod, selector: app=web}.
	On *Selector `json:"on,omitempty"`
	// With create: the object; ${{ index }} counts the calls.
	// Example: {apiVersion: v1, kind: ConfigMap, metadata: {name: "item-${{ index }}"}}.
	Object Object `json:"object,omitempty"`
	// With patch: the merge patch; ${{ index }} counts the calls.
	// Example: {metadata: {annotations: {call: "${{ index }}"}}}.
	Merge Object `json:"merge,omitempty"`
	// Calls a second. Example: 50. Unit: calls a second.
	Rate float64 `json:"rate" realspec:"required"`
	// How many calls. Default: as many as are due in the time of `for`.
	// Example: 300. Unit: calls.
	Count int `json:"count,omitempty"`
	// How long calls are made. Default: until `count` is reached. Example: 30s.
	For Duration `json:"for,omitempty"`
	// The most calls in flight. Default: 256. Unit: calls.
	Concurrency int `json:"concurrency,omitempty"`
	// The first calls, which the figures leave out. Default: 0. Unit: calls.
	WarmUp int `json:"warmUp,omitempty"`
}

// APIServerMeasure is what the API server itself measured during the steps under
// `during`, or since the scenario began: its own histogram of the official SLI
// (apiserver_request_sli_duration_seconds: without webhooks and queueing). In
// thresholds NAME.mutating, NAME.reads and NAME.lists are series of durations,
// each of the worst pair of verb and resource with enough calls for a p99. A
// histogram knows only the bucket of a call, so every value is the upper bound of
// its bucket. The calls of all clients are in it; where several API servers share
// the work, only those of the one that answered.
type APIServerMeasure struct {
	// At is where the measure begins.
	At Pos `json:"-"`
	// Only these resources. Default: all. Example: [pods].
	Resources []string `json:"resources,omitempty"`
}

// PrometheusMeasure asks a Prometheus. In thresholds NAME has count, min, mean,
// p50, p90, p95, p99, max, stddev and last, all of them numbers: of the series
// that the query gives at the end, or with `step` of all their values over the
// time of the steps under `during`, or since the scenario began. An error, no
// data and values that are not numbers make the measure an error.
type PrometheusMeasure struct {
	// At is where the measure begins.
	At Pos `json:"-"`
	// Where it is. One that begins with / is asked through the API server.
	// Example: /api/v1/namespaces/monitoring/services/prometheus:9090/proxy.
	URL Text `json:"url" realspec:"required"`
	// A PromQL expression. Example: sum(rate(http_requests_total[1m])).
	Query Text `json:"query" realspec:"required"`
	// The distance of the values of a range query. Default: one value at the end.
	// Example: 15s.
	Step Duration `json:"step,omitempty"`
	// A bearer token. Example: ${{ env.PROMETHEUS_TOKEN }}.
	Token Text `json:"token,omitempty"`
}

// Baseline says how far the step's measures may be from those recorded by
// `realspec baseline record` in an environment of the same kind. A measure is
// worse than its baseline when it is larger by more than the tolerance, the floor
// and the error of measuring, and when that is significant.
type Baseline struct {
	// At is where the value of baseline begins.
	At Pos `json:"-"`
	// How much larger than the median of the recorded runs a value may be.
	// Default: 10%.
	Tolerance Percent `json:"tolerance,omitempty"`
	// A difference that never counts. Default: 0s.
	Floor Duration `json:"floor,omitempty"`
	// A value that must not be exceeded, whatever was recorded. Example: 30s.
	Limit Duration `json:"limit,omitempty"`
	// Judge by the range of the recorded runs, widened by the tolerance, instead of by
	// a test: a value above it fails. Default: false.
	Range bool `json:"range,omitempty"`
	// The probability of a false alarm that is accepted, over all values of the
	// step. Default: 5%.
	Significance Percent `json:"significance,omitempty"`
	// The values that are judged. Default: the p50 of every series, and its p99
	// where there are samples enough. Example: [startup.ready.p99, rollout].
	Of []string `json:"of,omitempty"`
	// Whether a missing baseline makes the step inconclusive, and not only a
	// skipped check. Default: false.
	Required bool `json:"required,omitempty"`
}

// Percent is a share, written as 20%.
type Percent struct {
	Value float64 // 0.2
	At    Pos
}

// Or is the share, or other when none was written.
func (p Percent) Or(other float64) float64 {
	if !p.At.IsValid() {
		return other
	}
	return p.Value
}

// Delivery is what a threshold can ask of a load or of calls at a rate.
type Delivery struct {
	// Operations that succeeded.
	Count int64 `json:"count"`
	// Operations that the server refused or that got no answer.
	Failed int64 `json:"failed"`
	// Operations that were never sent.
	Dropped int64 `json:"dropped"`
	// The rate that was asked for. Unit: operations a second.
	Asked float64 `json:"asked"`
	// The rate that was delivered. Unit: operations a second.
	Rate float64 `json:"rate"`
	// The longest that an operation left after its time.
	Lag time.Duration `json:"lag"`
	// From the moment at which an operation was due to its answer. One that failed
	// or was never sent is missing.
	Latency Series `json:"latency"`
}

// ServerLatency is what a threshold can ask of the API server's own histograms.
type ServerLatency struct {
	// Calls that create, update, patch or delete.
	Mutating Series `json:"mutating"`
	// Reads of one object.
	Reads Series `json:"reads"`
	// Lists of a namespace or of the cluster.
	Lists Series `json:"lists"`
}

// Values is what a threshold can ask of numbers without a unit.
type Values struct {
	// Values seen.
	Count int64 `json:"count"`
	// The smallest.
	Min float64 `json:"min"`
	// Their mean.
	Mean float64 `json:"mean"`
	// The median: half of the values are at most this large.
	P50 float64 `json:"p50"`
	// 90 % of the values are at most this large.
	P90 float64 `json:"p90"`
	// 95 % of the values are at most this large.
	P95 float64 `json:"p95"`
	// 99 % of the values are at most this large.
	P99 float64 `json:"p99"`
	// The largest.
	Max float64 `json:"max"`
	// Their standard deviation.
	Stddev float64 `json:"stddev"`
	// The value of the last moment.
	Last float64 `json:"last"`
}

// Grouped is what a threshold can ask of a measure of pods with `by`.
type Grouped struct {
	Phases map[string]Series // all pods, by phase
	Worst  map[string]Series // of the worst group, by phase
}

// SeriesOf is the series at a path of a measure's value: "" or a phase,
// worst.PHASE, latency, service, mutating, reads, lists, all, worst, host,
// hostWorst or duration. Of plain values only the count is known.
func SeriesOf(value any, path string) (Series, bool) {
	switch v := value.(type) {
	case Series:
		return v, path == ""
	case map[string]Series:
		s, ok := v[path]
		return s, ok
	case Grouped:
		if phase, ok := strings.CutPrefix(path, WorstGroup+"."); ok {
			s, ok := v.Worst[phase]
			return s, ok
		}
		s, ok := v.Phases[path]
		return s, ok
	case Delivery:
		return v.Latency, path == "latency"
	case ServerLatency:
		s, ok := map[string]Series{"mutating": v.Mutating, "reads": v.Reads, "lists": v.Lists}[path]
		return s, ok
	case Values:
		return Series{Count: v.Count}, path == ""
	case Requests:
		s, ok := map[string]Series{"latency": v.Latency, "service": v.Service}[path]
		return s, ok
	case Network:
		s, ok := map[string]Series{"all": v.All, "worst": v.Worst, "host": v.Host, "hostWorst": v.HostWorst}[path]
		return s, ok
	case ExecValues:
		if path == "value" {
			return Series{Count: v.Value.Count}, true
		}
		return v.Duration, path == "duration"
	}
	return Series{}, false
}

// SLO is an objective as a threshold: an official one of Kubernetes
// (kubernetes/community, sig-scalability/slos), or one that production clusters
// are commonly held to.
type SLO struct {
	Name string
	Kind string // the kind of measure that it judges
	CEL  string // with NAME for the measure's name
	What string // in words
}

// SLOs are the official objectives, and two of production clusters.
var SLOs = []SLO{
	{"pod-startup", "pods", "NAME.startup.p99 <= duration('5s')", "start-up of schedulable stateless pods: p99 at most 5 s"},
	{"api-mutating", "apiserver", "NAME.mutating.p99 <= duration('1s')", "mutating API calls: p99 at most 1 s"},
	{"api-reads", "apiserver", "NAME.reads.p99 <= duration('1s')", "API reads of one object: p99 at most 1 s"},
	{"api-lists", "apiserver", "NAME.lists.p99 <= duration('30s')", "API lists: p99 at most 30 s"},
	{"intra-cluster-latency", "network", "NAME.worst.p99 < duration('10ms')", "round trips in the cluster: p99 of the worst pair of nodes under 10 ms"},
	{"utilisation", "usage", "NAME.cpu.worst < 0.8 && NAME.memory.worst < 0.8", "average use of CPU and memory: under 80 % on the worst node"},
}
