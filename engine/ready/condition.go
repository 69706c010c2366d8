package ready

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// condition is one of status.conditions.
type condition struct{ status, reason, message string }

// why is the reason and the message, ready to be appended.
func (c condition) why() string {
	switch {
	case c.reason == "" && c.message == "":
		return ""
	case c.message == "":
		return ": " + c.reason
	case c.reason == "":
		return ": " + c.message
	}
	return ": " + c.reason + ": " + c.message
}

// conditionOf finds a condition by its type.
func conditionOf(u *unstructured.Unstructured, kind string) (condition, bool) {
	for _, c := range maps(u.Object, "status", "conditions") {
		if c["type"] == kind {
			return condition{text(c, "status"), text(c, "reason"), text(c, "message")}, true
		}
	}
	return condition{}, false
}

// isTrue tells whether a condition is True, and returns it.
func isTrue(u *unstructured.Unstructured, kind string) (condition, bool) {
	c, ok := conditionOf(u, kind)
	return c, ok && c.status == "True"
}

// The readers below take what is missing, or of another type, for empty: an
// object's status is never to be trusted to be complete.

// maps are the mappings in the list at a path.
func maps(object map[string]any, path ...string) []map[string]any {
	list, _ := at(object, path...).([]any)
	var out []map[string]any
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// text is the text at a path.
func text(object map[string]any, path ...string) string {
	s, _ := at(object, path...).(string)
	return s
}

// number is the whole number at a path, or other when there is none.
func number(object map[string]any, other int64, path ...string) int64 {
	switch n := at(object, path...).(type) {
	case int64:
		return n
	case int:
		return int64(n)
	case float64:
		return int64(n)
	}
	return other
}

// at is the value at a path. Unlike the helpers of apimachinery it copies
// nothing: readiness is asked at every change of every object.
func at(object map[string]any, path ...string) any {
	var value any = object
	for _, key := range path {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[key]
	}
	return value
}
