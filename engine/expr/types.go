package expr

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"k8s.io/apimachinery/pkg/api/resource"
	apiservercel "k8s.io/apiserver/pkg/cel"

	"github.com/realspec/realspec/engine/spec"
)

// The names of the types with fields that expressions meet. The slash keeps them
// apart from anything that can be written in an expression.
const (
	typeCluster  = "realspec/cluster"
	typeNode     = "realspec/node"
	typeTaint    = "realspec/taint"
	typeStorage  = "realspec/storageclass"
	typeIngress  = "realspec/ingressclass"
	typeService  = "realspec/service"
	typeSeries   = "realspec/series"
	typePhases   = "realspec/phases"
	typeGrouped  = "realspec/grouped"
	typeDelivery = "realspec/delivery"
	typeServer   = "realspec/server"
	typeValues   = "realspec/values"
	typeVars     = "realspec/vars"
	typeEnv      = "realspec/env"
	typeRun      = "realspec/run"
	typeRequests = "realspec/requests"
	typeNetwork  = "realspec/network"
	typeUsage    = "realspec/usage"
	typeShare    = "realspec/share"
	typeTraffic  = "realspec/traffic"
	typeExec     = "realspec/exec"
	typeResponse = "realspec/response"
	typeResult   = "realspec/result"
	typeLogs     = "realspec/logs"
	typeOutputs  = "realspec/outputs"
)

// structs are the records that are structs of package spec, by name.
var structs = map[string]reflect.Type{
	typeCluster:  reflect.TypeFor[spec.Cluster](),
	typeNode:     reflect.TypeFor[spec.Node](),
	typeTaint:    reflect.TypeFor[spec.Taint](),
	typeStorage:  reflect.TypeFor[spec.StorageClass](),
	typeIngress:  reflect.TypeFor[spec.IngressClass](),
	typeService:  reflect.TypeFor[spec.Service](),
	typeSeries:   reflect.TypeFor[spec.Series](),
	typeDelivery: reflect.TypeFor[spec.Delivery](),
	typeServer:   reflect.TypeFor[spec.ServerLatency](),
	typeValues:   reflect.TypeFor[spec.Values](),
	typeRequests: reflect.TypeFor[spec.Requests](),
	typeNetwork:  reflect.TypeFor[spec.Network](),
	typeUsage:    reflect.TypeFor[spec.Usage](),
	typeShare:    reflect.TypeFor[spec.Share](),
	typeTraffic:  reflect.TypeFor[spec.Traffic](),
	typeExec:     reflect.TypeFor[spec.ExecValues](),
	typeResponse: reflect.TypeFor[spec.Response](),
	typeResult:   reflect.TypeFor[spec.CommandResult](),
	typeLogs:     reflect.TypeFor[spec.LogLines](),
}

// structNames are the names of structs, by their types.
var structNames = func() map[reflect.Type]string {
	out := map[reflect.Type]string{}
	for name, t := range structs {
		out[t] = name
	}
	return out
}()

// A record is a type with named fields.
type record struct {
	name   string
	fields []string // in the order of declaration
	types  map[string]*types.FieldType
}

func (r *record) add(name string, t *cel.Type, get func(any) (any, bool)) {
	r.fields = append(r.fields, name)
	r.types[name] = &types.FieldType{
		Type:  t,
		IsSet: func(target any) bool { _, ok := get(target); return ok },
		GetFrom: func(target any) (any, error) {
			if v, ok := get(target); ok {
				return v, nil
			}
			if why := unknown(target, name); why != "" {
				return nil, fmt.Errorf("%s is not known: %s", name, why)
			}
			if why := notThere(r.name, name); why != "" {
				return nil, errors.New(why)
			}
			return nil, fmt.Errorf("no such key: %s", name)
		},
	}
}

// unknown says why a field of the cluster or of a node has no value; "" where it
// has one. What may not be looked at is an error, never an empty list.
func unknown(target any, field string) string {
	if !slices.Contains(spec.SurveyedFields, field) {
		return ""
	}
	var why map[string]string
	switch v := reflect.Indirect(reflect.ValueOf(target)).Interface().(type) {
	case spec.Cluster:
		why = v.Unknown
	case spec.Node:
		why = v.Unknown
	default:
		return ""
	}
	if why == nil {
		return "nobody has looked"
	}
	return why[field]
}

func newRecord(name string) *record {
	return &record{name: name, types: map[string]*types.FieldType{}}
}

// specTypes are the records of package spec, by name.
func specTypes() map[string]*record {
	phases := newRecord(typePhases)
	for _, phase := range spec.Phases {
		phases.add(phase, cel.ObjectType(typeSeries), mapField[spec.Series](phase))
	}
	grouped := newRecord(typeGrouped)
	for _, phase := range spec.Phases {
		grouped.add(phase, cel.ObjectType(typeSeries), func(target any) (any, bool) {
			g, _ := target.(spec.Grouped)
			s, ok := g.Phases[phase]
			return s, ok
		})
	}
	grouped.add(spec.WorstGroup, cel.ObjectType(typePhases), func(target any) (any, bool) {
		g, ok := target.(spec.Grouped)
		return g.Worst, ok
	})
	run := newRecord(typeRun)
	for _, name := range []string{"id", "namespace", "scenario"} {
		run.add(name, cel.StringType, mapField[string](name))
	}
	records := map[string]*record{typePhases: phases, typeGrouped: grouped, typeRun: run}
	for name, t := range structs {
		records[name] = structRecord(name, t)
	}
	return records
}

// mapField reads a field of a record whose values are maps.
func mapField[V any](name string) func(any) (any, bool) {
	return func(target any) (any, bool) {
		m, _ := target.(map[string]V)
		v, ok := m[name]
		return v, ok
	}
}

