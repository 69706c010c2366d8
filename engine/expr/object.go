package expr

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Object is a compiled free-form object: a manifest, a part of one, or vars.
type Object struct {
	fields    map[string]any
	templates map[string]*Template // by path, as pathKey writes it
}

// CompileObject compiles all templates of an object, and collects everything
// that is wrong with them. The object is nil when something is.
func (e *Env) CompileObject(o spec.Object) (*Object, diag.List) {
	var diags diag.List
	out := &Object{fields: o.Fields, templates: map[string]*Template{}}
	for _, t := range o.Templates {
		compiled, found := e.CompileText(t.Text)
		diags = append(diags, found...)
		out.templates[pathKey(t.Path)] = compiled
	}
	if len(diags) > 0 {
		return nil, diags
	}
	return out, nil
}

func pathKey(path []any) string {
	var b strings.Builder
	for _, step := range path {
		key := fmt.Sprint(step)
		b.WriteString(strconv.Itoa(len(key)) + ":" + key)
	}
	return b.String()
}

// Eval gives a copy of the object with its templates filled in. Its values are
// those of JSON, as unstructured objects hold them: bool, int64, float64, string,
// nil, map[string]any and []any. Durations and quantities become texts.
func (o *Object) Eval(ctx context.Context, v Values) (map[string]any, error) {
	out, err := o.fill(ctx, v, o.fields, nil)
	if err != nil {
		return nil, err
	}
	fields, _ := out.(map[string]any)
	return fields, nil
}

func (o *Object) fill(ctx context.Context, v Values, value any, path []any) (any, error) {
	if t := o.templates[pathKey(path)]; t != nil {
		return o.template(ctx, v, t, path)
	}
	switch value := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(value))
		for key, inner := range value {
			filled, err := o.fill(ctx, v, inner, append(path[:len(path):len(path)], key))
			if err != nil {
				return nil, err
			}
			out[key] = filled
		}
		return out, nil
	case []any:
		out := make([]any, len(value))
		for i, inner := range value {
			filled, err := o.fill(ctx, v, inner, append(path[:len(path):len(path)], i))
			if err != nil {
				return nil, err
			}
			out[i] = filled
		}
		return out, nil
	}
	return jsonValue(value)
}

func (o *Object) template(ctx context.Context, v Values, t *Template, path []any) (any, error) {
	value, err := t.Eval(ctx, v)
	if err == nil {
		value, err = jsonValue(value)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dotted(path), err)
	}
	return value, nil
}

// dotted is a path as people write it: spec.containers[0].image.
func dotted(path []any) string {
	var b strings.Builder
	for _, step := range path {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, step)
		}
	}
	return b.String()
}

// jsonValue copies a value into what JSON and unstructured objects can hold.
func jsonValue(value any) (any, error) {
	switch v := value.(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	case int:
		return int64(v), nil
	case uint64:
		return int64(v), nil
	case time.Duration:
		return durationText(v), nil
	case time.Time:
		return v.Format(time.RFC3339Nano), nil
	case *resource.Quantity:
		return v.String(), nil
	case resource.Quantity:
		return v.String(), nil
	case spec.Series, spec.Node, spec.Cluster, spec.Taint, map[string]spec.Series:
		return nil, fmt.Errorf("this has fields of its own and cannot be written as one value; say which field is meant")
	}
	return jsonReflect(reflect.ValueOf(value))
}

func jsonReflect(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Map:
		out := make(map[string]any, v.Len())
		for _, key := range v.MapKeys() {
			inner, err := jsonValue(v.MapIndex(key).Interface())
			if err != nil {
				return nil, err
			}
			out[fmt.Sprint(key.Interface())] = inner
		}
		return out, nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return string(v.Bytes()), nil
		}
		out := make([]any, v.Len())
		for i := range v.Len() {
			inner, err := jsonValue(v.Index(i).Interface())
			if err != nil {
				return nil, err
			}
			out[i] = inner
		}
		return out, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return int64(v.Uint()), nil
	case reflect.Float32:
		return v.Float(), nil
	}
	return fmt.Sprint(v.Interface()), nil
}
