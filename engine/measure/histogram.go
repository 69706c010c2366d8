package measure

import (
	"fmt"
	"math"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

const (
	sliMetric   = "apiserver_request_sli_duration_seconds"
	startMetric = "process_start_time_seconds"
)

// reading is what one text of metrics says of the official SLI.
type reading struct {
	started float64                // when the process was, in Unix seconds; 0 when it does not say
	series  map[string]*dto.Metric // by all labels
}

func readMetrics(text []byte, which string) (reading, error) {
	r := reading{series: map[string]*dto.Metric{}}
	families, err := familiesOf(text, sliMetric, startMetric)
	if err != nil {
		return r, fmt.Errorf("the API server's metrics (%s) cannot be read: %w", which, err)
	}
	sli := families[sliMetric]
	if sli == nil {
		return r, fmt.Errorf("the API server's metrics (%s) have no %s, which it has since Kubernetes 1.26", which, sliMetric)
	}
	if sli.GetType() != dto.MetricType_HISTOGRAM {
		return r, fmt.Errorf("%s in the API server's metrics (%s) is not a histogram", sliMetric, which)
	}
	if start := families[startMetric].GetMetric(); len(start) == 1 {
		r.started = start[0].GetGauge().GetValue()
	}
	for _, m := range sli.GetMetric() {
		r.series[labelsOf(m)] = m
	}
	return r, nil
}

// histogram counts calls by buckets. The last bucket has no upper bound.
type histogram struct {
	bounds []time.Duration // upper, but for the last bucket
	counts []uint64        // one more
	sum    float64         // seconds
}

// less is the histogram of the calls between two readings of one series; before
// may be nil. It is false when a counter went down.
func (h *histogram) less(after, before *dto.Histogram) bool {
	var cumulative, earlier uint64
	for i, b := range after.GetBucket() {
		if math.IsInf(b.GetUpperBound(), 1) {
			break
		}
		c := b.GetCumulativeCount()
		if before != nil {
			if i >= len(before.GetBucket()) || before.GetBucket()[i].GetUpperBound() != b.GetUpperBound() {
				return false
			}
			earlier = before.GetBucket()[i].GetCumulativeCount()
		}
		if c < earlier || c-earlier < cumulative {
			return false
		}
		h.bounds = append(h.bounds, time.Duration(math.Round(b.GetUpperBound()*1e9)))
		h.counts = append(h.counts, c-earlier-cumulative)
		cumulative = c - earlier
	}
	n := after.GetSampleCount()
	if n < before.GetSampleCount() || n-before.GetSampleCount() < cumulative {
		return false
	}
	h.counts = append(h.counts, n-before.GetSampleCount()-cumulative)
	h.sum = after.GetSampleSum() - before.GetSampleSum()
	return true
}

// add sums two histograms with equal bounds.
func (h *histogram) add(other histogram) error {
	if h.counts == nil {
		h.bounds, h.counts, h.sum = other.bounds, slices.Clone(other.counts), other.sum
		return nil
	}
	if !slices.Equal(h.bounds, other.bounds) {
		return fmt.Errorf("the histograms of %s have different buckets and cannot be added", sliMetric)
	}
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.sum += other.sum
	return nil
}

func (h *histogram) total() int64 {
	var n uint64
	for _, c := range h.counts {
		n += c
	}
	return int64(n)
}

// series is the histogram as a series, with every call at the upper bound of its
// bucket, and at the lower one. Calls above the last bound are missing, for they
// are above everything that can be told. The mean is exact; of the deviation
// nothing is known.
func (h *histogram) series() (upper, lower spec.Series) {
	n := h.total()
	if n == 0 {
		return upper, lower
	}
	mean := time.Duration(h.sum / float64(n) * 1e9)
	beyond := int64(h.counts[len(h.counts)-1])
	upper = spec.Series{Count: n - beyond, Missing: beyond, Mean: mean, Stddev: spec.Missing}
	lower = spec.Series{Count: n, Mean: mean}
	for _, v := range []struct {
		q         float64
		high, low *time.Duration
	}{
		{0, &upper.Min, &lower.Min}, {0.50, &upper.P50, &lower.P50}, {0.90, &upper.P90, &lower.P90},
		{0.95, &upper.P95, &lower.P95}, {0.99, &upper.P99, &lower.P99}, {1, &upper.Max, &lower.Max},
	} {
		*v.low, *v.high = h.bucket(v.q, n)
	}
	return upper, lower
}

// bucket are the bounds of the bucket of the nearest-rank quantile q.
func (h *histogram) bucket(q float64, n int64) (low, high time.Duration) {
	rank := int64(stats.Rank(q, int(n)))
	for i, c := range h.counts {
		high = spec.Missing
		if i < len(h.bounds) {
			high = h.bounds[i]
		}
		if rank -= int64(c); rank <= 0 {
			return low, high
		}
		low = high
	}
	return low, high
}
