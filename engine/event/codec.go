package event

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"time"
)

// MaxLine is the longest line of an events file, in bytes: that of a step which
// measured the largest cluster that Kubernetes supports, 150,000 pods. Four series
// of so many samples take 71 MB with names as they are, and 400 MB with pods and
// nodes whose names have all of the 253 characters that they may have.
const MaxLine = 512 << 20

// Unknown is an event of a kind that this version does not know. It is kept as
// it was read, and the fold notes it and goes on: a newer version may add
// events, but what decides about an outcome it may not move into them.
type Unknown struct {
	Name string
	Line json.RawMessage // the whole line, its stamp included
}

// Truncated stands where an events file ends in the middle of a line: the run
// was killed while it wrote.
type Truncated struct {
	Bytes int `json:"bytes"` // length of the part that is there
}

// Kind is the event's name in the events file.
func (u Unknown) Kind() string { return u.Name }

// Kind is the event's name in the events file.
func (Truncated) Kind() string { return "truncated" }

// stamp is what every line of an events file begins with.
type stamp struct {
	Event string  `json:"event"`
	At    string  `json:"at"`    // RFC 3339 with nanoseconds
	Since float64 `json:"since"` // seconds since the run began, by the monotonic clock
}

// Encode renders an event as one line of an events file, newline included.
func Encode(s Stamped) ([]byte, error) {
	if u, ok := s.Event.(Unknown); ok {
		return append(bytes.Clone(u.Line), '\n'), nil
	}
	head, err := marshal(stamp{
		Event: s.Event.Kind(), At: s.At.Format(time.RFC3339Nano), Since: s.Since.Seconds(),
	})
	if err != nil {
		return nil, err
	}
	body, err := marshal(s.Event)
	if err != nil {
		return nil, fmt.Errorf("the event %s cannot be written as JSON: %w", s.Event.Kind(), err)
	}
	if fields := body[1:]; len(fields) > 1 { // more than the closing brace
		head = append(append(head[:len(head)-1], ','), fields...)
	}
	return append(head, '\n'), nil
}

// marshal leaves < and > as they are, so that an expression can be grepped for.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Read reads an events file. A last line without its end becomes a Truncated
// event, because a run that was killed leaves one; an event of an unknown kind
// becomes an Unknown. Everything else that is not an event is an error, which
// names the line; the events before it are returned with it.
func Read(r io.Reader) ([]Stamped, error) { return read(r, MaxLine) }

func read(r io.Reader, maxLine int) ([]Stamped, error) {
	var events []Stamped
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	lines.Split(wholeLines)
	number := 0
	for lines.Scan() {
		number++
		line, complete := bytes.CutSuffix(lines.Bytes(), []byte("\n"))
		if !complete && isTruncated(line) {
			return append(events, truncatedAfter(events, len(line))), nil
		}
		s, err := decode(line)
		if err != nil {
			return events, fmt.Errorf("line %d: %w", number, err)
		}
		events = append(events, s)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return events, fmt.Errorf("line %d is longer than %d MB: this is not an events file", number+1, maxLine>>20)
	} else if err != nil {
		return events, fmt.Errorf("line %d: %w", number+1, err)
	}
	return events, nil
}

// wholeLines is bufio.ScanLines that keeps the newline: its absence tells a
// truncated line from a complete one.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	if len(data) >= longStart && data[0] != '{' {
		return 0, nil, errForeign // without keeping the rest of it in memory
	}
	return 0, nil, nil
}

// longStart is how much of a line is read before its first byte is looked at.
const longStart = 1 << 20

var errForeign = errors.New("a long line that is no JSON: this is not an events file")

// isTruncated tells whether a line without newline is the beginning of one. No
// proper prefix of a JSON object is valid JSON, so valid means complete. Zeros
// are what some file systems leave after a crash of the machine.
func isTruncated(line []byte) bool {
	if len(bytes.Trim(line, "\x00")) == 0 {
		return true
	}
	return line[0] == '{' && !json.Valid(line)
}

