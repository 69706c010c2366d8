package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// document is one YAML document that holds something.
type document struct {
	node *yaml.Node // the content
	raw  []byte     // the bytes of the document, its --- included
}

// parse splits a file into its documents. Empty ones are left out. It is false
// when there was a syntax error; the documents before it are given all the same.
func (l *loader) parse(t *text) ([]document, bool) {
	var docs []document
	var starts []int
	dec := yaml.NewDecoder(bytes.NewReader(t.data))
	for {
		n, err := next(dec)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			l.syntaxError(t, err)
			return cut(t, docs, starts), false
		}
		starts = append(starts, t.offset(n.Line, 1))
		docs = append(docs, document{node: n.Content[0]})
	}
	return cut(t, docs, starts), true
}

// next reads one document. Some malformed inputs make the parser panic instead
// of giving an error; what it says then is an error like any other.
func next(dec *yaml.Decoder) (n *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	n = &yaml.Node{}
	if err := dec.Decode(n); err != nil {
		return nil, err
	}
	if len(n.Content) == 0 {
		return nil, io.EOF
	}
	return n, nil
}

// cut gives every document its bytes and drops the empty ones.
func cut(t *text, docs []document, starts []int) []document {
	var out []document
	for i, doc := range docs {
		end := len(t.data)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		doc.raw = t.data[min(starts[i], end):end]
		if doc.node.Kind == yaml.ScalarNode && doc.node.Tag == "!!null" {
			continue
		}
		out = append(out, doc)
	}
	return out
}
