package measure

import (
	"bytes"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// familiesOf reads metrics in Prometheus' text format: those named, by their names.
// The rest of the text, some megabytes, is not parsed.
func familiesOf(text []byte, names ...string) (map[string]*dto.MetricFamily, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(linesOf(text, names)))
}

// linesOf are the lines of the named metrics, with their types.
func linesOf(text []byte, names []string) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		body := bytes.TrimPrefix(line, []byte("# TYPE "))
		for _, name := range names {
			if bytes.HasPrefix(body, []byte(name)) {
				out = append(out, line...)
			}
		}
	}
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	return out
}

func labelsOf(m *dto.Metric) string {
	all := make([]string, 0, len(m.GetLabel()))
	for _, l := range m.GetLabel() {
		all = append(all, l.GetName()+"="+l.GetValue())
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

func labelOf(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func valueOf(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.GetCounter().GetValue()
	case m.Gauge != nil:
		return m.GetGauge().GetValue()
	}
	return m.GetUntyped().GetValue()
}
