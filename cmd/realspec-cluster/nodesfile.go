package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readNodesFile reads a list of pools from a YAML or JSON file. It walks the
// YAML nodes rather than decoding into structs: they know their place in the
// file, and the text of a scalar as it was written.
func readNodesFile(path string) ([]Pool, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError("--nodes-file: %w", err)
	}
	pools, err := parseNodesFile(path, content)
	if err != nil {
		return nil, &codedError{code: exitUsage, err: err}
	}
	return pools, nil
}

// parseNodesFile collects every error in the file.
func parseNodesFile(path string, content []byte) ([]Pool, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(document.Content) == 0 {
		return nil, fmt.Errorf("%s: the file is empty; want a list of pools, such as [{count: 3, cpu: 8}]", path)
	}
	list := document.Content[0]
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		return nil, at(path, list, "want a list of pools, such as [{count: 3, cpu: 8}]; found %s", kindOf(list))
	}
	var pools []Pool
	var failures []error
	for i, entry := range list.Content {
		pool := newPool()
		for _, failure := range pool.read(path, entry) {
			failures = append(failures, at(path, failure.node, "entry %d: %w", i+1, failure.err))
		}
		pools = append(pools, pool)
	}
	if len(failures) > 0 {
		return nil, errors.Join(failures...)
	}
	return pools, checkTotal(pools)
}

// at puts the place of a node before an error.
func at(path string, node *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %w", path, node.Line, node.Column, fmt.Errorf(format, args...))
}

// misplaced is an error and the node that it is about.
type misplaced struct {
	node *yaml.Node
	err  error
}

// fileFields are the fields of an entry. Their scalars mean what they mean
// in --nodes.
var fileFields = []string{"count", "cpu", "memory", "gpu", "pods", "storage", "name", "zone", "labels", "taints", "resources"}

// read sets what one entry says and returns everything that is wrong with it.
func (p *Pool) read(path string, entry *yaml.Node) (failures []misplaced) {
	return eachField(entry, "an entry", func(key string, value *yaml.Node) []misplaced {
		switch {
		case !slices.Contains(fileFields, key):
			return []misplaced{{value, fmt.Errorf("unknown field %q; known are %s", key, strings.Join(fileFields, ", "))}}
		case key == "labels":
			return eachText(value, key, p.addLabel)
		case key == "resources":
			return eachText(value, key, p.addResource)
		case key == "taints":
			return p.readTaints(value)
		}
		return text(value, key, func(value string) error { return p.set(key, value) })
	})
}

func (p *Pool) readTaints(list *yaml.Node) (failures []misplaced) {
	if list.Kind != yaml.SequenceNode {
		return []misplaced{{list, fmt.Errorf("taints: want a list, such as [{key: gpu, effect: NoSchedule}]; found %s", kindOf(list))}}
	}
	for _, entry := range list.Content {
		var taint Taint
		wrong := eachText(entry, "a taint", func(key, value string) error {
			switch key {
			case "key":
				taint.Key = value
			case "value":
				taint.Value = value
			case "effect":
				taint.Effect = value
			default:
				return fmt.Errorf("taint: unknown field %q; known are key, value, effect", key)
			}
			return nil
		})
		if len(wrong) == 0 {
			if err := p.addTaint(taint); err != nil {
				wrong = append(wrong, misplaced{entry, err})
			}
		}
		failures = append(failures, wrong...)
	}
	return failures
}

// eachField calls do for every field of a mapping.
func eachField(mapping *yaml.Node, what string, do func(key string, value *yaml.Node) []misplaced) (failures []misplaced) {
	if mapping.Kind != yaml.MappingNode {
		return []misplaced{{mapping, fmt.Errorf("%s: want fields and values; found %s", what, kindOf(mapping))}}
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		if seen[key.Value] {
			failures = append(failures, misplaced{key, fmt.Errorf("%s is given twice", key.Value)})
			continue
		}
		seen[key.Value] = true
		failures = append(failures, do(key.Value, value)...)
	}
	return failures
}

// eachText calls do for every field of a mapping whose values are scalars.
func eachText(mapping *yaml.Node, what string, do func(key, value string) error) []misplaced {
	return eachField(mapping, what, func(key string, value *yaml.Node) []misplaced {
		return text(value, key, func(value string) error { return do(key, value) })
	})
}

// text calls do with a scalar as it stands in the file: the label value "no"
// is a word here and not false.
func text(value *yaml.Node, key string, do func(string) error) []misplaced {
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
		return []misplaced{{value, fmt.Errorf("%s: want one value; found %s", key, kindOf(value))}}
	}
	if err := do(value.Value); err != nil {
		return []misplaced{{value, err}}
	}
	return nil
}

func kindOf(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode && len(node.Content) == 0:
		return "an empty list"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Tag == "!!null":
		return "nothing"
	}
	return fmt.Sprintf("%q", node.Value)
}
