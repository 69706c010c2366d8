package event

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Clock stamps events: with the wall clock for people, and with the time since
// Start for arithmetic. Now should be time.Now, whose readings carry the
// monotonic clock, and Start one of its readings.
type Clock struct {
	Start time.Time
	Now   func() time.Time
}

// NewClock is a clock that starts now.
func NewClock(now func() time.Time) Clock { return Clock{Start: now(), Now: now} }

// Stamp gives an event its time.
func (c Clock) Stamp(e Event) Stamped {
	now := c.Now()
	return Stamped{At: now, Since: max(0, now.Sub(c.Start)), Event: e}
}

// Handler takes stamped events, one at a time. It must not emit events itself.
type Handler interface{ Handle(Stamped) }

// Bus stamps every event once and hands it to several handlers in order, so that
// console, file and result see the same story with the same times.
type Bus struct {
	mu    sync.Mutex
	clock Clock
	to    []Handler
}

// NewBus makes a bus. Handlers get each event in the order given here.
func NewBus(clock Clock, to ...Handler) *Bus { return &Bus{clock: clock, to: to} }

// Emit hands an event to every handler before it returns. It may be called from
// several goroutines; the stamps rise in the order in which the handlers see them.
func (b *Bus) Emit(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.clock.Stamp(valid(e))
	for _, h := range b.to {
		h.Handle(s)
	}
}

// Writer writes events to a file, one JSON object a line.
type Writer struct {
	mu   sync.Mutex
	w    io.Writer
	err  error
	torn bool
}

// NewWriter makes a writer of events.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Handle writes a stamped event.
func (w *Writer) Handle(s Stamped) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.write(s)
}

// Err is the first error in writing, or nil. A run whose events were not kept
// must not pass for one that can be reported again.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// write sends each line in one Write, so that a crash truncates the last line at
// most. After a failed Write nothing more is written: a further line would be
// glued to the torn one, and the file would be damaged in its middle.
func (w *Writer) write(s Stamped) {
	if w.torn {
		return
	}
	line, err := Encode(s)
	if err != nil {
		w.keep(err)
		return
	}
	n, err := w.w.Write(line)
	if err == nil && n < len(line) {
		err = io.ErrShortWrite
	}
	if err != nil {
		w.torn = true
		w.keep(fmt.Errorf("the events could not be written, the file ends before %s: %w", s.Event.Kind(), err))
	}
}

func (w *Writer) keep(err error) {
	if w.err == nil {
		w.err = err
	}
}
