package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/realspec/realspec/engine/event"
)

// JSON writes the result itself, indented, its mappings sorted: the same result
// is the same bytes.
func JSON(w io.Writer, r *event.Result) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // an expression stays as it was written
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("the JSON report could not be written: %w", err)
	}
	return nil
}
