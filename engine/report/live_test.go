package report

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/event"
)

// terminal is a small one: it wraps, moves up and erases, and breaks its lines
// anew when it is resized, as most terminals do.
type terminal struct {
	mu    sync.Mutex
	width int
	lines [][]rune
	soft  []bool // whether a line goes on in the next one
	row   int
	col   int
}

func newTerminal(width int) *terminal {
	return &terminal{width: width, lines: [][]rune{nil}, soft: []bool{false}}
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rest := p; len(rest) > 0; {
		if bytes.HasPrefix(rest, []byte("\x1b[")) {
			end := 2 + bytes.IndexFunc(rest[2:], func(r rune) bool { return r >= '@' })
			t.control(rest[end], string(rest[2:end]))
			rest = rest[end+1:]
			continue
		}
		r, n := utf8.DecodeRune(rest)
		t.put(r)
		rest = rest[n:]
	}
	return len(p), nil
}

func (t *terminal) control(command byte, argument string) {
	n, _ := strconv.Atoi(argument)
	switch command {
	case 'A':
		t.row = max(0, t.row-max(n, 1))
	case 'K':
		t.cutLine()
	case 'J':
		t.cutLine()
		t.lines, t.soft = t.lines[:t.row+1], t.soft[:t.row+1]
	}
}

func (t *terminal) cutLine() {
	t.lines[t.row] = t.lines[t.row][:min(t.col, len(t.lines[t.row]))]
	t.soft[t.row] = false
}

func (t *terminal) put(r rune) {
	switch r {
	case '\r':
		t.col = 0
		return
	case '\n':
		t.next()
		return
	}
	if t.col == t.width {
		t.soft[t.row] = true
		t.next()
	}
	line := t.lines[t.row]
	if t.col < len(line) {
		line[t.col] = r
	} else {
		t.lines[t.row] = append(line, r)
	}
	t.col++
}

func (t *terminal) next() {
	t.row, t.col = t.row+1, 0
	if t.row == len(t.lines) {
		t.lines, t.soft = append(t.lines, nil), append(t.soft, false)
	}
}

func (t *terminal) resize(width int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	again := newTerminal(width)
	for i, line := range t.lines {
		for _, r := range line {
			again.put(r)
		}
		if i < len(t.lines)-1 && !t.soft[i] {
			again.put('\n')
		}
	}
	t.width, t.lines, t.soft, t.row, t.col = width, again.lines, again.soft, again.row, again.col
}

func (t *terminal) size() (int, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.width, 6
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, line := range t.lines {
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// live runs events on a terminal, up to n of them.
func live(screen *terminal, opt Options, events []event.Stamped) *Console {
	now := noon
	opt.Out, opt.Live, opt.Size = screen, true, screen.size
	opt.Now = func() time.Time { return now }
	c := NewConsole(opt)
	for _, s := range events {
		c.mu.Lock()
		now = s.At
		c.mu.Unlock()
		c.Handle(s)
	}
	return c
}

// What a live console leaves on the screen is what a console that is not live
// prints, but for the heartbeats.
func TestLiveLeavesTheSameLines(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		screen := newTerminal(80)
		c := live(screen, Options{}, events)
		r := event.Fold(events)
		c.Summary(r)
		c.Close()
		var still bytes.Buffer
		quiet := NewConsole(Options{Out: &still})
		for _, s := range events {
			if _, heartbeat := s.Event.(event.StepProgress); !heartbeat {
				quiet.Handle(s)
			}
		}
		quiet.Summary(r)
		if strings.ContainsAny(still.String(), "日") {
			t.Skip("the test's terminal knows no wide characters")
		}
		if diff := cmp.Diff(wrapAt(still.String(), 80), screen.String()); diff != "" {
			t.Errorf("- not live, + live:\n%s", diff)
		}
	})
}

func wrapAt(text string, width int) string {
	screen := newTerminal(width)
	_, _ = screen.Write([]byte(text))
	return screen.String()
}

func twoRunning() []event.Stamped {
	t := start()
	one := t.plan("one", nil, "00-wait", "When one is ready")
	two := t.plan("two", nil, "00-wait", "When two is ready")
	t.open(one)
	t.open(two)
	t.after(0, event.StepStarted{Scenario: one, Step: "00-wait"})
	t.after(12.3, event.StepStarted{Scenario: two, Step: "00-wait"},
		event.StepProgress{Scenario: one, Step: "00-wait", Text: "Deployment/web: 3 of 5 updated replicas are available, and much more to say"})
	t.after(0.5, event.StepProgress{Scenario: two, Step: "00-wait", Text: "Deployment/db: 0 of 1"})
	return t.events
}

func TestLiveShowsWhatRuns(t *testing.T) {
	screen := newTerminal(60)
	c := live(screen, Options{ASCII: true}, twoRunning())
	defer c.Close()
	want := "  S one/00-wait  12.8s  Deployment/web: 3 of 5 updated r...\n" +
		"  S two/00-wait  500ms  Deployment/db: 0 of 1\n"
	if got := still(screen.String()); got != want {
		t.Errorf("screen:\n%s\nwant:\n%s", got, want)
	}
}

// still takes the turning of the spinner out.
func still(screen string) string {
	return strings.NewReplacer("  | ", "  S ", "  / ", "  S ", "  - ", "  S ", `  \ `, "  S ").Replace(screen)
}

func TestLiveFollowsResizes(t *testing.T) {
	screen := newTerminal(80)
	c := live(screen, Options{ASCII: true}, twoRunning())
	for _, width := range []int{40, 25, 100, 33} {
		screen.resize(width)
		c.Handle(event.Stamped{At: noon, Event: event.Notice{Text: "at " + strconv.Itoa(width)}})
		lines := strings.Split(strings.TrimSpace(screen.String()), "\n")
		if n := len(lines); !strings.Contains(lines[n-1], "two/00-wait") || !strings.Contains(lines[n-2], "one/00-wait") {
			t.Errorf("width %d:\n%s", width, screen)
		}
	}
	c.Close()
	if want := "note: at 40\nnote: at 25\nnote: at 100\nnote: at 33\n"; screen.String() != want {
		t.Errorf("left on the screen:\n%s\nwant:\n%s", screen, want)
	}
}

func TestLiveHasNoMoreLinesThanTheTerminal(t *testing.T) {
	tape := start()
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		path := tape.plan(name, nil, "00-wait", "wait")
		tape.after(0, event.StepStarted{Scenario: path, Step: "00-wait"})
	}
	screen := newTerminal(80) // 6 lines
	c := live(screen, Options{}, tape.events)
	defer c.Close()
	got := screen.String()
	if n := strings.Count(got, "\n"); n != 4 || !strings.Contains(got, "and 4 more steps running") {
		t.Errorf("%d lines:\n%s", n, got)
	}
}

func TestLiveConsoleIsSafeForConcurrentUse(t *testing.T) {
	screen := newTerminal(80)
	c := NewConsole(Options{Out: screen, Live: true, Size: screen.size})
	bus := event.NewBus(event.NewClock(time.Now), c)
	bus.Emit(event.ScenarioPlanned{Scenario: "a", Name: "a"})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			id := strconv.Itoa(i)
			bus.Emit(event.StepStarted{Scenario: "a", Step: id})
			time.Sleep(2 * frameTime)
			bus.Emit(event.StepEnded{Scenario: "a", Step: id, Attempt: event.Attempt{Outcome: event.Passed}})
		})
	}
	all.Wait()
	c.Close()
	c.Close()
	if n := strings.Count(screen.String(), "✓"); n != 4 {
		t.Errorf("%d steps on the screen, want 4:\n%s", n, screen)
	}
}
