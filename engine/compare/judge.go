package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// The rule of a baseline that says nothing else.
const (
	DefaultTolerance    = 0.10
	DefaultSignificance = 0.05
)

// Judgement is what a baseline says of one metric of a run.
type Judgement struct {
	Name string
	// Outcome is passed, failed (worse), inconclusive (too few recorded runs or
	// samples) or skipped (nothing to compare with).
	Outcome event.Outcome
	Message string // for people, with units
	Value   float64
	Median  float64 // of the recorded runs; NaN without any
	Low     float64 // the lowest recorded value
	High    float64 // the highest
	Limit   float64 // above which the value counts as worse; +Inf when nothing does
	Unit    string
	Error   float64 // of the difference, in the unit
	P       float64 // adjusted for all metrics judged together; NaN when not tested
	Runs    int     // recorded runs that have the metric
}

// Judge compares the metrics of one run with the recorded runs of a baseline,
// which may be nil. It is one-sided: nothing is ever too fast.
func Judge(b *Baseline, current []event.Measured, rule spec.Baseline) []Judgement {
	j := judge{
		tolerance: rule.Tolerance.Or(DefaultTolerance), alpha: rule.Significance.Or(DefaultSignificance),
		floor: rule.Floor.Value.Seconds(), limit: rule.Limit.Value.Seconds(), byRange: rule.Range,
		absent: event.Skipped, path: "PATH",
	}
	if rule.Required {
		j.absent = event.Inconclusive
	}
	pick, measured := Pick{Of: rule.Of}, reduce(current, false)
	values := pick.values(measured)
	recorded := make([][]float64, len(values))
	var runs []Run
	if b != nil {
		runs = b.List(pick)
		if b.Dir != "" {
			j.path = b.Dir
		}
	}
	for k, v := range values {
		recorded[k] = column(runs, v)
	}
	p := exceedances(recorded, numbers(values))
	judgements := make([]Judgement, 0, len(values))
	for k, v := range values {
		judgements = append(judgements, j.one(v, present(recorded[k]), errorOf(runs, v.Name), p[k], from(runs, v)))
	}
	return append(judgements, notMeasured(rule.Of, measured)...)
}

// judge is a rule with its defaults filled in.
type judge struct {
	tolerance, alpha float64
	floor, limit     float64 // seconds; 0 for none
	byRange          bool
	absent           event.Outcome // of a metric that was not recorded
	path             string        // of the scenario, for the next command to type
}

// one judges one metric, by the first rule that fits:
//
//	above the limit                               → failed
//	nothing recorded, or recorded differently     → skipped, or inconclusive when required
//	too few samples for the quantile              → inconclusive
//	by range: above the highest recorded value,
//	    widened by the tolerance or, if that is
//	    more, the floor and the error             → failed
//	by range                                      → passed
//	not above the median by more than the
//	    tolerance, the floor and the error        → passed
//	too few recorded runs to be significant       → inconclusive
//	significantly above the recorded runs         → failed
//	otherwise                                     → passed
//
// The error of the difference is the larger one of both: a watch only ever stamps
// late, by between nothing and its error, so two such errors cannot add up.
func (j judge) one(v Value, recorded []float64, recordedError, p float64, foreign string) Judgement {
	r := Judgement{Name: v.Name, Value: v.Value, Unit: v.Unit, Runs: len(recorded), Median: math.NaN(), P: math.NaN(),
		Low: math.NaN(), High: math.NaN(), Limit: math.Inf(1), Error: max(v.Error, recordedError)}
	if len(recorded) > 0 {
		r.Median, r.Low, r.High = middle(recorded), slices.Min(recorded), slices.Max(recorded)
		r.Limit = j.worseAbove(r)
	}
	least, n := needed[statOf(v)], v.N
	switch {
	case j.limit > 0 && v.Unit == "s" && v.Value > j.limit:
		r.Limit = j.limit
		return r.with(event.Failed, fmt.Sprintf("%s, over the limit of %s", r.head(), amount(j.limit, v.Unit)))
	case len(recorded) == 0 && foreign != "":
		return r.with(j.absent, fmt.Sprintf("%s; it cannot be compared: %s", r.head(), foreign))
	case len(recorded) == 0:
		return r.with(j.absent, fmt.Sprintf("%s; nothing is recorded to compare it with: realspec baseline record %s", r.head(), j.path))
	case n < least:
		return r.with(event.Inconclusive, fmt.Sprintf("%s; it needs at least %d samples, and there are %d", r.against(), least, n))
	case j.byRange && v.Value > r.Limit:
		return r.with(event.Failed, fmt.Sprintf("%s, above the highest one by more than %s", r.against(), j.allowed(r)))
	case j.byRange:
		return r.with(event.Passed, fmt.Sprintf("%s, at most %s above the highest one", r.against(), j.allowed(r)))
	case v.Value <= r.Limit:
		return r.with(event.Passed, fmt.Sprintf("%s, within %s", r.against(), j.allowed(r)))
	}
	r.P = p
	over := r.against()
	if !math.IsInf(v.Value, 1) {
		over += ", more than " + j.allowed(r)
	}
	switch least := neededRuns(j.alpha); {
	case len(recorded) < least:
		return r.with(event.Inconclusive, fmt.Sprintf("%s; to tell chance from change needs at least %s, and there %s: "+
			"realspec baseline record --repeat %d %s", over, many(least, "recorded run"), areRuns(len(recorded)), least, j.path))
	case p <= j.alpha+1e-12: // 1/20 is 5 %, however it was computed
		return r.with(event.Failed, fmt.Sprintf("%s: worse (p %s)", over, probability(p)))
	}
	return r.with(event.Passed, fmt.Sprintf("%s, but recorded runs vary as much (p %s)", over, probability(p)))
}

