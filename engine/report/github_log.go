package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// Log is the console of a CI system whose log folds: a scenario in which nothing
// failed is one line that opens. A scenario is held back until it has ended or
// something in it did not pass; from then on it is shown as it happens, unfolded.
// What a long step waits for is shown at once. It is safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	opt     Options
	style   folding
	main    *Console // prints what belongs to no scenario, and the end
	mouth   *gate    // of main
	prelude []event.Stamped
	parts   []*part
	speaker *part // whose lines were printed last
	printed bool
}

// part is what is printed of one scenario.
type part struct {
	path    string
	console *Console
	mouth   *gate
	held    bytes.Buffer
	shown   bool // nothing is held back any more
	from    time.Time
}

// gate is a writer that can be turned elsewhere.
type gate struct{ to io.Writer }

func (g *gate) Write(p []byte) (int, error) { return g.to.Write(p) }

// folding is how a CI system folds lines of its log.
type folding interface {
	// guard is the log for text that must not be taken for commands.
	guard(w io.Writer) io.Writer
	fold(w io.Writer, title, name string, from, to time.Time, text []byte)
}

// NewGitHubLog makes a console for the log of GitHub Actions. token gives words
// that nobody can guess; what comes from a cluster can then give no commands.
func NewGitHubLog(opt Options, token func() string) *Log {
	return newLog(opt, githubFolding{token})
}

// NewGitLabLog makes a console for the log of GitLab CI.
func NewGitLabLog(opt Options) *Log { return newLog(opt, gitlabFolding{}) }

func newLog(opt Options, style folding) *Log {
	opt.Live = false
	opt.Out = style.guard(opt.Out)
	l := &Log{opt: opt, style: style, mouth: &gate{opt.Out}}
	opt.Out = l.mouth
	l.main = NewConsole(opt)
	return l
}

// Handle shows an event.
func (l *Log) Handle(s event.Stamped) {
	l.mu.Lock()
	defer l.mu.Unlock()
	path := scenarioOf(s.Event)
	if path == "" {
		if _, ok := s.Event.(event.Notice); !ok {
			l.prelude = append(l.prelude, s)
		}
		l.main.Handle(s)
		return
	}
	p := l.part(path)
	if e, ok := s.Event.(event.StepProgress); ok && !p.shown {
		l.alive(s, e)
		return
	}
	l.mouth.to = io.Discard
	l.main.Handle(s)
	l.mouth.to = l.opt.Out
	l.tell(p, s)
	l.settle(p, s)
}

// Summary ends the log: what is still held back, what did not pass once more,
// and the verdict.
func (l *Log) Summary(r *event.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.parts {
		l.show(p)
	}
	l.main.Summary(r)
}

// scenarioOf is the scenario that an event belongs to, or "".
func scenarioOf(e event.Event) string {
	switch e := e.(type) {
	case event.ScenarioPlanned:
		return e.Scenario
	case event.ScenarioInvalid:
		return e.Scenario
	case event.ClusterReady:
		return e.Scenario
	case event.Notice:
		return e.Scenario
	case event.ScenarioStarted:
		return e.Scenario
	case event.StepStarted:
		return e.Scenario
	case event.StepProgress:
		return e.Scenario
	case event.AttemptEnded:
		return e.Scenario
	case event.StepEnded:
		return e.Scenario
	case event.ScenarioEnded:
		return e.Scenario
	case event.CleanupEnded:
		return e.Scenario
	}
	return ""
}

func (l *Log) part(path string) *part {
	for _, p := range l.parts {
		if p.path == path {
			return p
		}
	}
	p := &part{path: path}
	p.mouth = &gate{&p.held}
	opt := l.opt
	opt.Out = p.mouth
	p.console = NewConsole(opt)
	for _, s := range l.prelude {
		p.console.folder.Add(s)
	}
	l.parts = append(l.parts, p)
	return p
}

// alive shows what a long step of a scenario that is held back waits for, as
// often as a console does, so that nobody takes the job for dead.
func (l *Log) alive(s event.Stamped, e event.StepProgress) {
	step := l.main.find(e.Scenario, e.Step)
	if step == nil {
		return
	}
	before := step.beat
	l.mouth.to = io.Discard
	l.main.Handle(s)
	l.mouth.to = l.opt.Out
	if step.beat == before {
		return
	}
	page := l.main.page
	text := fmt.Sprintf("%s/%s  %s  %s", scenarioName(l.main.folder.Scenario(e.Scenario)), oneLine(e.Step),
		(s.Since - step.started.Since).Truncate(time.Second), step.text)
	_, _ = io.WriteString(l.opt.Out, page.paint(faint, cut(text, page.width, page.marks.tail))+"\n")
	l.speaker, l.printed = nil, true
}

