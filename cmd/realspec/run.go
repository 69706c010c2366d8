package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/report"
	"github.com/realspec/realspec/engine/run"
)

// runCommand runs scenarios.
type runCommand struct {
	Paths          []string          `arg:"" name:"path" help:"Scenario folders, or folders that hold some."`
	Cluster        string            `enum:"auto,current,local" default:"auto" help:"Where to run: ${enum}. auto is the kubeconfig's cluster if it answers, otherwise the local one."`
	KeepCluster    bool              `help:"Leave a local cluster running, so that the next run starts at once."`
	Set            map[string]string `help:"Set a variable of the scenarios; may be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
	JUnit          string            `name:"junit" help:"Write a JUnit file." placeholder:"FILE"`
	JSON           string            `name:"json" help:"Write the result as JSON." placeholder:"FILE"`
	Events         string            `help:"Write every event as it happens, one JSON object a line." placeholder:"FILE"`
	Repeat         int               `default:"1" help:"Run every scenario so often, each time in a fresh namespace." placeholder:"N"`
	Parallel       int               `default:"1" help:"Scenarios that run at a time." placeholder:"N"`
	Keep           string            `enum:"never,on-failure,always" default:"never" help:"Which scenarios leave behind what they made: ${enum}."`
	NoBaselines    bool              `help:"Do not judge by recorded baselines."`
	FailFast       bool              `help:"Begin no further scenario after one did not pass."`
	Strict         bool              `help:"Exit with 4 when a requirement is not met."`
	CleanupTimeout time.Duration     `default:"2m" help:"How long cleaning up a scenario may take." placeholder:"TIME"`
	Verbose        bool              `short:"v" help:"Show also what passed."`
	Quiet          bool              `short:"q" help:"Show only what did not pass, and the verdict."`
	kubeFlags
}

// Run is the command. Whatever happens, one result decides what is shown,
// written and answered.
func (c *runCommand) Run(a *app) error {
	if c.Parallel < 1 || c.Repeat < 1 || c.CleanupTimeout <= 0 {
		return usage("--parallel and --repeat take a number from 1, and --cleanup-timeout a duration such as 2m")
	}
	all := loadAll(a, c.Paths, c.Set)
	all.repeat(c.Repeat)
	all.show(a)
	out, err := c.openFiles()
	if err != nil {
		return err
	}
	defer out.close()
	clock := event.NewClock(time.Now)
	folder := &event.Folder{}
	handlers := []event.Handler{folder}
	var console *report.Console
	if !all.diags.HasErrors() { // otherwise all that is to say has been said, with source lines
		console = report.NewConsole(c.consoleOptions(a))
		handlers = append(handlers, console)
	}
	if out.events != nil {
		out.writer = event.NewWriter(out.events, clock)
		handlers = append(handlers, out.writer)
	}
	bus := event.NewBus(clock, handlers...)
	c.run(a, all, bus)
	result := folder.Result()
	wrote := c.write(out, result)
	if console != nil {
		console.Summary(result)
	} else {
		fmt.Fprintf(a.stderr, "nothing was run (exit %d)\n", result.ExitCode)
	}
	switch {
	case wrote != nil:
		return wrote
	case result.ExitCode != 0:
		return &exitError{code: result.ExitCode}
	}
	return nil
}

// run emits all events of the run.
func (c *runCommand) run(a *app, all *loaded, bus event.Sink) {
	id := newRunID()
	bus.Emit(event.RunStarted{RunID: id, Version: ownVersion(), Args: c.args(), Strict: c.Strict})
	end := event.RunEnded{}
	defer func() {
		end.Interrupted = a.first.Err() != nil
		ownCost(&end.Account)
		bus.Emit(end)
	}()
	if all.diags.HasErrors() {
		c.refuse(all, bus)
		return
	}
	notice := func(text string) { bus.Emit(event.Notice{Text: text}) }
	clusters := newClusters(a, c.kubeFlags, c.Cluster, c.KeepCluster, id, all.plans, notice)
	if err := clusters.decide(a.first); err != nil {
		c.unreached(a, all.plans, bus, &end, err)
		return
	}
	ended := make(chan struct{})
	defer close(ended)
	go sayInterrupted(a, ended, notice)
	runner := &run.Runner{
		Options: run.Options{RunID: id, Parallel: c.Parallel, Keep: run.Keep(c.Keep),
			FailFast: c.FailFast, NoBaselines: c.NoBaselines, CleanupTimeout: c.CleanupTimeout},
		Clusters: clusters, Sink: bus,
	}
	runner.Run(a.first, a.second, all.plans)
	clusters.Close()
	end.Account = clusters.Account()
}

// unreached ends every scenario of a run that has no cluster to run on.
func (c *runCommand) unreached(a *app, plans []*plan.Scenario, bus event.Sink, end *event.RunEnded, err error) {
	end.Misused = isUsage(err)
	reason := event.ReasonCluster
	if a.first.Err() != nil {
		reason = event.ReasonInterrupted
	}
	for _, p := range plans {
		bus.Emit(run.Planned(p))
		bus.Emit(event.ScenarioEnded{Scenario: p.Key, Outcome: event.Errored, Reason: reason, Message: err.Error()})
	}
}

// refuse reports the scenarios that are not valid. The others do not run either:
// half a run is easily taken for a whole one.
func (c *runCommand) refuse(all *loaded, bus event.Sink) {
	for _, i := range all.invalid {
		bus.Emit(event.ScenarioInvalid{Scenario: i.dir, Name: i.name, Diagnostics: i.diags})
	}
	if len(all.invalid) == 0 { // what is wrong is in the command line
		bus.Emit(event.ScenarioInvalid{Scenario: strings.Join(c.Paths, " "), Name: "command-line", Diagnostics: all.diags})
	}
	for _, p := range all.plans {
		bus.Emit(run.Planned(p))
		bus.Emit(event.ScenarioEnded{Scenario: p.Key, Outcome: event.Skipped, Reason: event.ReasonEarlier,
			Message: "not run: another scenario is not valid"})
	}
}

func sayInterrupted(a *app, ended <-chan struct{}, notice func(string)) {
	select {
	case <-a.first.Done():
		notice("interrupted: cleaning up; interrupt again to stop at once")
	case <-ended:
	}
}

// args is the command line for the report. What --set says may be a secret.
func (c *runCommand) args() []string {
	args := append([]string{"run"}, c.Paths...)
	if c.Cluster != clusterAuto {
		args = append(args, "--cluster", c.Cluster)
	}
	for name := range c.Set {
		args = append(args, "--set", name+"=…")
	}
	return args
}

func (c *runCommand) consoleOptions(a *app) report.Options {
	live := isTerminal(a.stdout) && a.getenv("TERM") != "dumb" && a.getenv("CI") == ""
	o := report.Options{
		Out: a.stdout, Live: live, Color: a.color(a.stdout), ASCII: !utf8Locale(a.getenv),
		Verbose: c.Verbose, Quiet: c.Quiet, Rerun: c.rerun,
	}
	if f, ok := a.stdout.(*os.File); ok && live {
		o.Size = func() (int, int) {
			width, height, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 80, 24
			}
			return width, height
		}
		o.Width, _ = o.Size()
	}
	for _, file := range []string{c.JUnit, c.JSON, c.Events} {
		if file != "" {
			o.Reports = append(o.Reports, file)
		}
	}
	return o
}

// utf8Locale tells whether the locale can show more than ASCII. Without any
// locale, as in most CI systems, it can.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true
}

// rerun is the command that runs again what did not pass.
func (c *runCommand) rerun(r *event.Result) string {
	var paths []string
	for _, s := range r.Scenarios {
		if s.Outcome != event.Passed && s.Outcome != event.Flaky && s.Outcome != event.Skipped {
			paths = append(paths, s.Path)
		}
	}
	if len(paths) == 0 {
		return ""
	}
	line := "realspec run " + strings.Join(paths, " ")
	if c.Cluster != clusterAuto {
		line += " --cluster " + c.Cluster
	}
	return line
}

// files are the reports of a run.
type files struct {
	junit, json, events *os.File
	writer              *event.Writer
}

// openFiles opens the reports before anything runs: a run whose report cannot
// be written is not worth beginning.
func (c *runCommand) openFiles() (*files, error) {
	out := &files{}
	for _, f := range []struct {
		path string
		to   **os.File
	}{{c.JUnit, &out.junit}, {c.JSON, &out.json}, {c.Events, &out.events}} {
		if f.path == "" {
			continue
		}
		err := os.MkdirAll(filepath.Dir(f.path), 0o755)
		if err == nil {
			*f.to, err = os.Create(f.path)
		}
		if err != nil {
			out.close()
			return nil, usage("the report cannot be written: %v", err)
		}
	}
	return out, nil
}

func (f *files) close() {
	for _, file := range []*os.File{f.junit, f.json, f.events} {
		if file != nil {
			file.Close() // written and checked by write; after an error there is nothing more to say
		}
	}
}

// write writes the reports of the result. A report that could not be written
// makes the run an error: CI would read an old or a torn one.
func (c *runCommand) write(out *files, r *event.Result) error {
	for _, f := range []struct {
		to     *os.File
		render func(io.Writer, *event.Result) error
	}{{out.junit, report.JUnit}, {out.json, report.JSON}} {
		if f.to == nil {
			continue
		}
		if err := f.render(f.to, r); err != nil {
			return fmt.Errorf("the report %s could not be written: %w", f.to.Name(), err)
		}
	}
	if out.writer != nil && out.writer.Err() != nil {
		return fmt.Errorf("the events could not be written: %w", out.writer.Err())
	}
	return nil
}

// newRunID is short enough for names and long enough for a cluster's life.
func newRunID() string { return strings.ToLower(rand.Text()[:6]) }

// ownCost adds the processor time, the peak memory and the pauses of this process.
func ownCost(to *event.Account) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err == nil {
		to.CPUSeconds = time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
		to.PeakRSSBytes = peakMemory(u)
	}
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	to.GCPauses, to.GCPauseTotal = gc.NumGC, gc.PauseTotal.Seconds()
	for _, pause := range gc.Pause { // the latest 256
		to.GCPauseMax = max(to.GCPauseMax, pause.Seconds())
	}
}