// worseAbove is the value above which the metric is worse: of the median, or of
// the highest recorded value when that is the rule.
func (j judge) worseAbove(r Judgement) float64 {
	base := r.Median
	if j.byRange {
		base = r.High
	}
	return base + max(j.tolerance*math.Abs(base), j.floorOf(r.Unit), r.Error)
}

// floorOf is the floor in the unit of a metric; it is a time, so numbers have none.
func (j judge) floorOf(unit string) float64 {
	if unit != "s" {
		return 0
	}
	return j.floor
}

// allowed says what decided the limit: the tolerance, the floor or the error.
func (j judge) allowed(r Judgement) string {
	base := r.Median
	if j.byRange {
		base = r.High
	}
	switch relative, floor := j.tolerance*math.Abs(base), j.floorOf(r.Unit); {
	case r.Error > max(relative, floor):
		return "the error of measuring, " + amount(r.Error, r.Unit)
	case floor > relative:
		return "the floor of " + amount(floor, r.Unit)
	}
	return percent(j.tolerance)
}

func (r Judgement) with(o event.Outcome, message string) Judgement {
	r.Outcome, r.Message = o, message
	return r
}

// head is the metric with its value: startup.ready.p50 41.5 ms.
func (r Judgement) head() string { return r.Name + " " + amount(r.Value, r.Unit) }

// against adds what was recorded and the change:
// …, recorded 38.2 ms (35.1–44.0, 20 runs): +8.6 %.
func (r Judgement) against() string {
	text := fmt.Sprintf("%s, recorded %s (%s, %s)", r.head(), amount(r.Median, r.Unit),
		scaleOf(r.Median, r.Unit).span(r.Low, r.High), many(r.Runs, "run"))
	if math.IsInf(r.Value, 1) && !math.IsInf(r.Median, 1) {
		return text
	}
	return text + ": " + change(r.Median, r.Value)
}

// notMeasured are the names that the rule asks for and the run does not have.
func notMeasured(of []string, measured []Series) []Judgement {
	var all []Judgement
	for _, name := range of {
		if len(Pick{Of: []string{name}}.values(measured)) > 0 {
			continue
		}
		r := Judgement{Name: name, Value: math.NaN(), Median: math.NaN(), Low: math.NaN(), High: math.NaN(),
			Limit: math.Inf(1), P: math.NaN()}
		all = append(all, r.with(event.Inconclusive, fmt.Sprintf("%s was not measured; there %s", name, known(Pick{}.values(measured)))))
	}
	return all
}

func known(values []Value) string {
	if len(values) == 0 {
		return "was nothing"
	}
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = v.Name
	}
	return "was " + strings.Join(names, ", ")
}

// column is a metric of the recorded runs, NaN where a run does not have it, or
// measured something else under its name.
func column(runs []Run, v Value) []float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = math.NaN()
		if old, ok := r.metric(v.Name); ok && old.From == v.From && old.Unit == v.Unit {
			values[i] = old.Value
		}
	}
	return values
}

// from says in what the recorded metric of the same name differs.
func from(runs []Run, v Value) string {
	for _, r := range runs {
		old, ok := r.metric(v.Name)
		switch {
		case !ok:
		case old.Unit != v.Unit:
			return fmt.Sprintf("it is in %s, and was recorded in %s", unitName(v.Unit), unitName(old.Unit))
		case old.From != v.From:
			return fmt.Sprintf("it is measured from %s, and was recorded from %s", orUnknown(v.From), orUnknown(old.From))
		}
	}
	return ""
}

func unitName(unit string) string {
	if unit == "" {
		return "plain numbers"
	}
	return unit
}

// errorOf is the median error of a metric over runs: one run with a bad moment
// must not hide what all others show.
func errorOf(runs []Run, name string) float64 {
	var errors []float64
	for _, r := range runs {
		if v, ok := r.metric(name); ok {
			errors = append(errors, v.Error)
		}
	}
	if len(errors) == 0 {
		return 0
	}
	return middle(errors)
}

func numbers(values []Value) []float64 {
	all := make([]float64, len(values))
	for i, v := range values {
		all[i] = v.Value
	}
	return all
}

func present(values []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
}

// statOf is the statistic of a metric's name, "" for the value of a measure.
func statOf(v Value) string { return v.Name[strings.LastIndex(v.Name, ".")+1:] }

func many(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func areRuns(n int) string {
	if n == 1 {
		return "is 1"
	}
	return fmt.Sprintf("are %d", n)
}
