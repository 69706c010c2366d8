package step

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// difference is a place where an object is not what was written.
type difference struct {
	path      string
	want, got any
	absent    bool
}

// String says what was found and what was written.
func (d difference) String() string {
	if d.absent {
		return fmt.Sprintf("%s is not there, want %s", d.path, short(d.want))
	}
	return fmt.Sprintf("%s is %s, want %s", d.path, short(d.got), short(d.want))
}

func short(v any) string {
	text := fmt.Sprint(v)
	if s, ok := v.(string); ok {
		text = fmt.Sprintf("%q", s)
	}
	if r := []rune(text); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return text
}

// differences lists where got is not at least want: every field of a mapping
// that is written must have that value, a list must have the same length, item
// by item. Quantities are compared by their amount: 1 is 1000m.
func differences(path string, want, got any) []difference {
	switch want := want.(type) {
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok {
			return []difference{{path: path, want: want, got: got, absent: got == nil}}
		}
		var all []difference
		for _, name := range slices.Sorted(maps.Keys(want)) {
			below := join(path, name)
			value, there := have[name]
			if !there && want[name] != nil {
				all = append(all, difference{path: below, want: want[name], absent: true})
				continue
			}
			all = append(all, differences(below, want[name], value)...)
		}
		return all
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) != len(want) {
			return []difference{{path: path, want: want, got: got, absent: got == nil}}
		}
		var all []difference
		for i := range want {
			all = append(all, differences(fmt.Sprintf("%s[%d]", path, i), want[i], have[i])...)
		}
		return all
	}
	if equal(path, want, got) {
		return nil
	}
	return []difference{{path: path, want: want, got: got}}
}

func join(path, name string) string {
	if strings.ContainsAny(name, "./") {
		return fmt.Sprintf("%s['%s']", path, name)
	}
	return strings.TrimPrefix(path+"."+name, ".")
}

// equal compares scalars: numbers by value, and below fields that hold
// quantities by amount.
func equal(path string, want, got any) bool {
	if reflect.DeepEqual(want, got) {
		return true
	}
	w, isNumber := number(want)
	g, alsoNumber := number(got)
	if isNumber && alsoNumber {
		return w == g
	}
	for _, holder := range []string{"requests.", "limits.", "capacity.", "allocatable.", "hard.", "used."} {
		if strings.Contains(path, holder) {
			a, errA := resource.ParseQuantity(fmt.Sprint(want))
			b, errB := resource.ParseQuantity(fmt.Sprint(got))
			return errA == nil && errB == nil && a.Cmp(b) == 0
		}
	}
	return false
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// described reads the objects that a check's object may mean: the one of its
// name, or those with its labels.
func (w *World) described(ctx context.Context, s *plan.Step, source spec.Object) (want map[string]any, sel *selection, found []*unstructured.Unstructured, err error) {
	if want, err = s.Object(source).Eval(ctx, w.known()); err != nil {
		return nil, nil, nil, err
	}
	u := &unstructured.Unstructured{Object: want}
	base := objectSelector(source)
	res, err := w.Client.Resource(base.APIVersion, base.Kind)
	if err != nil {
		return nil, nil, nil, err
	}
	sel = &selection{
		spec: base, resource: res, name: u.GetName(),
		namespace: w.namespaceFor(res, u.GetNamespace()), labels: labels.SelectorFromSet(u.GetLabels()),
	}
	if sel.name != "" {
		sel.labels = labels.Everything() // labels are compared like all else
	}
	found, err = sel.live(ctx, w)
	return want, sel, found, err
}

// checkObject passes when one of the described objects is at least what was
// written.
func (w *World) checkObject(ctx context.Context, s *plan.Step, check *spec.Check, r *Result) []*unstructured.Unstructured {
	want, sel, found, err := w.described(ctx, s, check.Object)
	if err != nil {
		f := fault(ctx, check.At, err)
		f.Outcome = event.Errored
		r.add(f)
		return nil
	}
	if len(found) == 0 {
		r.add(nothing(check.At, sel))
		return nil
	}
	var nearest []difference
	var object *unstructured.Unstructured
	for _, o := range found {
		diffs := differences("", want, o.Object)
		if len(diffs) == 0 {
			return nil
		}
		if object == nil || len(diffs) < len(nearest) {
			nearest, object = diffs, o
		}
	}
	r.add(w.unlike(ctx, s, check, object, nearest))
	return []*unstructured.Unstructured{object}
}

func (w *World) unlike(ctx context.Context, s *plan.Step, check *spec.Check, o *unstructured.Unstructured, diffs []difference) event.Finding {
	var lines []string
	for _, d := range diffs {
		if o.GetKind() == kindSecret {
			d.got, d.want = hidden, hidden
		}
		lines = append(lines, d.String())
	}
	f := event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: check.At,
		Message: ref(o) + ": " + lines[0], Observed: strings.Join(lines, "\n")}
	if len(lines) > 1 {
		f.Message += fmt.Sprintf(" (and %d more differences)", len(lines)-1)
	}
	if message := w.message(ctx, s, check); message != "" {
		f.Message = message + ": " + f.Message
	}
	return f
}

// checkAbsentObject fails when one of the described objects is at least what
// was written.
func (w *World) checkAbsentObject(ctx context.Context, s *plan.Step, check *spec.Check, r *Result) []*unstructured.Unstructured {
	want, _, found, err := w.described(ctx, s, check.AbsentObject)
	if err != nil {
		f := fault(ctx, check.At, err)
		f.Outcome = event.Errored
		r.add(f)
		return nil
	}
	var like []*unstructured.Unstructured
	for _, o := range found {
		if len(differences("", want, o.Object)) == 0 {
			like = append(like, o)
		}
	}
	if len(like) > 0 {
		r.add(w.present(ctx, s, check, like))
	}
	return like
}
