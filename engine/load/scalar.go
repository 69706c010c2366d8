package load

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/realspec/realspec/engine/spec"
)

// scalar is a scalar node laid over the text that it was decoded from. The
// parser gives only where a scalar begins; an error inside a folded or escaped
// text has to be shown where its characters stand, so the decoding is followed
// here once more, beside the decoded value.
type scalar struct {
	t     *text
	value string
	at    int // byte offset in the file
	read  int // byte offset in value
	spans []spec.Span
	fresh bool // whether the next character begins a span
}

// extent gives where a scalar stands in the file, without anchor and tag, and
// the spans of its characters. Where the value cannot be followed, the spans are
// nil and the end is the end of the line.
func (t *text) extent(n *yaml.Node) (start, end int, spans []spec.Span) {
	start = t.skipProperties(t.start(n))
	s := &scalar{t: t, value: n.Value, at: start, fresh: true}
	var ok bool
	switch n.Style &^ (yaml.TaggedStyle | yaml.FlowStyle) {
	case yaml.DoubleQuotedStyle:
		s.at++
		ok = s.quoted('"')
	case yaml.SingleQuotedStyle:
		s.at++
		ok = s.quoted('\'')
	case yaml.LiteralStyle:
		ok = s.block((*scalar).literal)
	case yaml.FoldedStyle:
		ok = s.block((*scalar).folded)
	default:
		ok = s.plain()
	}
	if !ok {
		return start, t.end(start), nil
	}
	return start, s.at, s.spans
}

// source is a scalar as a text with positions.
func (t *text) source(n *yaml.Node) spec.Source {
	start, _, spans := t.extent(n)
	at := t.pos(start)
	if spans == nil {
		spans = []spec.Span{{At: at}}
	}
	return spec.Source{Text: n.Value, At: at, Spans: spans}
}

// skipProperties steps over &anchor and !tag, and what may stand between them
// and the value: blanks, line breaks and comments.
func (t *text) skipProperties(at int) int {
	for at < len(t.data) && (t.data[at] == '&' || t.data[at] == '!') {
		for at < len(t.data) && !isBlank(t.data[at]) && breakAt(t.data[at:], true) == 0 {
			at++
		}
		for at < len(t.data) {
			if n := breakAt(t.data[at:], true); n > 0 {
				at += n
			} else if isBlank(t.data[at]) {
				at++
			} else if t.data[at] == '#' {
				at = t.end(at)
			} else {
				break
			}
		}
	}
	return at
}

// emit follows size bytes of the value that stand in the file as they are, or
// as an escape of width bytes.
func (s *scalar) emit(size, width int, escape bool) {
	if s.fresh || escape {
		s.spans = append(s.spans, spec.Span{Offset: s.read, At: s.t.pos(s.at)})
	}
	s.fresh = escape
	s.read += size
	s.at += width
}

// same follows one character that is written as itself.
func (s *scalar) same() bool {
	if s.at >= len(s.t.data) || s.read >= len(s.value) || s.t.data[s.at] != s.value[s.read] {
		return false
	}
	_, size := utf8.DecodeRune(s.t.data[s.at:])
	if !strings.HasPrefix(s.value[s.read:], string(s.t.data[s.at:s.at+size])) {
		return false
	}
	s.emit(size, size, false)
	return true
}

// fold follows blanks that hold at least one line break: one break is a space
// in the value, more are one line break fewer.
func (s *scalar) fold() bool {
	at, breaks, first := s.at, 0, s.at
	for at < len(s.t.data) {
		if n := breakAt(s.t.data[at:], false); n > 0 {
			if breaks == 0 {
				first = at
			}
			breaks++
			at += n
		} else if isBlank(s.t.data[at]) {
			at++
		} else {
			break
		}
	}
	want := " "
	if breaks > 1 {
		want = strings.Repeat("\n", breaks-1)
	}
	if breaks == 0 || !strings.HasPrefix(s.value[s.read:], want) {
		return false
	}
	s.at = first
	s.emit(len(want), at-first, true)
	return true
}

func (s *scalar) plain() bool {
	for s.read < len(s.value) {
		if !s.blanks() && !s.same() {
			return false
		}
	}
	return true
}

// blanks follows the blanks here, if there are any: as they are within a line,
// folded around a line break.
func (s *scalar) blanks() bool {
	end := s.at
	for end < len(s.t.data) && isBlank(s.t.data[end]) {
		end++
	}
	if breakAt(s.t.data[end:], false) > 0 {
		return s.fold()
	}
	run := s.t.data[s.at:end]
	if len(run) == 0 || !strings.HasPrefix(s.value[s.read:], string(run)) {
		return false
	}
	s.emit(len(run), len(run), false)
	return true
}

