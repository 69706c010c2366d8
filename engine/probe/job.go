// Package probe sends traffic and times it: HTTP requests at a constant arrival
// rate, round trips over TCP and UDP, name resolution, and throughput. The same
// code runs in realspec itself and in its agent pods, and knows no cluster.
//
// Why the requests are paced by package rate and sent by net/http, and not by one
// of the load libraries for Go, as read in their sources:
//   - vegeta (lib, v12.13) is an open loop, but the latency of a request begins when
//     a worker takes it up, and how late that was is not in its result: with a bound
//     on its workers a stall is hidden again and a load that was not delivered looks
//     like one that was, and without one nothing bounds its memory
//     (tsenart/vegeta#344).
//   - fortio's runner and hey give each connection a loop of its own, which waits
//     for the answer before it looks at the clock again (fortio/fortio#3).
//   - k6 drops what is due while none of its virtual users is free.
//   - Those that send by net/http leave it to that to send a request again when the
//     server closes the connection on it, which hides the very drop that is to be
//     measured: see trace.
package probe

import (
	"time"

	"github.com/realspec/realspec/engine/spec"
)

// Job is what an agent is asked to do: exactly one of its fields.
type Job struct {
	HTTP       *HTTPJob       `json:"http,omitempty"`
	RoundTrips *RoundTripJob  `json:"roundTrips,omitempty"`
	Throughput *ThroughputJob `json:"throughput,omitempty"`
}

// Report is what came of a Job: the field of the job's kind.
type Report struct {
	HTTP       *HTTPReport       `json:"http,omitempty"`
	RoundTrips *RoundTripReport  `json:"roundTrips,omitempty"`
	Throughput *ThroughputReport `json:"throughput,omitempty"`
	// Throttled is how long the agent's CPU was throttled meanwhile, added up over
	// processors, and ThrottledTimes how often (throttled_time and nr_throttled of its
	// cgroup); what it measured then is doubtful.
	Throttled      time.Duration `json:"throttled"`
	ThrottledTimes int64         `json:"throttledTimes"`
}

// Status is what an agent says of a job: GET /jobs/ID.
type Status struct {
	Done     bool    `json:"done"`
	Error    string  `json:"error,omitempty"`    // one sentence; there is then no report
	Progress string  `json:"progress,omitempty"` // one line, for people
	Report   *Report `json:"report,omitempty"`   // once it is done
}

// Request is one HTTP request as it is sent.
type Request struct {
	URL     string            `json:"url"`
	Method  string            `json:"method"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    []byte            `json:"body,omitempty"`
	// Timeout of one request with its whole answer.
	Timeout    time.Duration `json:"timeout"`
	CA         []byte        `json:"ca,omitempty"` // PEM; empty: the machine's certificates
	ServerName string        `json:"serverName,omitempty"`
	Insecure   bool          `json:"insecure,omitempty"`
	Fresh      bool          `json:"fresh,omitempty"` // a connection for each request
	// Keep is whether the answer is wanted itself; otherwise only what Checks need
	// of it is kept until they are done.
	Keep bool `json:"keep,omitempty"`
}

// HTTPJob sends requests at a constant arrival rate. It ends when Count requests
// have been due, For is over, or the job is stopped. An open-ended job has neither;
// one that was not stopped ends after stats.Exact requests, and is short.
type HTTPJob struct {
	Request Request       `json:"request"`
	Rate    float64       `json:"rate"` // a second, of this agent; 0: once, or Count at once
	Count   int           `json:"count,omitempty"`
	For     time.Duration `json:"for,omitempty"`
	// Offset is when the first request is due: agents that share a rate are staggered.
	Offset      time.Duration `json:"offset,omitempty"`
	Concurrency int           `json:"concurrency,omitempty"`
	WarmUp      int           `json:"warmUp,omitempty"`
	// Checks are CEL expressions over `response`, vars and env. None: the status is
	// from 200 to 299.
	Checks []string          `json:"checks,omitempty"`
	Vars   Vars              `json:"vars,omitempty"`
	Env    map[string]string `json:"env,omitempty"`
}

// HTTPReport is what came of an HTTPJob. The samples of several agents are put
// together without loss: they are all there, in nanoseconds, up to stats.Exact.
type HTTPReport struct {
	Asked    float64       `json:"asked"`
	Rate     float64       `json:"rate"`
	Due      int           `json:"due"`
	Sent     int           `json:"sent"`
	Failed   int           `json:"failed"`
	Dropped  int           `json:"dropped"`
	WorstLag time.Duration `json:"worstLag"`
	LagP99   time.Duration `json:"lagP99"`
	Short    string        `json:"short,omitempty"` // why it was not delivered as asked
	// Latency is from due to the end of the answer, Service from when the request
	// left, of the requests that did not fail, in the order in which they ended.
	Latency []time.Duration `json:"latency,omitempty"`
	Service []time.Duration `json:"service,omitempty"`
	// At is when each of them was due, since the job began.
	At []time.Duration `json:"at,omitempty"`
	// Codes are the answers by status, also of those that failed.
	Codes map[string]int64 `json:"codes,omitempty"`
	// Bytes is the size of the answers' bodies.
	Bytes int64 `json:"bytes,omitempty"`
	// Seconds is what became of each second of the job, for timelines.
	Seconds []Second `json:"seconds,omitempty"`
	// Errors are the kinds of failures in words, and how many there were of each; at
	// most 20 kinds.
	Errors map[string]int64 `json:"errors,omitempty"`
	// Answer is the last answer, when Request.Keep is set.
	Answer *spec.Response `json:"answer,omitempty"`
}

// Second is one second of an HTTPJob, by when requests were due. The quantiles are
// of the latencies of those that did not fail; 0 when there was none.
type Second struct {
	Due    int           `json:"due"`
	Failed int           `json:"failed"`
	P50    time.Duration `json:"p50"`
	P99    time.Duration `json:"p99"`
	Max    time.Duration `json:"max"`
}

// RoundTripJob times one transaction at a constant rate.
type RoundTripJob struct {
	Transaction string        `json:"transaction"` // rtt, connect, request, udp or dns
	Address     string        `json:"address"`     // host:port of an agent's echo server; the name to resolve for dns
	Rate        float64       `json:"rate"`
	For         time.Duration `json:"for"`
	Bytes       int           `json:"bytes"`
	Timeout     time.Duration `json:"timeout"` // after which a transaction is lost; default 1s
}

// RoundTripReport is what came of a RoundTripJob.
type RoundTripReport struct {
	Due     int             `json:"due"`
	Samples []time.Duration `json:"samples"` // of those that came back, from due
	// Service is the same from when they were sent: without the time by which this
	// process was late.
	Service  []time.Duration  `json:"service,omitempty"`
	Lost     int              `json:"lost"`
	WorstLag time.Duration    `json:"worstLag"`
	LagP99   time.Duration    `json:"lagP99"`
	Errors   map[string]int64 `json:"errors,omitempty"`
	Short    string           `json:"short,omitempty"`
}

// ThroughputJob sends as fast as TCP carries it.
type ThroughputJob struct {
	Address string        `json:"address"` // host:port of an agent's sink
	Streams int           `json:"streams"`
	For     time.Duration `json:"for"`
	Discard time.Duration `json:"discard"` // the beginning, which does not count; default 1s
}

// ThroughputReport is what came of a ThroughputJob, as the receiver counted it.
type ThroughputReport struct {
	Bytes   int64     `json:"bytes"`
	Seconds float64   `json:"seconds"`
	Each    []float64 `json:"each"` // bits a second of every whole second
}
