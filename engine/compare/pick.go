package compare

import (
	"path"
	"strings"

	"github.com/realspec/realspec/engine/stats"
)

// Pick says which values of the measures are taken. By default those are a
// measure's one value, the p50 of a series, and its p99 where there are
// stats.Needed(0.99) samples, that is 299. With fewer the p99 is the largest
// sample, or nearly so, and the largest sample is no substitute: it depends on
// the number of samples, and a single one of them decides it.
type Pick struct {
	// Of are names and patterns (path.Match): startup.ready.p99, startup, rollout,
	// startup.*. A name that ends before the statistic stands for the default ones
	// behind it; the others (min, mean, p90, p95, max, stddev) must be written out,
	// as in *.p95. Default: everything.
	Of []string
	// Groups takes also the series of single nodes or owners.
	Groups bool
}

// needed is the number of samples that a statistic of a series needs to be taken
// without being asked for, or to be judged. 1 needs no more than to be there.
var needed = map[string]int{
	"p50": 1, "p90": stats.Needed(0.90), "p95": stats.Needed(0.95), "p99": stats.Needed(0.99),
	"min": 1, "mean": 1, "max": 1, "stddev": 2,
}

// stats are the picked statistics of a series; "" is the value of one without.
func (p Pick) stats(s Series) []string {
	if s.Value != nil {
		if p.takes(s.metric("")) {
			return []string{""}
		}
		return nil
	}
	var stats []string
	for _, stat := range statistics {
		usual := stat == "p50" || stat == "p99" && s.n() >= needed["p99"]
		if usual && p.takes(s.metric(stat)) || p.asksFor(s.metric(stat), stat) {
			stats = append(stats, stat)
		}
	}
	return stats
}

func (p Pick) takes(name string) bool {
	for _, pattern := range p.Of {
		if matches(pattern, name) || strings.HasPrefix(name, pattern+".") {
			return true
		}
	}
	return len(p.Of) == 0
}

// asksFor tells whether a pattern names the statistic itself.
func (p Pick) asksFor(name, stat string) bool {
	for _, pattern := range p.Of {
		if strings.HasSuffix(pattern, "."+stat) && matches(pattern, name) {
			return true
		}
	}
	return false
}

// matches treats a pattern that cannot be read as a plain name.
func matches(pattern, name string) bool {
	ok, err := path.Match(flat(pattern), flat(name))
	return err == nil && ok || pattern == name
}

// flat lets * stand for a slash too: a group may be Deployment/web.
func flat(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
