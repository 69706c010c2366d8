package expr

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"time"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/api/resource"
	apiservercel "k8s.io/apiserver/pkg/cel"
)

// LetKind says what a name of `let` stands for.
type LetKind int

// The kinds of names of `let`.
const (
	Many LetKind = iota // a list of objects
	One                 // a single object, because it was selected by name
)

// MeasureKind says what the name of a measure stands for.
type MeasureKind int

// The kinds of measures.
const (
	MeasureDuration MeasureKind = iota // a duration
	MeasureSeries                      // a spec.Series
	MeasurePhases                      // one spec.Series for each of spec.Phases
	MeasureGrouped                     // spec.Grouped: phases, and those of the worst group
	MeasureDelivery                    // a spec.Delivery
	MeasureServer                      // a spec.ServerLatency
	MeasureValues                      // spec.Values
	MeasureRequests                    // spec.Requests
	MeasureNetwork                     // spec.Network
	MeasureUsage                       // spec.Usage
	MeasureExec                        // spec.ExecValues
)

// OutputKind says what an output of a step is.
type OutputKind int

// The kinds of outputs.
const (
	OutputResponse OutputKind = iota // a spec.Response
	OutputResult                     // a spec.CommandResult
	OutputLogs                       // spec.LogLines
)

// Scope says which names an expression may use at its place, and their types.
// The variables `vars` and `env` are always there, maybe without fields.
type Scope struct {
	Vars     map[string]any         // the scenario's variables; their values give their types
	Env      []string               // the declared environment variables: env.NAME, a string
	Facts    bool                   // `cluster` and `nodes`
	Object   bool                   // `object`
	Let      map[string]LetKind     // the selections of `let`, by name
	Measures map[string]MeasureKind // the measures, by name
	Run      bool                   // run.id, run.namespace and run.scenario: strings
	Index    bool                   // `index`: the number of the object or call, from 0
	Response bool                   // `response`: the answer of a request
	Result   bool                   // `result`: what came of a command
	Logs     bool                   // `logs`: what containers wrote
	Outputs  map[string]OutputKind  // the outputs of the steps before, by name: outputs.NAME
}

// Values are the values of the names of a Scope:
//
//	"vars"    map[string]any
//	"env"     map[string]string
//	"facts"   *spec.Facts, for cluster and nodes
//	"object"  map[string]any, as unstructured holds it
//	"run"     map[string]string
//	a name of let: map[string]any, []any or []map[string]any
//	"index"   int64
//	"response", "result", "logs"   spec.Response, spec.CommandResult, spec.LogLines
//	"outputs" map[string]any of these three, by name; one of a step that did not
//	run is not in it
//	a measure: time.Duration, spec.Series, map[string]spec.Series by phase,
//	spec.Grouped, spec.Delivery, spec.ServerLatency, spec.Values, spec.Requests,
//	spec.Network, spec.Usage or spec.ExecValues
//
// A struct may also be a pointer to one. They are read, never changed or copied.
type Values map[string]any

var (
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// builtIn are the names that always mean the same, and CEL's own words.
	builtIn = []string{
		"cluster", "nodes", "vars", "env", "object", "run", "facts",
		"response", "result", "logs", "outputs",
		"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let",
		"loop", "package", "namespace", "null", "return", "true", "var", "void", "while",
		"bool", "bytes", "double", "duration", "dyn", "int", "list", "map", "null_type", "string", "timestamp",
		"type", "uint", "cel", "math", "sets", "lists", "base64", "optional",
	}
)

// CheckName tells why name cannot be the name of a let, a measure or a variable.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a name is missing")
	case !identifier.MatchString(name):
		return fmt.Errorf("%q cannot be used in expressions: a name has letters, digits and _ only, and begins with a letter", name)
	case slices.Contains(builtIn, name):
		return fmt.Errorf("the name %q is taken: it has a meaning of its own in expressions", name)
	}
	return nil
}

