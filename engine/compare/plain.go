package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// plain says what is wrong with a file, and in which line, without the decoder's
// own words, which are names of Go types.
func plain(content []byte, err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	var clock *time.ParseError
	switch {
	case len(bytes.TrimSpace(content)) == 0:
		return errors.New("the file is empty")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && syntax.Offset >= int64(len(content)):
		return errors.New("the file ends in the middle: it was not written to its end")
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d is not valid JSON", lineAt(content, syntax.Offset))
	case errors.As(err, &wrong) && wrong.Field == "":
		return fmt.Errorf("line %d has %s, where a mapping should be", lineAt(content, wrong.Offset), event.ValueInWords(wrong.Value))
	case errors.As(err, &wrong):
		return fmt.Errorf("line %d: %q is %s, and it should be %s", lineAt(content, wrong.Offset), lastField(wrong.Field),
			event.ValueInWords(wrong.Value), event.KindInWords(wrong.Type))
	case errors.As(err, &clock):
		return fmt.Errorf("%s is not a time like 2026-01-31T09:30:00.5Z", strings.Trim(clock.Value, `\"`))
	}
	if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return fmt.Errorf("the field %s is not known", field)
	}
	return errors.New("it is not valid JSON")
}

func lineAt(content []byte, offset int64) int {
	return 1 + bytes.Count(content[:min(offset, int64(len(content)))], []byte("\n"))
}

func lastField(path string) string {
	return path[strings.LastIndex(path, ".")+1:]
}
