package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CEL's own positions are where an operator or a first token stands; a person
// needs the word that is meant, and the text of a whole part. So expressions are
// cut into tokens here as well, by the same rules as in CEL's grammar
// (cel-go/parser/gen/CEL.g4).

type tokenKind int

const (
	tokenName     tokenKind = iota // also true, false, null and in
	tokenQuoted                    // `a name in backticks`
	tokenNumber                    //
	tokenString                    // also bytes
	tokenOperator                  // one of operatorSigns
	tokenOpen                      // ( [ {
	tokenClose                     // ) ] }
	tokenPunct                     // . , : ?
	tokenUnknown                   // nothing that CEL knows
	tokenUnclosed                  // a string without its end
)

// token is a piece of an expression: text[from:to], in bytes.
type token struct {
	kind     tokenKind
	from, to int
	text     string
}

func (t token) is(texts ...string) bool {
	if t.kind == tokenString {
		return false
	}
	for _, text := range texts {
		if t.text == text {
			return true
		}
	}
	return false
}

// endsOperand tells whether a value may end with the token.
func (t token) endsOperand() bool {
	switch t.kind {
	case tokenName:
		return t.text != "in"
	case tokenQuoted, tokenNumber, tokenString, tokenClose:
		return true
	}
	return false
}

// beginsOperand tells whether a value may begin with the token.
func (t token) beginsOperand() bool {
	switch t.kind {
	case tokenName:
		return t.text != "in"
	case tokenNumber, tokenString, tokenOpen:
		return true
	}
	return t.is("!", "-", ".")
}

var operatorSigns = []string{"==", "!=", "<=", ">=", "&&", "||", "<", ">", "-", "!", "+", "*", "/", "%"}

// tokenize cuts text into tokens, without spaces and comments.
func tokenize(text string) []token {
	var tokens []token
	for at := 0; at < len(text); {
		t := nextToken(text, at)
		at = t.to
		if t.text = text[t.from:t.to]; t.from < t.to {
			tokens = append(tokens, t)
		}
	}
	return tokens
}

// nextToken is the token at or behind at. At the end of the text it is empty.
func nextToken(text string, at int) token {
	at = skipSpace(text, at)
	rest := text[at:]
	if rest == "" {
		return token{from: at, to: at}
	}
	if n, closed := stringLength(rest); n > 0 {
		kind := tokenString
		if !closed {
			kind = tokenUnclosed
		}
		return token{kind: kind, from: at, to: at + n}
	}
	c := rest[0]
	switch {
	case isLetter(c):
		return token{kind: tokenName, from: at, to: at + prefix(rest, isWord)}
	case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]):
		return token{kind: tokenNumber, from: at, to: at + numberLength(rest)}
	case c == '`':
		if end := strings.IndexByte(rest[1:], '`'); end > 0 {
			return token{kind: tokenQuoted, from: at, to: at + end + 2}
		}
	case strings.IndexByte("([{", c) >= 0:
		return token{kind: tokenOpen, from: at, to: at + 1}
	case strings.IndexByte(")]}", c) >= 0:
		return token{kind: tokenClose, from: at, to: at + 1}
	case strings.IndexByte(".,:?", c) >= 0:
		return token{kind: tokenPunct, from: at, to: at + 1}
	}
	for _, op := range operatorSigns {
		if strings.HasPrefix(rest, op) {
			return token{kind: tokenOperator, from: at, to: at + len(op)}
		}
	}
	_, size := utf8.DecodeRuneInString(rest)
	return token{kind: tokenUnknown, from: at, to: at + size}
}

func skipSpace(text string, at int) int {
	for at < len(text) {
		switch {
		case strings.IndexByte(" \t\r\n\f", text[at]) >= 0:
			at++
		case strings.HasPrefix(text[at:], "//"):
			end := strings.IndexByte(text[at:], '\n')
			if end < 0 {
				return len(text)
			}
			at += end
		default:
			return at
		}
	}
	return at
}

// stringLength is the length of the string that rest begins with, 0 when it
// begins with none. One that is not closed goes to the end of its line.
func stringLength(rest string) (n int, closed bool) {
	start := 0
	if start < len(rest) && (rest[start] == 'b' || rest[start] == 'B') {
		start++
	}
	raw := start < len(rest) && (rest[start] == 'r' || rest[start] == 'R')
	if raw {
		start++
	}
	if start >= len(rest) || rest[start] != '"' && rest[start] != '\'' {
		return 0, false
	}
	quote := rest[start : start+1]
	if long := strings.Repeat(quote, 3); strings.HasPrefix(rest[start:], long) {
		quote = long
	}
	for at := start + len(quote); at < len(rest); {
		switch {
		case strings.HasPrefix(rest[at:], quote):
			return at + len(quote), true
		case len(quote) == 1 && (rest[at] == '\n' || rest[at] == '\r'):
			return at, false
		case rest[at] == '\\' && !raw:
			at += 2
		default:
			at++
		}
	}
	return len(rest), false
}

func numberLength(rest string) int {
	if strings.HasPrefix(rest, "0x") {
		n := 2 + prefix(rest[2:], isHex)
		return n + suffix(rest[n:])
	}
	n := prefix(rest, isDigit)
	if n+1 < len(rest) && rest[n] == '.' && isDigit(rest[n+1]) {
		n += 1 + prefix(rest[n+1:], isDigit)
	}
	if n < len(rest) && (rest[n] == 'e' || rest[n] == 'E') {
		sign := 1
		if n+1 < len(rest) && (rest[n+1] == '+' || rest[n+1] == '-') {
			sign = 2
		}
		if digits := prefix(rest[min(n+sign, len(rest)):], isDigit); digits > 0 {
			n += sign + digits
		}
	}
	return n + suffix(rest[n:])
}

// suffix is the length of the u of an unsigned number.
func suffix(rest string) int {
	if rest != "" && (rest[0] == 'u' || rest[0] == 'U') {
		return 1
	}
	return 0
}

func prefix(text string, in func(byte) bool) int {
	n := 0
	for n < len(text) && in(text[n]) {
		n++
	}
	return n
}

func isLetter(c byte) bool { return c == '_' || c < utf8.RuneSelf && unicode.IsLetter(rune(c)) }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) }
func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// match is the index of the bracket that belongs to the one at i, or -1.
func match(tokens []token, i int) int {
	step, depth := 1, 0
	if tokens[i].kind == tokenClose {
		step = -1
	}
	for j := i; 0 <= j && j < len(tokens); j += step {
		switch tokens[j].kind {
		case tokenOpen:
			depth += step
		case tokenClose:
			depth -= step
		}
		if depth == 0 {
			return j
		}
	}
	return -1
}

// tokenAt is the index of the token that covers the byte at offset, or of the
// next one; len(tokens) behind the last.
func tokenAt(tokens []token, offset int) int {
	for i, t := range tokens {
		if offset < t.to {
			return i
		}
	}
	return len(tokens)
}