// tell hands an event to the scenario's own console. When another one had the
// word, it says first whose lines these are.
func (l *Log) tell(p *part, s event.Stamped) {
	if p.shown && l.speaker != p {
		p.console.current = ""
	}
	counted := &counter{to: p.mouth.to}
	p.mouth.to = counted
	p.console.Handle(s)
	p.mouth.to = counted.to
	if p.shown && counted.n > 0 {
		l.speaker, l.printed = p, true
	}
}

type counter struct {
	to io.Writer
	n  int
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return c.to.Write(p)
}

// settle decides after an event whether the scenario is still held back.
func (l *Log) settle(p *part, s event.Stamped) {
	if p.shown {
		return
	}
	switch e := s.Event.(type) {
	case event.ScenarioStarted:
		p.from = s.At
	case event.ScenarioInvalid, event.AttemptEnded:
		l.show(p)
	case event.StepEnded:
		for _, step := range l.main.folder.Scenario(p.path).Steps {
			if step.ID == e.Step && (notPassed(step.Outcome) || step.Outcome == event.Flaky) {
				l.show(p)
			}
		}
	case event.ScenarioEnded:
		l.ended(p, e, s.At)
	}
}

// ended folds a scenario whose steps passed, or were skipped beside others that
// did; what would have shown it before it ended did not happen. Its outcome is not
// known yet, because its cleanup is still to come: that is shown below.
func (l *Log) ended(p *part, e event.ScenarioEnded, at time.Time) {
	scenario, passed := l.main.folder.Scenario(p.path), 0
	for _, step := range scenario.Steps {
		switch step.Outcome {
		case event.Passed:
			passed++
		case event.Skipped:
		default:
			passed = -len(scenario.Steps)
		}
	}
	if passed <= 0 || e.Outcome != "" && e.Outcome != event.Passed {
		l.show(p)
		return
	}
	p.shown, p.mouth.to = true, l.opt.Out
	if p.from.IsZero() {
		p.from = at
	}
	if p.held.Len() > 0 { // otherwise --quiet
		l.fold(p, scenario, at)
	}
}

// show prints what was held back, and holds nothing back from now on.
func (l *Log) show(p *part) {
	if p.shown {
		return
	}
	p.shown, p.mouth.to = true, l.opt.Out
	if p.held.Len() == 0 {
		return
	}
	if l.printed {
		_, _ = io.WriteString(l.opt.Out, "\n")
	}
	_, _ = l.opt.Out.Write(p.held.Bytes()) // as of a console, nobody could be told
	l.speaker, l.printed = p, true
	p.held.Reset()
}

func (l *Log) fold(p *part, s *event.Scenario, to time.Time) {
	page := l.main.page
	title := fmt.Sprintf("%s %s %s %s %s %s", page.marks.passed, scenarioName(s), page.marks.separator,
		count(len(s.Steps), "step"), page.marks.separator, stepTime(s.Seconds))
	name := fmt.Sprintf("%d-%s", slices.Index(l.parts, p)+1, scenarioName(s)) // names of scenarios may be the same in one log
	l.style.fold(l.opt.Out, title, name, p.from, to, p.held.Bytes())
	l.speaker, l.printed = nil, false // the next lines stand apart from a fold by themselves
	p.held.Reset()
}

// githubFolding folds with ::group::.
type githubFolding struct{ token func() string }

func (g githubFolding) guard(w io.Writer) io.Writer { return &commandGuard{w, g.token} }

func (g githubFolding) fold(w io.Writer, title, _ string, _, _ time.Time, text []byte) {
	raw := w
	if guard, ok := w.(*commandGuard); ok {
		raw = guard.to
	}
	fmt.Fprintf(raw, "::group::%s\n", escapeData(title))
	_, _ = w.Write(text)
	fmt.Fprintln(raw, "::endgroup::")
}

// commandGuard lets no text through that GitHub would take for a command: a log
// line of a pod must not be able to mask a word or to end a group. actions/runner
// takes a line for one that begins with :: after spaces, or has ##[ anywhere; it
// takes none between stop-commands and its token.
type commandGuard struct {
	to    io.Writer
	token func() string
}

func (g *commandGuard) Write(p []byte) (int, error) {
	if !looksLikeCommand(string(p)) {
		return g.to.Write(p)
	}
	token := g.token()
	text := strings.TrimSuffix(string(p), "\n")
	_, err := fmt.Fprintf(g.to, "::stop-commands::%s\n%s\n::%s::\n", token, text, token)
	return len(p), err
}

func looksLikeCommand(text string) bool {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			return true
		}
	}
	return false
}
