package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/net/html"

	"github.com/realspec/realspec/engine/event"
)

// parsed is the tree of a page.
func parsed(t testing.TB, r *event.Result) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(htmlOf(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func elements(root *html.Node, names ...string) []*html.Node {
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (len(names) == 0 || slices.Contains(names, n.Data)) {
			found = append(found, n)
		}
	}
	return found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "script" && d.Parent.Data != "style" {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func TestHTMLIsTheSameBytes(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		once, again := htmlOf(t, event.Fold(events)), htmlOf(t, event.Fold(events))
		if once != again {
			t.Error("the same result makes two pages")
		}
	})
}

// Everything that a result says in words is on the page without a script.
func TestHTMLSaysEverything(t *testing.T) {
	words := func(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		r := event.Fold(events)
		page := words(textOf(parsed(t, r)))
		check := func(texts ...string) {
			for _, text := range texts {
				if !strings.Contains(page, words(text)) {
					t.Errorf("the page does not say %q", text)
				}
			}
		}
		check(verdictLine(r), r.RunID, r.Error)
		check(r.Notices...)
		for _, s := range r.Scenarios {
			check(s.Name, s.Path, s.Namespace, s.Message, s.Description, s.Cluster.Name, s.Cluster.Why)
			check(s.Covers...)
			check(s.Notices...)
			for _, d := range s.Diagnostics {
				check(d.Message, d.Help, d.Pos.String())
			}
			if s.Cleanup != nil {
				check(s.Cleanup.Message)
				check(s.Cleanup.Left...)
			}
			for _, step := range s.Steps {
				check(step.ID, step.Name, step.Verb, step.Message)
				tries := append([]event.Attempt{{Findings: step.Findings, Evidence: step.Evidence}}, step.Attempts...)
				for _, try := range tries {
					check(try.Message)
					for _, f := range try.Findings {
						check(f.Message, f.Expr, f.Observed)
						for _, p := range f.Parts {
							check(p.Value)
						}
					}
					for _, e := range try.Evidence {
						check(e.Title, strings.Join(e.Lines, "\n"))
					}
				}
				for _, m := range step.Measures {
					check(m.Name, m.Kind, m.What)
					for _, one := range m.Series {
						check(one.Name, one.Group, samples(one))
					}
				}
			}
		}
	})
}

// A reader of the page with a keyboard or a screen reader finds their way.
func TestHTMLIsAccessible(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		root := parsed(t, event.Fold(events))
		for _, landmark := range []string{"header", "nav", "main", "footer", "h1", "title"} {
			if n := len(elements(root, landmark)); n != 1 {
				t.Errorf("%d elements %s", n, landmark)
			}
		}
		level := 0
		for _, h := range elements(root, "h1", "h2", "h3", "h4", "h5", "h6") {
			next := int(h.Data[1] - '0')
			if next > level+1 {
				t.Errorf("heading %d follows %d: %s", next, level, textOf(h))
			}
			level = next
		}
		for _, th := range elements(root, "th") {
			if scope := attribute(th, "scope"); scope != "col" && scope != "row" {
				t.Errorf("a header of a table has scope %q: %s", scope, textOf(th))
			}
		}
		for _, table := range elements(root, "table") {
			if attribute(table.Parent, "aria-label") == "" || attribute(table.Parent, "tabindex") != "0" {
				t.Error("a table that can be scrolled cannot be reached by keyboard, or has no name")
			}
		}
		for _, svg := range elements(root, "svg") {
			if attribute(svg, "aria-hidden") != "true" && attribute(svg, "aria-label") == "" {
				t.Error("a drawing has no words")
			}
		}
		for _, d := range elements(root, "details") {
			if d.FirstChild == nil || len(elements(d, "summary")) == 0 {
				t.Error("details without a summary")
			}
		}
	})
}

