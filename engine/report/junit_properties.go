package report

import (
	"slices"
	"strconv"

	"github.com/realspec/realspec/engine/event"
)

// scenarioProperties has where the scenario ran, the requirements that it
// covers, and every measured value.
func scenarioProperties(r *event.Result, s *event.Scenario) []xmlProperty {
	list := append(runProperties(r)[:2],
		xmlProperty{"scenario", s.Path},
		xmlProperty{"scenario.outcome", string(s.Outcome)},
	)
	if s.Repetition > 0 {
		list = append(list, xmlProperty{"scenario.repetition", strconv.Itoa(s.Repetition)})
	}
	if r.Account.QueueFull > 0 {
		list = append(list, xmlProperty{"event-queue.full", strconv.FormatInt(r.Account.QueueFull, 10)})
	}
	list = appendSet(list, "cluster", s.Cluster.Name)
	list = appendSet(list, "cluster.kind", s.Cluster.Kind)
	list = appendSet(list, "kubernetes.version", s.Cluster.Version)
	if s.Cluster.Name != "" {
		list = append(list,
			xmlProperty{"nodes", strconv.Itoa(s.Cluster.Nodes)},
			xmlProperty{"nodes.simulated", strconv.FormatBool(s.Cluster.Simulated)})
	}
	list = appendSet(list, "environment", environmentLine(s.Cluster.Environment))
	list = appendSet(list, "namespace", s.Namespace)
	for _, id := range covered(s) {
		list = append(list, xmlProperty{"requirement", id})
	}
	for _, step := range s.Steps {
		list = append(list, measuredProperties(step.Measures)...)
	}
	return list
}

func appendSet(list []xmlProperty, name, value string) []xmlProperty {
	if value == "" {
		return list
	}
	return append(list, xmlProperty{name, oneLine(value)})
}

