package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// Editors save in several steps: a truncation, a write, a rename. What comes
// within settle belongs together, and nobody waits longer than patience.
const (
	settle   = 50 * time.Millisecond
	patience = 500 * time.Millisecond
)

// watch runs the scenarios, and again those whose files are saved, until the
// first interrupt. A save during a run ends that run: what it would say is about
// files that are no more. Nothing runs while a file is not valid. Cleaning up
// goes on beside the next run.
func (c *runCommand) watch(a *app) error {
	for _, file := range []string{c.JUnit, c.JSON, c.HTML, c.Markdown, c.Events, c.Audit, c.Metrics, c.Evidence} {
		if file != "" {
			return usage("--watch shows its results and writes none: leave out %s, or --watch", file)
		}
	}
	if c.Push != "" {
		return usage("--watch shows its results and sends none: leave out --push, or --watch")
	}
	if c.Repeat > 1 || c.Timeout > 0 {
		return usage("--watch runs until Ctrl-C, and again at every save: leave out --repeat and --timeout")
	}
	if err := c.choice.check(); err != nil {
		return err
	}
	images, err := c.images(a)
	if err != nil {
		return err
	}
	saved, err := watchFolders()
	if err != nil {
		return fmt.Errorf("files cannot be watched here: %w\n  without --watch the scenarios run once", err)
	}
	defer saved.Close()
	w := &watching{
		command: c, app: a, images: images, saved: saved, seen: map[string]string{}, due: map[string]bool{}, touched: map[string]bool{},
	}
	w.cleanup, w.stopCleanup = context.WithCancel(a.second)
	defer w.stopCleanup()
	w.clusters = newWatchClusters(c, a)
	w.loop()
	return w.end()
}

// watching is a `run --watch`. The goroutine of loop owns it.
type watching struct {
	command  *runCommand
	app      *app
	images   map[spec.Image]spec.Image
	saved    *savedFiles
	clusters *watchClusters

	cleanup     context.Context // of all runs
	stopCleanup func()

	seen    map[string]string // what the files of a scenario were, by its folder
	due     map[string]bool   // scenarios that must run, by their folder
	touched map[string]bool   // files that were saved since the last look
	since   time.Time         // the first of these saves
	said    string            // what was wrong with the files at the last look
	begun   bool
	latest  *watchedRun   // nil before the first run
	runs    []*watchedRun // those that are not cleaned up
}

// loop waits for saves and for verdicts until the first interrupt.
func (w *watching) loop() {
	w.since = time.Now()
	quiet := time.After(0)
	for {
		select {
		case <-w.app.first.Done():
			return
		case path, open := <-w.saved.paths:
			if !open {
				return
			}
			if len(w.touched) == 0 {
				w.since = time.Now()
			}
			w.touched[path] = true
			quiet = time.After(min(settle, patience-time.Since(w.since)))
		case <-quiet:
			quiet = nil
			w.look()
		case <-w.verdict():
			w.conclude()
		}
	}
}

// verdict is closed when the latest run has one that was not shown.
func (w *watching) verdict() <-chan struct{} {
	if w.latest == nil || w.latest.concluded {
		return nil
	}
	return w.latest.judged
}

// look reads all files, and runs what has to run.
func (w *watching) look() {
	w.saved.follow(w.command.Paths, nil) // before reading: a save meanwhile is not missed
	dirs := w.findDue()
	all := loadAll(w.app, w.command.Paths, w.command.Set)
	w.saved.follow(nil, all.sources)
	clear(w.touched)
	if all.diags.HasErrors() {
		w.interruptRun()
		w.refuse(all)
		return
	}
	w.said = ""
	w.clusters.want(w.shaped(all.plans))
	if !w.begun {
		w.begun = true
		w.say("watching %s; Ctrl-C ends", plural(len(dirs), "scenario", "scenarios"))
	}
	if len(w.due) > 0 {
		w.interruptRun()
		all.show(w.app) // warnings
		w.run(all.plans)
	}
}

// shaped are the plans with the shapes of the clusters that they run on: all real
// with --cluster real.
func (w *watching) shaped(plans []*plan.Scenario) []*plan.Scenario {
	c := &chosen{plans: plans}
	c.on([]string{w.command.Cluster})
	return c.plans
}

