package compare

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/stats"
)

// Series is one series of a measure as a baseline keeps it.
type Series struct {
	Name   string   `json:"name"`             // of the measure
	Series string   `json:"series,omitempty"` // within it; empty for a measure of one series
	Group  string   `json:"group,omitempty"`  // the node or owner
	Unit   string   `json:"unit,omitempty"`   // s, or empty for numbers without one
	From   string   `json:"from,omitempty"`
	Error  *float64 `json:"error,omitempty"` // how far a sample may be from the truth
	// Value is that of a measure that is one value. The rest is then empty.
	Value *float64 `json:"value,omitempty"`
	// Count is the number of samples of a series whose samples were not kept.
	Count   int `json:"count,omitempty"`
	Missing int `json:"missing,omitempty"` // samples that never came
	// Stats are the statistics of such a series, those that were not reached left out.
	Stats map[string]float64 `json:"stats,omitempty"`
	// Samples are all samples that came, sorted, in the unit.
	Samples []float64 `json:"samples,omitempty"`
}

// statistics are those of a series, in the order of reports.
var statistics = []string{"min", "mean", "p50", "p90", "p95", "p99", "max", "stddev"}

// reduce keeps of measures what a baseline holds, sorted by name. Seconds are
// rounded to whole microseconds, far below any error of measuring, so that files
// stay short; a current run is rounded like the recorded ones, or their order
// would depend on it. Numbers without a unit are kept as they are.
func reduce(measures []event.Measured, groups bool) []Series {
	var all []Series
	for _, m := range measures {
		one := Series{Name: m.Name, Unit: m.Unit, From: m.From, Error: rounded(m.Error, m.Unit)}
		if m.Value != nil {
			single := one
			single.Value = rounded(m.Value, m.Unit)
			all = append(all, single)
		}
		for _, s := range m.Series {
			if s.Count+s.Missing == 0 || s.Group != "" && !groups {
				continue
			}
			all = append(all, one.with(s))
		}
	}
	slices.SortStableFunc(all, bySeries)
	return all
}

func bySeries(a, b Series) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Group, b.Group), strings.Compare(a.Series, b.Series))
}

// with fills in the samples of a measured series, or its statistics when not all
// samples are there: a histogram has none, and very long series keep a sketch.
func (s Series) with(m event.MeasuredSeries) Series {
	s.Series, s.Group, s.Missing = m.Name, m.Group, int(m.Missing)
	for _, sample := range m.Samples {
		if v := rounded(sample.Value, s.Unit); v != nil {
			s.Samples = append(s.Samples, *v)
		}
	}
	slices.Sort(s.Samples)
	if int64(len(s.Samples)) == m.Count && int64(len(m.Samples)) == m.Count+m.Missing {
		return s
	}
	s.Samples, s.Count, s.Stats = nil, int(m.Count), map[string]float64{}
	for stat, v := range map[string]*float64{
		"min": m.Min, "mean": m.Mean, "p50": m.P50, "p90": m.P90, "p95": m.P95, "p99": m.P99, "max": m.Max, "stddev": m.Stddev,
	} {
		if v = rounded(v, s.Unit); v != nil {
			s.Stats[stat] = *v
		}
	}
	return s
}

func rounded(v *float64, unit string) *float64 {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return nil
	}
	r := *v
	if unit == "s" {
		r = math.Round(r*1e6) / 1e6
	}
	return &r
}

// n is the number of samples, those that never came included.
func (s Series) n() int {
	if s.Value != nil {
		return 1
	}
	return max(len(s.Samples), s.Count) + s.Missing
}

// stat is a statistic of the series, +Inf when it was not reached. Quantiles are
// nearest rank, as everywhere; samples that never came are above all others.
func (s Series) stat(name string) (float64, bool) {
	if s.Value != nil {
		return *s.Value, name == ""
	}
	if s.n() == 0 || !slices.Contains(statistics, name) {
		return 0, false
	}
	if s.Count > 0 {
		v, ok := s.Stats[name]
		if !ok {
			v = math.Inf(1)
		}
		return v, true
	}
	if len(s.Samples) == 0 {
		return math.Inf(1), true
	}
	all := slices.Clone(s.Samples)
	for range s.Missing {
		all = append(all, math.Inf(1))
	}
	v := stats.SummarizeValues(all)
	return map[string]float64{
		"min": v.Min, "mean": v.Mean, "p50": v.P50, "p90": v.P90, "p95": v.P95, "p99": v.P99, "max": v.Max, "stddev": v.Stddev,
	}[name], true
}

// metric is the name of a statistic of the series.
func (s Series) metric(stat string) string {
	parts := []string{s.Name, s.Group, s.Series, stat}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ".")
}
