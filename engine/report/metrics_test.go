package report

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/realspec/realspec/engine/event"
)

func asMetrics(t *testing.T, r *event.Result) string {
	t.Helper()
	var out bytes.Buffer
	if err := OpenMetrics(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestMetricsGolden(t *testing.T) {
	for _, name := range []string{"everything", "real", "empty"} {
		golden(t, name+".om", asMetrics(t, event.Fold(fixtures()[name])))
	}
}

// Another program's parser must read every fixture, and what is in it twice, or in
// a family of another unit, is an error for it.
func TestMetricsReadBack(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		r := event.Fold(events)
		text := asMetrics(t, r)
		if !strings.HasSuffix(text, "\n# EOF\n") {
			t.Errorf("no end: %q", text[max(0, len(text)-40):])
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		for _, s := range r.Scenarios {
			steps += len(s.Steps)
		}
		if got := len(families["realspec_step_outcome"].GetMetric()); got != steps {
			t.Errorf("%d outcomes of steps, the result has %d", got, steps)
		}
		if got := families["realspec_run_exit_code"].GetMetric()[0].GetGauge().GetValue(); got != float64(r.ExitCode) {
			t.Errorf("exit code %v, want %d", got, r.ExitCode)
		}
		seen := map[string]bool{}
		for name, f := range families {
			for _, m := range f.GetMetric() {
				if key := name + fmt.Sprint(m.GetLabel()); seen[key] {
					t.Errorf("%s is there twice", key)
				} else {
					seen[key] = true
				}
			}
		}
	})
}

func TestMetricsOfTwoScenariosWithOneName(t *testing.T) {
	r := &event.Result{Scenarios: []*event.Scenario{{Name: "a", Path: "x/a"}, {Name: "a", Path: "y/a"}, {Name: "b", Path: "b", Repetition: 1},
		{Name: "b", Path: "b#2", Repetition: 2}}}
	text := asMetrics(t, r)
	for _, want := range []string{`{scenario="x/a"}`, `{scenario="y/a"}`, `{scenario="b",repetition="1"}`, `{scenario="b",repetition="2"}`} {
		if !strings.Contains(text, "realspec_scenario_seconds"+want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// A quantile that was not reached is above every limit, and is no number that a
// dashboard could take for one.
func TestMetricsOfWhatWasNotReached(t *testing.T) {
	for _, f := range Metrics(event.Fold(story(slow))) {
		if f.GetName() != "realspec_measure_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			if label(m, "quantile") == "1" && !math.IsInf(m.GetGauge().GetValue(), 1) {
				t.Errorf("the longest is %v", m.GetGauge().GetValue())
			}
		}
		return
	}
	t.Error("no measure")
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// Prometheus' own parser of OpenMetrics, which knows units and the end, reads the
// file. It needs timestamps to make blocks; the file has none.
func TestMetricsForPrometheus(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("there is no promtool on this machine: its parser of OpenMetrics is not asked")
	}
	sample := regexp.MustCompile(`(?m)^(realspec_[^#\n]+)$`)
	for _, name := range []string{"everything", "real", "nasty", "empty", "repeated"} {
		dir := t.TempDir()
		file := filepath.Join(dir, "metrics.om")
		text := sample.ReplaceAllString(asMetrics(t, event.Fold(fixtures()[name])), "$1 1767225600.000")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(promtool, "tsdb", "create-blocks-from", "openmetrics", file, filepath.Join(dir, "blocks")).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s\n%s", name, err, out, text)
		}
	}
}
