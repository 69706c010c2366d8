package measure

import (
	"cmp"
	"errors"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// ServerResult is what the API server's own histograms say.
type ServerResult struct {
	// Latency has every value at the upper bound of its bucket, Low at the lower
	// one: the truth lies between. What is Missing is above the last bucket.
	Latency, Low spec.ServerLatency
	// Series are the three judged ones, whose Group is the pair that was the worst,
	// and then the slowest others.
	Series []event.MeasuredSeries
}

// slowest is how many pairs are shown besides the judged ones.
const slowest = 5

// The classes of calls that the official SLIs tell apart.
const (
	mutating = "mutating"
	reads    = "reads"
	lists    = "lists"
)

// ServerLatency is the official SLI of API calls (kubernetes/community,
// sig-scalability, slos/api_call_latency.md) between two readings of the API
// server's /metrics: mutating calls of one object by resource and verb, reads
// that do not stream by resource and scope. Watches, connections (logs, exec) and
// deletions of whole collections are not in it; subresources are counted apart.
// Resources limits it to some, each written pods, deployments.apps or pods/status.
//
// Of each class the worst pair is judged: that with the largest p99 of those with
// enough calls for a p99, or, when none has enough, that with the most calls.
func ServerLatency(before, after []byte, resources []string) (ServerResult, error) {
	groups, err := callsBetween(before, after, resources)
	if err != nil {
		return ServerResult{}, err
	}
	slices.SortFunc(groups, slowestFirst)
	var r ServerResult
	shownAlready := map[*callGroup]bool{}
	for _, class := range []struct {
		name         string
		upper, lower *spec.Series
	}{
		{mutating, &r.Latency.Mutating, &r.Low.Mutating},
		{reads, &r.Latency.Reads, &r.Low.Reads},
		{lists, &r.Latency.Lists, &r.Low.Lists},
	} {
		one := judgedGroup(groups, class.name)
		if one == nil {
			r.Series = append(r.Series, event.MeasuredSeries{Name: class.name})
			continue
		}
		*class.upper, *class.lower = one.upper, one.lower
		r.Series = append(r.Series, shown(class.name, one.name, one.upper))
		shownAlready[one] = true
	}
	for _, g := range groups {
		if !shownAlready[g] && len(shownAlready) < slowest+3 {
			shownAlready[g] = true
			r.Series = append(r.Series, shown(g.class, g.name, g.upper))
		}
	}
	return r, nil
}

// callGroup is one pair that the SLI tells apart.
type callGroup struct {
	class, name  string
	calls        histogram
	upper, lower spec.Series
}

func slowestFirst(a, b *callGroup) int {
	return cmp.Or(cmp.Compare(b.upper.P99, a.upper.P99), cmp.Compare(total(b.upper), total(a.upper)), cmp.Compare(a.name, b.name))
}

// judgedGroup is the worst of a class. The groups are sorted, slowest first.
func judgedGroup(groups []*callGroup, class string) *callGroup {
	var most *callGroup
	for _, g := range groups {
		if g.class != class {
			continue
		}
		if total(g.upper) >= int64(stats.Needed(0.99)) {
			return g
		}
		if most == nil || total(g.upper) > total(most.upper) {
			most = g
		}
	}
	return most
}

var errRestarted = errors.New("the API server's counters went down or come from another process: it was restarted, " +
	"or another one of several answered, so that nothing can be said of the time between")

// callsBetween are the calls between two readings, by what the SLI tells apart.
func callsBetween(before, after []byte, resources []string) ([]*callGroup, error) {
	first, err := readMetrics(before, "before")
	if err != nil {
		return nil, err
	}
	second, err := readMetrics(after, "after")
	if err != nil {
		return nil, err
	}
	if first.started != second.started {
		return nil, errRestarted
	}
	for labels := range first.series {
		if second.series[labels] == nil {
			return nil, errRestarted
		}
	}
	groups := map[string]*callGroup{}
	for labels, m := range second.series {
		var calls histogram
		if !calls.less(m.GetHistogram(), first.series[labels].GetHistogram()) {
			return nil, errRestarted
		}
		class, name := classOf(m, resources)
		if class == "" || calls.total() == 0 {
			continue
		}
		if groups[name] == nil {
			groups[name] = &callGroup{class: class, name: name}
		}
		if err := groups[name].calls.add(calls); err != nil {
			return nil, err
		}
	}
	all := make([]*callGroup, 0, len(groups))
	for _, g := range groups {
		g.upper, g.lower = g.calls.series()
		all = append(all, g)
	}
	return all, nil
}

// classOf is what a series of the histogram counts: its class and its pair, as
// "POST pods", "APPLY deployments.apps/status" or "LIST pods (cluster)". The class
// is empty for what is not in the SLI or was not asked for. The API server reports
// a server-side apply as a verb of its own, and the deletion of a collection as
// DELETE with the scope of a list.
func classOf(m *dto.Metric, resources []string) (class, name string) {
	plain := labelOf(m, "resource")
	if plain == "" {
		return "", "" // health, discovery, OpenAPI
	}
	resource := plain
	if group := labelOf(m, "group"); group != "" {
		resource += "." + group
	}
	full := resource
	if sub := labelOf(m, "subresource"); sub != "" {
		full += "/" + sub
	}
	if len(resources) > 0 && !slices.ContainsFunc(resources, func(r string) bool {
		return r == plain || r == resource || r == full
	}) {
		return "", ""
	}
	scope := labelOf(m, "scope")
	switch verb := labelOf(m, "verb"); verb {
	case "POST", "PUT", "PATCH", "APPLY", "DELETE":
		if scope == "resource" {
			return mutating, verb + " " + full
		}
	case "GET", "LIST":
		switch scope {
		case "resource":
			return reads, "GET " + full
		case "namespace", "cluster":
			return lists, "LIST " + full + " (" + scope + ")"
		}
	}
	return "", ""
}
