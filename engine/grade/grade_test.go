package grade

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

func ptr(x float64) *float64 { return &x }

// result is a run of one scenario with one step of these measures.
func result(measures ...event.Measured) *event.Result {
	return &event.Result{Scenarios: []*event.Scenario{{
		Name: "high-load", Namespace: "shop",
		Steps: []*event.Step{{ID: "00-apply"}, {ID: "03-measure", Measures: measures}},
	}}}
}

// pods is a pods measure of one series; the values are milliseconds, below zero
// for a missing one, of the pods 0, 1, 2 …
func pods(bar *float64, phase string, values ...float64) event.Measured {
	series := event.MeasuredSeries{Name: phase}
	for i, v := range values {
		s := event.Sample{Object: fmt.Sprintf("web-%d", i), UID: fmt.Sprint(i)}
		if v >= 0 {
			s.Value = ptr(v / 1e3)
		}
		series.Samples = append(series.Samples, s)
	}
	return event.Measured{Name: "startup", Kind: "pods", Unit: "s", Error: bar, Series: []event.MeasuredSeries{series}}
}

// truthOf is the log of n pods, created within [90, 100] ms, bound after
// 10 ms and ready after 100 ms plus their number.
func truthOf(t *testing.T, n int) *Truth {
	t.Helper()
	var lines []written
	for i := range n {
		name, uid := fmt.Sprintf("web-%d", i), fmt.Sprint(i)
		lines = append(lines, created(name, uid, 90, 100), bound(name, uid, 106, 110),
			patched(name, uid, 195+i, 200+i, "running", "PodScheduled", "Initialized", "Ready"))
	}
	truth, err := ReadAudit(strings.NewReader(log(lines...)))
	if err != nil {
		t.Fatal(err)
	}
	return truth
}

func only(t *testing.T, r *Report) Graded {
	t.Helper()
	if len(r.Measures) != 1 {
		t.Fatalf("%d series were graded, want 1", len(r.Measures))
	}
	return r.Measures[0]
}

