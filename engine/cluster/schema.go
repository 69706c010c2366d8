package cluster

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Server-side apply reports an object that does not fit its kind as an internal
// error of the server: code 500, no reason, and a message with the types of its
// Go code (seen with Kubernetes 1.37). Taken at its word it would be tried again
// until the budget is used up, and then be called the server's fault. This file
// knows those messages, and says them in plain words.
const (
	typedPrefix   = "failed to create typed "      // … patch object (ns/name; apps/v1, Kind=Deployment): …
	convertPrefix = "failed to convert new object" // … (…) to proper version: unable to convert unstructured object to …: …
)

// isSchemaError tells an object that does not fit its kind.
func isSchemaError(status metav1.Status) bool {
	return status.Code == http.StatusInternalServerError && status.Reason == "" &&
		(strings.HasPrefix(status.Message, typedPrefix) || strings.HasPrefix(status.Message, convertPrefix))
}

// schemaRefusal is what the server should have said.
func schemaRefusal(q call, status metav1.Status) *Refused {
	r := &Refused{What: q.what, Reason: string(metav1.StatusReasonInvalid), Code: int(status.Code)}
	_, text, _ := strings.Cut(status.Message, "): ")
	if strings.HasPrefix(status.Message, convertPrefix) {
		_, text, _ = strings.Cut(status.Message, "unable to convert unstructured object to ")
		_, text, _ = strings.Cut(text, ": ")
		r.Message = plainDecoding(text)
		return r
	}
	var parts []string
	lines := strings.Split(strings.TrimPrefix(text, "errors:\n"), "\n")
	slices.Sort(lines) // the server has them in the order of a Go map: none
	for _, line := range lines {
		cause := schemaCause(strings.TrimSpace(line))
		r.Causes = append(r.Causes, cause)
		parts = append(parts, cause.Message)
	}
	r.Message = strings.Join(slices.Compact(parts), "; ")
	return r
}

// schemaCause reads one line: ".spec.replica: field not declared in schema".
func schemaCause(line string) Cause {
	path, problem, ok := strings.Cut(line, ": ")
	if !ok || !strings.HasPrefix(path, ".") {
		return Cause{Reason: "FieldValueInvalid", Message: plainValue(line)}
	}
	field := path[1:]
	if problem == "field not declared in schema" {
		return Cause{Reason: "FieldValueUnknown", Field: field, Message: "unknown field " + quote(field)}
	}
	return Cause{Reason: "FieldValueInvalid", Field: field, Message: field + ": " + plainValue(problem)}
}

var (
	wrappedValue = regexp.MustCompile(`&value\.valueUnstructured\{Value:(.*)\}$`)
	mapValue     = regexp.MustCompile(`(&\{)?map\[.*$`)
	listValue    = regexp.MustCompile(`(&\{\[|\[\]interface).*$`)
	wrongType    = regexp.MustCompile(`json: cannot unmarshal (\w+) into Go (?:value|struct field ([\w.]+)) of type ([\w.\[\]*]+)`)
)

// plainValue replaces Go's way to print a value.
func plainValue(text string) string {
	text = wrappedValue.ReplaceAllString(text, "$1")
	text = mapValue.ReplaceAllString(text, "a mapping")
	return listValue.ReplaceAllString(text, "a list")
}

// plainDecoding replaces the words of Go's decoders. They do not always say
// which field it is.
func plainDecoding(text string) string {
	if m := wrongType.FindStringSubmatch(text); m != nil {
		plain := fmt.Sprintf("expected %s, got %s", plainType(m[3]), plainType(m[1]))
		if _, field, ok := strings.Cut(m[2], "."); ok {
			plain = field + ": " + plain // without the Go type in front
		}
		return strings.Replace(text, m[0], plain, 1)
	}
	switch {
	case strings.Contains(text, "quantities must match the regular expression"):
		return "a quantity is written wrong; right are 500m, 2, 8Gi"
	case strings.Contains(text, "parsing time "):
		return "a time is written wrong; right is 2006-01-02T15:04:05Z (" + afterLast(text, ": ") + ")"
	case strings.Contains(text, "illegal base64 data"):
		return "a value under data is not base64; plain text belongs under stringData"
	}
	return text
}

// plainType is a type of Go or of JSON in plain words.
func plainType(name string) string {
	switch {
	case strings.HasPrefix(name, "int"), strings.HasPrefix(name, "uint"), strings.HasPrefix(name, "float"), name == "number":
		return "a number"
	case name == "string":
		return "a text"
	case name == "bool":
		return "true or false"
	case strings.HasPrefix(name, "[]"), name == "array":
		return "a list"
	}
	return "a mapping"
}
