package compare

import (
	"math"
	"strconv"
	"strings"
)

// scale is the unit in which an amount is shown: milliseconds below a second.
type scale struct {
	factor float64
	unit   string
	exact  bool // whole numbers are shown whole
}

// scaleOf chooses the scale by the size of x, in the unit of a measure.
func scaleOf(x float64, unit string) scale {
	switch {
	case unit != "s":
		return scale{1, unit, true}
	case math.Abs(x) < 0.9995:
		return scale{1e3, "ms", false}
	}
	return scale{1, "s", false}
}

// amount is a value with its unit and three digits that count: 38.2 ms, 1.31 s,
// 412; +Inf is a value that was not reached.
func amount(x float64, unit string) string {
	if math.IsInf(x, 1) {
		return notReached
	}
	sc := scaleOf(x, unit)
	return strings.TrimSpace(sc.number(x) + " " + sc.unit)
}

const notReached = "not reached"

// number is the value alone, for ranges whose unit stands beside them.
func (s scale) number(x float64) string {
	switch {
	case math.IsInf(x, 1):
		return "∞"
	case math.IsInf(x, -1):
		return "−∞"
	}
	return digits(x*s.factor, s.exact)
}

// span is a range in the scale of one of its values: 35.1–44.0.
func (s scale) span(low, high float64) string { return s.number(low) + "–" + s.number(high) }

// digits shows three digits that count, and whole numbers whole.
func digits(x float64, exact bool) string {
	size := math.Abs(x)
	switch {
	case exact && x == math.Trunc(x) && size < 1e7:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case size >= 1e7 || size != 0 && size < 1e-3:
		return strconv.FormatFloat(x, 'g', 3, 64)
	case size >= 99.95:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case size >= 9.995:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case size < 0.9995 && size != 0:
		return strconv.FormatFloat(x, 'f', 3, 64)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// change is b against a, relative to a: +8.6 %. From nothing there is no share, and
// a value that is not reached any more is infinitely far.
func change(a, b float64) string {
	switch {
	case a == b:
		return "0 %"
	case a == 0:
		return "from 0"
	case math.IsInf(b, 1):
		return "+∞"
	case math.IsInf(a, 1):
		return "−∞"
	}
	share := (b - a) / math.Abs(a) * 100
	sign, decimals := "+", 1
	if share < 0 {
		sign = "−"
	}
	if math.Abs(share) >= 99.95 {
		decimals = 0
	}
	return sign + strconv.FormatFloat(math.Abs(share), 'f', decimals, 64) + " %"
}

// percent is a share as people write it: 10 %, 8.6 %, 0.5 %.
func percent(share float64) string {
	x := share * 100
	decimals := 1
	if x >= 99.95 || math.Abs(x-math.Round(x)) < 1e-9 {
		decimals = 0
	}
	return strconv.FormatFloat(x, 'f', decimals, 64) + " %"
}

// probability is a p with three decimals; smaller ones are only bounded.
func probability(p float64) string {
	if p < 0.0005 {
		return "<0.001"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}
