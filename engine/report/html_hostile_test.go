package report

import (
	"encoding/json"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/realspec/realspec/engine/event"
)

// hostile puts a text into every string of a result.
func hostile(text string) *event.Result {
	all := event.Fold(fixtures()["everything"])
	all.Scenarios = append(all.Scenarios, event.Fold(fixtures()["measured"]).Scenarios...)
	raw, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	var any_ any
	if err := json.Unmarshal(raw, &any_); err != nil {
		panic(err)
	}
	raw, err = json.Marshal(poisoned(any_, "", text))
	if err != nil {
		panic(err)
	}
	var r event.Result
	if err := json.Unmarshal(raw, &r); err != nil {
		panic(err)
	}
	return &r
}

func poisoned(v any, key, text string) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, inner := range v {
			out[k] = poisoned(inner, k, text)
		}
		return out
	case []any:
		for i := range v {
			v[i] = poisoned(v[i], key, text)
		}
	case string:
		if key == "started" || key == "unit" && v == "s" {
			return v // a time; and without the unit there are no waterfalls
		}
		return v + text
	}
	return v
}

var attacks = []string{
	`</script><script>document.title="owned"</script>`,
	`"><img src=x onerror="document.title='owned'">`,
	`' onmouseover='document.title=1' x='`,
	"<!--<script>", "]]>", "{{.Title}}", "${document.title='owned'}", "javascript:document.title=1",
	"\u202Egnp.exe\u2066", "\x00\x1b[2J\u2028\u2029\xff",
	`</style><style>*{display:none}`, `</title><h1>PASSED</h1>`,
}

func TestHTMLEscapesEverything(t *testing.T) {
	calm := parsed(t, hostile("calm"))
	for _, attack := range attacks {
		r := hostile(attack)
		root := parsed(t, r)
		selfContained(t, root)
		if got, want := len(elements(root)), len(elements(calm)); got != want {
			t.Errorf("%q: %d elements, want %d: it became markup", attack, got, want)
		}
		text := textOf(root)
		if i := strings.IndexAny(text, "\u202E\u2066\x00\x1b"); i >= 0 {
			t.Errorf("%q: a control character is on the page, at %q", attack, text[max(0, i-40):i+5])
		}
		dataOf(t, root)
	}
}

// Every colour of a text has the contrast of WCAG AA, 4.5, on both backgrounds,
// and every colour of a chart that of graphics, 3.
func TestHTMLContrast(t *testing.T) {
	style, err := os.ReadFile("html/style.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(style), -1)
	if len(blocks) != 3 {
		t.Fatalf("%d sets of colours, want light, dark and print", len(blocks))
	}
	for _, b := range blocks {
		colors := map[string]string{}
		for _, m := range regexp.MustCompile(`--(\w+): (#\w{6})`).FindAllStringSubmatch(b[1], -1) {
			colors[m[1]] = m[2]
		}
		for name, color := range colors {
			least := 4.5
			switch {
			case name == "back" || name == "panel" || name == "line":
				continue
			case name[0] == 'c' && len(name) == 2:
				least = 3
			}
			for _, on := range []string{"back", "panel"} {
				if got := contrast(t, color, colors[on]); got < least {
					t.Errorf("%s %s on %s %s: contrast %.2f, want %.1f", name, color, on, colors[on], got, least)
				}
			}
		}
	}
}

// contrast is WCAG's ratio of two colours as #rrggbb.
func contrast(t *testing.T, a, b string) float64 {
	luminance := func(color string) float64 {
		var sum float64
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c := float64(n) / 255
			if c <= 0.03928 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	x, y := luminance(a)+0.05, luminance(b)+0.05
	return max(x, y) / min(x, y)
}
