package load

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/realspec/realspec/engine/spec"
)

const (
	// maxOperations bounds a load and the calls of a measure: every one of them
	// keeps its own times.
	maxOperations = 1_000_000
	// maxTime is how long they may take: package rate paces no longer than that.
	maxTime = 100 * 24 * time.Hour
)

// pace is what a load and an api measure have in common: how many operations,
// and when they are due.
type pace struct {
	at          spec.Pos
	what        string // load or api
	noun        string // objects or calls
	count       int
	concurrency int
	rate        float64
	ramp, dur   spec.Duration
	stages      []spec.Stage
	more        float64 // operations besides, by churn; +Inf where an expression decides
	warmUp      int
	during      bool // whether it may last as long as other steps
}

// checkPace looks at how many operations there are and when.
func (l *loader) checkPace(p pace) {
	l.checkCount(p.at, "count", p.count)
	l.checkRate(p.at, "rate")
	l.checkPositive(p.at, "for", p.dur)
	l.checkCount(p.at, "concurrency", p.concurrency)
	if !l.has(p.at, "count") && !l.has(p.at, "for") && !l.has(p.at, "stages") && !p.during && !l.has(p.at, unknownMark) {
		help := "count: 100, or rate: 10 with for: 1m"
		if p.what == "load" {
			help += ", or stages"
		}
		if p.what == "http" {
			help += ", or steps under during"
		}
		l.diags.Add(p.at, "missing-field", "%s says neither how many %s nor for how long", p.what, p.noun).Help = help
	}
	l.checkAmount(p)
	l.checkTime(p)
}

func (l *loader) checkAmount(p pace) {
	due, all := p.due(), 0.0
	for _, n := range []float64{due, p.more} {
		if !math.IsInf(n, 0) {
			all += n
		}
	}
	if all > maxOperations {
		l.wrong(p.at, p.longest(), "out-of-range", "these are %s %s, at most %d are allowed", whole(all), p.noun, maxOperations)
	}
	if p.warmUp > 0 && due > 0 && float64(p.warmUp) >= due {
		l.wrong(p.at, "warmUp", "out-of-range", "warmUp is %d, and there are %s %s", p.warmUp, whole(due), p.noun).Help =
			"nothing would be left to measure"
	}
}

func whole(f float64) string { return strconv.FormatFloat(math.Ceil(f-1e-6), 'f', -1, 64) }

// checkRate refuses a rate at which nothing ever comes.
func (l *loader) checkRate(at spec.Pos, field string) {
	if l.isZero(at, field) {
		l.wrong(at, field, "out-of-range", "%s must be more than 0", field)
	}
}

func (l *loader) checkTime(p pace) {
	switch {
	case p.dur.Value > maxTime:
		l.tooLong(p.at, "for", "for is")
	case p.dur.Value == 0 && p.dur.Expr == nil && p.rate > 0 && p.ramp.Value.Seconds()/2+float64(p.count)/p.rate > maxTime.Seconds():
		l.tooLong(p.at, "rate", fmt.Sprintf("%d %s at %v a second take", p.count, p.noun, p.rate))
	}
}

func (l *loader) tooLong(at spec.Pos, field, what string) {
	l.wrong(at, field, "out-of-range", "%s longer than 100 days", what)
}

// due is how many operations there will be: +Inf where an expression decides it,
// 0 where it cannot be told because of another error.
func (p pace) due() float64 {
	due := p.dueInTime()
	if count := float64(p.count); count > 0 && (due == 0 || count < due) {
		return count
	}
	return due
}

func (p pace) dueInTime() float64 {
	switch {
	case len(p.stages) > 0:
		return dueInStages(p.stages)
	case p.dur.Expr != nil || p.ramp.Expr != nil:
		return math.Inf(1)
	}
	// The rate rises evenly in the ramp: half of it is lost.
	ramp := math.Min(p.ramp.Value.Seconds(), p.dur.Value.Seconds())
	return p.rate * (p.dur.Value.Seconds() - ramp/2)
}

func dueInStages(stages []spec.Stage) float64 {
	due, before := 0.0, 0.0
	for _, s := range stages {
		if s.For.Expr != nil {
			return math.Inf(1)
		}
		mean := s.Rate
		if s.Ramp {
			mean = (before + s.Rate) / 2
		}
		due += mean * s.For.Value.Seconds()
		before = s.Rate
	}
	return due
}

// longest is the field that says most about how many operations there are.
func (p pace) longest() string {
	switch {
	case p.more > p.due():
		return "churn"
	case p.count > 0:
		return "count"
	case len(p.stages) > 0:
		return "stages"
	}
	return "for"
}
