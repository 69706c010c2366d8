package probe

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
)

// A check that holds here can be compiled, and holds, where an agent is.
func TestVarsHaveTheirTypesBehindTheWire(t *testing.T) {
	g := NewWithT(t)
	here := HTTPJob{
		Request: get("http://a"),
		Checks:  []string{"response.status == vars.code", "vars.ratio * 2.0 == 2.0 && vars.list[0] + 1 == 2"},
		Vars: Vars{"code": int64(200), "ratio": 1.0, "large": 1e21, "small": 0.25, "text": "3", "none": nil, "yes": true,
			"list": []any{int64(1), int64(2)}, "deep": map[string]any{"n": int64(1) << 60, "x": -7.0}},
	}
	_, err := newChecks(here)
	g.Expect(err).NotTo(HaveOccurred())
	wire, err := json.Marshal(Job{HTTP: &here})
	g.Expect(err).NotTo(HaveOccurred())
	var there Job
	g.Expect(json.Unmarshal(wire, &there)).To(Succeed())
	g.Expect(there.HTTP.Vars).To(Equal(here.Vars))
	_, err = newChecks(*there.HTTP)
	g.Expect(err).NotTo(HaveOccurred())
}
