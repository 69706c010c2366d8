package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/stats"
)

// reportWidth is what tables fit into.
const reportWidth = 80

// compareCommand compares two groups of runs.
type compareCommand struct {
	A          string   `arg:"" help:"Before: a result (run --json), events (run --events), a baseline, a folder of such files, or several with commas."`
	B          string   `arg:"" help:"After: likewise."`
	Alpha      share    `default:"5%" help:"The probability of a false alarm that is accepted, over all metrics." placeholder:"SHARE"`
	Tolerance  share    `default:"0%" help:"How much larger a median may be." placeholder:"SHARE"`
	AcrossEnvs bool     `name:"across-environments" help:"Compare also runs of different environments."`
	Metric     []string `help:"Only these metrics, as startup.ready.p99 or '*.p95'; may be repeated." placeholder:"GLOB"`
	JSON       bool     `name:"json" help:"Print JSON."`
}

// Run is the command. It answers with 1 when a metric is worse, otherwise with 5
// when there are too few runs to tell whether one is.
func (c *compareCommand) Run(a *app) error {
	if c.Alpha <= 0 || c.Alpha >= 1 {
		return usage("--alpha is %s: it should be between 0%% and 100%%", c.Alpha)
	}
	before, err := loadRuns(c.A)
	if err != nil {
		return err
	}
	after, err := loadRuns(c.B)
	if err != nil {
		return err
	}
	pick := compare.Pick{Of: c.Metric}
	report, err := compare.Table(before.Runs(pick), after.Runs(pick),
		stats.Rule{Alpha: float64(c.Alpha), Tolerance: float64(c.Tolerance)},
		compare.Options{Across: c.AcrossEnvs, A: c.A, B: c.B})
	var differ *compare.EnvironmentError
	if errors.As(err, &differ) {
		return usage("%v\n  to compare them all the same: --across-environments", differ)
	} else if err != nil {
		return usage("%v", err)
	}
	if err := c.print(a, report); err != nil {
		return err
	}
	switch {
	case report.Empty():
		return usage("%s and %s have no metric in common", c.A, c.B)
	case report.Regressions > 0:
		return &exitError{code: exitFailed}
	case report.Unknown() > 0:
		return &exitError{code: exitInconclusive}
	}
	return nil
}

func (c *compareCommand) print(a *app, report compare.Report) error {
	if !c.JSON {
		fmt.Fprint(a.stdout, report.Text(reportWidth))
		return nil
	}
	return a.printJSON(report)
}

// loadRuns reads what a command line names; what cannot be read is its mistake.
func loadRuns(list string) (*compare.Input, error) {
	in, err := compare.Load(list)
	if err != nil {
		return nil, usage("%v", err)
	}
	return in, nil
}

// share is a share of one on the command line: 5% or 0.05.
type share float64

// UnmarshalText reads a share.
func (s *share) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(string(text), "%")
	x, err := strconv.ParseFloat(number, 64)
	if percent {
		x /= 100
	}
	if err != nil || !(x >= 0 && x <= 1000) { // NaN too
		return fmt.Errorf("%q is not a share: it should be like 5%% or 0.05", text)
	}
	*s = share(x)
	return nil
}

// String is the share as people write it.
func (s share) String() string { return strconv.FormatFloat(float64(s)*100, 'f', -1, 64) + "%" }
