package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/report"
	"github.com/realspec/realspec/engine/run"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/step"
)

// runCommand runs scenarios.
type runCommand struct {
	Paths           []string          `arg:"" name:"path" help:"Scenario folders, or folders that hold some."`
	Cluster         string            `default:"auto" help:"Where to run: auto, current, local or real. auto is the kubeconfig's cluster if it answers, otherwise the local one; real is a local one whose nodes are all real (Linux, root). Several, as in local,current, are compared at the end." placeholder:"WHERE"`
	AgentImage      string            `help:"The image of realspec-agent, for what is measured inside a cluster. Local clusters get their own." placeholder:"REF"`
	KeepCluster     bool              `help:"Leave a local cluster running, so that the next run starts at once."`
	Set             map[string]string `help:"Set a variable of the scenarios; may be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
	JUnit           string            `name:"junit" help:"Write a JUnit file." placeholder:"FILE"`
	JSON            string            `name:"json" help:"Write the result as JSON." placeholder:"FILE"`
	HTML            string            `name:"html" help:"Write a report to open in a browser." placeholder:"FILE"`
	Markdown        string            `help:"Write a summary in Markdown, for a ticket." placeholder:"FILE"`
	Events          string            `help:"Write every event as it happens, one JSON object a line; realspec report makes every report of it." placeholder:"FILE"`
	Audit           string            `help:"Write down every write to a cluster, one JSON object a line, as it happens." placeholder:"FILE"`
	Repeat          int               `default:"1" help:"Run every scenario so often, each time in a fresh namespace." placeholder:"N"`
	Parallel        int               `default:"1" help:"Scenarios that run at a time." placeholder:"N"`
	Keep            string            `enum:"never,on-failure,always" default:"never" help:"Which scenarios leave behind what they made: ${enum}."`
	NoBaselines     bool              `help:"Do not judge by recorded baselines."`
	AllowCommands   bool              `help:"Let run steps start commands on this machine."`
	AllowDisruption bool              `help:"Let disrupt steps disturb nodes and pods."`
	FailFast        bool              `help:"Begin no further scenario after one did not pass."`
	Strict          bool              `help:"Exit with 4 when a requirement is not met. Steps that cannot be measured here are no requirement: they are skipped, and the report says so."`
	Timeout         time.Duration     `help:"How long the whole run may take, without its cleaning up." placeholder:"TIME"`
	CleanupTimeout  time.Duration     `default:"2m" help:"How long cleaning up a scenario may take." placeholder:"TIME"`
	CI              string            `name:"ci" enum:"auto,none,github,gitlab" default:"auto" help:"Fold the log and annotate files for this CI system: ${enum}. auto is the one that it runs in."`
	Watch           bool              `short:"w" help:"Run again whatever is saved, until Ctrl-C."`
	Slowest         int               `help:"List so many of the slowest steps at the end." placeholder:"N"`
	Verbose         bool              `short:"v" help:"Show also what passed."`
	Quiet           bool              `short:"q" help:"Show only what did not pass, and the verdict."`
	outputs
	choice
	imageFlags
	kubeFlags
}

// Run is the command. Whatever happens, one result decides what is shown,
// written and answered.
func (c *runCommand) Run(a *app) error {
	if c.Parallel < 1 || c.Repeat < 1 || c.CleanupTimeout <= 0 || c.Timeout < 0 {
		return usage("--parallel and --repeat take a number from 1, --timeout and --cleanup-timeout a duration such as 2m")
	}
	if err := c.choice.check(); err != nil {
		return err
	}
	if err := c.outputs.check(c.JUnit, c.JSON, c.HTML, c.Markdown, c.Events, c.Audit); err != nil {
		return err
	}
	if _, err := spec.ParseImage(c.AgentImage); c.AgentImage != "" && err != nil {
		return usage("--agent-image %q is no image: %v\n  it should be like registry.example/realspec-agent:1", c.AgentImage, err)
	}
	where, err := c.where()
	if err != nil {
		return err
	}
	if c.Watch {
		return c.watch(a)
	}
	images, err := c.images(a)
	if err != nil {
		return err
	}
	all := loadAll(a, c.Paths, c.Set)
	all.show(a)
	picked, err := c.pick(all)
	if err != nil {
		return err
	}
	picked.on(where)
	// Opened before anything runs: a run that cannot be reported is not worth beginning.
	reports, err := openReports(c.outputs.reports(c.JUnit, c.JSON, c.HTML, c.Markdown))
	if err != nil {
		return err
	}
	defer reports.close()
	events, writer, err := c.openEvents()
	if err != nil {
		return err
	}
	audit, err := c.openAudit()
	if err != nil {
		return err
	}
	folder := &event.Folder{}
	handlers := []event.Handler{folder}
	ci := a.ci(c.CI)
	var console view
	if !all.diags.HasErrors() { // otherwise all that is to say has been said, with source lines
		console = newView(ci, c.consoleOptions(a))
		handlers = append(handlers, console)
	}
	if writer != nil {
		handlers = append(handlers, writer)
	}
	bus := event.NewBus(event.NewClock(time.Now), handlers...)
	c.run(a, all, where, picked, images, bus)
	result := folder.Result()
	wrote := errors.Join(c.outputs.writeEvidence(result), reports.write(result), events.close(), audit.close())
	if console != nil {
		console.Summary(result)
	} else {
		fmt.Fprintf(a.stderr, "nothing was run (exit %d)\n", result.ExitCode)
	}
	c.outputs.push(a, result)
	if err := a.tellCI(ci, result); err != nil {
		fmt.Fprintf(a.stderr, "note: %v\n", err) // the run is what it is, whatever CI shows of it
	}
	switch {
	case wrote != nil:
		return unwritten(wrote, result)
	case result.ExitCode != 0:
		return &exitError{code: result.ExitCode}
	}
	return nil
}

// unwritten is the end of a run of which not everything could be written: an error,
// unless what came of the run outranks one. CI may retry errors, never a failure.
func unwritten(err error, r *event.Result) error {
	switch r.ExitCode {
	case exitFailed, exitUsage, exitInterrupted:
		return &exitError{r.ExitCode, err.Error()}
	}
	return err
}

// pick chooses the scenarios and steps that run. Of scenarios that are not valid
// nothing does.
func (c *runCommand) pick(all *loaded) (*chosen, error) {
	if all.diags.HasErrors() {
		return &chosen{}, nil
	}
	return c.choose(all.plans, c.Repeat)
}

// run emits all events of the run.
func (c *runCommand) run(a *app, all *loaded, where []string, picked *chosen, images map[spec.Image]spec.Image, bus event.Sink) {
	id := newRunID()
	bus.Emit(event.RunStarted{RunID: id, Version: ownVersion(), Args: c.args(), Strict: c.Strict})
	limit := newLimit(newChosenSink(bus, picked), a.first, c.Timeout, len(picked.plans))
	defer limit.stop()
	end := event.RunEnded{}
	defer func() {
		end.Interrupted = a.first.Err() != nil
		end.Error = limit.why()
		ownCost(&end.Account)
		bus.Emit(end)
	}()
	if all.diags.HasErrors() {
		c.refuse(all, bus)
		return
	}
	notice := func(text string) { bus.Emit(event.Notice{Text: text}) }
	picked.tell(bus)
	if len(picked.plans) == 0 {
		return
	}
	clusters := c.places(a, id, where, picked.plans, notice)
	if err := clusters.decide(limit.ctx); err != nil {
		c.unreached(limit, picked.plans, &end, err)
		return
	}
	defer context.AfterFunc(a.first, func() { notice("interrupted: cleaning up; interrupt again to stop at once") })()
	runner := &run.Runner{
		Options: c.runOptions(a, id, images, notice), Clusters: clusters, Sink: limit,
	}
	runner.Run(limit.ctx, a.second, picked.plans)
	clusters.Close()
	end.Account = clusters.Account()
}

// runOptions are what the flags say to the runner.
func (c *runCommand) runOptions(a *app, id string, images map[spec.Image]spec.Image, notice func(string)) run.Options {
	return run.Options{RunID: id, Parallel: c.Parallel, Keep: run.Keep(c.Keep),
		AllowCommands: c.AllowCommands, AllowDisruption: c.AllowDisruption, Getenv: a.getenv,
		FailFast: c.FailFast, NoBaselines: c.NoBaselines, CleanupTimeout: c.CleanupTimeout,
		Images: step.NewImages(images, notice)}
}

// unreached ends every scenario of a run that has no cluster to run on.
func (c *runCommand) unreached(limit *limit, plans []*plan.Scenario, end *event.RunEnded, err error) {
	end.Misused = isUsage(err)
	reason := event.ReasonCluster
	if limit.ctx.Err() != nil {
		reason = event.ReasonInterrupted
	}
	for _, p := range plans {
		limit.Emit(run.Planned(p))
		limit.Emit(event.ScenarioEnded{Scenario: p.Key, Outcome: event.Errored, Reason: reason, Message: err.Error()})
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

// args is the command line for the report. What --set says may be a secret.
func (c *runCommand) args() []string {
	args := append([]string{"run"}, c.Paths...)
	if c.Cluster != clusterAuto {
		args = append(args, "--cluster", c.Cluster)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Set)) {
		args = append(args, "--set", name+"=…")
	}
	return append(args, c.choice.args()...)
}

func (c *runCommand) consoleOptions(a *app) report.Options {
	live := isTerminal(a.stdout) && a.getenv("TERM") != "dumb" && a.getenv("CI") == ""
	o := report.Options{
		Out: a.stdout, Live: live, Color: a.color(a.stdout), ASCII: !utf8Locale(a.getenv),
		Verbose: c.Verbose, Quiet: c.Quiet, Slowest: c.Slowest, Rerun: c.rerun,
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
	for _, file := range []string{c.JUnit, c.JSON, c.HTML, c.Markdown, c.Metrics, c.Events} {
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
			if path := c.folderOf(s); !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
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
