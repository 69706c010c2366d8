package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joshdk/go-junit"

	"github.com/realspec/realspec/engine/event"
)

func measured(m event.Measured, verbose bool) string {
	return plainText(measureLines([]event.Measured{m}, unicodeMarks(), verbose))
}

func TestQuantities(t *testing.T) {
	for _, tt := range []struct {
		x    float64
		unit string
		want string
	}{
		{0.0415, "s", "41.5ms"},
		{0, "", "0"},
		{3, "", "3"},
		{1234567, "", "1234567"},
		{12345.6, "", "12346"},
		{999.96, "", "1000"},
		{0.061237, "", "0.06124"},
		{-2.5, "", "-2.5"},
		{1e18, "", "1e+18"},
		{0.00001234, "", "1.234e-05"},
		{1536, "things", "1536 things"},
		{512, "bytes", "512 bytes"},
		{1536, "bytes", "1.50 KiB"},
		{1.5 * (1 << 30), "bytes", "1.50 GiB"},
		{9.41e8, "bit/s", "941 Mbit/s"},
		{2.5e10, "bit/s", "25.0 Gbit/s"},
		{3 << 20, "bytes/s", "3.00 MiB/s"},
		{0.5, "cores", "0.500 cores"},
		{0.62, "share", "62.0 %"},
		{0, "share", "0 %"},
		{0.00061, "share", "0.061 %"},
	} {
		if got := quantity(tt.x, tt.unit); got != tt.want {
			t.Errorf("%v %s: %s, want %s", tt.x, tt.unit, got, tt.want)
		}
	}
}

func TestRoughTime(t *testing.T) {
	for _, tt := range []struct {
		seconds float64
		want    string
	}{
		{0, "0s"}, {0.0041, "4.1ms"}, {0.00414, "4.1ms"}, {0.061, "61ms"}, {0.5, "500ms"}, {0.00031, "0.31ms"},
		{0.999, "1s"}, {1.94, "1.9s"}, {20, "20s"}, {60, "1m00.0s"}, {100, "1m40.0s"},
	} {
		if got := roughTime(tt.seconds); got != tt.want {
			t.Errorf("%v s: %s, want %s", tt.seconds, got, tt.want)
		}
	}
}

// The tail that is shown is never one that so many samples cannot support.
func TestShownQuantile(t *testing.T) {
	for _, tt := range []struct {
		n, missing int64
		want       string
	}{
		{1, 0, "p50 max"}, {28, 0, "p50 max"}, {29, 0, "p50 p90 max"}, {58, 0, "p50 p90 max"}, {59, 0, "p50 p95 max"},
		{298, 0, "p50 p95 max"}, {299, 0, "p50 p99 max"}, {3000, 0, "p50 p99 max"}, {290, 9, "p50 p99 max"},
	} {
		s := many("", "", tt.n, 1, 2)
		s.Missing = tt.missing
		var names []string
		for _, text := range values(s, "s") {
			names = append(names, strings.Fields(text)[0])
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%d and %d missing: %s, want %s", tt.n, tt.missing, got, tt.want)
		}
	}
}

// Nothing above a sample that never came has a value.
func TestNotReachedEndsTheLine(t *testing.T) {
	s := many("ready", "", 2000, 1, 2)
	s.Missing, s.P50, s.P90, s.P95, s.P99, s.Max = 2500, nil, nil, nil, nil, nil
	got := measured(event.Measured{Name: "startup", Kind: "pods", Unit: "s", Series: []event.MeasuredSeries{s}}, false)
	if want := "startup  ready  n=2000 of 4500  p50 not reached  ± unknown\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestErrorBar(t *testing.T) {
	for _, tt := range []struct {
		kind  string
		error *float64
		want  string
	}{
		{"pods", ptr(0.0041), "± 4.1ms"}, {"pods", ptr(0), "± 0s"}, {"pods", nil, "± unknown"},
		{"objects", nil, "± unknown"}, {"elapsed", nil, ""}, {"api", nil, ""}, {"prometheus", nil, ""},
	} {
		if got := errorBar(event.Measured{Kind: tt.kind, Error: tt.error}, unicodeMarks()); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.kind, got, tt.want)
		}
	}
}

