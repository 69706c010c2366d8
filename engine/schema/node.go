package schema

import (
	"bytes"
	"encoding/json"
)

// node is a JSON Schema, with the keywords of draft-07 that the language needs,
// in the order in which they are written.
type node struct {
	Schema      string   `json:"$schema,omitempty"`
	Comment     string   `json:"$comment,omitempty"`
	Ref         string   `json:"$ref,omitempty"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Type        any      `json:"type,omitempty"` // a string or a list of them
	Const       any      `json:"const,omitempty"`
	Enum        []string `json:"enum,omitempty"`
	Default     any      `json:"default,omitempty"`
	Examples    []any    `json:"examples,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
	// PatternErrorMessage is no keyword of draft-07, which says to ignore what it
	// does not know. yaml-language-server shows it in the place of the pattern.
	PatternErrorMessage string `json:"patternErrorMessage,omitempty"`
	// DefaultSnippets are none either: yaml-language-server completes with them.
	DefaultSnippets      []snippet        `json:"defaultSnippets,omitempty"`
	MinLength            *int             `json:"minLength,omitempty"`
	MinItems             *int             `json:"minItems,omitempty"`
	Minimum              *int             `json:"minimum,omitempty"`
	Properties           properties       `json:"properties,omitempty"`
	AdditionalProperties any              `json:"additionalProperties,omitempty"` // false or a *node
	Required             []string         `json:"required,omitempty"`
	Dependencies         map[string]any   `json:"dependencies,omitempty"` // names of fields or a *node
	Items                *node            `json:"items,omitempty"`
	AllOf                []*node          `json:"allOf,omitempty"`
	AnyOf                []*node          `json:"anyOf,omitempty"`
	OneOf                []*node          `json:"oneOf,omitempty"`
	Not                  *node            `json:"not,omitempty"`
	If                   *node            `json:"if,omitempty"`
	Then                 *node            `json:"then,omitempty"`
	Else                 *node            `json:"else,omitempty"`
	Definitions          map[string]*node `json:"definitions,omitempty"`
}

// snippet is what an editor offers to write.
type snippet struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Body        any    `json:"body"`
}

// property is one field of a mapping.
type property struct {
	name string
	node *node
}

// properties keep the order of the Go type, in which the fields are explained.
type properties []property

// MarshalJSON writes an object with its fields in order.
func (p properties) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, one := range p {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(one.name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(one.node)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// write renders a whole schema as a file.
func (n *node) write() ([]byte, error) {
	compact, err := marshal(n)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// marshal leaves <, > and & as they are: the texts are read by people.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}
