package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// htmlTimelines are the values of one unit over the time of a measure: one chart.
type htmlTimelines struct {
	Unit  string         `json:"unit"`
	Lines []htmlTimeline `json:"lines"`

	Title  string        `json:"-"`
	Note   string        `json:"-"` // what was left out
	Static template.HTML `json:"-"`
}

// htmlTimeline is one value over time, in seconds since the run began.
type htmlTimeline struct {
	Name string     `json:"name"`
	X    []htmlReal `json:"x"`
	Y    []htmlReal `json:"y"`

	N              int    `json:"-"`
	Mean, Max, Min string `json:"-"`
	mean           float64
}

// mostHTMLLines is how many lines a chart has: as many as there are colours.
const mostHTMLLines = 6

// htmlTimelinesOf puts the timelines of a measure into one chart for each unit, in
// the order in which the units come.
func htmlTimelinesOf(m *event.Measured) []htmlTimelines {
	var all []htmlTimelines
	at := map[string]int{}
	for _, t := range m.Timelines {
		if len(t.Points) == 0 {
			continue
		}
		i, known := at[t.Unit]
		if !known {
			i = len(all)
			at[t.Unit] = i
			all = append(all, htmlTimelines{Unit: oneLine(t.Unit)})
		}
		all[i].Lines = append(all[i].Lines, newHTMLTimeline(t))
	}
	for i := range all {
		all[i].finish()
	}
	return all
}

func newHTMLTimeline(t event.Timeline) htmlTimeline {
	one := htmlTimeline{Name: oneLine(t.Name), N: len(t.Points)}
	low, high, sum := math.Inf(1), math.Inf(-1), 0.0
	for _, p := range t.Points {
		one.X = append(one.X, htmlReal(t.Start+p[0]))
		one.Y = append(one.Y, htmlReal(p[1]))
		low, high, sum = min(low, p[1]), max(high, p[1]), sum+p[1]
	}
	one.mean = sum / float64(len(t.Points))
	one.Mean, one.Max, one.Min = quantity(one.mean, t.Unit), quantity(high, t.Unit), quantity(low, t.Unit)
	return one
}

// finish keeps the lines with the largest means, in their order, and draws them.
func (h *htmlTimelines) finish() {
	all := len(h.Lines)
	if all > mostHTMLLines {
		means := make([]float64, all)
		for i, l := range h.Lines {
			means[i] = l.mean
		}
		slices.SortFunc(means, func(a, b float64) int { return cmp.Compare(b, a) })
		least := means[mostHTMLLines-1]
		h.Lines = slices.DeleteFunc(h.Lines, func(l htmlTimeline) bool { return l.mean < least })
		h.Lines = h.Lines[:min(len(h.Lines), mostHTMLLines)]
		h.Note = fmt.Sprintf("the %d of %d with the largest mean; the JSON report has all", len(h.Lines), all)
	}
	h.Title = "Over time"
	if len(h.Lines) == 1 {
		h.Title = h.Lines[0].Name + " over time"
	}
	h.Static = h.draw()
}

// drawnPoints is how many points a static line has at most.
const drawnPoints = 300

// draw is the chart for readers without scripts and for paper.
func (h *htmlTimelines) draw() template.HTML {
	from, to, low, high := h.bounds()
	x := func(v float64) float64 { return drawnLeft + 30 + (v-from)/(to-from)*(drawnWidth-drawnLeft-42) }
	y := func(v float64) float64 {
		return drawnTop + (1-(v-low)/(high-low))*(drawnHeight-drawnTop-drawnBottom)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="static" viewBox="0 0 %g %g" role="img" aria-label="%s">`, drawnWidth, drawnHeight,
		template.HTMLEscapeString(h.inWords()))
	for _, at := range []float64{low, (low + high) / 2, high} {
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/>`, drawnLeft+30, drawnWidth-12, y(at), y(at))
		fmt.Fprintf(&b, `<text x="%g" y="%.1f" text-anchor="end">%s</text>`, drawnLeft+24, y(at)+4, template.HTMLEscapeString(quantity(at, h.Unit)))
	}
	for i, at := range []float64{from, (from + to) / 2, to} {
		anchor := []string{"start", "middle", "end"}[i]
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="%s">%s</text>`, x(at), drawnHeight-6, anchor, measuredTime(at))
	}
	for i, l := range h.Lines {
		fmt.Fprintf(&b, `<path class="c%d" d="%s"/>`, i%6, l.path(x, y))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

func (h *htmlTimelines) bounds() (from, to, low, high float64) {
	from, to, high = math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, l := range h.Lines {
		from, to = min(from, float64(l.X[0])), max(to, float64(l.X[len(l.X)-1]))
		for _, v := range l.Y {
			low, high = min(low, float64(v)), max(high, float64(v))
		}
	}
	if to <= from {
		to = from + 1
	}
	if high <= low {
		high = low + 1
	}
	return from, to, low, high
}

// path is a line of at most drawnPoints points: of each few the largest, so that a
// peak is never lost.
func (l *htmlTimeline) path(x, y func(float64) float64) string {
	var b strings.Builder
	few := (len(l.X) + drawnPoints - 1) / drawnPoints
	for i := 0; i < len(l.X); i += few {
		at := i
		for j := i; j < min(i+few, len(l.X)); j++ {
			if l.Y[j] > l.Y[at] {
				at = j
			}
		}
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", letter, x(float64(l.X[at])), y(float64(l.Y[at])))
	}
	if len(l.X) == 1 {
		b.WriteString("h2") // one point would not be seen
	}
	return b.String()
}

func (h *htmlTimelines) inWords() string {
	var parts []string
	for _, l := range h.Lines {
		parts = append(parts, fmt.Sprintf("%s from %s to %s, mean %s", l.Name, l.Min, l.Max, l.Mean))
	}
	return "Over time: " + strings.Join(parts, "; ")
}
