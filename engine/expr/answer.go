package expr

import (
	"maps"
	"reflect"
	"slices"

	"github.com/google/cel-go/cel"
)

// What an http, exec, run or logs step sees, under its own name within the step
// and as outputs.NAME behind it.

// answerTypes are the records of the variables that hold what a step saw.
var answerTypes = map[string]string{"response": typeResponse, "result": typeResult, "logs": typeLogs}

// notJSON says why `json` has no value.
var notJSON = map[string]string{
	typeResponse: "the body is not JSON",
	typeResult:   "what the command wrote to stdout is not JSON",
}

// noOutput is before the name of an output that is not there, in errors of CEL.
const noOutput = "no such output: "

// notThere says why a field of a record has no value, where that is more than not
// being there.
func notThere(record, field string) string {
	switch {
	case record == typeOutputs:
		return noOutput + field
	case field == "json":
		return notJSON[record]
	}
	return ""
}

// outputsRecord has one field for each output.
func (s Scope) outputsRecord() *record {
	r := newRecord(typeOutputs)
	for _, name := range slices.Sorted(maps.Keys(s.Outputs)) {
		r.add(name, outputType(s.Outputs[name]), func(target any) (any, bool) {
			m, _ := target.(map[string]any)
			v, ok := m[name]
			if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.IsNil() {
				return nil, false
			}
			return v, ok && v != nil
		})
	}
	return r
}

func outputType(kind OutputKind) *cel.Type {
	switch kind {
	case OutputResult:
		return cel.ObjectType(typeResult)
	case OutputLogs:
		return cel.ObjectType(typeLogs)
	}
	return cel.ObjectType(typeResponse)
}
