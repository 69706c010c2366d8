package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/realspec/realspec/engine/event"
)

// htmlSamples are the samples of one measure as the page's script reads them:
// column by column, a row for each object, so that thousands stay small.
type htmlSamples struct {
	Name   string      `json:"name"`
	Unit   string      `json:"unit"`
	Error  *htmlReal   `json:"error"`
	Limits []htmlLimit `json:"limits,omitempty"`
	// Recorded are the quantiles of the baseline.
	Recorded  []htmlRecorded  `json:"recorded,omitempty"`
	Timelines []htmlTimelines `json:"timelines,omitempty"`
	Objects   []string        `json:"objects,omitempty"`
	Nodes     []string        `json:"nodes,omitempty"` // the names that Node counts, from 0
	Node      []int           `json:"node,omitempty"`
	Runs      []int           `json:"runs,omitempty"`
	Series    []htmlColumn    `json:"series,omitempty"`
}

// htmlColumn is one series: a value for each row.
type htmlColumn struct {
	Name    string      `json:"name"`
	Count   int64       `json:"count"`
	Missing int64       `json:"missing"`
	Values  htmlValues  `json:"v"`
	Low     *htmlValues `json:"low,omitempty"`
	High    *htmlValues `json:"high,omitempty"`
	Server  *htmlValues `json:"server,omitempty"`
}

// htmlValue is a sample's value, null when it never came.
type htmlValue struct {
	x      *float64
	absent bool // the series has no sample of this object
}

type htmlValues []htmlValue

// htmlReal is a number with the six digits that a chart can show.
type htmlReal float64

// MarshalJSON writes a number; what is none is null.
func (x htmlReal) MarshalJSON() ([]byte, error) { return appendReal(nil, float64(x)), nil }

// MarshalJSON writes null for a sample that never came, false for none.
func (v htmlValues) MarshalJSON() ([]byte, error) {
	out := append(make([]byte, 0, 10*len(v)+2), '[')
	for i, one := range v {
		if i > 0 {
			out = append(out, ',')
		}
		switch {
		case one.absent:
			out = append(out, "false"...)
		case one.x == nil:
			out = append(out, "null"...)
		default:
			out = appendReal(out, *one.x)
		}
	}
	return append(out, ']'), nil
}

func appendReal(out []byte, x float64) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(out, "null"...)
	}
	return strconv.AppendFloat(out, x, 'g', 6, 64)
}

// data is the samples of all measures, in the order of the page. The encoder
// escapes what would end a script.
func (b *htmlBuilder) data() (string, error) {
	var out bytes.Buffer
	err := json.NewEncoder(&out).Encode(b.measures)
	return out.String(), err
}

// htmlRow is what a sample is of. Pods of one name can follow each other.
type htmlRow struct {
	object, uid string
	run         int
	n           int // of samples without a name
}

func htmlSamplesOf(m *event.Measured, limits []htmlLimit) htmlSamples {
	s := htmlSamples{Name: oneLine(m.Name), Unit: oneLine(m.Unit), Limits: limits}
	if m.Error != nil {
		bar := htmlReal(*m.Error)
		s.Error = &bar
	}
	whole, _ := grouped(m.Series)
	rows, nodes := map[htmlRow]int{}, map[string]int{}
	for _, series := range whole {
		if len(series.Samples) > 0 && unitOf(series, m.Unit) == m.Unit {
			s.Series = append(s.Series, s.column(series, rows, nodes))
		}
	}
	for i := range s.Series {
		s.Series[i].pad(len(s.Objects))
	}
	s.drop()
	return s
}

