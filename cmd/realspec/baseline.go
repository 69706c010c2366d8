package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// baselineCommand keeps the recorded runs by which later ones are judged.
type baselineCommand struct {
	Record baselineRecordCommand `cmd:"" help:"Run scenarios several times and record what they measure, in their baselines folders."`
	Check  baselineCheckCommand  `cmd:"" help:"Judge recorded runs by the baselines of their scenarios."`
}

// baselineRecordCommand runs scenarios and writes their baselines.
type baselineRecordCommand struct {
	Paths          []string          `arg:"" name:"path" help:"Scenario folders, or folders that hold some."`
	Repeat         int               `default:"20" help:"How often every scenario runs. A run can be told from 19 recorded ones at 5%." placeholder:"N"`
	Append         bool              `help:"Add to what is recorded, instead of replacing it."`
	Cluster        string            `enum:"auto,current,local,real" default:"auto" help:"Where to run: ${enum}."`
	KeepCluster    bool              `help:"Leave a local cluster running."`
	Set            map[string]string `help:"Set a variable of the scenarios; may be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
	CleanupTimeout time.Duration     `default:"2m" help:"How long cleaning up a scenario may take." placeholder:"TIME"`
	Verbose        bool              `short:"v" help:"Show also what passed."`
	Quiet          bool              `short:"q" help:"Show only what did not pass, and the verdict."`
	kubeFlags
}

// Run is the command. It writes nothing unless all repetitions of all scenarios
// are good, and then answers as the run did.
func (c *baselineRecordCommand) Run(a *app) error {
	if c.Repeat < 1 {
		return usage("--repeat takes a number from 1")
	}
	dir, err := os.MkdirTemp("", "realspec-baseline-")
	if err != nil {
		return fmt.Errorf("the result of the run cannot be kept: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // what stays is in the folder for such things
	file := filepath.Join(dir, "result.json")
	run := &runCommand{
		Paths: c.Paths, Cluster: c.Cluster, KeepCluster: c.KeepCluster, Set: c.Set, JSON: file, Repeat: c.Repeat,
		Parallel: 1, Keep: "never", CleanupTimeout: c.CleanupTimeout, // one after the other: they would slow each other down
		Verbose: c.Verbose, Quiet: c.Quiet, kubeFlags: c.kubeFlags,
		NoBaselines: true, // an old one must not keep a new one from being recorded
	}
	ran := run.Run(a)
	in, err := compare.Load(file)
	if err != nil {
		if ran != nil {
			return ran
		}
		return fmt.Errorf("the result of the run could not be read, and no baseline was recorded: %w", err)
	}
	scenarios := in.Results[0].Scenarios
	if bad := notRecordable(scenarios); len(bad) > 0 || len(scenarios) == 0 {
		return notRecorded(ran, bad)
	}
	return c.record(a, scenarios)
}

// notRecordable are the runs that did not pass.
func notRecordable(scenarios []*event.Scenario) []*event.Scenario {
	return slices.DeleteFunc(slices.Clone(scenarios), func(s *event.Scenario) bool {
		return s.Outcome == event.Passed || s.Outcome == event.Flaky
	})
}

// notRecorded says why nothing was, with the exit code of the run.
func notRecorded(ran error, bad []*event.Scenario) error {
	message := "no baseline was recorded: no scenario ran"
	if len(bad) > 0 {
		message = fmt.Sprintf("no baseline was recorded: %s of %s did not pass",
			plural(len(bad), "run", "runs"), bad[0].Name)
		if slices.ContainsFunc(bad, func(s *event.Scenario) bool { return s.Name != bad[0].Name }) {
			message = fmt.Sprintf("no baseline was recorded: %s did not pass", plural(len(bad), "run", "runs"))
		}
	}
	var exit *exitError
	switch {
	case errors.As(ran, &exit):
		if exit.message != "" {
			message = exit.message + "\n  " + message
		}
		return &exitError{exit.code, message}
	case ran != nil:
		return fmt.Errorf("%w\n  %s", ran, message)
	}
	return &exitError{exitUnmet, message}
}

// record writes one baseline for every scenario and environment. All of them are
// made before the first is written.
func (c *baselineRecordCommand) record(a *app, scenarios []*event.Scenario) error {
	var all []*compare.Baseline
	for _, s := range scenarios {
		b, err := c.baseline(&all, s)
		if err != nil {
			return err
		}
		if _, err := b.Record(s); err != nil {
			return usage("%v", err)
		}
	}
	for _, b := range all {
		if len(b.Runs) == 0 {
			return usage("%s measures nothing that could be recorded: give it a measure step", b.Scenario)
		}
	}
	for _, b := range all {
		if err := b.WriteFile(compare.Folder(b.Dir)); err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s: %s recorded in %s\n", b.Scenario, plural(len(b.Runs), "run is", "runs are"), b.File)
	}
	return nil
}

// baseline is the one that a run belongs to: already begun, found, or new.
func (c *baselineRecordCommand) baseline(all *[]*compare.Baseline, s *event.Scenario) (*compare.Baseline, error) {
	dir, env := compare.Dir(s), s.Cluster.Environment
	for _, b := range *all {
		if b.Dir == dir && compare.Same(b.Environment, env) {
			return b, nil
		}
	}
	old, _, err := compare.Find(compare.Folder(dir), env)
	if err != nil && c.Append {
		return nil, usage("%v", err)
	}
	b := &compare.Baseline{Scenario: s.Name, Environment: env, Dir: dir}
	if old != nil {
		b.File = old.File
		if c.Append {
			b = old
		}
	}
	*all = append(*all, b)
	return b, nil
}

// baselineCheckCommand judges recorded runs by the baselines.
type baselineCheckCommand struct {
	Results      []string `arg:"" name:"result" help:"Results (run --json) or events (run --events)."`
	Tolerance    share    `default:"10%" help:"How much larger than the recorded median a value may be." placeholder:"SHARE"`
	Significance share    `default:"5%" help:"The probability of a false alarm that is accepted, over all values of a scenario." placeholder:"SHARE"`
}

// Run is the command. It answers with 1 when a value is worse, otherwise with 5
// when one could not be judged or there is no baseline.
func (c *baselineCheckCommand) Run(a *app) error {
	scenarios, err := c.load()
	if err != nil {
		return err
	}
	worst := 0
	for _, group := range scenarios {
		code, err := c.check(a, group)
		if err != nil {
			return err
		}
		if worst != exitFailed && code != 0 {
			worst = code
		}
	}
	if worst != 0 {
		return &exitError{code: worst}
	}
	return nil
}

// load reads the runs, those of one scenario in one environment together.
func (c *baselineCheckCommand) load() ([][]*event.Scenario, error) {
	var groups [][]*event.Scenario
	for _, path := range c.Results {
		in, err := loadRuns(path)
		switch {
		case err != nil:
			return nil, err
		case len(in.Baselines) > 0:
			return nil, usage("%s is a baseline: give the result of a run, or compare them with `realspec compare`", in.Baselines[0].File)
		}
		for _, r := range in.Results {
			for _, s := range r.Scenarios {
				groups = grouped(groups, s)
			}
		}
	}
	if len(groups) == 0 {
		return nil, usage("%s has no scenario that ran", strings.Join(c.Results, ", "))
	}
	return groups, nil
}

// grouped adds a run to its group, unless it is there already.
func grouped(groups [][]*event.Scenario, s *event.Scenario) [][]*event.Scenario {
	for i, g := range groups {
		if compare.Dir(g[0]) != compare.Dir(s) || !compare.Same(g[0].Cluster.Environment, s.Cluster.Environment) {
			continue
		}
		if !slices.ContainsFunc(g, func(other *event.Scenario) bool { return other.Started.Equal(s.Started) }) {
			groups[i] = append(g, s)
		}
		return groups
	}
	return append(groups, []*event.Scenario{s})
}

// check judges the runs of one scenario and answers with the exit code. One run is
// judged against the recorded ones; several are compared with them as a group,
// because each judged alone would have a chance of its own for a false alarm.
func (c *baselineCheckCommand) check(a *app, runs []*event.Scenario) (int, error) {
	first := runs[0]
	dir, env := compare.Dir(first), first.Cluster.Environment
	b, others, err := compare.Find(compare.Folder(dir), env)
	switch {
	case err != nil:
		return 0, usage("%v", err)
	case b == nil:
		fmt.Fprintf(a.stdout, "%s: no baseline for %s: realspec baseline record %s\n", first.Name, compare.Describe(env), dir)
		for _, other := range others {
			fmt.Fprintf(a.stdout, "  there is one for %s\n", compare.Describe(other))
		}
		return exitInconclusive, nil
	case len(runs) > 1:
		return c.compare(a, b, runs)
	}
	return c.judge(a, b, first), nil
}

func (c *baselineCheckCommand) judge(a *app, b *compare.Baseline, s *event.Scenario) int {
	var measured []event.Measured
	for _, step := range s.Steps {
		measured = append(measured, step.Measures...)
	}
	at := spec.Pos{Line: 1} // a place makes a share one that was written
	judgements := compare.Judge(b, measured, spec.Baseline{
		Tolerance: spec.Percent{Value: float64(c.Tolerance), At: at}, Significance: spec.Percent{Value: float64(c.Significance), At: at},
	})
	if len(judgements) == 0 {
		fmt.Fprintf(a.stdout, "%s: nothing was measured that could be judged\n", s.Name)
		return exitInconclusive
	}
	code := 0
	fmt.Fprintf(a.stdout, "%s, against %s\n", s.Name, b.File)
	for _, j := range judgements {
		fmt.Fprintf(a.stdout, "  %-12s  %s\n", j.Outcome, j.Message)
		switch {
		case j.Outcome == event.Failed:
			code = exitFailed
		case j.Outcome == event.Inconclusive && code == 0:
			code = exitInconclusive
		}
	}
	return code
}

func (c *baselineCheckCommand) compare(a *app, b *compare.Baseline, runs []*event.Scenario) (int, error) {
	now := compare.Runs(&event.Result{Scenarios: runs})
	for i := range now {
		now[i].Scenario = b.Scenario // without the @local that it has in a run on several clusters
	}
	report, err := compare.Table(b.List(compare.Pick{}), now,
		stats.Rule{Alpha: float64(c.Significance), Tolerance: float64(c.Tolerance)},
		compare.Options{A: b.File, B: strings.Join(c.Results, ",")})
	if err != nil {
		return 0, usage("%v", err)
	}
	fmt.Fprint(a.stdout, report.Text(reportWidth))
	switch {
	case report.Regressions > 0:
		return exitFailed, nil
	case report.Unknown() > 0 || report.Empty():
		return exitInconclusive, nil
	}
	return 0, nil
}
