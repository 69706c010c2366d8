package spec

import (
	"fmt"
	"strings"
)

// The kinds of For.
const (
	ForReady     = "ready"
	ForDeleted   = "deleted"
	ForCreate    = "create"
	ForCondition = "condition"
	ForJSONPath  = "jsonpath"
)

// For is what a wait waits for, in the spellings of `kubectl wait --for`.
type For struct {
	// Kind is one of the constants above.
	Kind string
	// Name is the condition's type, or the JSONPath with its braces.
	Name string
	// Value is the condition's status (True when none was written), or what the
	// JSONPath must give; empty means that it must give anything at all.
	Value string
}

// ParseFor reads the text of a condition's `for`. Whether a JSONPath is well formed,
// JSONPath tells.
func ParseFor(text string) (For, error) {
	text = strings.TrimSpace(text)
	word, rest, hasValue := strings.Cut(text, "=")
	word = strings.ToLower(word)
	switch {
	case strings.Contains(text, "${{"):
		return For{}, fmt.Errorf("for takes no ${{ }}, write the condition as cel")
	case word == ForCondition:
		return parseForCondition(rest)
	case word == ForJSONPath:
		return parseForJSONPath(rest)
	case hasValue:
		return For{}, fmt.Errorf("for does not know %q", word)
	}
	switch word {
	case ForReady:
		return For{Kind: ForReady}, nil
	case ForDeleted, "delete":
		return For{Kind: ForDeleted}, nil
	case ForCreate, "created":
		return For{Kind: ForCreate}, nil
	case "":
		return For{}, fmt.Errorf("for is empty")
	}
	return For{}, fmt.Errorf("for does not know %q", text)
}

// parseForCondition reads NAME or NAME=STATUS.
func parseForCondition(text string) (For, error) {
	name, status, hasStatus := strings.Cut(text, "=")
	name, status = strings.TrimSpace(name), strings.TrimSpace(status)
	switch {
	case name == "":
		return For{}, fmt.Errorf("condition= names no condition")
	case !hasStatus:
		status = "True"
	case status == "":
		return For{}, fmt.Errorf("condition=%s= names no status", name)
	}
	return For{Kind: ForCondition, Name: name, Value: status}, nil
}

// parseForJSONPath reads {.path} or {.path}=VALUE, and what kubectl takes
// besides: the path in quotes, as it is written in a shell, or without braces.
func parseForJSONPath(text string) (For, error) {
	end := jsonPathEnd(text)
	if end < 0 {
		return For{}, fmt.Errorf("jsonpath=%s does not end its path", text)
	}
	value, hasValue := strings.CutPrefix(text[end:], "=")
	if !hasValue && value != "" {
		return For{}, fmt.Errorf("after jsonpath=%s stands %q, expected = and a value", text[:end], value)
	}
	path := text[:end]
	if path != "" && (path[0] == '\'' || path[0] == '"') {
		path = path[1 : len(path)-1]
	}
	if !strings.HasPrefix(path, "{") {
		path = "{." + strings.TrimPrefix(path, ".") + "}"
	}
	switch {
	case strings.Trim(path, "{}. ") == "":
		return For{}, fmt.Errorf("jsonpath= names no path")
	case hasValue && value == "":
		return For{}, fmt.Errorf("jsonpath=%s= names no value", path)
	}
	return For{Kind: ForJSONPath, Name: path, Value: value}, nil
}

// jsonPathEnd is where the path ends that text begins with, or -1 where it does
// not end. Within braces and quotes, = belongs to the path.
func jsonPathEnd(text string) int {
	switch {
	case text == "":
		return 0
	case text[0] == '\'' || text[0] == '"':
		if i := strings.IndexByte(text[1:], text[0]); i >= 0 {
			return i + 2
		}
		return -1
	}
	end := 0
	for strings.HasPrefix(text[end:], "{") {
		i := closingBrace(text[end:])
		if i < 0 {
			return -1
		}
		end += i + 1
	}
	if i := strings.IndexByte(text, '='); end == 0 && i >= 0 {
		return i
	} else if end == 0 {
		return len(text)
	}
	return end
}

// closingBrace is the index of the brace that closes the first one, or -1.
// Braces within the quotes of a filter do not count.
func closingBrace(text string) int {
	depth, quote := 0, byte(0)
	for i := range len(text) {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
