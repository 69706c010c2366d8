package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/realspec/realspec/engine/event"
)

// JSON writes the result itself, indented, its mappings sorted: the same result
// is the same bytes.
func JSON(w io.Writer, r *event.Result) error {
	out := &indenter{w: bufio.NewWriter(w)}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false) // an expression stays as it was written
	err := enc.Encode(struct {
		*event.Result
		Agreement *Agreement `json:"agreement,omitempty"` // of a run on several clusters
	}{r, Agree(r)})
	if err == nil {
		err = out.w.Flush()
	}
	if err != nil {
		return fmt.Errorf("the JSON report could not be written: %w", err)
	}
	return nil
}

// indenter indents compact JSON on its way to a file. The encoder's own
// indentation makes a second, larger copy of the whole text first, which counts
// with thousands of samples.
type indenter struct {
	w       *bufio.Writer
	depth   int
	opened  bool // the last byte opened an object or array, which may be empty
	inText  bool
	escaped bool // the next byte belongs to a backslash in a text
}

// Write takes compact JSON, which has no spaces between its tokens. An error of
// the file shows at the latest in Flush.
func (i *indenter) Write(p []byte) (int, error) {
	for _, b := range p {
		i.put(b)
	}
	_, err := i.w.Write(nil)
	return len(p), err
}

func (i *indenter) put(b byte) {
	if i.inText {
		i.inText = i.escaped || b != '"'
		i.escaped = !i.escaped && b == '\\'
		i.add(b)
		return
	}
	closes := b == '}' || b == ']'
	switch {
	case closes:
		i.depth--
		if !i.opened {
			i.newline()
		}
	case i.opened:
		i.newline()
	}
	i.opened = b == '{' || b == '['
	i.inText = b == '"'
	i.add(b)
	switch b {
	case '{', '[':
		i.depth++
	case ',':
		i.newline()
	case ':':
		i.add(' ')
	}
}

func (i *indenter) newline() {
	i.add('\n')
	for range i.depth {
		_, _ = i.w.WriteString("  ")
	}
}

// add ignores the error, which a bufio.Writer keeps for Flush.
func (i *indenter) add(b byte) { _ = i.w.WriteByte(b) }
