package manual_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/manual"
	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/schemas"
)

// everyTopic are all topics: those that are listed, and the fields below them.
func everyTopic(t *testing.T, m *manual.Manual, docs schema.Docs) []string {
	t.Helper()
	topics := append([]string{"", "cel.measures"}, m.Topics()...)
	var below func(path string, typ reflect.Type, depth int)
	below = func(path string, typ reflect.Type, depth int) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || depth > 5 {
			return
		}
		for _, f := range schema.Fields(typ, docs) {
			topics = append(topics, strings.TrimPrefix(path+"."+f.Name, "."))
			if f.Name != "during" {
				below(path+"."+f.Name, f.Type, depth+1)
			}
		}
	}
	below("", reflect.TypeFor[spec.Step](), 0)
	below("step", reflect.TypeFor[spec.Step](), 0)
	below("scenario", reflect.TypeFor[spec.Scenario](), 0)
	below("cel.cluster", reflect.TypeFor[spec.Cluster](), 0)
	below("cel.nodes", reflect.TypeFor[spec.Node](), 0)
	functions, err := expr.Functions()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, f := range functions {
		topics = append(topics, "cel."+f.Name)
	}
	for _, v := range manual.Variables() {
		topics = append(topics, "cel."+v.Name)
	}
	for _, k := range manual.MeasuredKinds() {
		topics = append(topics, "cel.measures."+k.Kind)
	}
	return topics
}

// TestEveryPageFits looks at every page: it is there, fits into 80 columns (words
// that are longer stand alone), and names no Go type.
func TestEveryPageFits(t *testing.T) {
	m, docs := built(t)
	goType := goTypes(docs)
	topics := everyTopic(t, m, docs)
	for _, topic := range topics {
		text, err := m.Explain(topic)
		if err != nil {
			t.Errorf("%s: %v", topic, err)
			continue
		}
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			if len([]rune(line)) > 80 && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%s: longer than 80 columns: %s", topic, line)
			}
			if strings.HasSuffix(line, " ") {
				t.Errorf("%s: space at the end of a line: %q", topic, line)
			}
		}
		if found := goType.FindString(text); found != "" {
			t.Errorf("%s names the Go type %s", topic, found)
		}
		if again, _ := m.Explain(topic); again != text {
			t.Errorf("%s is not the same twice", topic)
		}
	}
	NewWithT(t).Expect(len(topics)).To(BeNumerically(">", 400))
}

// goTypes finds the names of types that are no words of the language: those of
// several words, such as PodsMeasure.
func goTypes(docs schema.Docs) *regexp.Regexp {
	var names []string
	for key := range docs {
		if !strings.Contains(key, ".") && strings.IndexFunc(key[1:], unicode.IsUpper) >= 0 && !slices.Contains([]string{"StorageClass", "IngressClass", "HTTP", "TLS"}, key) {
			names = append(names, key)
		}
	}
	return regexp.MustCompile(`\b(` + strings.Join(names, "|") + `)\b|\bmap\[|\*spec\.|time\.Duration`)
}

func TestExplain(t *testing.T) {
	m, _ := built(t)
	for topic, want := range map[string][]string{
		"measure.pods.from":             {"measure.pods.from: text", "values   stored, accepted, sent, due", "default  stored", "from: stored"},
		"wait":                          {"a verb: a step has exactly one", "Wait until every condition holds.", "wait: [{for: ready}]", "stays"},
		"scenario.spec.requires":        {"kubernetes", "nodes", "checks"},
		"step.timeout":                  {"timeout: duration", "unit     written with it"},
		"load.rate":                     {"unit     objects a second", "rate: 20"},
		"measure.api.verb":              {"required", "get, list, create, patch"},
		"repeat":                        {"goes with  measure"},
		"thresholds":                    {"goes with  measure or load"},
		"assert.let.kind":               {"assert.let.kind: text, required"},
		"selector":                      {"It is written at", "kind *"},
		"cel":                           {"nodes", "quantities", "transformMapEntry"},
		"cel.quantity":                  {"quantity('1500m') == quantity('1.5')", "gives true", "quantity(string) → quantity"},
		"quantity":                      {"cel.quantity"},
		"cel.nodes.allocatable":         {"mapping of quantities"},
		"cel.measures.api":              {"latency", "dropped"},
		"outcomes":                      {"inconclusive", "reasons", "error-bar"},
		"exit-codes":                    {"130", "--strict"},
		"bad-duration":                  {"an error in a scenario", "timeout: 30", "cure"},
		"not-read":                      {"a warning in a scenario"},
		"codes":                         {"vars-cycle"},
		"":                              {"measure.pods", "bad-duration", "cel.quantity"},
		"scenario.spec.local.nodes.cpu": {"default  4", "cores"},
	} {
		text, err := m.Explain(topic)
		NewWithT(t).Expect(err).NotTo(HaveOccurred(), topic)
		for _, part := range want {
			NewWithT(t).Expect(text).To(ContainSubstring(part), topic)
		}
	}
}

func TestExplainUnknownTopics(t *testing.T) {
	m, _ := built(t)
	for topic, want := range map[string]string{
		"wiat":                      "there is no topic \"wiat\"\n  did you mean \"wait\"?  realspec explain lists the topics",
		"zzzzzzzz":                  "there is no topic \"zzzzzzzz\"\n  realspec explain lists the topics",
		"bad-duratoin":              "there is no topic \"bad-duratoin\"\n  did you mean \"bad-duration\"?  realspec explain lists the topics",
		"measure.pods.form":         "measure.pods has no field \"form\"\n  did you mean \"from\"?  known here: by, expect, from, namespace, selector",
		"timeout.x":                 "timeout has no fields, so there is no \"x\"\n  see: realspec explain timeout",
		"scenario.spec.req":         "did you mean \"requires\"?",
		"cel.quantiti":              "there is no topic \"cel.quantiti\"\n  did you mean \"cel.quantity\"?  realspec explain cel lists the names and functions",
		"cel.nodes.zine":            "did you mean \"zone\"?",
		"cel.measures.pod":          "did you mean \"pods\"?",
		"cel.nodes.name.x":          "cel.nodes.name has no fields that are known here, so there is no \"x\"",
		"scenario.metadata.labels.": "",
	} {
		_, err := m.Explain(topic)
		if want == "" {
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			continue
		}
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring(want)), topic)
	}
}

// TestLinksOfTheReference: no two headings have one anchor, and every link has
// its heading.
func TestLinksOfTheReference(t *testing.T) {
	m, _ := built(t)
	anchors := map[string]int{}
	links := 0
	text := string(m.Reference())
	notWord := regexp.MustCompile(`[^\pL\pN _-]`)
	fenced := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") && !fenced {
			anchors[strings.ReplaceAll(notWord.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")]++
		}
	}
	for anchor, n := range anchors {
		if n > 1 {
			t.Errorf("%d headings have the anchor %s", n, anchor)
		}
	}
	for _, link := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1) {
		if links++; anchors[link[1]] == 0 {
			t.Errorf("there is no heading for the link #%s", link[1])
		}
	}
	NewWithT(t).Expect(links).To(BeNumerically(">", 100))
	NewWithT(t).Expect(fenced).To(BeFalse())
	if found := goTypes(docsOf(t)).FindString(text); found != "" {
		t.Errorf("the reference names the Go type %s", found)
	}
	NewWithT(t).Expect(string(schemas.Step)).NotTo(ContainSubstring("PodsMeasure selects"))
}

func docsOf(t *testing.T) schema.Docs {
	t.Helper()
	_, docs := built(t)
	return docs
}
