package main

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/plan"
)

// validateCommand checks scenarios without a cluster.
type validateCommand struct {
	Paths  []string          `arg:"" name:"path" help:"Scenario folders, or folders that hold some."`
	Set    map[string]string `help:"Set a variable, as run would." placeholder:"NAME=VALUE" mapsep:"none"`
	Output string            `enum:"text,json" default:"text" help:"How to show what is wrong: ${enum}."`
}

// Run is the command.
func (c *validateCommand) Run(a *app) error {
	start := time.Now()
	all := loadAll(a, c.Paths, c.Set)
	a.annotate(all.diags)
	if c.Output == "json" {
		list := all.diags
		if list == nil {
			list = diag.List{}
		}
		if err := a.printJSON(list); err != nil {
			return err
		}
	} else {
		all.show(a)
	}
	if all.diags.HasErrors() {
		return &exitError{code: exitUsage}
	}
	if c.Output == "text" {
		fmt.Fprintf(a.stdout, "%s valid, %d steps (%s)\n", plural(len(all.plans), "scenario is", "scenarios are"),
			all.steps(), time.Since(start).Round(time.Millisecond))
	}
	return nil
}

// loaded are the scenarios of a command line, read and compiled.
type loaded struct {
	plans   []*plan.Scenario // the valid ones
	invalid []invalid        // the others
	diags   diag.List        // of all of them
	sources map[string][]byte
}

// invalid is a scenario that cannot run.
type invalid struct {
	dir, name string
	diags     diag.List
}

// loadAll reads and compiles every scenario that the paths name, and collects
// every error.
func loadAll(a *app, paths []string, set map[string]string) *loaded {
	all := &loaded{sources: map[string][]byte{}}
	dirs, diags := load.Find(paths)
	all.diags = diags
	for _, one := range loadEach(a, dirs, set) {
		maps.Copy(all.sources, one.sources)
		all.plans = append(all.plans, one.plans...)
		all.invalid = append(all.invalid, one.invalid...)
		all.diags = append(all.diags, one.diags...)
	}
	all.checkNames()
	if !all.diags.HasErrors() {
		if err := plan.CheckSet(all.plans, set); err != nil {
			all.diags = append(all.diags, diag.Diagnostic{Severity: diag.Error, Code: "set", Message: err.Error()})
		}
	}
	return all
}

// loadEach reads and compiles the scenarios side by side, and answers in their order.
// Collecting garbage is put off meanwhile: most of what is made stays.
func loadEach(a *app, dirs []string, set map[string]string) []*loaded {
	defer debug.SetGCPercent(debug.SetGCPercent(loadGC))
	out := make([]*loaded, len(dirs))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var reading sync.WaitGroup
	for i, dir := range dirs {
		slots <- struct{}{}
		reading.Go(func() {
			defer func() { <-slots }()
			out[i] = loadOne(a, dir, set)
		})
	}
	reading.Wait()
	return out
}

// loadGC lets the heap grow to five times what is in use while scenarios are
// read: a third less CPU for a hundred of them.
const loadGC = 400

func loadOne(a *app, dir string, set map[string]string) *loaded {
	inputs := plan.Inputs{Set: set, Getenv: a.getenv}
	l, diags := load.Scenario(dir, inputs.Numbers)
	one := &loaded{sources: l.Files}
	if !diags.HasErrors() {
		p, more := plan.Compile(l, inputs)
		diags = append(diags, more...)
		if !diags.HasErrors() {
			one.plans = []*plan.Scenario{p}
		}
	}
	if diags.HasErrors() {
		one.invalid = []invalid{{dir, l.Name, diags}}
	}
	one.diags = diags
	return one
}

// repeat lists every scenario several times, one round after the other, so that
// what changes over time meets all of them alike.
func (l *loaded) repeat(times int) {
	if times == 1 {
		return
	}
	var all []*plan.Scenario
	for n := 1; n <= times; n++ {
		for _, p := range l.plans {
			all = append(all, p.Repeated(n))
		}
	}
	l.plans = all
}

// checkNames refuses two scenarios of one name: namespaces and reports tell them
// apart by it.
func (l *loaded) checkNames() {
	byName := map[string]*plan.Scenario{}
	for _, p := range l.plans {
		if earlier := byName[p.Name]; earlier != nil {
			l.diags.Add(p.Spec.At, "duplicate-name", "%s and %s are both named %q", earlier.Dir, p.Dir, p.Name).Help =
				"give one of them another metadata.name"
			continue
		}
		byName[p.Name] = p
	}
}

// show renders what is wrong.
func (l *loaded) show(a *app) {
	if len(l.diags) == 0 {
		return
	}
	diag.Render(a.stderr, l.diags, func(path string) []byte { return l.sources[path] }, a.color(a.stderr))
	diag.RenderCount(a.stderr, l.diags)
}

func (l *loaded) steps() int {
	n := 0
	for _, p := range l.plans {
		n += len(p.Steps)
	}
	return n
}

// color tells whether to colour what is written to w.
func (a *app) color(w any) bool {
	return isTerminal(w) && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
