package expr

import (
	"strings"
	"unicode/utf8"

	"github.com/realspec/realspec/engine/spec"
)

// code is the text of one expression and its place in a scenario's text.
type code struct {
	text   string
	tokens []token

	src  spec.Source
	from int // where text begins in src.Text
}

func newCode(src spec.Source, from, to int) *code {
	text := src.Text[from:to]
	return &code{text: text, tokens: tokenize(text), src: src, from: from}
}

// pos is the place in the file of the byte at offset.
func (c *code) pos(offset int) spec.Pos {
	return c.src.Locate(c.from + max(0, min(offset, len(c.text))))
}

// tokenAt is the token that covers the byte at offset, or the next one. Behind
// the last token there is an empty one.
func (c *code) tokenAt(offset int) (int, token) {
	i := tokenAt(c.tokens, offset)
	return i, c.token(i)
}

// token is the i-th token, or an empty one where there is none.
func (c *code) token(i int) token {
	switch {
	case i < 0 || len(c.tokens) == 0:
		return token{kind: tokenPunct}
	case i >= len(c.tokens):
		end := c.tokens[len(c.tokens)-1].to
		return token{kind: tokenPunct, from: end, to: end}
	}
	return c.tokens[i]
}

// part is the text from one byte to another on one line, as it was written.
func (c *code) part(from, to int) string {
	return strings.Join(strings.Fields(c.text[from:to]), " ")
}

// byteOffset turns an offset in characters, as CEL counts, into one in bytes.
func byteOffset(text string, characters int) int {
	for i := range text {
		if characters <= 0 {
			return i
		}
		characters--
	}
	return len(text)
}

// lineOffset is the byte of a place that is given as a line from 1 and a column
// in characters from 0.
func lineOffset(text string, line, column int) int {
	start := 0
	for ; line > 1; line-- {
		end := strings.IndexByte(text[start:], '\n')
		if end < 0 {
			break
		}
		start += end + 1
	}
	return start + byteOffset(text[start:], column)
}

// width is the number of characters from one byte to another, or to the end of
// the line.
func (c *code) width(from, to int) int {
	piece := strings.TrimRight(c.text[from:to], " \t\r\n")
	if end := strings.IndexByte(piece, '\n'); end >= 0 {
		piece = strings.TrimRight(piece[:end], " \t\r")
	}
	return max(1, utf8.RuneCountInString(piece))
}
