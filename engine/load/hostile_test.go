package load

import (
	"strings"
	"testing"
	"time"
)

// TestHostile reads inputs that a careless reader spends minutes on. Each is
// refused or read in a moment.
func TestHostile(t *testing.T) {
	const mb = 1 << 20
	for name, data := range map[string]string{
		"deep lists":        strings.Repeat("[", mb),
		"deep mappings":     strings.Repeat("{a: ", mb/2),
		"deep indentation":  deep(1500),
		"blank lines":       "name: |\n" + strings.Repeat("\n", mb) + "  x\n",
		"folded blanks":     "name: >\n  a\n" + strings.Repeat("\n", mb) + "  x\n",
		"blanks":            "name: a" + strings.Repeat(" ", mb) + "b\n",
		"quoted blanks":     "name: 'a" + strings.Repeat(" ", mb) + "b'\n",
		"error at the end":  strings.Repeat("a: [b, c, d]\n", mb/26) + "x: @\n",
		"error in 3 MB":     strings.Repeat("a: [b, c, d]\n", 3*mb/13) + "x: @\n",
		"unclosed at first": "a: \"\n" + strings.Repeat("b: c d e\n", mb/9),
		"unclosed list":     "a: [\n" + strings.Repeat("  b, c,\n", mb/8),
		"many keys":         manyKeys(50_000),
		"one long line":     "wait: [" + strings.Repeat("{for: ready}, ", mb/28) + "]",
		"unknown anchor":    "a: [" + strings.Repeat("*a, ", mb/4) + "]",
		"merges":            "wait:\n  - &a {for: ready}\n" + strings.Repeat("  - {<<: [*a, *a, *a, *a, *a, *a, *a, *a]}\n", 20_000),
		"many errors":       strings.Repeat("? [a]\n: b\n", 20_000),
		"numbers":           "apply: {objects: [{a: [" + strings.Repeat("1e9, 0x1f, 1_0, ", mb/16) + "]}]}",
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			_, diags := Scenario(write(t, map[string]string{"00-step.yaml": data}), nil)
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("took %s", took)
			} else {
				t.Logf("%s, %d diagnostics", took, len(diags))
			}
		})
	}
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func manyKeys(n int) string {
	var b strings.Builder
	b.WriteString("apply:\n  objects:\n    - apiVersion: v1\n      data:\n")
	for i := range n {
		b.WriteString("        " + strings.Repeat("k", i%7+1) + string(rune('a'+i%26)) + time.Duration(i).String() + ": x\n")
	}
	return b.String()
}
