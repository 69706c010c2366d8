package spec

import "time"

// HTTPMeasure sends requests at a constant arrival rate and times every one from
// the moment at which it was due: a stall shows in all requests that it delayed,
// as it would to users. In thresholds NAME has count, failed, dropped, asked and
// rate (a second), lag (the longest that a request left after its time), latency
// (a series of durations; one that failed or was never sent is missing), service
// (the same from the moment at which it left), failureRatio, and codes (answers by
// status). A threshold over failureRatio is inconclusive when its verdict is not
// the same at both ends of the ratio's 95 % interval.
type HTTPMeasure struct {
	// At is where the measure begins.
	At Pos `json:"-"`
	// Where to: http:// or https://. A Service is called by its name.
	// Example: http://web:80/.
	URL Text `json:"url" realspec:"required"`
	// The method. Default: GET, and POST where there is a body.
	Method string `json:"method,omitempty" realspec:"enum=GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS"`
	// Headers of the requests. Example: {authorization: "Bearer ${{ env.TOKEN }}"}.
	Headers map[string]Text `json:"headers,omitempty"`
	// The body, as a text. Example: hello.
	Body Text `json:"body,omitempty"`
	// The body, as JSON; the content-type is then application/json.
	// Example: {name: test}.
	JSON Object `json:"json,omitempty"`
	// Where the requests are sent from: cluster (pods of realspec's agent) or here
	// (the machine that realspec runs on). Default: cluster when the host is one
	// that only the cluster knows (a name without a dot except localhost, or one that
	// ends in .svc or .cluster.local), else here.
	From string `json:"from,omitempty" realspec:"enum=cluster|here"`
	// Labels of the pods that send the requests from the cluster; they are then in
	// the scenario's namespace, so that NetworkPolicies know them.
	// Example: {app: frontend}.
	As map[string]string `json:"as,omitempty"`
	// How many agent pods share the rate. Default: 1 for each 1000 requests a
	// second. Example: 2. Unit: pods.
	Agents int `json:"agents,omitempty"`
	// How TLS is verified. Default: by the machine's certificates.
	// Example: {serverName: web.example.com}.
	TLS *TLS `json:"tls,omitempty"`
	// Requests a second, of all agents together. Example: 100. Unit: requests a
	// second.
	Rate float64 `json:"rate" realspec:"required"`
	// How many requests. Default: as many as are due in the time of `for`, or while
	// the steps under `during` run. Example: 1000. Unit: requests.
	Count int `json:"count,omitempty"`
	// How long requests are sent. Default: until `count` is reached, or while the
	// steps under `during` run. Example: 30s.
	For Duration `json:"for,omitempty"`
	// The most requests in flight of each agent. Default: 256. Unit: requests.
	Concurrency int `json:"concurrency,omitempty"`
	// The first requests of each agent, which the figures leave out. Default: 0.
	// Unit: requests.
	WarmUp int `json:"warmUp,omitempty"`
	// How long one answer may take; one that takes longer has failed. Default: 10s.
	RequestTimeout Duration `json:"requestTimeout,omitempty"`
	// Open a new connection for every request. Default: false.
	Fresh bool `json:"fresh,omitempty"`
	// What must hold of every `response`; one for which it does not has failed. The
	// expressions may use vars and env besides, and nothing else. Default: the status
	// is from 200 to 299.
	// Example: [{cel: response.status == 200}].
	Checks []Rule `json:"checks,omitempty"`
}

// NetworkMeasure measures between agent pods on different nodes, pair by pair.
// In thresholds NAME.all is the series of all pairs, NAME.worst that of the pair
// with the largest p99 (rtt), and NAME.host and NAME.hostWorst the same between
// the nodes' own networks, where `control` is set. A packet that was lost or came
// too late is missing: it counts above every limit. With transaction: throughput
// NAME is numbers in bits a second: min (the worst pair), mean, p50, max and count
// (pairs).
type NetworkMeasure struct {
	// At is where the measure begins.
	At Pos `json:"-"`
	// What is timed. rtt: a request and its answer on a TCP connection that is
	// already open. connect: opening a TCP connection. request: opening one, a
	// request and its answer. udp: a datagram and its echo. dns: resolving the name
	// of a Service. throughput: how much one TCP connection, or `streams` of them,
	// carries: random bytes, written as iperf3 does by default (128 KiB at a time,
	// Nagle's algorithm on), counted where they arrive, from one second after the
	// first. Default: rtt.
	Transaction string `json:"transaction,omitempty" realspec:"enum=rtt|connect|request|udp|dns|throughput"`
	// The way: service (from a pod to a ClusterIP) or pod (from a pod to a pod's IP).
	// Default: service.
	Path string `json:"path,omitempty" realspec:"enum=service|pod"`
	// Which pairs of nodes: across (different nodes) or same (two pods of one node).
	// Default: across.
	Between string `json:"between,omitempty" realspec:"enum=across|same"`
	// Also between the nodes' own networks, as control: what the pod network adds is
	// the difference. The agents then need hostNetwork pods. Default: false.
	Control bool `json:"control,omitempty"`
	// Transactions a second of each pair. Default: 10. Unit: transactions a second.
	Rate float64 `json:"rate,omitempty"`
	// How long. Default: 60s; with throughput 10s for each pair, one after the
	// other. Example: 30s.
	For Duration `json:"for,omitempty"`
	// The payload of a request and of its answer. Default: 64. Unit: bytes.
	Bytes int `json:"bytes,omitempty"`
	// With throughput: TCP connections at a time. Default: 1. Unit: connections.
	Streams int `json:"streams,omitempty"`
	// The most pairs, chosen over all zones; each direction is a pair. Default: 12.
	// Unit: pairs.
	Pairs int `json:"pairs,omitempty"`
	// Only nodes with these labels. Default: all nodes that take pods.
	// Example: node-role.kubernetes.io/worker=.
	Nodes Text `json:"nodes,omitempty"`
}

