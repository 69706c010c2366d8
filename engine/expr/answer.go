package expr

import (
	"fmt"
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

// Absent stands among the outputs for one that is not there although its step had
// its turn, and says why. Expressions see no output.
type Absent struct{ Why string }

// NoOutputError says that an output was asked for that is not there.
type NoOutputError struct {
	Name string // of the output
	Part string // the part of the expression that asked: outputs.token.json
	Why  string // of Absent; "" when its step did not run
}

// Error says which output, and why it is not there.
func (e *NoOutputError) Error() string {
	if e.Why != "" {
		return fmt.Sprintf("outputs.%s is not there: %s", e.Name, e.Why)
	}
	return e.Part + ": there is no output, because its step did not run"
}

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
			if _, absent := v.(Absent); absent {
				return nil, false
			}
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
