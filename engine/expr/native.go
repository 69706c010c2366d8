package expr

import (
	"fmt"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// native is the Go value of a CEL value. Maps and lists that came from outside
// are given back as they are.
func native(v ref.Val) any {
	switch v := v.(type) {
	case types.Bool:
		return bool(v)
	case types.Int:
		return int64(v)
	case types.Uint:
		return uint64(v)
	case types.Double:
		return float64(v)
	case types.String:
		return string(v)
	case types.Bytes:
		return []byte(v)
	case types.Null:
		return nil
	case types.Duration:
		return v.Duration
	case types.Timestamp:
		return v.Time
	case *types.Optional:
		if !v.HasValue() {
			return nil
		}
		return native(v.GetValue())
	case traits.Mapper:
		return nativeMap(v)
	case traits.Lister:
		return nativeList(v)
	case *types.Type:
		return v.TypeName()
	}
	return v.Value()
}

func nativeMap(m traits.Mapper) map[string]any {
	if own, ok := m.Value().(map[string]any); ok {
		return own
	}
	out := make(map[string]any, size(m))
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		out[fmt.Sprint(native(key))] = native(m.Get(key))
	}
	return out
}

func nativeList(l traits.Lister) []any {
	if own, ok := l.Value().([]any); ok {
		return own
	}
	out := make([]any, 0, size(l))
	for it := l.Iterator(); it.HasNext() == types.True; {
		out = append(out, native(it.Next()))
	}
	return out
}

func size(s traits.Sizer) int {
	n, _ := s.Size().(types.Int)
	return int(n)
}