// UsageMeasure measures what nodes or pods use, over the time of the steps under
// `during`, over `for`, or since the scenario began. CPU is exact: the difference
// of the kubelet's cumulative counters between two of its own stamps, whatever the
// sampling interval. In thresholds NAME.cpu has worst (the share of the node or
// pod that used the largest), total (of all together), peak (the largest between
// two stamps) and used (cores); NAME.memory has worst, total, peak and used (bytes,
// mean of the samples); NAME.filesystem has worst, total and used; NAME.network has
// received and sent (bytes a second).
type UsageMeasure struct {
	// At is where the measure begins.
	At Pos `json:"-"`
	// Whose: nodes, or pods. Default: nodes.
	Of string `json:"of,omitempty" realspec:"enum=nodes|pods"`
	// A label selector of the nodes or pods; empty selects all. Example: app=web.
	Selector Text `json:"selector,omitempty"`
	// With of: pods, their namespace. Default: the scenario's own.
	Namespace Text `json:"namespace,omitempty"`
	// What shares are of: allocatable or capacity of nodes, requests or limits of
	// pods. Default: allocatable of nodes, requests of pods.
	Against string `json:"against,omitempty" realspec:"enum=allocatable|capacity|requests|limits"`
	// How long, where no steps are under `during`. Default: since the scenario
	// began. Example: 1m.
	For Duration `json:"for,omitempty"`
	// The distance of the samples; averages of CPU do not depend on it. Default: 10s.
	Every Duration `json:"every,omitempty"`
}

// ExecMeasure runs a command in a pod again and again, and times it. In
// thresholds NAME.duration is a series of durations; one whose exit code is not 0
// is missing. NAME.value has the numbers that `value` reads of each result.
type ExecMeasure struct {
	// At is where the measure begins.
	At Pos `json:"-"`
	// The pods. Of several that are ready, the command runs in the first by name.
	// Example: {kind: Pod, selector: app=database}.
	On Selector `json:"on" realspec:"required"`
	// The container. Default: the one that the annotation
	// kubectl.kubernetes.io/default-container names, else the first.
	// Example: postgres.
	Container Text `json:"container,omitempty"`
	// The command and its arguments; there is no shell but the one you call.
	// Example: [pgbench, -T, "10"].
	Command []Text `json:"command" realspec:"required"`
	// How often. Default: 1. Unit: runs.
	Count int `json:"count,omitempty"`
	// A number of each result: an expression over `result`.
	// Example: double(result.stdout).
	Value Expr `json:"value,omitempty"`
}

// Requests is what a threshold can ask of an http measure.
type Requests struct {
	// Requests that were answered as they must be.
	Count int64 `json:"count"`
	// Requests that failed: no answer in time, or a check that did not hold.
	Failed int64 `json:"failed"`
	// Requests that were never sent.
	Dropped int64 `json:"dropped"`
	// The rate that was asked for. Unit: requests a second.
	Asked float64 `json:"asked"`
	// The rate that was delivered. Unit: requests a second.
	Rate float64 `json:"rate"`
	// The longest that a request left after its time.
	Lag time.Duration `json:"lag"`
	// From the moment at which a request was due to the end of its answer. One that
	// failed or was never sent is missing.
	Latency Series `json:"latency"`
	// From the moment at which a request left to the end of its answer: what a
	// closed loop would have seen.
	Service Series `json:"service"`
	// The share of requests that failed or were never sent, from 0 to 1.
	FailureRatio float64 `json:"failureRatio"`
	// How many answers had each status, by the status as a text.
	Codes map[string]int64 `json:"codes"`
}

// Network is what a threshold can ask of a network measure of round trips.
type Network struct {
	// All pairs together.
	All Series `json:"all"`
	// The pair with the largest p99.
	Worst Series `json:"worst"`
	// All pairs between the nodes' own networks.
	Host Series `json:"host"`
	// The pair with the largest p99 between the nodes' own networks.
	HostWorst Series `json:"hostWorst"`
}

// Usage is what a threshold can ask of a usage measure.
type Usage struct {
	// CPU: shares, and cores.
	CPU Share `json:"cpu"`
	// Memory: the working set; shares, and bytes.
	Memory Share `json:"memory"`
	// The node's or the pods' file systems: shares, and bytes.
	Filesystem Share `json:"filesystem"`
	// The network.
	Network Traffic `json:"network"`
}

// Share is how much of something is used.
type Share struct {
	// The share of the node or pod that used the largest, over the whole time.
	Worst float64 `json:"worst"`
	// The share of all together, over the whole time.
	Total float64 `json:"total"`
	// The largest share of any of them between two samples.
	Peak float64 `json:"peak"`
	// What all together used, on average: cores or bytes.
	Used float64 `json:"used"`
}

// Traffic is what went over the network. Unit: bytes a second.
type Traffic struct {
	// Received by all together. Unit: bytes a second.
	Received float64 `json:"received"`
	// Sent by all together. Unit: bytes a second.
	Sent float64 `json:"sent"`
}

// ExecValues is what a threshold can ask of an exec measure.
type ExecValues struct {
	// How long the command ran. One that failed is missing.
	Duration Series `json:"duration"`
	// The numbers that `value` reads.
	Value Values `json:"value"`
}
