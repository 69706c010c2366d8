package report

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// htmlLimit is a threshold that charts can draw: a statistic of one series and
// its limit.
type htmlLimit struct {
	Series  string        `json:"series"`
	At      htmlReal      `json:"at"`
	Text    string        `json:"text"` // the rule without the name of the measure
	Outcome event.Outcome `json:"outcome"`
}

// plainLimit is a statistic, a comparison and a limit. The result has the
// thresholds as they were written, so that only those of this form can be drawn:
// a line for any other would be a guess.
var plainLimit = regexp.MustCompile(`^([\w.]+) ?(<=?|>=?) ?(?:duration\( ?["']([^"']+)["'] ?\)|(-?\d+(?:\.\d+)?))$`)

// htmlLimits are the limits of a measure's series.
func htmlLimits(m *event.Measured, findings []event.Finding) []htmlLimit {
	var limits []htmlLimit
	for _, f := range findings {
		if !isThreshold(f) {
			continue
		}
		for part := range strings.SplitSeq(joined(f.Expr), "&&") {
			if l, ok := htmlOneLimit(m, strings.TrimSpace(part)); ok {
				l.Outcome = htmlVerdictOf(f.Outcome, "").Outcome
				limits = append(limits, l)
			}
		}
	}
	return limits
}

func htmlOneLimit(m *event.Measured, rule string) (htmlLimit, bool) {
	found := plainLimit.FindStringSubmatch(rule)
	if found == nil {
		return htmlLimit{}, false
	}
	path, ours := strings.CutPrefix(found[1]+".", m.Name+".")
	path = strings.TrimSuffix(path, ".")
	at, ok := limitValue(found[3], found[4], m.Unit)
	if !ours || !ok {
		return htmlLimit{}, false
	}
	for _, s := range m.Series {
		if s.Group != "" {
			continue
		}
		stat, one := path, s.Name == ""
		if !one {
			stat, one = strings.CutPrefix(strings.TrimPrefix(path, "worst."), s.Name+".")
		}
		if one && (needed(stat) > 0 || stat == "min" || stat == "mean" || stat == "max") {
			return htmlLimit{Series: oneLine(s.Name), At: htmlReal(at), Text: clean(path + " " + found[2] + " " + found[3] + found[4])}, true
		}
	}
	return htmlLimit{}, false
}

// limitValue reads a limit in the unit of the measure: a duration is one of
// seconds, a plain number is none.
func limitValue(duration, plain, unit string) (float64, bool) {
	if duration != "" {
		d, err := time.ParseDuration(duration)
		return d.Seconds(), err == nil && unit == "s"
	}
	x, err := strconv.ParseFloat(plain, 64)
	return x, err == nil && unit != "s"
}