// structRecord gives the fields of a struct of package spec under their YAML
// names.
func structRecord(name string, t reflect.Type) *record {
	r := newRecord(name)
	for i := range t.NumField() {
		field, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if field == "" || field == "-" {
			continue
		}
		r.add(field, goType(t.Field(i).Type), func(target any) (any, bool) {
			v := reflect.Indirect(reflect.ValueOf(target))
			if !v.IsValid() || v.Type() != t || unknown(target, field) != "" {
				return nil, false
			}
			f := v.Field(i)
			return f.Interface(), f.Kind() != reflect.Interface || !f.IsNil()
		})
	}
	return r
}

// goType is the CEL type of a field of a struct of package spec.
func goType(t reflect.Type) *cel.Type {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return cel.DurationType
	case reflect.TypeFor[resource.Quantity]():
		return apiservercel.QuantityType
	}
	if name, ok := structNames[t]; ok {
		return cel.ObjectType(name)
	}
	switch t.Kind() {
	case reflect.Bool:
		return cel.BoolType
	case reflect.String:
		return cel.StringType
	case reflect.Int, reflect.Int64:
		return cel.IntType
	case reflect.Float64:
		return cel.DoubleType
	case reflect.Slice:
		return cel.ListType(goType(t.Elem()))
	case reflect.Map:
		return cel.MapType(cel.StringType, goType(t.Elem()))
	}
	return cel.DynType
}

// withTypes lets an environment know records, beside the types that it has.
func withTypes(records map[string]*record) cel.EnvOption {
	return func(env *cel.Env) (*cel.Env, error) {
		p := &provider{Provider: env.CELTypeProvider(), records: records}
		env, err := cel.CustomTypeProvider(p)(env)
		if err != nil {
			return nil, err
		}
		if _, ok := env.CELTypeAdapter().(*adapter); ok {
			return env, nil
		}
		return cel.CustomTypeAdapter(&adapter{base: env.CELTypeAdapter(), records: records})(env)
	}
}

// provider tells CEL the fields of records.
type provider struct {
	types.Provider
	records map[string]*record
}

// FindStructType implements types.Provider.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.records[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if r, ok := p.records[name]; ok {
		return slices.Clone(r.fields), true
	}
	return p.Provider.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider.
func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if r, ok := p.records[name]; ok {
		t, ok := r.types[field]
		return t, ok
	}
	return p.Provider.FindStructFieldType(name, field)
}

// adapter turns Go values into CEL values. Maps and lists are not copied: their
// elements are turned when they are read.
type adapter struct {
	base    types.Adapter
	records map[string]*record
}

// NativeToValue implements types.Adapter.
func (a *adapter) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case ref.Val:
		return v
	case map[string]any:
		return types.NewStringInterfaceMap(a, v)
	case []any, []map[string]any, []spec.Node, []spec.Taint, []spec.StorageClass, []spec.IngressClass, []spec.Service:
		return types.NewDynamicList(a, v)
	case resource.Quantity:
		return apiservercel.Quantity{Quantity: &v}
	case *resource.Quantity:
		return apiservercel.Quantity{Quantity: v}
	case map[string]resource.Quantity:
		return types.NewDynamicMap(a, v)
	}
	if r := a.record(value); r != nil {
		return &recordValue{adapter: a, record: r, value: value}
	}
	return a.base.NativeToValue(value)
}

// record is the record that value is one of, if any.
func (a *adapter) record(value any) *record {
	switch value.(type) {
	case map[string]spec.Series:
		return a.records[typePhases]
	case spec.Grouped:
		return a.records[typeGrouped]
	}
	t := reflect.TypeOf(value)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return a.records[structNames[t]]
}

// recordValue is a value with fields, where CEL needs one that stands for
// itself: as an element of a list, or behind dyn().
type recordValue struct {
	adapter *adapter
	record  *record
	value   any
}

// ConvertToNative implements ref.Val.
func (r *recordValue) ConvertToNative(want reflect.Type) (any, error) {
	if reflect.TypeOf(r.value).AssignableTo(want) {
		return r.value, nil
	}
	return nil, fmt.Errorf("%s cannot be used here", typeWord(r.record.name))
}

// ConvertToType implements ref.Val.
func (r *recordValue) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return types.NewObjectType(r.record.name)
	}
	return types.NewErr("%s cannot be turned into %s", typeWord(r.record.name), typeWord(t.TypeName()))
}

// Equal implements ref.Val.
func (r *recordValue) Equal(other ref.Val) ref.Val {
	o, ok := other.(*recordValue)
	return types.Bool(ok && r.record == o.record && reflect.DeepEqual(r.value, o.value))
}

// Type implements ref.Val.
func (r *recordValue) Type() ref.Type { return types.NewObjectType(r.record.name, traits.IndexerType) }

// Value implements ref.Val.
func (r *recordValue) Value() any { return r.value }

// Get implements traits.Indexer.
func (r *recordValue) Get(index ref.Val) ref.Val {
	name, _ := index.Value().(string)
	field, ok := r.record.types[name]
	if !ok {
		return types.NewErr("no such key: %v", index.Value())
	}
	v, err := field.GetFrom(r.value)
	if err != nil {
		return types.WrapErr(err)
	}
	return r.adapter.NativeToValue(v)
}

// IsSet implements traits.FieldTester.
func (r *recordValue) IsSet(index ref.Val) ref.Val {
	name, _ := index.Value().(string)
	field, ok := r.record.types[name]
	return types.Bool(ok && field.IsSet(r.value))
}
