package probe

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/stats"
)

// MergeHTTP puts the reports of agents that shared a rate together, without loss:
// all samples are in the result, in the order in which they were due, and the
// quantiles of seconds are recomputed from them. Counts and rates are added up.
// LagP99 is the largest of all: that of all requests together is no larger.
func MergeHTTP(reports []HTTPReport) HTTPReport {
	var all HTTPReport
	all.Codes, all.Errors = map[string]int64{}, map[string]int64{}
	for i, r := range reports {
		all.add(r)
		if r.Short != "" && all.Short == "" {
			all.Short = r.Short
			if len(reports) > 1 {
				all.Short = fmt.Sprintf("agent %d of %d: %s", i+1, len(reports), r.Short)
			}
		}
	}
	all.sort()
	all.Seconds = seconds(all, dueOf(reports), failedOf(reports))
	return all
}

func (r *HTTPReport) add(o HTTPReport) {
	r.Asked += o.Asked
	r.Rate += o.Rate
	r.Due += o.Due
	r.Sent += o.Sent
	r.Failed += o.Failed
	r.Dropped += o.Dropped
	r.Bytes += o.Bytes
	r.WorstLag = max(r.WorstLag, o.WorstLag)
	r.LagP99 = max(r.LagP99, o.LagP99)
	r.Latency = append(r.Latency, o.Latency...)
	r.Service = append(r.Service, o.Service...)
	r.At = append(r.At, o.At...)
	for code, n := range o.Codes {
		r.Codes[code] += n
	}
	for kind, n := range o.Errors {
		countN(r.Errors, kind, n)
	}
	r.Answer = cmp.Or(o.Answer, r.Answer)
}

// sort puts the samples in the order in which they were due.
func (r *HTTPReport) sort() {
	order := make([]int, len(r.At))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.At[a], r.At[b]) })
	for _, samples := range []*[]time.Duration{&r.Latency, &r.Service, &r.At} {
		sorted := make([]time.Duration, len(order))
		for to, from := range order {
			sorted[to] = (*samples)[from]
		}
		*samples = sorted
	}
}

// seconds is the timeline of a report: due and failed are counts by second.
func seconds(r HTTPReport, due []int, failed map[int]int) []Second {
	latencies := make([][]time.Duration, len(due))
	for i, at := range r.At {
		second := int(at / time.Second)
		latencies[second] = append(latencies[second], r.Latency[i])
	}
	all := make([]Second, len(due))
	for i := range all {
		all[i] = Second{Due: due[i], Failed: failed[i]}
		if l := latencies[i]; len(l) > 0 {
			slices.Sort(l)
			all[i].P50, all[i].P99 = stats.Quantile(l, 0, 0.5), stats.Quantile(l, 0, 0.99)
			all[i].Max = l[len(l)-1]
		}
	}
	return all
}

func dueOf(reports []HTTPReport) (due []int) {
	for _, r := range reports {
		for i, s := range r.Seconds {
			if i == len(due) {
				due = append(due, 0)
			}
			due[i] += s.Due
		}
	}
	return due
}

func failedOf(reports []HTTPReport) map[int]int {
	failed := map[int]int{}
	for _, r := range reports {
		for i, s := range r.Seconds {
			failed[i] += s.Failed
		}
	}
	return failed
}
