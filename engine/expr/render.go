package expr

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	apiservercel "k8s.io/apiserver/pkg/cel"

	"github.com/realspec/realspec/engine/spec"
)

// shortest is the number of characters that a value may take in a report.
const shortest = 60

// short renders a value on one line of at most 60 characters.
func short(v ref.Val) string { return render(v, shortest) }

func render(v ref.Val, room int) string {
	switch v := v.(type) {
	case types.Null:
		return "null"
	case types.String:
		return quote(string(v), room)
	case types.Double:
		return number64(float64(v))
	case types.Duration:
		return shortDuration(v.Duration)
	case types.Timestamp:
		return v.Time.Format(time.RFC3339Nano)
	case types.Bytes:
		return fmt.Sprintf("%d bytes", len(v))
	case apiservercel.Quantity:
		return v.Quantity.String()
	case *recordValue:
		return cut(renderRecord(v.value), room)
	case *types.Optional:
		if !v.HasValue() {
			return "nothing"
		}
		return render(v.GetValue(), room)
	case traits.Mapper:
		return renderMap(v, room)
	case traits.Lister:
		return renderList(v, room)
	case *types.Type:
		return typeWord(v.TypeName())
	}
	return cut(fmt.Sprint(v.Value()), room)
}

func number64(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// shortDuration rounds a duration to four digits or milliseconds, whatever is
// finer: 1.234s, 12.35ms, 2m0.5s.
func shortDuration(d time.Duration) string {
	switch abs := d.Abs(); {
	case d == spec.Missing:
		return "not reached"
	case abs >= time.Second:
		d = d.Round(time.Millisecond)
	case abs >= time.Millisecond:
		d = d.Round(10 * time.Microsecond)
	case abs >= time.Microsecond:
		d = d.Round(10 * time.Nanosecond)
	}
	return d.String()
}

func quote(text string, room int) string {
	quoted := strconv.Quote(text)
	if utf8.RuneCountInString(quoted) <= room {
		return quoted
	}
	return cut(quoted, room-1) + `"`
}

// cut shortens a text to the room that there is.
func cut(text string, room int) string {
	if utf8.RuneCountInString(text) <= room {
		return text
	}
	return string([]rune(text)[:max(room-1, 0)]) + "…"
}

func renderRecord(value any) string {
	if v := reflect.ValueOf(value); v.Kind() == reflect.Pointer && !v.IsNil() {
		value = v.Elem().Interface()
	}
	switch v := value.(type) {
	case spec.Node:
		return "Node/" + v.Name
	case spec.Cluster:
		return "Kubernetes " + v.Version
	case spec.Taint:
		return fmt.Sprintf("%s=%s:%s", v.Key, v.Value, v.Effect)
	case spec.Series:
		return fmt.Sprintf("{count: %d, max: %s}", v.Count, shortDuration(v.Max))
	case spec.Grouped:
		return renderRecord(v.Phases)
	case spec.Delivery:
		return fmt.Sprintf("{count: %d, rate: %.4g, lag: %s}", v.Count, v.Rate, shortDuration(v.Lag))
	case spec.ServerLatency:
		return fmt.Sprintf("{mutating: %d, reads: %d, lists: %d calls}", v.Mutating.Count, v.Reads.Count, v.Lists.Count)
	case spec.Values:
		return fmt.Sprintf("{count: %d, max: %.4g}", v.Count, v.Max)
	case spec.Requests:
		return fmt.Sprintf("{count: %d, failed: %d, rate: %.4g}", v.Count, v.Failed, v.Rate)
	case spec.Network:
		return fmt.Sprintf("{count: %d, worst p99: %s}", v.All.Count, shortDuration(v.Worst.P99))
	case spec.Usage:
		return fmt.Sprintf("{cpu: %.4g, memory: %.4g of the worst}", v.CPU.Worst, v.Memory.Worst)
	case spec.Share:
		return fmt.Sprintf("{worst: %.4g, total: %.4g, used: %.4g}", v.Worst, v.Total, v.Used)
	case spec.Traffic:
		return fmt.Sprintf("{received: %.4g, sent: %.4g} bytes/s", v.Received, v.Sent)
	case spec.ExecValues:
		return fmt.Sprintf("{count: %d, max: %s}", v.Duration.Count, shortDuration(v.Duration.Max))
	case spec.Response:
		if v.Error != "" {
			return "no answer: " + v.Error
		}
		return fmt.Sprintf("status %d in %s", v.Status, shortDuration(v.Took))
	case spec.CommandResult:
		return fmt.Sprintf("exit code %d in %s", v.ExitCode, shortDuration(v.Took))
	case spec.LogLines:
		return fmt.Sprintf("%d lines of %d pods", len(v.Lines), len(v.Pods))
	case map[string]spec.Series:
		return "{" + strings.Join(slices.DeleteFunc(slices.Clone(spec.Phases), func(phase string) bool {
			_, ok := v[phase]
			return !ok
		}), ", ") + "}"
	}
	return "…"
}

func renderList(l traits.Lister, room int) string {
	n := size(l)
	if n == 0 {
		return "[]"
	}
	noun := "items"
	if n == 1 {
		noun = "item"
	}
	items := func(yield func(string) bool) {
		for it := l.Iterator(); it.HasNext() == types.True; {
			if !yield(render(it.Next(), room/2)) {
				return
			}
		}
	}
	return fill(fmt.Sprintf("[%d %s: ", n, noun), items, "]", room)
}

func renderMap(m traits.Mapper, room int) string {
	if name := objectName(m); name != "" {
		return cut(name, room)
	}
	if size(m) == 0 {
		return "{}"
	}
	var keys []ref.Val
	for it := m.Iterator(); it.HasNext() == types.True; {
		keys = append(keys, it.Next())
	}
	slices.SortFunc(keys, func(a, b ref.Val) int {
		return cmp.Compare(fmt.Sprint(a.Value()), fmt.Sprint(b.Value()))
	})
	entries := func(yield func(string) bool) {
		for _, key := range keys {
			if !yield(fmt.Sprintf("%v: %s", key.Value(), render(m.Get(key), room/2))) {
				return
			}
		}
	}
	return fill("{", entries, "}", room)
}

// fill joins as many items as there is room for.
func fill(open string, items func(func(string) bool), closing string, room int) string {
	out, length, first := strings.Builder{}, utf8.RuneCountInString(open+closing), true
	out.WriteString(open)
	for item := range items {
		separator := ", "
		if first {
			separator = ""
		}
		length += utf8.RuneCountInString(separator + item)
		if length+len(", …")-2 > room {
			out.WriteString(separator + "…")
			break
		}
		out.WriteString(separator + item)
		first = false
	}
	return out.String() + closing
}

// objectName is Kind/name of a Kubernetes object, empty for other maps.
func objectName(m traits.Mapper) string {
	kind := field(m, "kind")
	metadata, _ := m.Find(types.String("metadata"))
	inner, ok := metadata.(traits.Mapper)
	if kind == "" || !ok {
		return ""
	}
	name := field(inner, "name")
	if name == "" {
		return ""
	}
	return kind + "/" + name
}

func field(m traits.Mapper, name string) string {
	v, _ := m.Find(types.String(name))
	s, _ := v.(types.String)
	return string(s)
}