// Ids are unique, and every link leads somewhere.
func TestHTMLLinks(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		root := parsed(t, event.Fold(events))
		ids := map[string]int{}
		for _, n := range elements(root) {
			if id := attribute(n, "id"); id != "" {
				ids[id]++
			}
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%d elements have the id %s", n, id)
			}
		}
		for _, n := range elements(root) {
			for _, name := range []string{"aria-labelledby", "href"} {
				to := strings.TrimPrefix(attribute(n, name), "#")
				if to != "" && ids[to] == 0 && to != "data:," {
					t.Errorf("%s leads to %q, which is not there", n.Data, to)
				}
			}
		}
	})
}

// loads are the attributes that make a browser fetch something.
var loads = []string{"src", "href", "srcset", "data", "action", "poster", "background", "formaction", "ping", "manifest", "xlink:href"}

// selfContained checks that nothing of a page is loaded from elsewhere, that no
// script is in it but realspec's, and that its policy allows no other.
func selfContained(t *testing.T, root *html.Node) {
	t.Helper()
	scripts := 0
	for _, n := range elements(root) {
		for _, a := range n.Attr {
			if slices.Contains(loads, a.Key) && !strings.HasPrefix(a.Val, "#") && a.Val != "data:," {
				t.Errorf("<%s %s=%q> loads something", n.Data, a.Key, a.Val)
			}
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("<%s %s=%q> is not allowed by the policy", n.Data, a.Key, a.Val)
			}
		}
		switch n.Data {
		case "script":
			scripts++
		case "style":
			if text := n.FirstChild.Data; strings.Contains(text, "url(") || strings.Contains(text, "@import") {
				t.Error("the style loads something")
			}
		case "iframe", "object", "embed", "img", "base", "video", "audio":
			t.Errorf("the page has <%s>", n.Data)
		}
	}
	if scripts != 2 {
		t.Errorf("%d scripts, want the data and the page's own", scripts)
	}
}

func TestHTMLIsSelfContained(t *testing.T) {
	eachRun(t, func(t *testing.T, _ string, events []event.Stamped) {
		selfContained(t, parsed(t, event.Fold(events)))
	})
	g := NewWithT(t)
	page := htmlOf(t, &event.Result{})
	policy := attribute(elements(parsed(t, &event.Result{}), "meta")[1], "content")
	g.Expect(policy).To(HavePrefix("default-src 'none'; style-src 'sha256-"))
	g.Expect(policy).NotTo(ContainSubstring("unsafe"))
	g.Expect(page).To(ContainSubstring("Copyright (c) 2022 Leon Sorokin"), "the licence of the charts goes with them")
}

// embedded are the samples as the page's script reads them.
type embedded []struct {
	Name    string
	Objects []string
	Limits  []htmlLimit
	Series  []struct {
		Name string
		V    []any
	}
}

func dataOf(t testing.TB, root *html.Node) (d embedded) {
	t.Helper()
	for _, s := range elements(root, "script") {
		if attribute(s, "id") == "data" {
			if err := json.Unmarshal([]byte(s.FirstChild.Data), &d); err != nil {
				t.Fatal(err)
			}
		}
	}
	return d
}

// Every sample is in the page, those that never came as null.
func TestHTMLKeepsEverySample(t *testing.T) {
	r := big(3000)
	r.Scenarios[0].Steps[0].Measures[0].Series[3].Samples[17].Value = nil
	d := dataOf(t, parsed(t, r))
	g := NewWithT(t)
	g.Expect(d).To(HaveLen(1))
	g.Expect(d[0].Objects).To(HaveLen(3000))
	for i, s := range r.Scenarios[0].Steps[0].Measures[0].Series {
		for j, sample := range s.Samples {
			got := d[0].Series[i].V[j]
			if sample.Value == nil {
				g.Expect(got).To(BeNil())
			} else if math.Abs(got.(float64)-*sample.Value) > 1e-5**sample.Value {
				t.Fatalf("sample %d of %s is %v, want %v", j, s.Name, got, *sample.Value)
			}
		}
	}
}

