package capture

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// YAML is the assert as a step of a scenario. It is written here and not by a
// library: sigs.k8s.io/yaml sorts let behind checks, breaks long expressions, and
// leaves control characters bare, which the loader then cannot read.
func (a Assert) YAML() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# captured from %s\n", comment(a.source))
	for _, text := range a.LeftOut {
		fmt.Fprintf(&b, "# left out: %s\n", comment(text))
	}
	b.WriteString("assert:\n")
	let, one := a.let()
	if len(a.CEL) > 0 {
		b.WriteString("  let:\n    captured:\n")
		writeMap(&b, let, "      ")
	}
	b.WriteString("  checks:\n    - object:\n")
	writeMap(&b, a.Object, "        ")
	for _, cel := range a.CEL {
		if !one {
			cel = "captured.exists(o, " + strings.ReplaceAll(cel, "captured.", "o.") + ")"
		}
		fmt.Fprintf(&b, "    - cel: %s\n", scalar(cel))
	}
	return b.String()
}

// let selects the object as the part of it does, and tells whether that is one.
func (a Assert) let() (selector map[string]any, one bool) {
	metadata, _ := a.Object["metadata"].(map[string]any)
	selector = map[string]any{"apiVersion": a.Object["apiVersion"], "kind": a.Object["kind"]}
	if ns, ok := metadata["namespace"]; ok {
		selector["namespace"] = ns
	}
	if name, ok := metadata["name"]; ok {
		selector["name"] = name
		return selector, true
	}
	labels, _ := metadata["labels"].(map[string]any)
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, fmt.Sprintf("%s=%v", key, labels[key]))
	}
	selector["selector"] = strings.Join(pairs, ",")
	return selector, false
}

func comment(text string) string { return strings.Join(strings.Fields(text), " ") }

// first are the keys that people expect at the top; the others follow by name.
var first = []string{"apiVersion", "kind", "metadata", "name", "namespace", "selector", "image", "type", "replicas", "spec", "data"}

func keys(m map[string]any) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		i, j := slices.Index(first, a), slices.Index(first, b)
		switch {
		case i >= 0 && j >= 0:
			return i - j
		case i >= 0:
			return -1
		case j >= 0:
			return 1
		}
		return strings.Compare(a, b)
	})
}

func writeMap(b *strings.Builder, m map[string]any, indent string) {
	for _, key := range keys(m) {
		b.WriteString(indent + scalar(key) + ":")
		writeValue(b, m[key], indent)
	}
}

// writeValue writes what follows a key's colon.
func writeValue(b *strings.Builder, value any, indent string) {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			b.WriteString(" {}\n")
			return
		}
		b.WriteString("\n")
		writeMap(b, v, indent+"  ")
	case []any:
		if len(v) == 0 {
			b.WriteString(" []\n")
			return
		}
		b.WriteString("\n")
		for _, item := range v {
			writeItem(b, item, indent+"  ")
		}
	case string:
		writeText(b, v, indent)
	default:
		b.WriteString(" " + scalar(v) + "\n")
	}
}

func writeItem(b *strings.Builder, item any, indent string) {
	var inner strings.Builder
	switch v := item.(type) {
	case map[string]any:
		if len(v) == 0 {
			b.WriteString(indent + "- {}\n")
			return
		}
		writeMap(&inner, v, indent+"  ")
		b.WriteString(indent + "- " + strings.TrimPrefix(inner.String(), indent+"  "))
	default:
		writeValue(&inner, item, indent)
		b.WriteString(indent + "-" + inner.String())
	}
}

// writeText writes long texts of several lines as they are, where YAML can.
func writeText(b *strings.Builder, text, indent string) {
	if !blockable.MatchString(text) {
		b.WriteString(" " + scalar(text) + "\n")
		return
	}
	mark := "|"
	if !strings.HasSuffix(text, "\n") {
		mark = "|-"
	}
	b.WriteString(" " + mark + "\n")
	for line := range strings.Lines(text) {
		if line == "\n" {
			b.WriteString("\n")
			continue
		}
		b.WriteString(indent + "  " + strings.TrimSuffix(line, "\n") + "\n")
	}
}

var (
	// blockable is a text of several plain lines: the first one begins with a
	// character, none ends with a blank, and at most one line break ends it.
	blockable = regexp.MustCompile(`^[!-~]([ -~]*[!-~])?\n(([ -~]*[!-~])?\n)*([ -~]*[!-~])(\n)?$`)
	bare      = regexp.MustCompile(`^[A-Za-z/]([A-Za-z0-9_./:-]*[A-Za-z0-9_./-])?$`)
)

// reserved are words that YAML, in one version or another, takes for something
// else than text.
var reserved = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null"}

// scalar writes a value on one line. A text in Go's quotes is one in YAML's too.
func scalar(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		if bare.MatchString(v) && !slices.Contains(reserved, strings.ToLower(v)) {
			return v
		}
		return strconv.Quote(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(value)
}
