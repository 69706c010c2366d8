package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"strings"
)

// The static charts: drawn here for readers without scripts and for paper, where
// the page's script draws ones that answer to the pointer.

// The sizes of a static distribution, in the units of its viewBox.
const (
	drawnWidth, drawnHeight = 640.0, 200.0
	drawnLeft, drawnBottom  = 44.0, 24.0
	drawnTop                = 10.0
	drawnSteps              = 100 // of each curve: one pixel of height each
)

// htmlDistribution draws the share of samples that had come by each value. What
// never came keeps a curve below 100 %.
func htmlDistribution(s *htmlSamples) template.HTML {
	low, high := s.bounds()
	if math.IsInf(low, 1) {
		return ""
	}
	if high <= low {
		high = low + max(math.Abs(low), 1e-9)
	}
	x := func(v float64) float64 { return drawnLeft + (v-low)/(high-low)*(drawnWidth-drawnLeft-12) }
	y := func(share float64) float64 { return drawnTop + (1-share)*(drawnHeight-drawnTop-drawnBottom) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="static" viewBox="0 0 %g %g" role="img" aria-label="%s">`, drawnWidth, drawnHeight,
		template.HTMLEscapeString(s.inWords()))
	for _, share := range []float64{0, 0.5, 1} {
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/>`, drawnLeft, drawnWidth-12, y(share), y(share))
		fmt.Fprintf(&b, `<text x="%g" y="%.1f" text-anchor="end">%.0f %%</text>`, drawnLeft-6, y(share)+4, share*100)
	}
	for i, at := range []float64{low, (low + high) / 2, high} {
		anchor := []string{"start", "middle", "end"}[i]
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="%s">%s</text>`, x(at), drawnHeight-6, anchor,
			template.HTMLEscapeString(quantity(at, s.Unit)))
	}
	for _, l := range s.Limits {
		if at := float64(l.At); at >= low && at <= high {
			fmt.Fprintf(&b, `<line class="limit" x1="%.1f" x2="%.1f" y1="%g" y2="%.1f"/>`, x(at), x(at), drawnTop, y(0))
		}
	}
	for i := range s.Series {
		fmt.Fprintf(&b, `<path class="c%d" d="%s"/>`, i%6, s.Series[i].curve(x, y))
		s.drawRecorded(&b, i, x, y)
	}
	b.WriteString(`</svg><p class="static keys">`)
	for i := range s.Series {
		fmt.Fprintf(&b, `<span class="key"><svg aria-hidden="true" viewBox="0 0 24 8"><path class="c%d" d="M0 4H24"/></svg> %s</span>`, i%6,
			template.HTMLEscapeString(s.Series[i].inWords(s.Name)))
	}
	b.WriteString(`</p>`)
	return template.HTML(b.String())
}

// drawRecorded draws the range of the recorded runs at the height of each quantile,
// and their median in it.
func (s *htmlSamples) drawRecorded(b *strings.Builder, series int, x, y func(float64) float64) {
	for _, r := range s.Recorded {
		if r.Series != s.Series[series].Name {
			continue
		}
		from, to := x(float64(r.Low)), x(float64(r.High))
		fmt.Fprintf(b, `<rect class="recorded f%d" x="%.1f" y="%.1f" width="%.1f" height="6"/>`,
			series%6, from, y(r.Share)-3, max(to-from, 2))
		fmt.Fprintf(b, `<line class="median" x1="%[1]f" x2="%[1]f" y1="%.1f" y2="%.1f"/>`, x(float64(r.Median)), y(r.Share)-6, y(r.Share)+6)
	}
}

// bounds are the smallest and largest value of all series, and of limits that are
// not far from them.
func (s *htmlSamples) bounds() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for i := range s.Series {
		if sorted, _ := s.Series[i].reached(); len(sorted) > 0 {
			low, high = min(low, sorted[0]), max(high, sorted[len(sorted)-1])
		}
	}
	for _, r := range s.Recorded {
		if from, to := float64(r.Low), float64(r.High); high > 0 && to <= 3*high {
			low, high = min(low, from), max(high, to)
		}
	}
	if low > 0 && low < high/2 {
		low = 0
	}
	data := high
	for _, l := range s.Limits {
		if at := float64(l.At); at > low && at <= 3*data {
			high = max(high, at)
		}
	}
	return low, high
}

// curve is the path of a column's distribution, in so many steps.
func (c *htmlColumn) curve(x, y func(float64) float64) string {
	sorted, missing := c.reached()
	if len(sorted) == 0 {
		return "M0 0"
	}
	all := float64(len(sorted) + missing)
	var b strings.Builder
	fmt.Fprintf(&b, "M%.1f %.1f", x(sorted[0]), y(0))
	for k := range min(drawnSteps, len(sorted)) {
		steps := min(drawnSteps, len(sorted))
		to := (k+1)*len(sorted)/steps - 1
		fmt.Fprintf(&b, "H%.1fV%.1f", x(sorted[to]), y(float64(to+1)/all))
	}
	return b.String()
}

// inWords describes a distribution to those who do not see it.
func (s *htmlSamples) inWords() string {
	var parts []string
	for i := range s.Series {
		c := &s.Series[i]
		text := c.inWords("")
		if sorted, _ := c.reached(); len(sorted) > 0 {
			text += fmt.Sprintf(", from %s to %s", quantity(sorted[0], s.Unit), quantity(sorted[len(sorted)-1], s.Unit))
		}
		parts = append(parts, text)
	}
	return "Distribution of " + s.Name + ": " + strings.Join(parts, "; ")
}

// inWords is a series' name, or another one, and its number of samples.
func (c *htmlColumn) inWords(name string) string {
	sorted, missing := c.reached()
	text := fmt.Sprintf("%s n=%d", cmp.Or(c.Name, name), len(sorted))
	if missing > 0 {
		text += fmt.Sprintf(", %d not reached", missing)
	}
	return strings.TrimSpace(text)
}

// htmlWaterfall is the table of the slowest objects, each with its phases as bars.
type htmlWaterfall struct {
	Phases []string
	Nodes  bool
	Runs   bool
	Rows   []htmlWaterfallRow
	Note   string
}

// htmlWaterfallRow is one object.
type htmlWaterfallRow struct {
	Object, Node string
	Run          int
	Times        []htmlCell
	Bars         []htmlPhaseBar
}

// htmlPhaseBar is one phase, in thousandths of the slowest object's time.
type htmlPhaseBar struct {
	Class       string
	From, Width string
}

// mostHTMLRows is how many objects are listed without scripts.
const mostHTMLRows = 20

func newHTMLWaterfall(s *htmlSamples) *htmlWaterfall {
	w := &htmlWaterfall{Nodes: s.Nodes != nil, Runs: s.Runs != nil}
	for _, c := range s.Series {
		w.Phases = append(w.Phases, c.Name)
	}
	longest := 0.0
	for i := range s.Series {
		if sorted, _ := s.Series[i].reached(); len(sorted) > 0 {
			longest = max(longest, sorted[len(sorted)-1])
		}
	}
	rows := s.slowest()
	for _, row := range rows[:min(len(rows), mostHTMLRows)] {
		w.Rows = append(w.Rows, s.waterfallRow(row, longest))
	}
	if more := len(rows) - mostHTMLRows; more > 0 {
		w.Note = fmt.Sprintf("the slowest %d of %d; with JavaScript all are listed, and the JSON report has all", mostHTMLRows, len(rows))
	}
	return w
}

func (s *htmlSamples) waterfallRow(row int, longest float64) htmlWaterfallRow {
	var r htmlWaterfallRow
	if s.Objects != nil {
		r.Object = s.Objects[row]
	}
	if s.Nodes != nil {
		r.Node = s.Nodes[s.Node[row]]
	}
	if s.Runs != nil {
		r.Run = s.Runs[row]
	}
	at := 0.0
	for i, c := range s.Series {
		v := c.Values[row]
		cell := htmlCell{Text: "–"}
		if !v.absent {
			cell = htmlCell{Text: value(v.x, s.Unit), Never: v.x == nil}
		}
		r.Times = append(r.Times, cell)
		if v.x == nil || longest == 0 {
			continue
		}
		to := max(*v.x, at)
		r.Bars = append(r.Bars, htmlPhaseBar{Class: fmt.Sprintf("f%d", i%6), From: htmlNumber(at / longest * 1000),
			Width: htmlNumber(max((to-at)/longest*1000, 1))})
		at = to
	}
	return r
}
