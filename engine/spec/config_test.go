package spec_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/spec"
)

func TestProtectedContexts(t *testing.T) {
	strict := &spec.Config{Contexts: spec.ContextRules{Protected: []string{"*"}, Allowed: []string{"kind-*", "dev?"}}}
	for _, c := range []struct {
		config    *spec.Config
		name      string
		protected bool
	}{
		{nil, "kind-dev", false},
		{nil, "prod", true},
		{nil, "PROD-eu", true},
		{nil, "gke_shop_europe-west1_prd", true},
		{nil, "arn:aws:eks:eu-west-1:123456789012:cluster/prod", true},
		{nil, "non-prod", true}, // until the configuration says otherwise
		{&spec.Config{Contexts: spec.ContextRules{Allowed: []string{"non-prod"}}}, "non-prod", false},
		{&spec.Config{Contexts: spec.ContextRules{Allowed: []string{"non-prod"}}}, "prod", true},
		{&spec.Config{Contexts: spec.ContextRules{Protected: []string{"*live*"}}}, "prod", false},
		{&spec.Config{Contexts: spec.ContextRules{Protected: []string{}}}, "prod", false},
		{strict, "kind-a", false},
		{strict, "dev1", false},
		{strict, "dev12", true},
		{strict, "in-cluster", true},
	} {
		_, protected := c.config.ProtectsContext(c.name)
		NewWithT(t).Expect(protected).To(Equal(c.protected), c.name)
	}
}

func TestProtectedNamespaces(t *testing.T) {
	g := NewWithT(t)
	var none *spec.Config
	for name, want := range map[string]bool{"kube-system": true, "kube-node-lease": true, "default": true, "shop": false, "default2": false} {
		_, protected := none.ProtectsNamespace(name)
		g.Expect(protected).To(Equal(want), name)
	}
	pattern, protected := (&spec.Config{Namespaces: spec.NamespaceRules{Allowed: []string{"default"}}}).ProtectsNamespace("kube-public")
	g.Expect(protected).To(BeTrue())
	g.Expect(pattern).To(Equal("kube-*"))
}
