package load

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

var (
	lineOfError   = regexp.MustCompile(`^yaml: (line \d+: )?`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
)

// phrases are the parser's errors in plain words, and what would be right.
var phrases = []struct{ yaml, plain, help string }{
	{"mapping values are not allowed", `a ": " has no place here`,
		"a text that holds \": \" needs quotes; a nested field goes on a line of its own"},
	{"did not find expected key", "this line fits none of the lines above",
		"the fields of one mapping begin in the same column"},
	{"did not find expected '-' indicator", "this line fits none of the lines above, expected a list item",
		"the items of one list begin with - in the same column"},
	{"could not find expected ':'", `this has no ":" and is no value of the line above`,
		"a field is written name: value"},
	{"did not find expected ',' or ']'", "this list is not closed, or lacks a comma",
		"a list in one line is written [a, b]; a text with , [ ] { } in it needs quotes"},
	{"did not find expected ',' or '}'", "this mapping is not closed, or lacks a comma",
		"a mapping in one line is written {a: 1, b: 2}; a text with , [ ] { } in it needs quotes"},
	{"found unexpected end of stream", "this quote is not closed", ""},
	{"found unexpected document indicator", "this quote is not closed before the document ends", ""},
	{"found unknown escape character", "this escape is not known",
		`a backslash in double quotes is written \\; in single quotes it stands for itself`},
	{"did not find expected hexdecimal number", "this escape lacks digits", `\x takes two, \u four, \U eight of them`},
	{"block sequence entries are not allowed", "a list cannot begin here", "the first - goes on a line of its own"},
	{"mapping keys are not allowed", "a field cannot begin here", "it goes on a line of its own"},
	{"found a tab character", "a tab stands where YAML wants spaces", "indent with spaces"},
	{"found an indentation indicator equal to 0", "the indentation of a block begins at 1", ""},
	{"did not find expected <document start>", "the document has ended before this", "a further document begins with ---"},
	{"did not find expected node content", "expected a value here", "a [ or { may not be closed"},
	{"found incompatible YAML document", "this version of YAML is not known", "leave the line out"},
	{"did not find expected comment or line break", "nothing may follow here but a comment", "the text begins on the next line"},
	{"control characters are not allowed", "a control character has no place in a text", `in double quotes it can be written \xNN`},
	{"exceeded max depth", "the nesting is too deep", ""},
	{"found undefined tag handle", "this tag is not known", "leave it out"},
}

// syntaxError adds a diagnostic for an error of the parser.
func (l *loader) syntaxError(t *text, err error) {
	problem := lineOfError.ReplaceAllString(err.Error(), "")
	at := faultAt(t, problem)
	if at < 0 {
		at = reportedAt(t, err)
	}
	message, help := plainSyntax(t, at, problem)
	if expr := expressionAt(t, at); expr >= 0 && !strings.Contains(problem, "cannot start any token") {
		// In { } or [ ], and before ": ", a ${{ }} is taken for YAML.
		at, help = expr, `an expression needs quotes here: "${{ … }}"`
	}
	l.diags.Add(t.pos(at), "syntax", "%s", message).Help = help
	l.diags[len(l.diags)-1].Width = 1
}

func plainSyntax(t *text, at int, problem string) (message, help string) {
	if m := unknownAnchor.FindStringSubmatch(problem); m != nil {
		return fmt.Sprintf("*%s refers to no anchor &%s above", m[1], m[1]), "a text that begins with * needs quotes"
	}
	if strings.Contains(problem, "cannot start any token") {
		return plainToken(t, at)
	}
	message = "this is not YAML: " + problem
	for _, p := range phrases {
		if strings.Contains(problem, p.yaml) {
			message, help = p.plain, p.help
			break
		}
	}
	return message, help
}

// expressionAt is where the line of an offset has its first ${{, or -1.
func expressionAt(t *text, at int) int {
	from := bytes.LastIndexAny(t.data[:at], "\r\n") + 1
	if i := bytes.Index(t.data[from:t.end(at)], []byte("${{")); i >= 0 {
		return from + i
	}
	return -1
}

func plainToken(t *text, at int) (message, help string) {
	r, _ := utf8.DecodeRune(t.data[at:])
	if r == '\t' {
		return "a tab stands where YAML wants spaces", "indent with spaces"
	}
	return fmt.Sprintf("a text cannot begin with %c", r), "put the text in quotes"
}

// maxSought is the largest file in which the place of an error is sought by
// parsing beginnings of it: some forty of them, at about 20 MB a second.
const maxSought = 1 << 20

// reportedAt is the first character on the line that the parser gave.
func reportedAt(t *text, err error) int {
	var line int
	if _, scanErr := fmt.Sscanf(err.Error(), "yaml: line %d:", &line); scanErr != nil {
		return 0
	}
	at := t.marks[min(max(line, 1), len(t.marks))-1]
	for at < len(t.data) && isBlank(t.data[at]) {
		at++
	}
	return at
}

// faultAt is the byte offset of a syntax error, or -1 where it is too much work
// to find. The parser says a line only, and
// often that where an enclosing mapping began. So the shortest beginning of the
// file is sought that fails in the same way: first by lines, then by characters.
func faultAt(t *text, problem string) int {
	if m := unknownAnchor.FindStringSubmatch(problem); m != nil {
		alias := regexp.MustCompile(`\*` + regexp.QuoteMeta(m[1]) + `([\s,\]}]|$)`)
		if at := alias.FindIndex(t.data); at != nil {
			return at[0]
		}
	}
	if strings.Contains(problem, "control characters") {
		if at := bytes.IndexFunc(t.data, isForbidden); at >= 0 {
			return at
		}
	}
	if len(t.data) > maxSought {
		return -1
	}
	fails := func(end int) bool { return firstProblem(t.data[:end]) == problem }
	line := shortest(len(t.marks), func(n int) bool {
		if n == len(t.marks) {
			return true
		}
		return fails(t.marks[n])
	})
	if line == 0 {
		return 0
	}
	begin := t.marks[line-1]
	width := t.end(begin) - begin
	chars := shortest(width+1, func(n int) bool { return n > width || fails(begin+n) })
	at := begin + max(0, min(chars, width)-1)
	for at > begin && !utf8.RuneStart(t.data[at]) {
		at--
	}
	return at
}

// shortest is the least n up to which, from limit down, fails holds: steps back
// that grow, then halving. Beginnings of a file that fail in the same way for
// another reason (a quote that is closed later) lie further back, and growing
// steps mostly stop before them.
func shortest(limit int, fails func(int) bool) int {
	bad, good := limit, -1
	for step := 1; ; step *= 2 {
		n := bad - step
		if n < 0 {
			break
		}
		if !fails(n) {
			good = n
			break
		}
		bad = n
	}
	for bad-good > 1 {
		if mid := (bad + good) / 2; fails(mid) {
			bad = mid
		} else {
			good = mid
		}
	}
	return bad
}

// firstProblem is what the parser says about data, without its line.
func firstProblem(data []byte) string {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		_, err := next(dec)
		switch {
		case err == io.EOF:
			return ""
		case err != nil:
			return lineOfError.ReplaceAllString(err.Error(), "")
		}
	}
}

// isForbidden tells whether the parser refuses a character.
func isForbidden(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' && r != 0x85 || r == 0xfffe || r == 0xffff
}
