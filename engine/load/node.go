package load

import (
	"cmp"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/realspec/realspec/engine/diag"
)

// pair is one field of a mapping as it was written.
type pair struct {
	name       string
	key, value *yaml.Node
}

// follow calls do with what a node stands for: itself, or what an alias refers
// to. It keeps aliases from growing without end: through *alias, and through <<,
// whose fields are read where they are merged in.
func (d *decoder) follow(n *yaml.Node, do func(*yaml.Node)) {
	limit := len(d.t.data) + maxExpanded
	if d.visited++; d.visited > limit {
		if d.visited == limit+1 {
			d.add(n, "aliases", "the aliases of this document expand to more than %d values", maxExpanded)
		}
		return
	}
	target := target(n)
	switch {
	case target.Line < d.root.Line:
		d.add(n, "aliases", "*%s refers to an anchor of another document", n.Value)
		return
	case d.open[target]:
		d.add(n, "aliases", "&%s contains itself", cmp.Or(target.Anchor, n.Value))
		return
	case !knownTag(target):
		d.add(target, "tag", "the tag %s is not known", target.Tag).Help = "leave it out"
		return
	}
	if target.Kind != yaml.ScalarNode {
		d.open[target] = true
		defer delete(d.open, target)
	}
	do(target)
}

func knownTag(n *yaml.Node) bool {
	if n.Style&yaml.TaggedStyle == 0 {
		return true
	}
	switch n.Tag {
	case "!!str", "!!bool", "!!int", "!!float", "!!null", "!!seq", "!!map", "!!timestamp":
		return true
	}
	return false
}

// pairs are the fields of a mapping in the order of the file, those that are
// merged in with << last. A key that is no text or is there twice is an error.
func (d *decoder) pairs(n *yaml.Node) []pair {
	var out []pair
	var merged []*yaml.Node
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.ScalarNode && key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		d.follow(key, func(text *yaml.Node) {
			name, ok := d.name(key, text)
			if !ok {
				return
			}
			if earlier := first[name]; earlier != nil {
				d.add(key, "duplicate-key", "%q is written twice", name).Help =
					fmt.Sprintf("the first is on line %d", d.t.node(earlier).Line)
				return
			}
			first[name] = key
			out = append(out, pair{name, key, value})
		})
	}
	for _, value := range merged {
		for _, p := range d.merge(value) {
			if first[p.name] == nil {
				first[p.name] = p.key
				out = append(out, p)
			}
		}
	}
	return out
}

// name is the text of a key.
func (d *decoder) name(key, text *yaml.Node) (string, bool) {
	switch {
	case d.kubectl && text.Kind == yaml.ScalarNode && text.Tag != "!!null":
		return d.kubectlName(key, text), true
	case text.Kind != yaml.ScalarNode:
		d.add(key, "key", "the name of a field is a text, found %s", found(text)).Help =
			"a text that begins with { or [ needs quotes"
		return "", false
	case text.Tag != "!!str" && text.Tag != "!!timestamp":
		d.add(key, "key", "the name of a field is a text, found %s", found(text)).Help =
			fmt.Sprintf("put it in quotes: %q", text.Value)
		return "", false
	}
	return text.Value, true
}

// kubectlName is the text of a key in a manifest. kubectl reads YAML 1.1, where
// n, off and their like are truth values: a trap worth a warning.
func (d *decoder) kubectlName(key, text *yaml.Node) string {
	if text.Style != 0 {
		return text.Value
	}
	truth := ""
	switch strings.ToLower(text.Value) {
	case "true", "yes", "on", "y":
		truth = "true"
	case "false", "no", "off", "n":
		truth = "false"
	default:
		return text.Value
	}
	if text.Tag == "!!str" {
		warning := d.add(key, "yaml-1.1", "kubectl reads the key %s as %s", text.Value, truth)
		warning.Severity = diag.Warning
		warning.Help = fmt.Sprintf("put it in quotes: %q", text.Value)
	}
	return truth
}

// merge are the fields of what stands after <<: a mapping or a list of them.
func (d *decoder) merge(n *yaml.Node) (out []pair) {
	d.follow(n, func(n *yaml.Node) {
		switch n.Kind {
		case yaml.MappingNode:
			out = d.pairs(n)
		case yaml.SequenceNode:
			for _, item := range n.Content {
				out = append(out, d.merge(item)...)
			}
		default:
			d.add(n, "wrong-type", "<< takes a mapping, found %s", found(n))
		}
	})
	return out
}

// wrongType says what a field takes and what was found instead.
func (d *decoder) wrongType(n *yaml.Node, s *scope, takes string) *diag.Diagnostic {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return d.add(n, "no-value", "%s has no value, it takes %s", s.subject(), takes)
	}
	return d.add(n, "wrong-type", "%s takes %s, found %s", s.subject(), takes, found(n))
}

// found says what a node is, in the words of a tester.
func found(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == "!!bool":
		return n.Value
	case n.Tag == "!!int", n.Tag == "!!float":
		return "the number " + n.Value
	}
	return fmt.Sprintf("the text %q", shorten(n.Value))
}

// shorten keeps a quoted text from filling the message.
func shorten(text string) string {
	text, _, cut := strings.Cut(text, "\n")
	if runes := []rune(text); len(runes) > 40 {
		text, cut = string(runes[:40]), true
	}
	if cut {
		text += "…"
	}
	return text
}
