package step

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/spec"
)

// hidden stands in reports for what must not be read there.
const hidden = "(hidden)"

// kindSecret is the kind whose data is never shown.
const kindSecret = "Secret"

// statusLines is how much of an object's status a finding shows.
const statusLines = 40

// hasCondition is kubectl wait's condition=NAME[=STATUS]: a condition that was
// observed for an older generation does not count.
func hasCondition(goal spec.For, o *unstructured.Unstructured) state {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	observed, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
	for _, c := range conditions {
		c, _ := c.(map[string]any)
		if kind, _ := c["type"].(string); !strings.EqualFold(kind, goal.Name) {
			continue
		}
		if own, ok := c["observedGeneration"].(int64); ok {
			observed = own
		}
		if observed > 0 && observed < o.GetGeneration() {
			return state{detail: fmt.Sprintf("%s: condition %s is of an older generation", ref(o), goal.Name), observed: status(o)}
		}
		is, _ := c["status"].(string)
		message, _ := c["message"].(string)
		return state{holds: strings.EqualFold(is, goal.Value), observed: status(o),
			detail: strings.TrimSuffix(fmt.Sprintf("%s: condition %s is %s: %s", ref(o), goal.Name, is, message), ": ")}
	}
	return state{detail: fmt.Sprintf("%s has no condition %s yet", ref(o), goal.Name), observed: status(o)}
}

// hasValue is kubectl wait's jsonpath=PATH[=VALUE]; without a value, any will do.
func hasValue(goal spec.For, path func(map[string]any) (string, bool), o *unstructured.Unstructured) state {
	got, found := path(o.Object)
	switch {
	case !found || got == "" && goal.Value == "":
		return state{detail: fmt.Sprintf("%s: %s is not there yet", ref(o), goal.Name), observed: status(o)}
	case goal.Value == "" || got == goal.Value:
		return state{holds: true, detail: ref(o)}
	case o.GetKind() == kindSecret:
		got = hidden
	}
	return state{detail: fmt.Sprintf("%s: %s is %s, not %s", ref(o), goal.Name, got, goal.Value), observed: status(o)}
}

func stillThere(objects []*unstructured.Unstructured) string {
	if len(objects) == 1 {
		return ref(objects[0]) + " is still there"
	}
	return fmt.Sprintf("%s and %d more are still there", ref(objects[0]), len(objects)-1)
}

// deletion says what holds up the deletion of an object.
func deletion(o *unstructured.Unstructured) string {
	at := o.GetDeletionTimestamp()
	if at == nil {
		return "nobody has deleted it"
	}
	if f := o.GetFinalizers(); len(f) > 0 {
		return fmt.Sprintf("deleted at %s; waits for its finalizers: %s", at.UTC().Format(time.RFC3339), strings.Join(f, ", "))
	}
	return fmt.Sprintf("deleted at %s", at.UTC().Format(time.RFC3339))
}

// status is the object's status as YAML, cut to what a person reads.
func status(o *unstructured.Unstructured) string {
	st, ok := o.Object["status"]
	if !ok {
		return ""
	}
	return excerpt(map[string]any{"status": st})
}

// excerpt is a value as YAML, cut to what a person reads.
func excerpt(v any) string {
	text, err := yaml.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if more := len(lines) - statusLines; more > 0 {
		lines = append(lines[:statusLines], fmt.Sprintf("… %d more lines", more))
	}
	return strings.Join(lines, "\n")
}

// parts are the values of the parts of an expression, secrets hidden.
func parts(ctx context.Context, p *expr.Program, values expr.Values) []event.Part {
	masked := make(expr.Values, len(values))
	for name, v := range values {
		masked[name] = mask(v)
	}
	var out []event.Part
	for _, part := range p.Explain(ctx, masked) {
		if strings.Contains(part.Expr, "env.") {
			part.Value = hidden
		}
		out = append(out, event.Part{Expr: part.Expr, Value: part.Value})
	}
	return out
}

// mask hides the data of Secrets in a value that is about to be shown.
func mask(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = mask(item)
		}
		return out
	case map[string]any:
		if v["kind"] != kindSecret {
			return v
		}
		out := make(map[string]any, len(v))
		for name, field := range v {
			out[name] = field
		}
		for _, name := range []string{"data", "stringData"} {
			if data, ok := out[name].(map[string]any); ok {
				veiled := make(map[string]any, len(data))
				for key := range data {
					veiled[key] = hidden
				}
				out[name] = veiled
			}
		}
		return out
	}
	return v
}