func (s *scalar) quoted(quote byte) bool {
	for s.at < len(s.t.data) {
		c := s.t.data[s.at]
		next := byte(0)
		if s.at+1 < len(s.t.data) {
			next = s.t.data[s.at+1]
		}
		switch {
		case c == quote && quote == '\'' && next == quote:
			if !strings.HasPrefix(s.value[s.read:], "'") {
				return false
			}
			s.emit(1, 2, true)
		case c == quote:
			s.at++
			return s.read == len(s.value)
		case c == '\\' && quote == '"':
			if !s.escape() {
				return false
			}
		case !s.blanks() && !s.same():
			return false
		}
	}
	return false
}

// escape follows one escape sequence of a double-quoted text.
func (s *scalar) escape() bool {
	if s.at+1 >= len(s.t.data) {
		return false
	}
	if n := breakAt(s.t.data[s.at+1:], false); n > 0 {
		return s.continued(n)
	}
	width := 2
	switch s.t.data[s.at+1] {
	case 'x':
		width = 4
	case 'u':
		width = 6
	case 'U':
		width = 10
	}
	_, size := utf8.DecodeRuneInString(s.value[s.read:])
	if size == 0 || s.at+width > len(s.t.data) {
		return false
	}
	s.emit(size, width, true)
	return true
}

// continued follows a line break after a backslash: it is nothing in the value,
// blank lines after it are line breaks, and the indentation is nothing.
func (s *scalar) continued(width int) bool {
	s.at += 1 + width
	for s.at < len(s.t.data) {
		if n := breakAt(s.t.data[s.at:], false); n > 0 {
			if !strings.HasPrefix(s.value[s.read:], "\n") {
				return false
			}
			s.emit(1, n, true)
		} else if isBlank(s.t.data[s.at]) {
			s.at++
		} else {
			break
		}
	}
	s.fresh = true
	return true
}

// block follows a literal or folded text line by line. The indentation is found
// by comparing the first line that is not blank with that of the value, which
// is right with and without an indentation indicator.
func (s *scalar) block(line func(*scalar, []byte) bool) bool {
	s.at = s.t.end(s.at)
	s.at += breakAt(s.t.data[s.at:], false)
	textEnd := len(strings.TrimRight(s.value, "\n"))
	indent := leading(firstText(s.t.data[s.at:])) - leading(firstText([]byte(s.value)))
	if indent < 0 || strings.Trim(s.value, "\n ") == "" {
		return s.value == ""
	}
	for s.at < len(s.t.data) && s.read < textEnd {
		end := s.t.end(s.at)
		s.at += min(indent, leading(s.t.data[s.at:end]), end-s.at)
		s.fresh = true
		if !line(s, s.t.data[s.at:end]) {
			return false
		}
		s.at = end + breakAt(s.t.data[end:], false)
	}
	s.read = len(s.value)
	return true
}

// literal follows one line of a literal text.
func (s *scalar) literal(line []byte) bool {
	if !strings.HasPrefix(s.value[s.read:], string(line)) {
		return false
	}
	s.emit(len(line), len(line), false)
	if s.read < len(s.value) {
		if s.value[s.read] != '\n' {
			return false
		}
		s.emit(1, 0, false)
	}
	return true
}

// folded follows one line of a folded text. Blank lines are seen again in the
// line breaks before the next line.
func (s *scalar) folded(line []byte) bool {
	if len(line) == 0 {
		return true
	}
	rest := s.value[s.read:]
	gap := len(rest) - len(strings.TrimLeft(rest, "\n"))
	if gap == 0 && len(s.spans) > 0 && strings.HasPrefix(rest, " ") {
		gap = 1
	}
	if !strings.HasPrefix(rest[gap:], string(line)) {
		return false
	}
	if gap > 0 {
		s.emit(gap, 0, true)
	}
	s.fresh = true
	s.emit(len(line), len(line), false)
	return true
}

// firstText is data from its first line that holds more than spaces.
func firstText(data []byte) []byte {
	for len(data) > 0 {
		end := bytes.IndexAny(data, "\r\n")
		if end < 0 || len(bytes.Trim(data[:end], " ")) > 0 {
			return data
		}
		data = data[end+1:]
	}
	return nil
}

func leading(data []byte) int { return len(data) - len(bytes.TrimLeft(data, " ")) }

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
