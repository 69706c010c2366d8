package stats

import (
	"math"
	"time"

	"github.com/realspec/realspec/engine/spec"
)

// moments are the count, the mean and the sum of squared deviations of values,
// by Welford's recurrence: it keeps its precision where sums of squares lose it.
type moments struct {
	n, mean, m2 float64
}

func (m *moments) add(x float64) {
	m.n++
	delta := x - m.mean
	m.mean += delta / m.n
	m.m2 += delta * (x - m.mean)
}

// merge adds the values of another, by the pairwise formula of Chan, Golub and
// LeVeque (1979).
func (m *moments) merge(other moments) {
	if other.n == 0 {
		return
	}
	n := m.n + other.n
	delta := other.mean - m.mean
	m.m2 += other.m2 + delta*delta*m.n*other.n/n
	m.mean += delta * other.n / n
	m.n = n
}

// stddev is the sample standard deviation (n−1), 0 for a single value.
func (m moments) stddev() float64 {
	if m.n < 2 {
		return 0
	}
	return math.Sqrt(m.m2 / (m.n - 1))
}

// durations are the mean and the standard deviation of nanoseconds. Both are
// spec.Missing when a sample is missing: nothing below that is honest.
func (m moments) durations(missing int) (mean, stddev time.Duration) {
	if missing > 0 {
		return spec.Missing, spec.Missing
	}
	return nanoseconds(m.mean), nanoseconds(m.stddev())
}

// nanoseconds is the nearest duration. 2⁶³ and more has none.
func nanoseconds(x float64) time.Duration {
	if x >= float64(spec.Missing) {
		return spec.Missing
	}
	return time.Duration(math.Round(x))
}
