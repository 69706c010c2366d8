package load

import (
	"fmt"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// figures are what a baseline can judge of a series.
var figures = []string{"min", "mean", "p50", "p90", "p95", "p99", "max"}

func (l *loader) checkBaseline(b *spec.Baseline, s *spec.Step, own []*spec.Measure) {
	if !b.At.IsValid() {
		return
	}
	l.checkPositive(b.At, "limit", b.Limit)
	if b.Range && l.has(b.At, "significance") {
		l.wrongKey(b.At, "significance", "too-many", "range and significance in one baseline").Help =
			"with range there is no test, and so no significance"
	}
	if b.Significance.At.IsValid() && (b.Significance.Value <= 0 || b.Significance.Value >= 1) {
		l.wrong(b.At, "significance", "out-of-range", "significance must be more than 0%% and less than 100%%")
	}
	if l.has(b.At, "of") && !l.holds(b.At, "of") {
		l.wrong(b.At, "of", "empty", "of is empty").Help = "such as [startup.ready.p99]; without of, the usual values are judged"
	}
	first := map[string]bool{}
	for i, entry := range b.Of {
		if !l.isText(b.At, "of", i) {
			continue
		}
		pos, width := l.item(b.At, "of", i)
		if first[entry] {
			l.addAt(pos, width, "duplicate", "%s is there twice", shorten(entry))
			continue
		}
		first[entry] = true
		if message, help := wrongFigure(entry, own, s.Repeat > 1); message != "" {
			l.addAt(pos, width, "unknown-value", "%s", message).Help = help
		}
	}
}

// wrongFigure says what is wrong with an entry: NAME, NAME.figure, or
// NAME.series.figure where the measure has several series.
func wrongFigure(entry string, own []*spec.Measure, repeated bool) (message, help string) {
	name, rest, _ := strings.Cut(entry, ".")
	i := slices.IndexFunc(own, func(m *spec.Measure) bool { return m.Name == name })
	if i < 0 {
		return fmt.Sprintf("%q begins with no measure of this step", shorten(entry)), diag.DidYouMean(name, namesOf(own, ""))
	}
	m := own[i]
	series := seriesOf(m)
	switch {
	case m.Kind() == "" || entry == name:
		return "", ""
	case m.Elapsed != nil && !repeated:
		return fmt.Sprintf("%s is one duration, and %q asks for more", name, shorten(entry)),
			"write " + name + "; with repeat it has " + strings.Join(figures, ", ")
	case slices.Contains(series, rest):
		return fmt.Sprintf("%q names no figure of %s", shorten(entry), rest), "such as " + entry + ".p99"
	case len(series) > 0 && slices.Contains(figures, rest):
		return fmt.Sprintf("%q does not say of which series", shorten(entry)),
			fmt.Sprintf("write %s.SERIES.%s with one of %s", name, rest, strings.Join(series, ", "))
	}
	if at := strings.LastIndexByte(rest, '.'); len(series) > 0 {
		path := rest
		if at >= 0 {
			path, rest = rest[:at], rest[at+1:]
		}
		if !slices.Contains(series, path) {
			return fmt.Sprintf("%s has no series %q", name, shorten(path)), diag.DidYouMean(path, series)
		}
	}
	if !slices.Contains(figures, rest) {
		return fmt.Sprintf("%q is no figure that a baseline has", shorten(rest)), diag.DidYouMean(rest, figures)
	}
	return "", ""
}

// seriesOf are the series of a measure that has several.
func seriesOf(m *spec.Measure) []string {
	switch {
	case m.API != nil:
		return []string{"latency"}
	case m.APIServer != nil:
		return []string{"mutating", "reads", "lists"}
	case m.Pods == nil:
		return nil
	case m.Pods.By == "":
		return spec.Phases
	}
	series := slices.Clone(spec.Phases)
	for _, phase := range spec.Phases {
		series = append(series, spec.WorstGroup+"."+phase)
	}
	return series
}
