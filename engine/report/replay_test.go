package report

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/event"
)

// everyReport is each report that is made of a result alone.
func everyReport() map[string]func(io.Writer, *event.Result) error {
	return map[string]func(io.Writer, *event.Result) error{
		"json": JSON, "junit": JUnit,
		"html":     func(w io.Writer, r *event.Result) error { return HTML(w, r, ".") },
		"markdown": func(w io.Writer, r *event.Result) error { return Markdown(w, r, MarkdownLimit) },
		"github":   func(w io.Writer, r *event.Result) error { return GitHub(w, r, sameFile) },
	}
}

func sameFile(path string) string { return path }

// eventsFile is the events file of a run.
func eventsFile(t *testing.T, events []event.Stamped) []byte {
	t.Helper()
	var file bytes.Buffer
	for _, s := range events {
		line, err := event.Encode(s)
		if err != nil {
			t.Fatal(err)
		}
		file.Write(line)
	}
	return file.Bytes()
}

// onBus are the events as a run hands them to its handlers.
func onBus(events []event.Stamped) []event.Stamped {
	var out seen
	next := noon
	bus := event.NewBus(event.Clock{Start: noon, Now: func() time.Time { return next }}, &out)
	for _, s := range events {
		if _, ok := s.Event.(event.Unknown); !ok { // no run has one
			next = s.At
			bus.Emit(s.Event)
		}
	}
	return out
}

type seen []event.Stamped

func (s *seen) Handle(e event.Stamped) { *s = append(*s, e) }

// Reports that are made from the events file are, byte for byte, those that the
// run made from its events in memory.
func TestReplay(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		events = onBus(events)
		again, err := event.Read(bytes.NewReader(eventsFile(t, events)))
		if err != nil {
			t.Fatal(err)
		}
		for name, report := range everyReport() {
			var first, second bytes.Buffer
			if err := report(&first, event.Fold(events)); err != nil {
				t.Fatal(err)
			}
			if err := report(&second, event.Fold(again)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(first.String(), second.String()); diff != "" {
				t.Errorf("%s: - at once, + from the file:\n%s", name, diff)
			}
		}
		if diff := cmp.Diff(onConsole(events, Options{Verbose: true}), onConsole(again, Options{Verbose: true})); diff != "" {
			t.Errorf("console: - at once, + from the file:\n%s", diff)
		}
	})
}

// A run that was killed at any byte of its last lines is never green, what was
// open is an error, and every report can be made.
func TestReplayTruncated(t *testing.T) {
	for _, name := range []string{"green", "failed", "parallel"} {
		file := eventsFile(t, fixtures()[name])
		whole := event.Fold(fixtures()[name])
		from := len(file)
		for range 7 { // the last lines: a step, the scenario, its cleanup, the run
			from = bytes.LastIndexByte(file[:from], '\n')
		}
		for end := from + 1; end < len(file)-1; end++ {
			events, err := event.Read(bytes.NewReader(file[:end]))
			if err != nil {
				t.Fatalf("%s, cut at byte %d: %v", name, end, err)
			}
			r := event.Fold(events)
			if r.ExitCode == 0 || r.ExitCode == 130 {
				t.Fatalf("%s, cut at byte %d: exit code %d", name, end, r.ExitCode)
			}
			if whole.ExitCode == 0 && r.ExitCode != 3 {
				t.Fatalf("%s, cut at byte %d: exit code %d, want 3", name, end, r.ExitCode)
			}
			if end%7 != 0 {
				continue // the reports are the same between two lines
			}
			for _, report := range everyReport() {
				if err := report(io.Discard, r); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
