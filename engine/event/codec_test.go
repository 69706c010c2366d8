package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/quick"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// every has one event of each kind with every field that a report reads.
func every() []Event {
	p50, pos := 1.21, spec.Pos{File: "a/1.yaml", Line: 5, Column: 5}
	attempt := Attempt{
		Number: 2, Seconds: 1.5, Outcome: Failed, Reason: ReasonTimeout, Message: "3 of 5 <ready> & \"not\"",
		Findings: []Finding{{Outcome: Failed, Pos: pos, Message: "m", Expr: "a < b", Parts: []Part{{"a", "3"}}, Observed: "x\ny", Baseline: &Baseline{
			Name: "startup.ready.p50", Unit: "s", Value: &p50, Median: &p50, Low: &p50, High: &p50, Limit: &p50, P: &p50, Runs: 20}}},
		Evidence: []Evidence{{Title: "events", Lines: []string{"one", "two"}}},
		Notes:    []string{"200 OK in 1.2ms"},
	}
	return []Event{
		RunStarted{RunID: "r1", Version: "v0.1.0", Args: []string{"run", "a"}, Strict: true},
		ScenarioPlanned{Scenario: "a", Name: "a", Repetition: 2, Labels: map[string]string{"tier": "x"}, Pos: pos,
			Steps: []PlannedStep{{ID: "1", Name: "Given", Verb: "apply", Pos: pos, Covers: []string{"BR-1"}}}},
		ScenarioInvalid{Scenario: "b", Name: "b", Diagnostics: []diag.Diagnostic{{Pos: pos, Severity: diag.Error, Code: "c", Message: "m", Help: "h"}}},
		ClusterReady{Scenario: "a", Cluster: Cluster{Name: "c", Kind: "local", Nodes: 4, Simulated: true, Why: "w", Environment: Environment{
			Kubernetes: "1.37", Nodes: "4 x (8 cpu, 32Gi)", Simulated: true, Local: true, Realspec: "v0.1.0"}}},
		Notice{Text: "Grüße, 世界"},
		ScenarioStarted{Scenario: "a", Namespace: "ns"},
		StepStarted{Scenario: "a", Step: "1"},
		StepProgress{Scenario: "a", Step: "1", Text: "t"},
		AttemptEnded{Scenario: "a", Step: "1", Attempt: attempt},
		StepEnded{Scenario: "a", Step: "1", Attempt: attempt, Measures: []Measured{full(), {Name: "down", Kind: "pods", Series: []MeasuredSeries{{
			Name: "ready", Missing: 1, Intervals: map[string][2]*float64{"p50": {&p50, nil}}, Samples: []Sample{{Object: "web-2"}}}}}}},
		ScenarioEnded{Scenario: "a", Outcome: Skipped, Reason: ReasonRequirement, Message: "m"},
		CleanupEnded{Scenario: "a", Left: []string{"Namespace/ns"}, Message: "m", Seconds: 5.1},
		RunEnded{Interrupted: true, Error: "e", Account: fullAccount()},
		Truncated{Bytes: 7},
	}
}

// full is a measure with every field.
func full() Measured {
	x, low, high := 1.25, 1.0, 1.5
	return Measured{
		Name: "startup", Kind: "pods", Unit: "s", From: "due", What: "pods of load 00-load", Value: &x, Error: &low,
		Series: []MeasuredSeries{{
			Name: "ready", Group: "node-1", Unit: "s", Count: 1, Missing: 1, Min: &x, Mean: &x, P50: &x, P90: &x, P95: &x, P99: &x, Max: &x, Stddev: &low,
			Intervals: map[string][2]*float64{"p50": {&low, &high}}, Late: 1, Skewed: 1,
			Samples: []Sample{{Object: "web-1", UID: "u-1", Value: &x, Low: &low, High: &high, Server: &low, Node: "node-1", Run: 2}},
		}},
		Lag:          &Lag{What: "pod", Count: 150, Missing: 3, P50: &x, P99: &x, Max: &x},
		Delivery:     &Delivery{Asked: 100, Rate: 99.9, Due: 4, Sent: 3, Failed: 1, Dropped: 1, WorstLag: 0.2, LagP99: 0.1, Short: "because"},
		Unmeasurable: "the nodes are simulated", Failures: &Ratio{Value: 0.05, Low: 0.04, High: 0.06},
		Timelines:   []Timeline{{Name: "node-1 cpu", Unit: "cores", Start: 2.5, Points: [][2]float64{{0, 0.25}, {10, 0.5}}}},
		Repetitions: 5, FailedRuns: 1,
	}
}

