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
	list = appendSet(list, "cluster", s.Cluster.Name)
	list = appendSet(list, "cluster.kind", s.Cluster.Kind)
	list = appendSet(list, "kubernetes.version", s.Cluster.Version)
	if s.Cluster.Name != "" {
		list = append(list,
			xmlProperty{"nodes", strconv.Itoa(s.Cluster.Nodes)},
			xmlProperty{"nodes.simulated", strconv.FormatBool(s.Cluster.Simulated)})
	}
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
// startup.ready.p95.seconds.
func measuredProperties(measures []event.Measured) []xmlProperty {
	var list []xmlProperty
	for _, m := range measures {
		if m.Value != nil {
			list = append(list, xmlProperty{m.Name + ".seconds", decimal(*m.Value)})
		}
		for _, s := range m.Series {
			name := m.Name
			if s.Name != "" {
				name += "." + s.Name
			}
			list = append(list,
				xmlProperty{name + ".count", strconv.FormatInt(s.Count, 10)},
				xmlProperty{name + ".missing", strconv.FormatInt(s.Missing, 10)})
			list = append(list, quantiles(name, s)...)
		}
	}
	return list
}

func quantiles(name string, s event.MeasuredSeries) []xmlProperty {
	var list []xmlProperty
	if s.Count+s.Missing == 0 {
		return nil
	}
	for _, q := range []struct {
		name  string
		value *float64
	}{
		{"min", s.Min}, {"mean", s.Mean}, {"p50", s.P50}, {"p90", s.P90},
		{"p95", s.P95}, {"p99", s.P99}, {"max", s.Max}, {"stddev", s.Stddev},
	} {
		value := "not reached"
		if q.value != nil {
			value = decimal(*q.value)
		}
		list = append(list, xmlProperty{name + "." + q.name + ".seconds", value})
	}
	return list
}
