package report

import (
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// Options say how a console looks. Whether Out is a terminal, what NO_COLOR and
// the locale say, is for the caller to find out.
type Options struct {
	Out     io.Writer
	Color   bool
	Live    bool // a terminal: running steps are redrawn in place
	ASCII   bool // for a locale that is not UTF-8
	Verbose bool // also what passed: samples, cleanups, why a cluster was chosen
	Quiet   bool // only what did not pass, and the verdict
	Slowest int  // so many of the slowest steps are listed at the end
	Width   int  // columns. Default: 80

	// Size is the terminal's size now, asked at every redraw so that a resize is
	// followed. Default: Width and 24 lines.
	Size func() (width, height int)
	// Now is the clock of a live console. Default: time.Now.
	Now func() time.Time

	Reports []string // files that were written, for the end
	// Rerun is the command that runs again what did not pass. Default: none is shown.
	Rerun func(*event.Result) string
}

// Console shows a run while it happens. It is safe for concurrent use.
type Console struct {
	mu     sync.Mutex
	opt    Options
	page   page
	live   *region
	folder event.Folder

	printed bool            // anything at all
	current string          // path of the scenario whose header was printed last
	headed  map[string]bool // scenarios that have had a header
	shown   map[string]bool // what was printed, by key
	running []*runningStep
}

// runningStep is a step between its start and its end.
type runningStep struct {
	scenario, step string
	started        event.Stamped
	beat           time.Duration // of the last heartbeat line
	text           string
}

// heartbeat is how often a console that is not live says what a long step is
// waiting for: often enough for CI systems that end silent jobs.
const heartbeat = 10 * time.Second

// NewConsole makes a console. A live one must be closed.
func NewConsole(opt Options) *Console {
	if opt.Width <= 0 {
		opt.Width = 80
	}
	if opt.Size == nil {
		opt.Size = func() (int, int) { return opt.Width, 24 }
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	c := &Console{opt: opt, page: newPage(opt), headed: map[string]bool{}, shown: map[string]bool{}}
	if opt.Live {
		c.live = newRegion(opt.Out)
		c.live.animate(&c.mu, c.redraw)
	}
	return c
}

// Close ends the live part of the console and clears it. It may be called again.
func (c *Console) Close() {
	if c.live == nil {
		return
	}
	c.live.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = nil
	c.redraw()
}

// Handle shows an event.
func (c *Console) Handle(s event.Stamped) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.folder.Add(s)
	switch e := s.Event.(type) {
	case event.Notice:
		c.notice(e)
	case event.Unknown, event.Truncated:
		notices := c.folder.Result().Notices
		c.notice(event.Notice{Text: notices[len(notices)-1]})
	case event.ScenarioInvalid:
		c.print(e.Scenario, c.page.invalid(c.folder.Scenario(e.Scenario)))
		c.shown[e.Scenario] = true
	case event.StepStarted:
		c.running = append(c.running, &runningStep{scenario: e.Scenario, step: e.Step, started: s, beat: s.Since})
	case event.StepProgress:
		c.progress(s, e)
	case event.AttemptEnded:
		c.attempt(e)
	case event.StepEnded:
		c.stepEnded(e)
	case event.ScenarioEnded:
		c.scenarioEnded(e)
	case event.CleanupEnded:
		c.cleanupEnded(e)
	}
	c.redraw()
}

func (c *Console) notice(e event.Notice) {
	if c.opt.Quiet {
		return
	}
	text := "note: " + e.Text
	if s := c.folder.Scenario(e.Scenario); e.Scenario != "" && s != nil {
		text = "note: " + scenarioName(s) + ": " + e.Text
	}
	c.write(c.page.lay(0, block(0, faint, text)))
}

func (c *Console) progress(s event.Stamped, e event.StepProgress) {
	r := c.find(e.Scenario, e.Step)
	if r == nil {
		return
	}
	r.text = oneLine(e.Text)
	if c.opt.Live || c.opt.Quiet || s.Since-r.beat < heartbeat {
		return
	}
	r.beat = s.Since
	c.print(e.Scenario, []string{c.page.heartbeat(c.folder.Scenario(e.Scenario), r, s.Since-r.started.Since)})
}

func (c *Console) find(scenario, step string) *runningStep {
	for _, r := range c.running {
		if r.scenario == scenario && r.step == step {
			return r
		}
	}
	return nil
}

func (c *Console) attempt(e event.AttemptEnded) {
	if c.opt.Quiet {
		return
	}
	c.print(e.Scenario, c.page.attempt(c.folder.Scenario(e.Scenario), e))
}

func (c *Console) stepEnded(e event.StepEnded) {
	c.running = slices.DeleteFunc(c.running, func(r *runningStep) bool {
		return r.scenario == e.Scenario && r.step == e.Step
	})
	s := c.folder.Scenario(e.Scenario)
	for _, step := range s.Steps {
		if step.ID == e.Step {
			c.step(s, step)
		}
	}
}

func (c *Console) step(s *event.Scenario, step *event.Step) {
	if c.opt.Quiet && !notPassed(step.Outcome) {
		return
	}
	c.print(s.Path, c.page.step(s, step))
	c.shown[key(s, step.ID)] = true
}

// scenarioEnded shows what the steps did not: a skip, an error before the first
// step, the steps that were not run.
func (c *Console) scenarioEnded(e event.ScenarioEnded) {
	s := c.folder.Scenario(e.Scenario)
	ownVerdict := e.Outcome != "" && e.Outcome != event.Passed
	if ownVerdict && (!c.opt.Quiet || notPassed(e.Outcome)) {
		c.print(s.Path, c.page.verdict(e.Outcome, e.Reason, e.Message))
		c.shown[e.Scenario] = true
	}
	if c.opt.Quiet || e.Outcome == event.Skipped {
		return
	}
	var left []*event.Step
	for _, step := range s.Steps {
		if step.Outcome == event.Skipped && !c.shown[key(s, step.ID)] {
			left = append(left, step)
		}
	}
	if len(left) > 0 {
		c.print(s.Path, c.page.notRun(s, left))
	}
}

func (c *Console) cleanupEnded(e event.CleanupEnded) {
	s := c.folder.Scenario(e.Scenario)
	bad := s.Cleanup.Outcome == event.Errored
	if !bad && (c.opt.Quiet || s.Cleanup.Outcome == event.Passed && !c.opt.Verbose) {
		return
	}
	c.print(s.Path, c.page.cleanup(s))
	c.shown[key(s, "cleanup")] = true
}

func key(s *event.Scenario, part string) string { return s.Path + "\x00" + part }

// notPassed tells whether an outcome is shown again at the end.
func notPassed(o event.Outcome) bool {
	return o != event.Passed && o != event.Flaky && o != event.Skipped
}

// print prints lines of a scenario. Scenarios that run beside each other take
// turns, so its header comes first whenever another one had the word.
func (c *Console) print(path string, lines []string) {
	if c.current != path {
		var head []string
		if c.printed {
			head = append(head, "")
		}
		head = append(head, c.page.header(c.folder.Scenario(path), c.headed[path])...)
		lines = append(head, lines...)
		c.current, c.headed[path] = path, true
	}
	c.write(lines)
}

// write prints lines for good. An error in printing has nowhere to be told; the
// exit code and the files do not depend on it.
func (c *Console) write(lines []string) {
	if len(lines) == 0 {
		return
	}
	c.printed = true
	if c.live != nil {
		width, height := c.opt.Size()
		c.live.draw(lines, c.runningLines(width, height), width)
		return
	}
	_, _ = io.WriteString(c.opt.Out, strings.Join(lines, "\n")+"\n")
}

func (c *Console) redraw() {
	if c.live != nil {
		width, height := c.opt.Size()
		c.live.draw(nil, c.runningLines(width, height), width)
	}
}

// runningLines are the lines of the live region: one for each running step, as
// many as the terminal has room for.
func (c *Console) runningLines(width, height int) []string {
	var lines []string
	now := c.opt.Now()
	several := false
	for _, r := range c.running {
		several = several || r.scenario != c.running[0].scenario
	}
	for _, r := range c.running {
		name := r.step
		if s := c.folder.Scenario(r.scenario); several && s != nil {
			name = scenarioName(s) + "/" + r.step
		}
		lines = append(lines, c.page.running(name, now.Sub(r.started.At), r.text, c.live.frame, width))
	}
	if room := max(height-2, 1); len(lines) > room {
		more := len(lines) - room + 1
		lines = append(lines[:room-1], cut("    and "+count(more, "more step")+" running", width-1, ""))
	}
	return lines
}
