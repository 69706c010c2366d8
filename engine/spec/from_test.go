package spec_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/spec"
)

func TestFromOf(t *testing.T) {
	for url, want := range map[string]string{
		"http://web":                            spec.FromCluster,
		"http://web:80/healthz":                 spec.FromCluster,
		"https://Web.shop.SVC/":                 spec.FromCluster,
		"http://web.shop.svc.cluster.local.:80": spec.FromCluster,
		"http://web.shop":                       spec.FromHere,
		"https://example.com":                   spec.FromHere,
		"http://localhost:8080":                 spec.FromHere,
		"http://10.0.0.1":                       spec.FromHere,
		"http://[::1]:80/":                      spec.FromHere,
		"http://%zz":                            spec.FromHere,
	} {
		g := NewWithT(t)
		g.Expect(spec.FromOf(url, "")).To(Equal(want), url)
		g.Expect(spec.FromOf(url, "cluster")).To(Equal("cluster"))
		g.Expect(spec.FromOf(url, "here")).To(Equal("here"))
	}
}
