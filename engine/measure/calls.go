package measure

import (
	"strconv"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// maxListed is the number of calls up to which every one is reported.
const maxListed = 10_000

// Calls collects the calls of a load or of an api measure. It is for one goroutine
// at a time; the zero value is empty and ready.
type Calls struct {
	samples stats.Samples
	listed  []sample // all of them, or none when there are more than maxListed
}

// Shot takes one call: its number, as in ${{ index }}, when it was due, left and
// had its answer. Its latency is from due to the answer, so that a call that had to
// wait for its turn shows what a user would have waited. One that failed or was
// never sent (sent is zero) is missing.
func (c *Calls) Shot(index int, due, sent, ended time.Time, err error) {
	var s sample
	if err == nil && !sent.IsZero() && !ended.IsZero() {
		s.came, s.took = true, max(ended.Sub(due), 0)
		c.samples.Add(s.took)
	} else {
		c.samples.AddMissing(1)
	}
	if len(c.listed) < maxListed {
		s.of = &subject{object: strconv.Itoa(index)}
		c.listed = append(c.listed, s)
	}
}

// Series is the latency, in seconds for reports. The quantiles of more than
// stats.Exact calls have the relative error of Error.
func (c *Calls) Series() (spec.Series, event.MeasuredSeries) {
	series := c.samples.Series()
	m := shown("latency", "", series)
	m.Intervals = intervals(c.samples.Interval)
	if series.Count+series.Missing <= maxListed {
		m.Samples = listed(c.listed)
	}
	return series, m
}

// Error is the relative error of the quantiles.
func (c *Calls) Error() float64 { return c.samples.Error() }