// findDue adds the scenarios that have to run: those with a file that was saved,
// changed, came or went. It answers with all folders.
func (w *watching) findDue() []string {
	dirs, _ := load.Find(w.command.Paths) // what is wrong, loadAll says
	now := map[string]string{}
	for _, dir := range dirs {
		l, _ := load.Scenario(dir, nil)
		var content strings.Builder
		for _, path := range slices.Sorted(maps.Keys(l.Files)) {
			fmt.Fprintf(&content, "%q %q\n", path, l.Files[path])
			if w.touched[path] {
				w.due[dir] = true
			}
		}
		now[dir] = content.String()
		if now[dir] != w.seen[dir] {
			w.due[dir] = true
		}
	}
	w.seen = now
	maps.DeleteFunc(w.due, func(dir string, _ bool) bool { _, there := now[dir]; return !there })
	return dirs
}

// refuse shows what is wrong with the files, once.
func (w *watching) refuse(all *loaded) {
	var text bytes.Buffer
	diag.Render(&text, all.diags, func(path string) []byte { return all.sources[path] }, w.app.color(w.app.stderr))
	diag.RenderCount(&text, all.diags)
	if text.String() == w.said {
		return
	}
	w.said = text.String()
	fmt.Fprintln(w.app.stderr)
	_, _ = io.Copy(w.app.stderr, &text)
	w.say("nothing runs until this is put right")
}

// run begins a run of those scenarios that are due and chosen by flags.
func (w *watching) run(all []*plan.Scenario) {
	picked, err := w.command.choose(all, 1)
	if err != nil { // the step that a flag names may come with the next save
		w.say("%v", err)
		return
	}
	picked.on([]string{w.command.Cluster})
	picked.plans = slices.DeleteFunc(picked.plans, func(p *plan.Scenario) bool { return !w.due[p.Dir] })
	clear(w.due)
	if len(picked.plans) == 0 {
		return
	}
	fmt.Fprintln(w.app.stdout)
	w.latest = w.startRun(picked, w.since)
	w.runs = append(w.runs, w.latest)
}

// interruptRun ends the run that goes on, if any. What it has not judged is due
// again.
func (w *watching) interruptRun() {
	r := w.latest
	if r == nil || r.concluded {
		return
	}
	dirs, going := r.interrupt()
	if !going {
		w.conclude()
		return
	}
	r.concluded = true
	w.say("saved while it ran: what it would say is about files that are no more")
	for _, dir := range dirs {
		w.due[dir] = true
	}
}

// conclude shows the verdict of the latest run.
func (w *watching) conclude() {
	r := w.latest
	r.concluded = true
	result := r.result()
	text := strings.ToUpper(string(result.Outcome))
	if n := len(result.Scenarios); n > 1 {
		text += fmt.Sprintf(" (%d of %d passed)", passed(result), n)
	}
	w.say("%s, %.2fs after the save; waiting for the next one", text, time.Since(r.since).Seconds())
	w.runs = slices.DeleteFunc(w.runs, (*watchedRun).isOver)
}

func passed(r *event.Result) int {
	n := 0
	for _, s := range r.Scenarios {
		if s.Outcome == event.Passed || s.Outcome == event.Flaky {
			n++
		}
	}
	return n
}

// say prints a line of the watch itself.
func (w *watching) say(format string, args ...any) {
	fmt.Fprintf(w.app.stdout, "%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}

// end ends what goes on. Local clusters that were started here take with them
// what is on them; on others everything is cleaned up first.
func (w *watching) end() error {
	if w.latest != nil {
		w.latest.interrupt()
	}
	thrownAway := w.clusters.thrownAway()
	if thrownAway {
		w.stopCleanup()
	} else {
		w.say("cleaning up; interrupt again to stop at once")
	}
	var left []string
	for _, r := range w.runs {
		<-r.over
		left = append(left, r.left()...)
	}
	w.clusters.close()
	if len(left) > 0 && !thrownAway {
		return &exitError{exitCluster, "still there: " + strings.Join(left, ", ") + "; realspec sweep removes it"}
	}
	w.say("ended, and nothing is left")
	return nil
}