// covered are the requirement ids of a scenario and its steps, each once.
func covered(s *event.Scenario) []string {
	ids := slices.Clone(s.Covers)
	for _, step := range s.Steps {
		ids = append(ids, step.Covers...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func stepProperties(s *event.Step) []xmlProperty {
	var list []xmlProperty
	if s.Outcome == event.Flaky {
		list = append(list, xmlProperty{"flaky", "true"})
	}
	if s.Outcome == event.Inconclusive {
		list = append(list, xmlProperty{"inconclusive", "true"})
	}
	for _, id := range s.Covers {
		list = append(list, xmlProperty{"requirement", id})
	}
	return append(list, measuredProperties(s.Measures)...)
}

// measuredProperties has the unit as the last part of the name:
// startup.ready.p95.seconds. The names are those of the thresholds; of groups
// there is only the worst, as startup.worst.ready.p95.seconds.
func measuredProperties(measures []event.Measured) []xmlProperty {
	var list []xmlProperty
	for _, m := range measures {
		if m.Unmeasurable != "" {
			list = append(list, xmlProperty{m.Name, "not measurable: " + oneLine(m.Unmeasurable)})
			continue
		}
		if m.Value != nil {
			name := m.Name + unitSuffix(m.Unit)
			if m.Unit == "" {
				name = m.Name + ".value"
			}
			list = append(list, xmlProperty{name, measuredDecimal(m.Value, m.Unit)})
		}
		whole, groups := grouped(m.Series)
		for _, s := range whole {
			list = append(list, seriesProperties(m.Name, unitOf(s, m.Unit), s)...)
		}
		for _, s := range worstGroups(groups) {
			list = append(list, xmlProperty{dotted(m.Name+".worst", s.Name) + ".group", oneLine(s.Group)})
			list = append(list, seriesProperties(m.Name+".worst", unitOf(s, m.Unit), s)...)
		}
		list = append(list, doubtProperties(m)...)
		if m.Delivery != nil {
			list = append(list, deliveryProperties(m.Name+".delivery", m.Delivery)...)
		}
	}
	return list
}

// dotted is the name of a series in thresholds.
func dotted(measure, series string) string {
	if series == "" {
		return measure
	}
	return measure + "." + series
}

func unitSuffix(unit string) string {
	switch unit {
	case "s":
		return ".seconds"
	case "":
		return ""
	case "bit/s":
		return ".bits-per-second"
	case "bytes/s":
		return ".bytes-per-second"
	}
	return "." + oneLine(unit)
}

// measuredDecimal renders seconds to the microsecond, and other values as they
// are.
func measuredDecimal(x *float64, unit string) string {
	switch {
	case x == nil:
		return "not reached"
	case unit == "s":
		return decimal(*x)
	}
	return strconv.FormatFloat(*x, 'f', -1, 64)
}

func seriesProperties(measure, unit string, s event.MeasuredSeries) []xmlProperty {
	name := dotted(measure, s.Name)
	list := []xmlProperty{
		{name + ".count", strconv.FormatInt(s.Count, 10)},
		{name + ".missing", strconv.FormatInt(s.Missing, 10)},
	}
	if s.Late > 0 {
		list = append(list, xmlProperty{name + ".late", strconv.FormatInt(s.Late, 10)})
	}
	if s.Skewed > 0 {
		list = append(list, xmlProperty{name + ".skewed", strconv.FormatInt(s.Skewed, 10)})
	}
	if s.Count+s.Missing == 0 {
		return list
	}
	for _, q := range []struct {
		name  string
		value *float64
	}{
		{"min", s.Min}, {"mean", s.Mean}, {"p50", s.P50}, {"p90", s.P90},
		{"p95", s.P95}, {"p99", s.P99}, {"max", s.Max}, {"stddev", s.Stddev},
	} {
		if q.value == nil && timeWeighted(s) {
			continue
		}
		list = append(list, xmlProperty{name + "." + q.name + unitSuffix(unit), measuredDecimal(q.value, unit)})
	}
	return list
}

// doubtProperties say how far a measure may be trusted.
func doubtProperties(m event.Measured) []xmlProperty {
	var list []xmlProperty
	if m.From != "" {
		list = append(list, xmlProperty{m.Name + ".from", oneLine(m.From)})
	}
	switch {
	case m.Error != nil:
		list = append(list, xmlProperty{m.Name + ".error.seconds", decimal(*m.Error)})
	case hasErrorBar(m):
		list = append(list, xmlProperty{m.Name + ".error.seconds", "unknown"})
	}
	if l := m.Lag; l != nil {
		list = append(list,
			xmlProperty{m.Name + ".lag.count", strconv.FormatInt(l.Count, 10)},
			xmlProperty{m.Name + ".lag.missing", strconv.FormatInt(l.Missing, 10)})
	}
	if f := m.Failures; f != nil {
		for _, one := range []struct {
			name  string
			value float64
		}{{"", f.Value}, {".low", f.Low}, {".high", f.High}} {
			list = append(list, xmlProperty{m.Name + ".failures" + one.name + ".ratio", strconv.FormatFloat(one.value, 'f', -1, 64)})
		}
	}
	if m.Repetitions > 1 {
		list = append(list,
			xmlProperty{m.Name + ".repetitions", strconv.Itoa(m.Repetitions)},
			xmlProperty{m.Name + ".repetitions.failed", strconv.Itoa(m.FailedRuns)})
	}
	return list
}

func deliveryProperties(name string, d *event.Delivery) []xmlProperty {
	list := []xmlProperty{
		{name + ".asked.per-second", strconv.FormatFloat(d.Asked, 'f', -1, 64)},
		{name + ".rate.per-second", decimal(d.Rate)},
		{name + ".due", strconv.Itoa(d.Due)},
		{name + ".sent", strconv.Itoa(d.Sent)},
		{name + ".failed", strconv.Itoa(d.Failed)},
		{name + ".dropped", strconv.Itoa(d.Dropped)},
		{name + ".lag.p99.seconds", decimal(d.LagP99)},
		{name + ".lag.max.seconds", decimal(d.WorstLag)},
	}
	return appendSet(list, name+".short", d.Short)
}
