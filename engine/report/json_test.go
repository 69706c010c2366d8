package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/quick"

	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/event"
)

// indented is the JSON that the encoder itself indents.
func indented(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJSONIsIndentedAsTheEncoderWould(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		r := event.Fold(events)
		var got bytes.Buffer
		if err := JSON(&got, r); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(indented(t, r), got.String()); diff != "" {
			t.Errorf("- the encoder, + JSON:\n%s", diff)
		}
	})
}

// Texts with quotes, braces and backslashes do not move the indentation.
func TestJSONIndentsAnyText(t *testing.T) {
	property := func(texts map[string]string, lists [][]string) bool {
		r := &event.Result{Args: []string{`\`, `"`, `\"{[,:]}`, ""}, Scenarios: []*event.Scenario{}}
		for _, list := range append(lists, nil, []string{}) {
			r.Scenarios = append(r.Scenarios, &event.Scenario{Labels: texts, Covers: list, Notices: list})
		}
		var got bytes.Buffer
		return JSON(&got, r) == nil && got.String() == indented(t, r)
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
}

// big is a result with the samples of so many pods.
func big(pods int) *event.Result {
	startup := event.Measured{Name: "startup", Kind: "pods", Unit: "s"}
	for _, phase := range []string{"scheduled", "initialized", "startup", "ready"} {
		s := many(phase, "", int64(pods), 0.1, 2)
		for i := range pods {
			s.Samples = append(s.Samples, event.Sample{
				Object: fmt.Sprintf("web-7d4b9c-%05d", i), UID: fmt.Sprintf("3f6e8a10-0000-4000-8000-%012d", i),
				Value: ptr(float64(i) / 1e5), Server: ptr(1), Node: fmt.Sprintf("node-%d", i%8),
			})
		}
		startup.Series = append(startup.Series, s)
	}
	step := &event.Step{ID: "01-measure", Measures: []event.Measured{startup}}
	return &event.Result{Scenarios: []*event.Scenario{{Steps: []*event.Step{step}}}}
}

// weighed notes how much memory is in use at the first write, and counts.
type weighed struct {
	inUse uint64
	bytes int
	most  int
}

func (w *weighed) Write(p []byte) (int, error) {
	if w.bytes == 0 {
		w.inUse = inUse()
	}
	w.bytes += len(p)
	w.most = max(w.most, len(p))
	return len(p), nil
}

func compactSize(t *testing.T, r *event.Result) uint64 {
	t.Helper()
	compact, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(len(compact))
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// While 3000 pods with four phases are written there is one compact copy of them
// and no indented one, which is larger.
func TestJSONHoldsOneCopy(t *testing.T) {
	r := big(3000)
	size := compactSize(t, r)
	var out weighed
	before := inUse()
	if err := JSON(&out, r); err != nil {
		t.Fatal(err)
	}
	// The encoder's buffer grows in steps of a quarter.
	if held := out.inUse - min(before, out.inUse); held > size*3/2 {
		t.Errorf("%d bytes are in use while %d compact bytes are written as %d", held, size, out.bytes)
	}
	if out.bytes < int(size) || out.most > 64<<10 {
		t.Errorf("%d bytes were written, at most %d at once", out.bytes, out.most)
	}
	runtime.KeepAlive(r)
}

func TestJSONKeepsEverySample(t *testing.T) {
	r := big(3000)
	var out bytes.Buffer
	if err := JSON(&out, r); err != nil {
		t.Fatal(err)
	}
	var again event.Result
	if err := json.Unmarshal(out.Bytes(), &again); err != nil {
		t.Fatal(err)
	}
	want, got := r.Scenarios[0].Steps[0].Measures, again.Scenarios[0].Steps[0].Measures
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("- written, + read:\n%s", diff)
	}
}

// What does not fit on the disk is told, also when it is the last piece.
func TestJSONTellsLateWriteErrors(t *testing.T) {
	for _, room := range []int{0, 100, 5000, 1 << 20} {
		err := JSON(&small{room}, big(3000))
		if err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("room for %d bytes: error %v", room, err)
		}
	}
}

type small struct{ left int }

func (s *small) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left < 0 {
		return full{}.Write(p)
	}
	return len(p), nil
}

func BenchmarkJSON(b *testing.B) {
	r := big(3000)
	b.ReportAllocs()
	for b.Loop() {
		if err := JSON(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
