package report

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// htmlMeasure is one measure: its statistics in a table, what a reader must know
// to believe them, and where its samples are.
type htmlMeasure struct {
	Number               int // of its samples in the page's data, from 0
	Name, Kind, From     string
	What, Bar            string
	Value                string
	Series, Groups       []htmlSeries
	Weak                 bool // some quantile has fewer samples than it needs
	GroupNote            string
	Delivery             []htmlFact
	Short                string
	Lag                  string
	Doubts, Notes        []string
	Failures             string
	Failed               bool
	Unmeasurable         string
	Timelines            []htmlTimelines
	Recorded             bool // some quantiles have recorded runs
	Limits               []htmlLimit
	Static               template.HTML // the distribution, drawn for those without scripts and for paper
	Waterfall            *htmlWaterfall
	HasSamples, HasSpans bool
	Ordered              bool // the samples are calls, and numbered
}

// htmlSeries is a row of statistics.
type htmlSeries struct {
	Name, Group, N string
	Missing        string
	Cells          []htmlCell
}

// htmlCell is one statistic. Weak is one about which so few samples say little.
type htmlCell struct {
	Text, Interval string
	Weak, Never    bool
}

// htmlStats are the columns of every table of statistics.
var htmlStats = [...]string{"min", "mean", "stddev", "p50", "p90", "p95", "p99", "max"}

// Columns are the names of the statistics.
func (m htmlMeasure) Columns() []string { return htmlStats[:] }

// mostHTMLGroups is how many groups of each series a page has. A table of
// thousands of nodes would be longer than everything else together.
const mostHTMLGroups = 50

func (b *htmlBuilder) measure(m *event.Measured, findings []event.Finding) htmlMeasure {
	signs := unicodeMarks()
	one := htmlMeasure{Number: len(b.measures), Name: oneLine(m.Name), Kind: oneLine(m.Kind), From: oneLine(m.From),
		What: clean(m.What), Bar: errorBar(*m, signs), Limits: htmlLimits(m, findings)}
	if m.Unmeasurable != "" {
		one.Unmeasurable = notMeasurable(*m)
	}
	if m.Failures != nil {
		one.Failures, one.Failed = failures(m.Failures, signs), m.Failures.Value > 0
	}
	if m.Value != nil {
		one.Value = quantity(*m.Value, m.Unit)
	}
	whole, groups := grouped(m.Series)
	for _, s := range whole {
		one.Series = append(one.Series, htmlOneSeries(s, m.Unit))
	}
	most := 0
	for _, all := range slowestFirst(groups) {
		most = max(most, len(all))
		for _, s := range all[:min(len(all), mostHTMLGroups)] {
			one.Groups = append(one.Groups, htmlOneSeries(s, m.Unit))
		}
	}
	if most > mostHTMLGroups {
		one.GroupNote = fmt.Sprintf("the worst %d of %d groups by p50; the JSON report has all", mostHTMLGroups, most)
	}
	for _, s := range append(one.Series, one.Groups...) {
		for _, c := range s.Cells {
			one.Weak = one.Weak || c.Weak
		}
	}
	one.delivery(m.Delivery)
	one.qualify(m, whole, groups)
	samples := htmlSamplesOf(m, one.Limits)
	samples.Recorded = htmlRecordedOf(m, findings)
	samples.Timelines = htmlTimelinesOf(m)
	one.Timelines, one.Recorded = samples.Timelines, len(samples.Recorded) > 0
	one.HasSamples, one.HasSpans = samples.any(), samples.spans()
	one.Ordered = samples.ordered(m.Kind)
	b.measures = append(b.measures, samples)
	if one.HasSamples {
		one.Static = htmlDistribution(&samples)
	}
	if one.HasSpans {
		one.Waterfall = newHTMLWaterfall(&samples)
	}
	return one
}

func htmlOneSeries(s event.MeasuredSeries, unit string) htmlSeries {
	all := s.Count + s.Missing
	row := htmlSeries{Name: oneLine(s.Name), Group: oneLine(s.Group), N: samples(s)}
	if s.Missing > 0 {
		row.Missing = fmt.Sprintf("%d not reached", s.Missing)
	}
	unit = unitOf(s, unit)
	for i, x := range []*float64{s.Min, s.Mean, s.Stddev, s.P50, s.P90, s.P95, s.P99, s.Max} {
		name := htmlStats[i]
		cell := htmlCell{Text: "–"}
		if all > 0 && (x != nil || !timeWeighted(s)) {
			cell = htmlCell{Text: value(x, unit), Never: x == nil, Weak: all < needed(name)}
		}
		if ends, ok := s.Intervals[name]; ok && x != nil {
			cell.Interval = between(ends[0], ends[1], unit, unicodeMarks())
		}
		row.Cells = append(row.Cells, cell)
	}
	return row
}

func (m *htmlMeasure) delivery(d *event.Delivery) {
	if d == nil {
		return
	}
	asked := "as fast as possible"
	if d.Asked > 0 {
		asked = number(d.Asked) + "/s"
	}
	m.Delivery = []htmlFact{{"asked", asked}, {"delivered", number(d.Rate) + "/s"},
		{"sent", fmt.Sprintf("%d of %d", d.Sent, d.Due)}, {"failed", fmt.Sprint(d.Failed)}, {"dropped", fmt.Sprint(d.Dropped)},
		{"sent late", "p99 " + roughTime(d.LagP99) + ", worst " + roughTime(d.WorstLag)}}
	m.Short = clean(d.Short)
}

// qualify says what a reader must know of the numbers.
func (m *htmlMeasure) qualify(of *event.Measured, whole, groups []event.MeasuredSeries) {
	if of.Repetitions > 1 {
		text := fmt.Sprintf("%d repetitions", of.Repetitions)
		if of.FailedRuns > 0 {
			m.Doubts = append(m.Doubts, fmt.Sprintf("%s, %d failed", text, of.FailedRuns))
		} else {
			m.Notes = append(m.Notes, text)
		}
	}
	if len(whole) == 0 {
		whole = groups
	}
	for _, flaw := range [][]line{
		countedLine(whole, "known only within bounds, because the watch was interrupted",
			func(s event.MeasuredSeries) int64 { return s.Late }),
		countedLine(whole, "contradicted by the server's own stamps",
			func(s event.MeasuredSeries) int64 { return s.Skewed }),
	} {
		for _, l := range flaw {
			m.Doubts = append(m.Doubts, l.text)
		}
	}
	var kept []string
	for _, s := range whole {
		if n := int64(len(s.Samples)); n > 0 && n != s.Count+s.Missing {
			kept = append(kept, strings.TrimSpace(fmt.Sprintf("%s %d of %d", oneLine(s.Name), n, s.Count+s.Missing)))
		}
	}
	if len(kept) > 0 {
		m.Notes = append(m.Notes, "the charts have the samples that the result has: "+strings.Join(kept, ", "))
	}
	if of.Lag != nil {
		m.Lag = lagLine(of.Lag).text
	}
}
