package probe

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Vars are a scenario's variables. They have the same types on both sides of the
// wire, where JSON itself knows one kind of number: a check is compiled by its
// variables' types, and does not compare an int with a double.
type Vars map[string]any

// MarshalJSON writes a double as one, 3.0 and not 3.
func (v Vars) MarshalJSON() ([]byte, error) { return json.Marshal(withPoints(map[string]any(v))) }

// UnmarshalJSON reads whole numbers as int64 and the others as float64.
func (v *Vars) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		return err
	}
	plain(all)
	*v = all
	return nil
}

func withPoints(v any) any {
	switch v := v.(type) {
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return json.Number(text)
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = withPoints(v[i])
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(v))
		for key := range v {
			all[key] = withPoints(v[key])
		}
		return all
	}
	return v
}
