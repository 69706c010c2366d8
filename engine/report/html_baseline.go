package report

import (
	"fmt"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// htmlRecorded is what earlier runs had for a quantile of a series: charts draw it
// beside the curve of this run.
type htmlRecorded struct {
	Series string   `json:"series"`
	Share  float64  `json:"share"` // of the quantile, from 0 to 1
	Low    htmlReal `json:"low"`
	Median htmlReal `json:"median"`
	High   htmlReal `json:"high"`
}

// htmlRecordedOf are the recorded quantiles of a measure's series.
func htmlRecordedOf(m *event.Measured, findings []event.Finding) []htmlRecorded {
	var all []htmlRecorded
	for _, f := range findings {
		b := f.Baseline
		if b == nil || b.Median == nil || b.Low == nil || b.High == nil || b.Unit != m.Unit {
			continue
		}
		path, ours := strings.CutPrefix(b.Name, m.Name+".")
		if !ours {
			continue
		}
		for _, s := range m.Series {
			stat, one := path, s.Name == ""
			if !one {
				stat, one = strings.CutPrefix(path, s.Name+".")
			}
			share, drawn := shareOf(stat)
			if one && drawn && s.Group == "" {
				all = append(all, htmlRecorded{Series: oneLine(s.Name), Share: share, Low: htmlReal(*b.Low),
					Median: htmlReal(*b.Median), High: htmlReal(*b.High)})
			}
		}
	}
	return all
}

// shareOf is the height at which a statistic stands in a distribution.
func shareOf(stat string) (float64, bool) {
	at, ok := map[string]float64{"min": 0, "p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1}[stat]
	return at, ok
}

// recordedText is the median of the recorded runs and their range.
func recordedText(b *event.Baseline) string {
	if b.Median == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s (%s, %s)", quantity(*b.Median, b.Unit), between(b.Low, b.High, b.Unit, unicodeMarks()), count(b.Runs, "run"))
}

// htmlCompared is a row of the comparison with the baseline.
type htmlCompared struct {
	htmlFinding
	Name, Now, Recorded, Change, Limit, P string
	Strip                                 *htmlStrip
}

// htmlStrip is the recorded range and this run's value on one line, in thousandths.
type htmlStrip struct{ From, Width, Median, Now, Limit string }

func htmlComparedOf(f event.Finding) htmlCompared {
	row := htmlCompared{htmlFinding: htmlOneFinding(f)}
	b := f.Baseline
	if b == nil {
		return row
	}
	row.Name, row.Recorded = oneLine(b.Name), recordedText(b)
	row.Now = value(b.Value, b.Unit)
	if b.Limit != nil {
		row.Limit = quantity(*b.Limit, b.Unit)
	}
	if b.P != nil {
		row.P = number(*b.P)
	}
	if b.Value != nil && b.Median != nil && *b.Median != 0 {
		row.Change = fmt.Sprintf("%+.1f %%", 100*(*b.Value-*b.Median) / *b.Median)
	}
	row.Strip = newHTMLStrip(b)
	return row
}

func newHTMLStrip(b *event.Baseline) *htmlStrip {
	if b.Value == nil || b.Median == nil || b.Low == nil || b.High == nil {
		return nil
	}
	low, high := min(*b.Low, *b.Value), max(*b.High, *b.Value)
	if b.Limit != nil {
		high = max(high, *b.Limit)
	}
	if high <= low {
		high = low + 1
	}
	at := func(x float64) float64 { return 20 + 960*(x-low)/(high-low) }
	s := &htmlStrip{From: htmlNumber(at(*b.Low)), Width: htmlNumber(max(at(*b.High)-at(*b.Low), 2)),
		Median: htmlNumber(at(*b.Median)), Now: htmlNumber(at(*b.Value))}
	if b.Limit != nil {
		s.Limit = htmlNumber(at(*b.Limit))
	}
	return s
}