func truncatedAfter(events []Stamped, n int) Stamped {
	s := Stamped{Event: Truncated{Bytes: n}}
	if len(events) > 0 {
		last := events[len(events)-1]
		s.At, s.Since = last.At, last.Since
	}
	return s
}

func decode(line []byte) (Stamped, error) {
	var head stamp
	if err := json.Unmarshal(line, &head); err != nil {
		return Stamped{}, plain(err)
	}
	if head.Event == "" {
		return Stamped{}, errors.New(`no "event" here: this is not a line of an events file`)
	}
	at, err := time.Parse(time.RFC3339Nano, head.At)
	if err != nil {
		return Stamped{}, fmt.Errorf(`"at" is %q: it should be a time like 2026-01-31T09:30:00.5Z`, head.At)
	}
	since := math.Round(head.Since * 1e9)
	if since < 0 || since >= math.MaxInt64 {
		return Stamped{}, fmt.Errorf(`"since" is %g: it should be seconds since the run began`, head.Since)
	}
	e, err := decodeEvent(head.Event, line)
	if err != nil {
		return Stamped{}, fmt.Errorf("%s: %w", head.Event, plain(err))
	}
	return Stamped{At: at, Since: time.Duration(since), Event: e}, nil
}

func decodeEvent(kind string, line []byte) (Event, error) {
	switch kind {
	case RunStarted{}.Kind():
		return into[RunStarted](line)
	case ScenarioPlanned{}.Kind():
		return into[ScenarioPlanned](line)
	case ScenarioInvalid{}.Kind():
		return into[ScenarioInvalid](line)
	case ClusterReady{}.Kind():
		return into[ClusterReady](line)
	case Notice{}.Kind():
		return into[Notice](line)
	case ScenarioStarted{}.Kind():
		return into[ScenarioStarted](line)
	case StepStarted{}.Kind():
		return into[StepStarted](line)
	case StepProgress{}.Kind():
		return into[StepProgress](line)
	case AttemptEnded{}.Kind():
		return into[AttemptEnded](line)
	case StepEnded{}.Kind():
		return into[StepEnded](line)
	case ScenarioEnded{}.Kind():
		return into[ScenarioEnded](line)
	case CleanupEnded{}.Kind():
		return into[CleanupEnded](line)
	case RunEnded{}.Kind():
		return into[RunEnded](line)
	case Truncated{}.Kind():
		return into[Truncated](line)
	}
	return Unknown{Name: kind, Line: bytes.Clone(line)}, nil
}

func into[E Event](line []byte) (Event, error) {
	var e E
	err := json.Unmarshal(line, &e)
	return e, err
}

// plain says what is wrong with a line without the decoder's own words, which
// are names of Go types.
func plain(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var clock *time.ParseError
	switch {
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("%s, where a mapping should be", ValueInWords(kind.Value))
	case errors.As(err, &kind):
		return fmt.Errorf("%q is %s: it should be %s", kind.Field, ValueInWords(kind.Value), KindInWords(kind.Type))
	case errors.As(err, &clock):
		return fmt.Errorf("%s is not a time like 2026-01-31T09:30:00.5Z", clock.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("not valid JSON at byte %d of the line", syntax.Offset)
	}
	return errors.New("not valid JSON")
}

// ValueInWords is a kind of JSON value, as the decoder names it, as a person would.
func ValueInWords(json string) string {
	switch json {
	case "string":
		return "a text"
	case "array":
		return "a list"
	case "object":
		return "a mapping"
	case "bool":
		return "true or false"
	case "number":
		return "a number"
	}
	return "the " + json // "number 1e400"
}

// KindInWords is what a Go type takes of JSON, as a person would say it.
func KindInWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a mapping"
	case reflect.Pointer:
		return KindInWords(t.Elem())
	}
	return "a number that fits"
}
