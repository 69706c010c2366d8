package expr

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/spec"
)

func surveyed(unknown map[string]string) *spec.Facts {
	return &spec.Facts{
		Cluster: spec.Cluster{
			MetricsAPI: true, GPUs: map[string]int64{"nvidia.com/gpu": 4}, CNI: "calico", NetworkPolicies: "enforced",
			StorageClasses: []spec.StorageClass{{Name: "fast", Provisioner: "disk", Default: true, Binding: "Immediate"}},
			IngressClasses: []spec.IngressClass{{Name: "nginx", Controller: "k8s.io/ingress-nginx"}},
			Prometheus:     []spec.Service{{Name: "prometheus", Namespace: "mon", Port: 9090, URL: "/api"}},
			Unknown:        unknown,
		},
		Nodes: []spec.Node{{Name: "a", Headroom: node("a", "3", true).Allocatable, Unknown: unknown}},
	}
}

func TestWhatASurveyFoundIsKnown(t *testing.T) {
	env, err := New(Scope{Facts: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"cluster.metricsAPI",
		"cluster.gpus['nvidia.com/gpu'] >= 2",
		"cluster.storageClasses.exists(c, c.default && c.binding == 'Immediate' && !c.expandable)",
		"cluster.ingressClasses.exists(c, c.name == 'nginx')",
		"cluster.networkPolicies == 'enforced' && cluster.cni == 'calico'",
		"cluster.prometheus.size() > 0 && cluster.prometheus[0].url == '/api' && cluster.prometheus[0].port == 9090",
		"nodes.exists(n, n.headroom.cpu.isGreaterThan(quantity('2')))",
		"has(cluster.storageClasses) && has(nodes[0].headroom)",
	} {
		g := NewWithT(t)
		p, diags := env.Compile(spec.Expr{Source: spec.Source{Text: text, At: spec.Pos{Line: 1, Column: 1}}}, Bool)
		g.Expect(diags).To(BeEmpty(), text)
		got, err := p.Bool(t.Context(), Values{"facts": surveyed(map[string]string{})})
		g.Expect(err).NotTo(HaveOccurred(), text)
		g.Expect(got).To(BeTrue(), text)
	}
}

// What may not be looked at is an error. As an empty list it would pass for absent.
func TestWhatIsNotKnownIsAnError(t *testing.T) {
	env, err := New(Scope{Facts: true})
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]string{"storageClasses": "not allowed to list storageclasses", "headroom": "not allowed to list pods"}
	for text, want := range map[string]string{
		"cluster.storageClasses.size() == 0":             "not allowed to list storageclasses",
		"nodes.all(n, n.headroom.cpu == n.headroom.cpu)": "not allowed to list pods",
		"cluster.metricsAPI":                             "", // was looked at
		"has(cluster.storageClasses)":                    "",
	} {
		g := NewWithT(t)
		p, diags := env.Compile(spec.Expr{Source: spec.Source{Text: text, At: spec.Pos{Line: 1, Column: 1}}}, Bool)
		g.Expect(diags).To(BeEmpty(), text)
		_, err := p.Bool(t.Context(), Values{"facts": surveyed(refused)})
		if want == "" {
			g.Expect(err).NotTo(HaveOccurred(), text)
		} else {
			g.Expect(err).To(MatchError(ContainSubstring(want)), text)
		}
		_, err = p.Bool(t.Context(), Values{"facts": surveyed(nil)})
		if text != "has(cluster.storageClasses)" {
			g.Expect(err).To(MatchError(ContainSubstring("nobody has looked")), text)
		}
	}
}