// Pods of one name, series that lack some objects, and samples without a name
// keep to their rows.
func TestHTMLSamplesKeepTheirRows(t *testing.T) {
	sample := func(object, uid string, v float64) event.Sample {
		return event.Sample{Object: object, UID: uid, Value: ptr(v)}
	}
	s := htmlSamplesOf(&event.Measured{Unit: "s", Series: []event.MeasuredSeries{
		{Name: "a", Samples: []event.Sample{sample("web", "1", 1), sample("web", "2", 2), sample("", "", 3), sample("", "", 4)}},
		{Name: "b", Samples: []event.Sample{sample("web", "2", 5), sample("db", "3", 6), {Object: "web", UID: "1"}}},
	}}, nil)
	text, err := json.Marshal(s)
	g := NewWithT(t)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(text)).To(ContainSubstring(`"objects":["web","web","","","db"]`))
	g.Expect(string(text)).To(ContainSubstring(`"v":[1,2,3,4,false]`))
	g.Expect(string(text)).To(ContainSubstring(`"v":[null,5,false,false,6]`))
	g.Expect(s.slowest()).To(Equal([]int{0, 4, 1, 3, 2}), "what never came is the slowest")
}

// What is missing is counted, and never mixed with a part of what came.
func TestHTMLSharesOfWhatIsCounted(t *testing.T) {
	g := NewWithT(t)
	values := htmlValues{{x: ptr(2)}, {x: ptr(1)}, {}, {absent: true}}
	for _, c := range []struct{ count, missing, want int64 }{{2, 1, 1}, {2, 7, 7}, {2, 0, 1}, {20, 7, 1}} {
		column := htmlColumn{Values: values, Count: c.count, Missing: c.missing}
		sorted, missing := column.reached()
		g.Expect(sorted).To(Equal([]float64{1, 2}))
		g.Expect(int64(missing)).To(Equal(c.want), "%+v", c)
	}
}

func TestHTMLLimits(t *testing.T) {
	m := &event.Measured{Name: "startup", Unit: "s", Series: []event.MeasuredSeries{{Name: "ready"}, {Name: "ready", Group: "node-1"}}}
	share := &event.Measured{Name: "share", Series: []event.MeasuredSeries{{}}}
	for _, c := range []struct {
		measure *event.Measured
		expr    string
		want    []string
	}{
		{m, "startup.ready.p99 < duration('1m30s')", []string{"ready 90 ready.p99 < 1m30s"}},
		{m, "startup.ready.p99 <= duration(\"2s\") && startup.ready.max<duration('3s')", []string{"ready 2 ready.p99 <= 2s", "ready 3 ready.max < 3s"}},
		{m, "startup.worst.ready.p50 < duration('1s')", []string{"ready 1 worst.ready.p50 < 1s"}},
		{m, "startup2.ready.p99 < duration('1s')", nil},
		{m, "startup.ready.p99 < duration(vars.limit)", nil},
		{m, "startup.ready.count < 3", nil},
		{m, "startup.ready.p99 < 3", nil},
		{m, "startup.ready.p99 < duration('1s') || true", nil},
		{m, "startup.ready.p99 < duration('oops')", nil},
		{share, "share.max < 0.8", []string{" 0.8 max < 0.8"}},
		{share, "share.max < duration('1s')", nil},
	} {
		var got []string
		for _, l := range htmlLimits(c.measure, []event.Finding{threshold(event.Passed, event.ReasonThreshold, "f", 1, c.expr, "1")}) {
			got = append(got, fmt.Sprintf("%s %v %s", l.Series, float64(l.At), l.Text))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.expr, got, c.want)
		}
	}
}

func TestHTMLTellsWriteErrors(t *testing.T) {
	for _, room := range []int{0, 1000, 50_000} {
		err := HTML(&small{room}, big(300), ".")
		if err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("room for %d bytes: error %v", room, err)
		}
	}
}

func BenchmarkHTML(b *testing.B) {
	r := big(5000)
	var size bytes.Buffer
	if err := HTML(&size, r, "."); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := HTML(io.Discard, r, "."); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size.Len()), "bytes/page")
}
