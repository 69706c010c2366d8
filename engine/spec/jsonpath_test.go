package spec

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestJSONPath(t *testing.T) {
	object := map[string]any{"status": map[string]any{"phase": "Running", "n": int64(3), "ok": true, "list": []any{"a", "b"}}}
	for path, want := range map[string]string{
		"{.status.phase}": "Running", "{.status.n}": "3", "{.status.ok}": "true", "{.status.list[1]}": "b", "{.status.list[*]}": "a b",
	} {
		g := NewWithT(t)
		read, err := JSONPath(path)
		g.Expect(err).NotTo(HaveOccurred())
		got, ok := read(object)
		g.Expect(ok).To(BeTrue(), path)
		g.Expect(got).To(Equal(want), path)
	}
	g := NewWithT(t)
	read, err := JSONPath("{.status.missing.deep}")
	g.Expect(err).NotTo(HaveOccurred())
	_, ok := read(object)
	g.Expect(ok).To(BeFalse())
	for path, want := range map[string]string{
		"{.status": "unclosed action", "{.a[?(@.b==}": "unterminated filter", "{.a[x]}": "invalid array index x",
	} {
		_, err = JSONPath(path)
		g.Expect(err).To(MatchError("the JSONPath " + path + " cannot be read: " + want))
	}
}