func TestGrade(t *testing.T) {
	const ms = time.Millisecond
	truth := truthOf(t, 4) // ready after 100, 101, 102, 103 ms
	for _, test := range []struct {
		name     string
		measured event.Measured
		holds    bool
		want     Graded
	}{
		{"late and early", pods(ptr(0.006), "ready", 101, 99, 108, 103), true, Graded{
			Samples: 4, Joined: 4, Bias: 1250 * time.Microsecond, MeanAbs: 2250 * time.Microsecond,
			P50Abs: 1 * ms, P90Abs: 6 * ms, P99Abs: 6 * ms, MaxAbs: 6 * ms, HasBar: true, Bar: 6 * ms, Covered: true,
			True: Quantiles{101 * ms, 103 * ms, 103 * ms}, Said: Quantiles{101 * ms, 108 * ms, 108 * ms}, Blur: 10 * ms,
		}},
		{"above the bar", pods(ptr(0.005), "scheduled", 10, 10, 10, 16), false, Graded{
			Samples: 4, Joined: 4, Bias: 1500 * time.Microsecond, MeanAbs: 1500 * time.Microsecond,
			P90Abs: 6 * ms, P99Abs: 6 * ms, MaxAbs: 6 * ms, HasBar: true, Bar: 5 * ms,
			True: Quantiles{10 * ms, 10 * ms, 10 * ms}, Said: Quantiles{10 * ms, 16 * ms, 16 * ms}, Blur: 10 * ms,
		}},
		{"no bar, and pods that are not joined", pods(nil, "ready", 100, -1, 102, 103, 104, -1), true, Graded{
			Samples: 6, Joined: 3, Unjoined: 3, Missed: 1, Unproven: 1,
			True: Quantiles{102 * ms, 103 * ms, 103 * ms}, Said: Quantiles{102 * ms, 103 * ms, 103 * ms}, Blur: 10 * ms,
		}},
		{"a bar of zero", pods(ptr(0), "scheduled", 10), true, Graded{
			Samples: 1, Joined: 1, HasBar: true, Covered: true, Blur: 10 * ms,
			True: Quantiles{10 * ms, 10 * ms, 10 * ms}, Said: Quantiles{10 * ms, 10 * ms, 10 * ms},
		}},
		{"nothing came", pods(ptr(0.005), "ready", -1), false, Graded{
			Samples: 1, Unjoined: 1, Missed: 1, HasBar: true, Bar: 5 * ms,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Grade(result(test.measured), truth)
			want := test.want
			want.Scenario, want.Step, want.Measure, want.From = "high-load", "03-measure", "startup", "stored"
			want.Series = test.measured.Series[0].Name
			if diff := cmp.Diff(want, only(t, r)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if r.Holds() != test.holds {
				t.Errorf("holds: %v, want %v", r.Holds(), test.holds)
			}
		})
	}
}

func TestTheWayToTheServerIsPartOfTheErrorOfSent(t *testing.T) {
	g := NewWithT(t)
	m := pods(nil, "scheduled", 25)
	for from, late := range map[string]time.Duration{"": 15, "accepted": 15, "sent": 5, "due": 5} {
		m.From = from
		g.Expect(only(t, Grade(result(m), truthOf(t, 1))).Bias).To(Equal(late*time.Millisecond), "from %q", from)
	}
}

// Other kinds, other series and the groups of a measure, which hold its samples
// a second time, are not graded; names find pods where there is no UID.
func TestWhatIsGraded(t *testing.T) {
	g := NewWithT(t)
	m := pods(nil, "ready", 100, 101)
	m.Series[0].Samples[0].UID = ""
	m.Series[0].Samples[1] = event.Sample{Object: "shop/web-1", Value: ptr(0.101)}
	group := m.Series[0]
	group.Group = "node-0"
	m.Series = append(m.Series, group, event.MeasuredSeries{Name: "worst"})
	other := pods(nil, "ready", 100)
	other.Kind = "objects"
	got := only(t, Grade(result(other, m), truthOf(t, 2)))
	g.Expect(got.Joined).To(Equal(2))
	g.Expect(got.MaxAbs).To(BeZero())
}

// A sample with bounds promised no more than them, beside the bar.
func TestLateSamples(t *testing.T) {
	for _, test := range []struct {
		low, high *float64 // seconds
		want      bool
	}{
		{nil, nil, false}, // the truth is 0.1
		{ptr(0.09), ptr(0.2), true},
		{ptr(0.106), ptr(0.2), false},
		{ptr(0.104), ptr(0.2), true}, // by 4 ms outside, and the bar is 5 ms
		{ptr(0), ptr(0.094), false},
		{ptr(0.02), nil, true},
		{ptr(0.02), ptr(spec.Missing.Seconds()), true},
		{ptr(0.106), ptr(spec.Missing.Seconds()), false},
		{nil, ptr(0.096), true},
	} {
		m := pods(ptr(0.005), "ready", 150)
		m.Series[0].Samples[0].Low, m.Series[0].Samples[0].High = test.low, test.high
		got := only(t, Grade(result(m), truthOf(t, 1)))
		if got.Covered != test.want || got.P99Abs != 50*time.Millisecond {
			t.Errorf("%+v: covered %v, error %v", test, got.Covered, got.P99Abs)
		}
		if late := test.low != nil || test.high != nil; late != (got.Late == 1) {
			t.Errorf("%+v: %d late", test, got.Late)
		}
	}
}

func TestHolds(t *testing.T) {
	truth := truthOf(t, 2)
	good, missing := pods(ptr(0.01), "ready", 100, 101), pods(ptr(0.01), "ready", -1, -1)
	bad, foreign := pods(ptr(0.01), "ready", 150), pods(ptr(0.01), "ready", 1)
	foreign.Series[0].Samples[0].UID = "of another cluster"
	for _, test := range []struct {
		name string
		run  *event.Result
		want bool
	}{
		{"within", result(good), true},
		{"one of two", result(good, bad), false},
		{"nothing to grade beside it", result(good, missing), true},
		{"only that", result(missing), false},
		{"of another cluster", result(good, foreign), false},
		{"no measures", result(), false},
	} {
		if got := Grade(test.run, truth).Holds(); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestText(t *testing.T) {
	all := pods(ptr(0.012), "scheduled", 10.2, 10.4, 11, -1, 9)
	all.Series[0].Samples[1].Low = ptr(0.010)
	all.Series = append(all.Series, pods(nil, "startup", 101, 100.5, 113.5).Series...)
	all.Series = append(all.Series, pods(nil, "ready", -1).Series...)
	plain := pods(nil, "ready", 61500)
	plain.Name, plain.From = strings.Repeat("long", 30), "sent"
	got := Grade(result(all, plain), truthOf(t, 4)).Text()
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
			t.Errorf("%d columns: %s", n, line)
		}
		if strings.Contains(line, "…") && !strings.Contains(line, "longlong") {
			t.Errorf("cut, and it is no name that is too long: %s", line)
		}
	}
	const golden = "testdata/report.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := Grade(result(), truthOf(t, 1)).Text(); got != "the run has no pods measure, so there is nothing to grade\n" {
		t.Errorf("of a run without pods: %q", got)
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0ms", 250 * time.Nanosecond: "0.000ms", 212 * time.Microsecond: "0.212ms", -1234 * time.Microsecond: "-1.23ms",
		12345 * time.Microsecond: "12.3ms", 131 * time.Millisecond: "131ms", 9999 * time.Microsecond: "10.0ms",
		999600 * time.Microsecond: "1.00s", 61500 * time.Millisecond: "61.5s", -time.Hour: "-3600s",
	} {
		if got := short(d); got != want {
			t.Errorf("%d ns: %s, want %s", d, got, want)
		}
	}
}