// A console shows the groups with the largest median; one that never got so far
// is the worst, one without samples the best.
func TestWorstGroups(t *testing.T) {
	m := event.Measured{Name: "startup", Kind: "pods", Unit: "s", Series: []event.MeasuredSeries{many("ready", "", 300, 1, 2)}}
	for i, high := range []float64{1.2, 1.9, 1.4, 1.9} {
		m.Series = append(m.Series, many("ready", fmt.Sprintf("node-%d", i), 5, 1, high))
	}
	lost := event.MeasuredSeries{Name: "ready", Group: "node-lost", Missing: 5}
	m.Series = append(m.Series, event.MeasuredSeries{Name: "ready", Group: "node-empty"}, lost)
	order := func(verbose bool) string {
		var names []string
		for _, word := range strings.Fields(measured(m, verbose)) {
			if strings.HasPrefix(word, "node-") {
				names = append(names, word)
			}
		}
		return strings.Join(names, " ")
	}
	if got, want := order(false), "node-lost node-1 node-3"; got != want {
		t.Errorf("shown: %s, want %s", got, want)
	}
	if got, want := order(true), "node-lost node-1 node-3 node-2 node-0 node-empty"; got != want {
		t.Errorf("verbose: %s, want %s", got, want)
	}
	if got := measured(m, false); !strings.Contains(got, "the worst 3 of 6 groups by p50; --verbose shows all") {
		t.Errorf("nothing says that groups are left out:\n%s", got)
	}
	var worst []string
	for _, p := range measuredProperties([]event.Measured{m}) {
		if strings.HasSuffix(p.Name, ".group") || strings.HasPrefix(p.Name, "startup.worst") && strings.HasSuffix(p.Name, ".missing") {
			worst = append(worst, p.Name+" "+p.Value)
		}
	}
	if diff := cmp.Diff([]string{"startup.worst.ready.group node-lost", "startup.worst.ready.missing 5"}, worst); diff != "" {
		t.Errorf("properties: - want, + got:\n%s", diff)
	}
}

