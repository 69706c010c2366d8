package step

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

func TestDifferences(t *testing.T) {
	for name, c := range map[string]struct {
		want, got string
		diffs     []string
	}{
		"equal":             {`{a: 1, b: {c: x}}`, `{a: 1, b: {c: x, d: y}}`, nil},
		"more is fine":      {`{a: 1}`, `{a: 1, b: 2}`, nil},
		"other value":       {`{a: 1, b: x}`, `{a: 2, b: q}`, []string{`a is 2, want 1`, `b is "q", want "x"`}},
		"missing":           {`{status: {readyReplicas: 5}}`, `{status: {}}`, []string{`status.readyReplicas is not there, want 5`}},
		"missing parent":    {`{status: {readyReplicas: 5}}`, `{}`, []string{`status is not there, want map[readyReplicas:5]`}},
		"null wants absent": {`{a: null}`, `{}`, nil},
		"null and there":    {`{a: null}`, `{a: 1}`, []string{`a is 1, want <nil>`}},
		"text is no number": {`{a: "1"}`, `{a: 1}`, []string{`a is 1, want "1"`}},
		"number forms":      {`{a: 1.0}`, `{a: 1}`, nil},
		"list length":       {`{a: [1]}`, `{a: [1, 2]}`, []string{`a is [1 2], want [1]`}},
		"list items":        {`{a: [{m: x}, {m: r}]}`, `{a: [{m: x, z: 1}, {m: q}]}`, []string{`a[1].m is "q", want "r"`}},
		"quantities":        {`{resources: {limits: {cpu: "1", memory: 1Gi}}}`, `{resources: {limits: {cpu: 1000m, memory: 1024Mi}}}`, nil},
		"other quantity":    {`{resources: {limits: {cpu: "1"}}}`, `{resources: {limits: {cpu: 900m}}}`, []string{`resources.limits.cpu is "900m", want "1"`}},
		"dotted name":       {`{labels: {app.k8s.io/name: x}}`, `{labels: {app.k8s.io/name: q}}`, []string{`labels['app.k8s.io/name'] is "q", want "x"`}},
		"mapping or scalar": {`{a: {b: 1}}`, `{a: 3}`, []string{`a is 3, want map[b:1]`}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var lines []string
			for _, d := range differences("", object(t, c.want), object(t, c.got)) {
				lines = append(lines, d.String())
			}
			g.Expect(lines).To(Equal(c.diffs))
		})
	}
}

// object reads YAML with the types that an API server's answer has.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var raw map[string]any
	if err := yaml.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatal(err)
	}
	return integers(raw).(map[string]any)
}

func integers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = integers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	}
	return v
}

func TestSecretsAreMasked(t *testing.T) {
	g := NewWithT(t)
	secret := object(t, `{kind: Secret, metadata: {name: s}, data: {password: aHVudGVyMg==}, stringData: {token: hunter2}}`)
	shown := excerpt(mask(secret))
	g.Expect(shown).To(ContainSubstring("password: (hidden)"))
	g.Expect(shown).NotTo(ContainSubstring("hunter2"))
	g.Expect(shown).NotTo(ContainSubstring("aHVudGVyMg"))
	list := mask([]any{secret}).([]any)
	g.Expect(excerpt(list)).NotTo(ContainSubstring("hunter2"))
	g.Expect(secret["data"]).To(HaveKeyWithValue("password", "aHVudGVyMg=="), "the object itself stays as it is")
}

func TestExcerptIsCut(t *testing.T) {
	g := NewWithT(t)
	lines := strings.Split(excerpt(make([]any, 100)), "\n")
	g.Expect(lines).To(HaveLen(statusLines + 1))
	g.Expect(lines[statusLines]).To(Equal("… 60 more lines"))
}