// column takes the samples of a series over, and adds the rows that are new.
func (s *htmlSamples) column(of event.MeasuredSeries, rows map[htmlRow]int, nodes map[string]int) htmlColumn {
	c := htmlColumn{Name: oneLine(of.Name), Count: of.Count, Missing: of.Missing}
	var low, high, server htmlValues
	bounded, stamped := false, false
	seen := map[htmlRow]int{}
	for i := range of.Samples {
		one := &of.Samples[i]
		key := htmlRow{object: one.Object, uid: one.UID, run: one.Run}
		seen[key]++
		key.n = seen[key]
		row, known := rows[key]
		if !known {
			row = s.row(one, nodes)
			rows[key] = row
		}
		c.Values = put(c.Values, row, one.Value)
		low, high, server = put(low, row, one.Low), put(high, row, one.High), put(server, row, one.Server)
		bounded = bounded || one.Low != nil || one.High != nil
		stamped = stamped || one.Server != nil
	}
	if bounded {
		c.Low, c.High = &low, &high
	}
	if stamped {
		c.Server = &server
	}
	return c
}

func (s *htmlSamples) row(one *event.Sample, nodes map[string]int) int {
	node := oneLine(one.Node)
	at, known := nodes[node]
	if !known {
		at = len(s.Nodes)
		nodes[node] = at
		s.Nodes = append(s.Nodes, node)
	}
	s.Objects = append(s.Objects, oneLine(one.Object))
	s.Node = append(s.Node, at)
	s.Runs = append(s.Runs, one.Run)
	return len(s.Objects) - 1
}

func put(v htmlValues, row int, x *float64) htmlValues {
	for len(v) <= row {
		v = append(v, htmlValue{absent: true})
	}
	v[row] = htmlValue{x: x}
	return v
}

func (c *htmlColumn) pad(rows int) {
	for _, v := range []*htmlValues{&c.Values, c.Low, c.High, c.Server} {
		for v != nil && len(*v) < rows {
			*v = append(*v, htmlValue{absent: true})
		}
	}
}

// drop leaves out columns that say nothing.
func (s *htmlSamples) drop() {
	if !slices.ContainsFunc(s.Objects, func(name string) bool { return name != "" }) {
		s.Objects = nil
	}
	if !slices.ContainsFunc(s.Nodes, func(name string) bool { return name != "" }) {
		s.Nodes, s.Node = nil, nil
	}
	if !slices.ContainsFunc(s.Runs, func(run int) bool { return run > 0 }) {
		s.Runs = nil
	}
}

// any tells whether there are samples to draw.
func (s *htmlSamples) any() bool { return len(s.Series) > 0 }

// spans tells whether the samples are times of things that have names.
func (s *htmlSamples) spans() bool {
	return s.Unit == "s" && s.any() && (s.Objects != nil || s.Runs != nil)
}

// ordered tells whether the samples are numbered calls: those of a load that
// realspec made have for a name the place in which they ended.
func (s *htmlSamples) ordered(kind string) bool {
	if kind != "api" && kind != "load" || len(s.Series) != 1 || s.Runs != nil || s.Objects == nil {
		return false
	}
	return !slices.ContainsFunc(s.Objects, func(name string) bool {
		_, err := strconv.Atoi(name)
		return err != nil
	})
}

// reached are the values of a column that came, in order, and how many did not:
// also those that the result only counts, but for one that has only some of the
// samples that came, whose shares would be of two different things.
func (c *htmlColumn) reached() (sorted []float64, missing int) {
	nulls := 0
	for _, v := range c.Values {
		switch {
		case v.absent:
		case v.x == nil:
			nulls++
		default:
			sorted = append(sorted, *v.x)
		}
	}
	slices.Sort(sorted)
	if int64(len(sorted)) < c.Count {
		return sorted, nulls
	}
	return sorted, max(nulls, int(c.Missing))
}

// end is when an object was through all series that it has: +Inf when it never
// was, -Inf when it has none.
func (s *htmlSamples) end(row int) float64 {
	last := math.Inf(-1)
	for _, c := range s.Series {
		if v := c.Values[row]; !v.absent {
			last = max(last, orNever(v.x))
		}
	}
	return last
}

// slowest are the rows whose end came last, those without one first.
func (s *htmlSamples) slowest() []int {
	rows := make([]int, len(s.Node))
	if len(s.Series) > 0 {
		rows = make([]int, len(s.Series[0].Values))
	}
	ends := make([]float64, len(rows))
	for i := range rows {
		rows[i], ends[i] = i, s.end(i)
	}
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(ends[b], ends[a]) })
	return rows
}