// variables are the CEL variables of the scope, and the records that they need.
func (s Scope) variables() (map[string]*cel.Type, map[string]*record, error) {
	records := map[string]*record{typeVars: s.varsRecord(), typeEnv: s.envRecord(), typeOutputs: s.outputsRecord()}
	vars := map[string]*cel.Type{"vars": cel.ObjectType(typeVars), "env": cel.ObjectType(typeEnv)}
	if s.Facts {
		vars["cluster"] = cel.ObjectType(typeCluster)
		vars["nodes"] = cel.ListType(cel.ObjectType(typeNode))
	}
	if s.Object {
		vars["object"] = cel.DynType
	}
	if s.Index {
		vars["index"] = cel.IntType
	}
	if s.Run {
		vars["run"] = cel.ObjectType(typeRun)
	}
	for name, on := range map[string]bool{"response": s.Response, "result": s.Result, "logs": s.Logs} {
		if on {
			vars[name] = cel.ObjectType(answerTypes[name])
		}
	}
	if s.Outputs != nil {
		vars["outputs"] = cel.ObjectType(typeOutputs)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Let)) {
		if err := CheckName(name); err != nil {
			return nil, nil, err
		}
		vars[name] = letType(s.Let[name])
	}
	for _, name := range slices.Sorted(maps.Keys(s.Measures)) {
		if err := CheckName(name); err != nil {
			return nil, nil, err
		}
		if _, taken := s.Let[name]; taken {
			return nil, nil, fmt.Errorf("the name %q is used twice: for a measure and in let", name)
		}
		vars[name] = measureType(s.Measures[name])
	}
	return vars, records, nil
}

func (s Scope) varsRecord() *record {
	r := newRecord(typeVars)
	for _, name := range slices.Sorted(maps.Keys(s.Vars)) {
		r.add(name, valueType(s.Vars[name]), mapField[any](name))
	}
	return r
}

func (s Scope) envRecord() *record {
	r := newRecord(typeEnv)
	for _, name := range slices.Sorted(slices.Values(s.Env)) {
		// A declared variable that is not set is an empty text.
		r.add(name, cel.StringType, func(target any) (any, bool) {
			m, _ := target.(map[string]string)
			return m[name], true
		})
	}
	return r
}

func letType(kind LetKind) *cel.Type {
	if kind == One {
		return cel.DynType
	}
	return cel.ListType(cel.DynType)
}

func measureType(kind MeasureKind) *cel.Type {
	switch kind {
	case MeasureSeries:
		return cel.ObjectType(typeSeries)
	case MeasurePhases:
		return cel.ObjectType(typePhases)
	case MeasureGrouped:
		return cel.ObjectType(typeGrouped)
	case MeasureDelivery:
		return cel.ObjectType(typeDelivery)
	case MeasureServer:
		return cel.ObjectType(typeServer)
	case MeasureValues:
		return cel.ObjectType(typeValues)
	case MeasureRequests:
		return cel.ObjectType(typeRequests)
	case MeasureNetwork:
		return cel.ObjectType(typeNetwork)
	case MeasureUsage:
		return cel.ObjectType(typeUsage)
	case MeasureExec:
		return cel.ObjectType(typeExec)
	}
	return cel.DurationType
}

// valueType is the CEL type of a value that was read from YAML. The elements of
// a list and the values of a mapping give its type when they all have the same.
func valueType(value any) *cel.Type {
	switch value.(type) {
	case nil:
		return cel.DynType
	case time.Duration:
		return cel.DurationType
	case time.Time:
		return cel.TimestampType
	case resource.Quantity, *resource.Quantity:
		return apiservercel.QuantityType
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Bool:
		return cel.BoolType
	case reflect.String:
		return cel.StringType
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return cel.IntType
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return cel.UintType
	case reflect.Float32, reflect.Float64:
		return cel.DoubleType
	case reflect.Slice:
		var elements []*cel.Type
		for i := range v.Len() {
			elements = append(elements, valueType(v.Index(i).Interface()))
		}
		return cel.ListType(commonType(elements))
	case reflect.Map:
		var elements []*cel.Type
		for _, key := range v.MapKeys() {
			elements = append(elements, valueType(v.MapIndex(key).Interface()))
		}
		return cel.MapType(cel.StringType, commonType(elements))
	}
	return cel.DynType
}

func commonType(elements []*cel.Type) *cel.Type {
	if len(elements) == 0 {
		return cel.DynType
	}
	for _, t := range elements[1:] {
		if !t.IsExactType(elements[0]) {
			return cel.DynType
		}
	}
	return elements[0]
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