func TestConfidenceIntervals(t *testing.T) {
	s := many("ready", "", 300, 0.0421, 0.0465)
	s.Intervals = map[string][2]*float64{"p99": {ptr(0.0441), ptr(0.052)}, "p50": {ptr(0.9), nil}, "p90": {nil, nil}}
	s.P90 = nil
	got := measured(event.Measured{Name: "startup", Kind: "pods", Unit: "s", Error: ptr(0.004), Series: []event.MeasuredSeries{s}}, true)
	for _, want := range []string{"p99 46.5ms (44.1ms–52.0ms, 95 %)", "p50 44.3ms (≥ 900ms, 95 %)", "p90 not reached (not reached, 95 %)"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

// Every measure has a line, whatever is not known of it.
func TestMeasureWithoutAnything(t *testing.T) {
	for _, tt := range []struct {
		m    event.Measured
		want string
	}{
		{event.Measured{Name: "down", Kind: "prometheus"}, "down  n=0  not measured\n"},
		{event.Measured{Name: "claims", Kind: "objects", Unit: "s", Series: []event.MeasuredSeries{{}}}, "claims  n=0  no samples\n"},
		{event.Measured{Name: "pods", Kind: "pods", Unit: "s", Series: []event.MeasuredSeries{{Name: "ready", Group: "a"}}},
			"pods  by group\n  ready  a  n=0  no samples\n"},
		{event.Measured{Name: "load", Kind: "load", Delivery: &event.Delivery{}}, "load  asked as fast as possible  delivered 0/s  0 of 0  worst lag 0s\n"},
	} {
		for _, verbose := range []bool{false, true} {
			if got := measured(tt.m, verbose); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		}
	}
}

// Thousands of samples do not hide the rest of a verbose console.
func TestVerboseListsTheSlowestSamples(t *testing.T) {
	lines := sampleLines(big(3000).Scenarios[0].Steps[0].Measures, unicodeMarks())
	if len(lines) != 4*(mostSamples+1) {
		t.Fatalf("%d lines", len(lines))
	}
	if got, want := lines[0].text, "scheduled  web-7d4b9c-02999  30.0ms  node-7"; got != want {
		t.Errorf("first: %q, want %q", got, want)
	}
	if got, want := lines[mostSamples].text, "scheduled  and 2990 more samples, in the JSON report"; got != want {
		t.Errorf("last: %q, want %q", got, want)
	}
}

// A measure's line is broken between values, never inside one.
func TestMeasureLinesBreakBetweenValues(t *testing.T) {
	s := many("initialized", "", 123456, 61, 3723)
	s.Missing = 1
	m := event.Measured{Name: "startup_of_everything", Kind: "pods", Unit: "s", Series: []event.MeasuredSeries{s}}
	p := newPage(Options{Width: 80})
	for _, text := range p.lay(bodyIndent, measureLines([]event.Measured{m}, p.marks, false)) {
		for cell := range strings.SplitSeq(strings.TrimSpace(text), "  ") {
			if cell == "p99" || cell == "max" || cell == "±" || cell == "unknown" {
				t.Errorf("%q is alone in %q", cell, text)
			}
		}
	}
}

// found is how findings are shown.
func found(findings ...event.Finding) string {
	return plainText(findingLines(findings, unicodeMarks()))
}

func TestBaselineFindings(t *testing.T) {
	message := "startup.ready.p50 41.5 ms, recorded 38.2 ms (+8.6 %)"
	for outcome, want := range map[event.Outcome]string{
		event.Failed: "✗ ", event.Passed: "✓ ", event.Skipped: "- ", event.Inconclusive: "? ",
	} {
		got := found(event.Finding{Outcome: outcome, Reason: event.ReasonBaseline, Pos: at("a.yaml", 9, 1), Message: message})
		if want := want + message + "\n"; got != want {
			t.Errorf("%s: %q, want %q", outcome, got, want)
		}
	}
}

// An inconclusive threshold says so on its own line, for whichever reason.
func TestInconclusiveThresholds(t *testing.T) {
	for _, reason := range []event.Reason{event.ReasonSamples, event.ReasonError, event.ReasonDelivery, event.ReasonSkew} {
		f := threshold(event.Inconclusive, reason, "a.yaml", 7, "startup.ready.p50 < duration('30s')", "10.6s")
		f.Message = "why"
		want := "? startup.ready.p50 < duration('30s')   10.6s\n  a.yaml:7:5\n  why\n"
		if got := found(f); got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
}

// CI servers take suites, and cases within a class, apart by their names.
func TestJUnitNamesOfRepetitionsAreUnique(t *testing.T) {
	suites, err := junit.Ingest([]byte(asJUnit(t, event.Fold(repeated()))))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	classes := map[string]bool{}
	for _, s := range suites {
		names = append(names, s.Name)
		classes[s.Tests[0].Classname] = true
	}
	if diff := cmp.Diff([]string{"high-load #1", "high-load #2", "high-load #3"}, names); diff != "" {
		t.Errorf("suites: - want, + got:\n%s", diff)
	}
	if len(classes) != 3 {
		t.Errorf("classes: %v", classes)
	}
}

// A full queue puts every measure in doubt: also a quiet console says so.
func TestFullQueueIsAlwaysShown(t *testing.T) {
	for _, opt := range []Options{{}, {Quiet: true}, {Verbose: true}} {
		if got := onConsole(overloaded(story(startup)), opt); !strings.Contains(got, "the event queue was full 3 times: stamps were late") {
			t.Errorf("%+v:\n%s", opt, got)
		}
		if got := onConsole(story(startup), opt); strings.Contains(got, "event queue") {
			t.Errorf("%+v, and it was never full:\n%s", opt, got)
		}
	}
}
