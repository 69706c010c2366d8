package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/realspec/realspec/engine/event"
)

// OpenMetrics writes the result in the text format of OpenMetrics 1.0, with units
// and the closing # EOF: outcomes, times, measures, requirements and the cost of
// the run. Nothing has a timestamp, so that a node exporter takes the file too.
func OpenMetrics(w io.Writer, r *event.Result) error {
	var out bytes.Buffer
	for _, f := range Metrics(r) {
		if _, err := expfmt.MetricFamilyToOpenMetrics(&out, f); err != nil {
			return fmt.Errorf("the metrics could not be written: %w", err)
		}
	}
	_, err := expfmt.FinalizeOpenMetrics(&out)
	if err == nil {
		_, err = out.WriteTo(w)
	}
	if err != nil {
		return fmt.Errorf("the metrics could not be written: %w", err)
	}
	return nil
}

// Metrics are the families of OpenMetrics, for a push:
//
//	realspec_run_info{run,version,outcome}                      1
//	realspec_run_exit_code                                      0 to 130
//	realspec_run_started_timestamp_seconds, realspec_run_seconds
//	realspec_scenario_outcome{scenario,outcome,reason}          1
//	realspec_scenario_seconds{scenario}
//	realspec_step_outcome{scenario,step,outcome,reason}         1
//	realspec_step_seconds{scenario,step}
//	realspec_requirement_outcome{requirement,outcome}           1; not_shown is an outcome here
//	realspec_measure_seconds{scenario,step,measure,series,group,quantile}
//	    also _bytes, _bytes_per_second, _bits_per_second, _cores, _ratio, _value;
//	    without quantile it is one value or a mean over time; +Inf: not reached
//	realspec_measure_samples{…}, realspec_measure_missing{…}
//	realspec_measure_failures_ratio{scenario,step,measure}
//	realspec_load_asked_rate{…}, realspec_load_delivered_rate{…}    operations a second
//	realspec_api_requests_total{verb}, realspec_cpu_seconds_total, realspec_memory_peak_bytes
//
// A repeated scenario has a label repetition. There is no family without a value.
func Metrics(r *event.Result) []*dto.MetricFamily {
	b := &metrics{by: map[string]*dto.MetricFamily{}}
	b.run(r)
	unique := uniqueNames(r)
	for _, s := range r.Scenarios {
		b.scenario(s, unique[s.Path])
	}
	for i := range r.Matrix {
		q := &r.Matrix[i]
		word := string(q.Outcome)
		if !q.Shown() {
			word = "not_shown"
		}
		b.gauge("realspec_requirement_outcome", "", "What came of a requirement.", 1, "requirement", q.ID, "outcome", word)
	}
	b.cost(r.Account)
	return b.sorted()
}

// metrics collects samples into their families.
type metrics struct {
	by map[string]*dto.MetricFamily
}

func (b *metrics) sorted() []*dto.MetricFamily {
	var all []*dto.MetricFamily
	for _, name := range slices.Sorted(maps.Keys(b.by)) {
		all = append(all, b.by[name])
	}
	return all
}

func (b *metrics) gauge(name, unit, help string, x float64, labels ...string) {
	b.add(name, unit, help, dto.MetricType_GAUGE, &dto.Metric{Gauge: &dto.Gauge{Value: &x}}, labels)
}

func (b *metrics) counter(name, unit, help string, x float64, labels ...string) {
	b.add(name, unit, help, dto.MetricType_COUNTER, &dto.Metric{Counter: &dto.Counter{Value: &x}}, labels)
}

// add leaves out labels without a value: for Prometheus they are the same.
func (b *metrics) add(name, unit, help string, kind dto.MetricType, m *dto.Metric, labels []string) {
	f, ok := b.by[name]
	if !ok {
		f = &dto.MetricFamily{Name: &name, Help: &help, Type: &kind}
		if unit != "" {
			f.Unit = &unit
		}
		b.by[name] = f
	}
	for i := 0; i+1 < len(labels); i += 2 {
		if value := oneLine(labels[i+1]); value != "" {
			m.Label = append(m.Label, &dto.LabelPair{Name: &labels[i], Value: &value})
		}
	}
	f.Metric = append(f.Metric, m)
}

func (b *metrics) run(r *event.Result) {
	b.gauge("realspec_run_info", "", "The run that these metrics are of.", 1, "run", r.RunID, "version", r.Version, "outcome", string(r.Outcome))
	b.gauge("realspec_run_exit_code", "", "The exit code of the run.", float64(r.ExitCode))
	if !r.Started.IsZero() {
		b.gauge("realspec_run_started_timestamp_seconds", "seconds", "When the run began, since 1970.", float64(r.Started.UnixMilli())/1000)
	}
	b.gauge("realspec_run_seconds", "seconds", "How long the run took.", r.Seconds)
}