func fullAccount() Account {
	return Account{
		Requests: map[string]int64{"get": 3}, Retries: map[string]int64{"429": 1}, Relists: 1, Reconnects: 2,
		BytesIn: 3, BytesOut: 4, Events: 5, QueueHigh: 6, QueueFull: 7, GCPauses: 8, GCPauseMax: 0.25, GCPauseTotal: 0.75,
		CPUSeconds: 0.5, PeakRSSBytes: 9,
	}
}

// A field that a fixture leaves out would be lost on the way without a test that
// fails.
func TestFixturesHaveEveryField(t *testing.T) {
	m := full()
	for name, v := range map[string]any{
		"a measure": m, "its series": m.Series[0], "its sample": m.Series[0].Samples[0], "its lag": *m.Lag,
		"its delivery": *m.Delivery, "its failures": *m.Failures, "its timeline": m.Timelines[0], "the account": fullAccount(),
	} {
		fields := reflect.ValueOf(v)
		for i := range fields.NumField() {
			if fields.Field(i).IsZero() {
				t.Errorf("%s has no %s", name, fields.Type().Field(i).Name)
			}
		}
	}
}

// A sample that never came is null in the file, not absent and not zero.
func TestMissingSampleIsNull(t *testing.T) {
	line, err := Encode(Stamped{At: begin, Event: StepEnded{Scenario: "a", Step: "1", Measures: []Measured{{
		Name: "startup", Series: []MeasuredSeries{{Name: "ready", Missing: 1, Samples: []Sample{{Object: "web-1"}}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"object":"web-1","value":null}`, `"p50":null`, `"unit":""`} {
		if !strings.Contains(string(line), want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file)
	bus := NewBus(tickingClock(), w)
	for _, e := range every() {
		bus.Emit(e)
	}
	if err := w.Err(); err != nil {
		t.Fatal(err)
	}
	got, err := Read(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	var want []Stamped
	for i, e := range every() {
		since := time.Duration(i+1) * time.Millisecond
		want = append(want, Stamped{At: begin.Add(since), Since: since, Event: e})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("- written, + read:\n%s", diff)
	}
	if lines := strings.Count(file.String(), "\n"); lines != len(want) {
		t.Errorf("%d lines for %d events", lines, len(want))
	}
	first, _, _ := strings.Cut(file.String(), "\n")
	if want := `{"event":"run-started","at":"2026-01-31T09:30:00.001Z","since":0.001,"runId":"r1","version":"v0.1.0","args":["run","a"],"strict":true}`; first != want {
		t.Errorf("first line:\n got %s\nwant %s", first, want)
	}
	if !strings.Contains(file.String(), `"expr":"a < b"`) {
		t.Error("an expression cannot be grepped for: < is escaped")
	}
}

// A field named like a part of the stamp would be read as the stamp.
func TestNoFieldHidesTheStamp(t *testing.T) {
	for _, e := range every() {
		kind := reflect.TypeOf(e)
		for i := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			switch strings.ToLower(name) {
			case "", "event", "at", "since":
				t.Errorf("%s: the field %s is called %q in the file", e.Kind(), kind.Field(i).Name, name)
			}
		}
	}
}

func TestSinceIsExact(t *testing.T) {
	property := func(n int64) bool {
		since := time.Duration(uint64(n) % uint64(30*24*time.Hour))
		line, err := Encode(Stamped{At: begin, Since: since, Event: Notice{}})
		if err != nil {
			return false
		}
		got, err := Read(bytes.NewReader(line))
		return err == nil && got[0].Since == since
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
}

const good = `{"event":"notice","at":"2026-01-31T09:30:00Z","since":1.5,"text":"hello"}` + "\n"

func TestReadUnknownEvent(t *testing.T) {
	line := `{"event":"weather","at":"2026-01-31T09:30:00Z","since":2,"sky":"blue"}` + "\n"
	got, err := Read(strings.NewReader(good + line + good))
	if err != nil {
		t.Fatal(err)
	}
	if u, ok := got[1].Event.(Unknown); !ok || u.Name != "weather" || len(got) != 3 {
		t.Errorf("read %+v", got)
	}
	if again, _ := Encode(got[1]); string(again) != line {
		t.Errorf("written again: %s", again)
	}
}

func TestReadTruncated(t *testing.T) {
	for name, tt := range map[string]struct {
		end       string
		truncated bool
	}{
		"in the middle":           {good[:30], true},
		"one brace":               {"{", true},
		"only the newline is off": {strings.TrimSuffix(good, "\n"), false},
		"zeros":                   {"\x00\x00\x00", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(strings.NewReader(good + tt.end))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 2 {
				t.Fatalf("%d events, want 2", len(got))
			}
			last, truncated := got[1].Event.(Truncated)
			if truncated != tt.truncated {
				t.Fatalf("truncated is %v, want %v", truncated, tt.truncated)
			}
			if truncated && (last.Bytes != len(tt.end) || got[1].Since != 1500*time.Millisecond) {
				t.Errorf("%+v", got[1])
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	at := `"at":"2026-01-31T09:30:00Z","since":1`
	for _, tt := range []struct{ name, line, want string }{
		{"not JSON", "hello", "line 2: not valid JSON at byte 1 of the line"},
		{"torn in the middle of the file", good[:30], "line 2: not valid JSON at byte 30 of the line"},
		{"an empty line", "", "line 2: not valid JSON at byte 0 of the line"},
		{"a list", "[]", "line 2: a list, where a mapping should be"},
		{"no event", `{"a":1}`, `line 2: no "event" here: this is not a line of an events file`},
		{"no time", `{"event":"notice"}`, `line 2: "at" is "": it should be a time like 2026-01-31T09:30:00.5Z`},
		{"before the run", `{"event":"notice","at":"2026-01-31T09:30:00Z","since":-1}`, `line 2: "since" is -1: it should be seconds since the run began`},
		{"beyond all time", `{"event":"notice","at":"2026-01-31T09:30:00Z","since":1e300}`, `line 2: "since" is 1e+300: it should be seconds since the run began`},
		{"a number for a text", `{"event":"notice",` + at + `,"text":5}`, `line 2: notice: "text" is a number: it should be a text`},
		{"a text for a list", `{"event":"run-started",` + at + `,"args":"x"}`, `line 2: run-started: "args" is a text: it should be a list`},
		{"a text for a mapping", `{"event":"step-ended",` + at + `,"attempt":"x"}`, `line 2: step-ended: "attempt" is a text: it should be a mapping`},
		{"a text for a number", `{"event":"step-ended",` + at + `,"attempt":{"seconds":"x"}}`, `line 2: step-ended: "attempt.seconds" is a text: it should be a number that fits`},
		{"a number that does not fit", `{"event":"truncated",` + at + `,"bytes":1e99}`, `line 2: truncated: "bytes" is the number 1e99: it should be a number that fits`},
		{"a text for a flag", `{"event":"run-ended",` + at + `,"interrupted":"x"}`, `line 2: run-ended: "interrupted" is a text: it should be true or false`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(strings.NewReader(good + tt.line + "\n" + good))
			if err == nil || err.Error() != tt.want {
				t.Errorf("error:\n got %v\nwant %s", err, tt.want)
			}
			if len(got) != 1 {
				t.Errorf("%d events before the error, want 1", len(got))
			}
		})
	}
}

func TestReadNoEventsFile(t *testing.T) {
	if _, err := Read(strings.NewReader("hello")); err == nil {
		t.Error("a text without newline passes for a truncated events file")
	}
	if got, err := Read(strings.NewReader("")); err != nil || len(got) != 0 {
		t.Errorf("an empty file: %v, %v", got, err)
	}
}

func TestReadLineTooLong(t *testing.T) {
	const most = 8 << 20
	endless := io.MultiReader(strings.NewReader(good+`{"event":"`), &repeat{'x', most + 1})
	_, err := read(endless, most)
	if want := "line 2 is longer than 8 MB: this is not an events file"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// A file of another kind is refused before all of it is in memory.
func TestReadForeign(t *testing.T) {
	endless := &repeat{'x', MaxLine}
	_, err := Read(io.MultiReader(strings.NewReader(good), endless))
	if want := "line 2: a long line that is no JSON: this is not an events file"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if kept := MaxLine - endless.left; kept > 4<<20 {
		t.Errorf("%d bytes of it were read first", kept)
	}
}

// The step of a scenario with as many pods as Kubernetes supports is read back.
func TestReadTheLargestStep(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: it takes a second and half a gigabyte")
	}
	line := largestStep(150_000)
	if len(line) < 64<<20 {
		t.Fatalf("the line has only %d bytes", len(line))
	}
	events, err := Read(bytes.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Encode(events[0])
	if err != nil || !bytes.Equal(again, line) {
		t.Errorf("the line is not the same when it is written again (error %v)", err)
	}
}

func largestStep(pods int) []byte {
	value, server := 12.345678901, 13.0
	var samples []Sample
	for i := range pods {
		samples = append(samples, Sample{Object: fmt.Sprintf("high-throughput-service-7d4b9c6f58-%05d", i),
			UID: fmt.Sprintf("0d2a4c1e-77aa-4f0e-9a53-%012d", i), Value: &value, Server: &server, Node: "node-1234"})
	}
	m := Measured{Name: "startup", Kind: "pods", Unit: "s"}
	for _, name := range []string{"scheduled", "initialized", "startup", "ready"} {
		m.Series = append(m.Series, MeasuredSeries{Name: name, Count: int64(pods), Samples: samples})
	}
	line, err := Encode(Stamped{Event: StepEnded{Scenario: "specs/a", Step: "03-measure", Measures: []Measured{m}}})
	if err != nil {
		panic(err)
	}
	return line
}

type repeat struct {
	b    byte
	left int
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), r.left)
	for i := range p[:n] {
		p[i] = r.b
	}
	r.left -= n
	return n, nil
}

func TestReadFailing(t *testing.T) {
	_, err := Read(io.MultiReader(strings.NewReader(good), failing{}))
	if err == nil || !strings.Contains(err.Error(), "line 2: disk on fire") {
		t.Errorf("error %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func FuzzRead(f *testing.F) {
	var file bytes.Buffer
	bus := NewBus(tickingClock(), NewWriter(&file))
	for _, e := range every() {
		bus.Emit(e)
		line, _ := Encode(Stamped{At: begin, Event: e})
		f.Add(line)
	}
	f.Add(file.Bytes())
	f.Add(file.Bytes()[:file.Len()/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := Read(bytes.NewReader(data))
		r := Fold(events)
		var again bytes.Buffer
		for _, s := range events {
			line, encodeErr := Encode(s)
			if encodeErr != nil {
				t.Fatalf("what was read cannot be written: %v", encodeErr)
			}
			again.Write(line)
		}
		reread, rereadErr := Read(&again)
		if err == nil && rereadErr != nil {
			t.Fatalf("what was written cannot be read: %v", rereadErr)
		}
		if err == nil && Fold(reread).ExitCode != r.ExitCode {
			t.Fatalf("exit code %d became %d", r.ExitCode, Fold(reread).ExitCode)
		}
	})
}

func tickingClock() Clock {
	n := 0
	return Clock{Start: begin, Now: func() time.Time {
		n++
		return begin.Add(time.Duration(n) * time.Millisecond)
	}}
}

// writes keeps each Write apart, and fails after some.
type writes struct {
	got  []string
	good int
	cut  int
}

func (w *writes) Write(p []byte) (int, error) {
	if len(w.got) >= w.good {
		w.got = append(w.got, string(p[:w.cut]))
		return w.cut, errors.New("no space left")
	}
	w.got = append(w.got, string(p))
	return len(p), nil
}

func TestWriterWritesWholeLines(t *testing.T) {
	out := &writes{good: math.MaxInt}
	w := NewWriter(out)
	bus := NewBus(tickingClock(), w)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				bus.Emit(Notice{Text: "hello"})
			}
		})
	}
	all.Wait()
	if len(out.got) != 400 {
		t.Fatalf("%d writes for 400 events", len(out.got))
	}
	for _, line := range out.got {
		if _, err := Read(strings.NewReader(line)); err != nil || !strings.HasSuffix(line, "}\n") {
			t.Fatalf("one write was %q: %v", line, err)
		}
	}
}

func TestWriterKeepsItsError(t *testing.T) {
	out := &writes{good: 2, cut: 10}
	w := NewWriter(out)
	bus := NewBus(tickingClock(), w)
	for range 5 {
		bus.Emit(Notice{})
	}
	want := "the events could not be written, the file ends before notice: no space left"
	if err := w.Err(); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if len(out.got) != 3 {
		t.Errorf("%d writes: after the torn line there must be none", len(out.got))
	}
	got, err := Read(strings.NewReader(strings.Join(out.got, "")))
	if err != nil || len(got) != 3 || got[2].Event.Kind() != "truncated" {
		t.Errorf("reading what is there: %v, %v", got, err)
	}
}

func TestWriterGoesOnAfterAnEventThatIsNoJSON(t *testing.T) {
	out := &writes{good: math.MaxInt}
	w := NewWriter(out)
	bus := NewBus(tickingClock(), w)
	bus.Emit(CleanupEnded{Seconds: math.NaN()})
	bus.Emit(Notice{})
	if w.Err() == nil || len(out.got) != 1 {
		t.Errorf("error %v, %d writes", w.Err(), len(out.got))
	}
}

type recorder struct{ got []Stamped }

func (r *recorder) Handle(s Stamped) { r.got = append(r.got, s) }

func TestBus(t *testing.T) {
	first, second, folder := &recorder{}, &recorder{}, &Folder{}
	bus := NewBus(tickingClock(), first, second, folder)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 25 {
				bus.Emit(Notice{Text: "hello"})
			}
		})
	}
	all.Wait()
	bus.Emit(RunEnded{})
	if diff := cmp.Diff(first.got, second.got); diff != "" {
		t.Errorf("two handlers saw different events:\n%s", diff)
	}
	if len(first.got) != 101 || len(folder.Result().Notices) != 100 {
		t.Fatalf("%d events, %d notices", len(first.got), len(folder.Result().Notices))
	}
	for i := 1; i < len(first.got); i++ {
		if first.got[i].Since <= first.got[i-1].Since {
			t.Fatalf("event %d is stamped %v, the one before %v", i, first.got[i].Since, first.got[i-1].Since)
		}
	}
}
