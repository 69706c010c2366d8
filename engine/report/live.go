package report

import (
	"io"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// region is the part of a terminal below the printed lines that is redrawn in
// place. Each change is one Write and overwrites before it erases, so that
// nothing flickers.
type region struct {
	out   io.Writer
	drawn []string // the lines on the screen
	frame int      // of the spinner
	quit  chan struct{}
	done  chan struct{}
	once  sync.Once
}

const frameTime = 120 * time.Millisecond

func newRegion(out io.Writer) *region {
	return &region{out: out, quit: make(chan struct{}), done: make(chan struct{})}
}

// animate redraws until stop is called.
func (r *region) animate(mu *sync.Mutex, redraw func()) {
	go func() {
		defer close(r.done)
		tick := time.NewTicker(frameTime)
		defer tick.Stop()
		for {
			select {
			case <-r.quit:
				return
			case <-tick.C:
				mu.Lock()
				r.frame++
				redraw()
				mu.Unlock()
			}
		}
	}()
}

func (r *region) stop() {
	r.once.Do(func() { close(r.quit) })
	<-r.done
}

// draw prints lines for good above the region, and the region's new lines.
func (r *region) draw(above, lines []string, width int) {
	if len(above) == 0 && len(lines) == 0 && len(r.drawn) == 0 {
		return
	}
	var b strings.Builder
	if rows := rowsOf(r.drawn, width); rows > 0 {
		b.WriteString("\r" + ansi.CursorUp(rows))
	}
	for _, text := range above {
		b.WriteString(text + ansi.EraseLineRight + "\n")
	}
	for _, text := range lines {
		b.WriteString(text + ansi.EraseLineRight + "\n")
	}
	b.WriteString(ansi.EraseScreenBelow)
	r.drawn = lines
	_, _ = io.WriteString(r.out, b.String())
}

// rowsOf counts the rows that lines take now: a terminal that became narrower
// has broken the lines that were drawn for its old width.
func rowsOf(lines []string, width int) int {
	rows := 0
	for _, text := range lines {
		rows += max(1, (lipgloss.Width(text)+width-1)/max(width, 1))
	}
	return rows
}