// uniqueNames are the names of scenarios by their paths. Two folders whose
// scenarios have one name are called by their paths: the same series twice would
// make all of them invalid.
func uniqueNames(r *event.Result) map[string]string {
	folders := map[string]string{} // of each name, one
	names := map[string]string{}
	folder := func(s *event.Scenario) string {
		return strings.TrimSuffix(s.Path, fmt.Sprintf("#%d", s.Repetition))
	}
	for _, s := range r.Scenarios {
		if first, ok := folders[s.Name]; ok && first != folder(s) {
			folders[s.Name] = "" // several
		} else if !ok {
			folders[s.Name] = folder(s)
		}
	}
	for _, s := range r.Scenarios {
		names[s.Path] = s.Name
		if folders[s.Name] == "" {
			names[s.Path] = folder(s)
		}
	}
	return names
}

func (b *metrics) scenario(s *event.Scenario, name string) {
	own := []string{"scenario", name}
	if s.Repetition > 0 {
		own = append(own, "repetition", strconv.Itoa(s.Repetition))
	}
	with := func(labels ...string) []string { return slices.Concat(own, labels) }
	b.gauge("realspec_scenario_outcome", "", "How a scenario ended.", 1, with("outcome", string(s.Outcome), "reason", string(s.Reason))...)
	b.gauge("realspec_scenario_seconds", "seconds", "How long a scenario took, without its cleanup.", s.Seconds, own...)
	for _, step := range s.Steps {
		of := with("step", step.ID)
		b.gauge("realspec_step_outcome", "", "How a step ended.", 1, slices.Concat(of, []string{"outcome", string(step.Outcome), "reason", string(step.Reason)})...)
		if !step.Started.IsZero() {
			b.gauge("realspec_step_seconds", "seconds", "How long a step took.", step.Seconds, of...)
		}
		for i := range step.Measures {
			b.measure(&step.Measures[i], slices.Concat(of, []string{"measure", step.Measures[i].Name}))
		}
	}
}

func (b *metrics) measure(m *event.Measured, of []string) {
	if m.Value != nil {
		b.value(m.Unit, *m.Value, of)
	}
	whole, groups := grouped(m.Series)
	for _, s := range slices.Concat(whole, worstGroups(groups)) {
		labels := slices.Concat(of, []string{"series", s.Name, "group", s.Group})
		b.gauge("realspec_measure_samples", "", "Samples that a series has.", float64(s.Count), labels...)
		b.gauge("realspec_measure_missing", "", "Samples that never came.", float64(s.Missing), labels...)
		if s.Count+s.Missing > 0 {
			b.series(s, unitOf(s, m.Unit), labels)
		}
	}
	if m.Failures != nil {
		b.gauge("realspec_measure_failures_ratio", "ratio", "The share of operations that failed.", m.Failures.Value, of...)
	}
	if d := m.Delivery; d != nil {
		b.gauge("realspec_load_asked_rate", "", "Operations a second that a load was asked for; 0 is as fast as possible.", d.Asked, of...)
		b.gauge("realspec_load_delivered_rate", "", "Operations a second that a load delivered.", d.Rate, of...)
	}
}

func (b *metrics) series(s event.MeasuredSeries, unit string, labels []string) {
	if timeWeighted(s) {
		b.value(unit, *s.Mean, labels)
		return
	}
	for _, q := range []struct {
		share string
		x     *float64
	}{{"0", s.Min}, {"0.5", s.P50}, {"0.9", s.P90}, {"0.95", s.P95}, {"0.99", s.P99}, {"1", s.Max}} {
		x := math.Inf(1) // not reached
		if q.x != nil {
			x = *q.x
		}
		b.value(unit, x, slices.Concat(labels, []string{"quantile", q.share}))
	}
}

// metricUnits are the units as names of metrics end in them.
var metricUnits = map[string]string{"s": "seconds", "bytes": "bytes", "bytes/s": "bytes_per_second",
	"bit/s": "bits_per_second", "cores": "cores", unitShare: "ratio"}

// value adds a measured value to the family of its unit.
func (b *metrics) value(unit string, x float64, labels []string) {
	name := metricUnits[unit]
	help := "Measured values in " + name + ": quantiles, one value, or a mean over time."
	if name == "" {
		help = "Measured values without a unit: quantiles, one value, or a mean over time."
	}
	b.gauge("realspec_measure_"+cmp.Or(name, "value"), name, help, x, labels...)
}

func (b *metrics) cost(a event.Account) {
	for _, verb := range slices.Sorted(maps.Keys(a.Requests)) {
		b.counter("realspec_api_requests_total", "", "API requests that the run made.", float64(a.Requests[verb]), "verb", verb)
	}
	if a.CPUSeconds > 0 {
		b.counter("realspec_cpu_seconds_total", "seconds", "Processor time that realspec took.", a.CPUSeconds)
	}
	if a.PeakRSSBytes > 0 {
		b.gauge("realspec_memory_peak_bytes", "bytes", "The most memory that realspec had.", float64(a.PeakRSSBytes))
	}
}
