package measure

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// Sent is what became of the requests of an http measure, of all senders together.
type Sent struct {
	Asked, Rate float64 // requests a second
	// Due are all requests that came due; those that failed or were never sent are
	// among them.
	Due, Sent, Failed, Dropped int
	WorstLag, LagP99           time.Duration
	Short                      string // why it was not delivered as asked
	// Latency (from due), Service (from sent) and At (when it was due, since the
	// beginning) of the requests that did not fail, in the same order.
	Latency, Service, At []time.Duration
	Codes                map[string]int64
	Seconds              []SentSecond
	// Start is when the first request was due, since the run began.
	Start time.Duration
}

// SentSecond is what became of the requests that were due in one second. The
// quantiles are of those that did not fail; 0 when there was none.
type SentSecond struct {
	Due, Failed int
	P50, P99    time.Duration
}

// RequestsResult is what an http measure gives. Low and High differ in the ratio of
// failures, which is known within its 95 % interval.
type RequestsResult struct {
	Value, Low, High spec.Requests
	Measured         event.Measured
}

// Requests puts into words and figures what became of requests. One that failed or
// was never sent has no latency: it counts above every limit.
func Requests(s Sent) RequestsResult {
	failed := max(s.Due-len(s.Latency), 0)
	latency, shownLatency := requestSeries("latency", s.Latency, s.At, failed)
	service, shownService := requestSeries("service", s.Service, nil, failed)
	ratio := event.Ratio{}
	if s.Due > 0 {
		ratio.Value = float64(failed) / float64(s.Due)
	}
	ratio.Low, ratio.High = stats.Proportion(failed, s.Due, stats.Confidence)
	r := RequestsResult{Value: spec.Requests{
		Count: int64(len(s.Latency)), Failed: int64(failed - s.Dropped), Dropped: int64(s.Dropped),
		Asked: s.Asked, Rate: s.Rate, Lag: s.WorstLag, Latency: latency, Service: service,
		FailureRatio: ratio.Value, Codes: s.Codes,
	}}
	if r.Value.Codes == nil {
		r.Value.Codes = map[string]int64{}
	}
	r.Low, r.High = r.Value, r.Value
	r.Low.FailureRatio, r.High.FailureRatio = ratio.Low, ratio.High
	r.Measured = event.Measured{
		Unit: "s", From: "due", Series: []event.MeasuredSeries{shownLatency, shownService},
		Delivery: &event.Delivery{
			Asked: s.Asked, Rate: s.Rate, Due: s.Due, Sent: s.Sent, Failed: s.Failed, Dropped: s.Dropped,
			WorstLag: s.WorstLag.Seconds(), LagP99: s.LagP99.Seconds(), Short: s.Short,
		},
		Failures: &ratio, Timelines: requestTimelines(s),
	}
	return r
}

// requestSeries is a series for thresholds and for reports; with at, its samples
// are named by when they were due, and listed when there are not too many.
func requestSeries(name string, took, at []time.Duration, missing int) (spec.Series, event.MeasuredSeries) {
	series := stats.Summarize(took, missing)
	m := shown(name, "", series)
	sorted := slices.Clone(took)
	slices.Sort(sorted)
	m.Intervals = intervals(func(q, confidence float64) (stats.Interval, bool) {
		return stats.QuantileInterval(sorted, missing, q, confidence)
	})
	if at == nil || len(took)+missing > maxListed {
		return series, m
	}
	samples := make([]sample, 0, len(took)+missing)
	for i, d := range took {
		due := strconv.FormatFloat(at[i].Seconds(), 'f', 3, 64) + "s"
		samples = append(samples, sample{of: &subject{object: due}, took: d, came: true})
	}
	m.Samples = listed(append(samples, make([]sample, missing)...))
	return series, m
}

// requestTimelines show what became of the requests of every second.
func requestTimelines(s Sent) []event.Timeline {
	line := func(name, unit string) event.Timeline {
		return event.Timeline{Name: name, Unit: unit, Start: s.Start.Seconds(), Points: [][2]float64{}}
	}
	due, failed := line("requests a second", ""), line("failures a second", "")
	p50, p99 := line("p50", "s"), line("p99", "s")
	for i, one := range s.Seconds {
		at := float64(i)
		due.Points = append(due.Points, [2]float64{at, float64(one.Due)})
		failed.Points = append(failed.Points, [2]float64{at, float64(one.Failed)})
		if one.P99 > 0 {
			p50.Points = append(p50.Points, [2]float64{at, one.P50.Seconds()})
			p99.Points = append(p99.Points, [2]float64{at, one.P99.Seconds()})
		}
	}
	return []event.Timeline{due, failed, p50, p99}
}

// Kind is a kind of failure, and how many there were of it.
type Kind struct {
	What  string
	Count int64
}

// Kinds are the kinds of failures, the most frequent first.
func Kinds(counts map[string]int64) []Kind {
	var all []Kind
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, Kind{what, counts[what]})
	}
	slices.SortStableFunc(all, func(a, b Kind) int { return cmp.Compare(b.Count, a.Count) })
	return all
}
