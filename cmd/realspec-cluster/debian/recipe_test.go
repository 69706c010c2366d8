package debian

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/distribution/reference"
	. "github.com/onsi/gomega"
)

func TestUpstream(t *testing.T) {
	g := NewWithT(t)
	for version, want := range map[string]string{
		"1.22.1-9+deb12u11": "1.22.1", "5:7.0.15-1~deb12u10": "7.0.15", "2.42.0+ds-5+deb12u1": "2.42.0",
		"1:1.35.0-4+deb12u1+b1": "1.35.0", "3.0": "3.0", "1.0~rc1-1": "1.0",
	} {
		g.Expect(Upstream(version)).To(Equal(want), version)
	}
}

func TestMissing(t *testing.T) {
	g := NewWithT(t)
	versions := map[string]string{"busybox-static": "1", "redis-tools": "1"}
	g.Expect(Missing(Recipes()[2:3], versions)).To(Equal([]string{"redis-server"}))
	g.Expect(Missing(nil, nil)).To(BeEmpty())
}

// What images stand for is written in full, and stands for one image only.
func TestStands(t *testing.T) {
	g := NewWithT(t)
	seen := map[string]string{}
	for _, r := range Recipes() {
		g.Expect(r.Stands).NotTo(BeEmpty(), r.Name)
		for _, name := range r.Stands {
			parsed, err := reference.ParseNamed(name)
			g.Expect(err).NotTo(HaveOccurred(), name)
			g.Expect(reference.IsNameOnly(parsed)).To(BeTrue(), name)
			g.Expect(seen).NotTo(HaveKey(name))
			seen[name] = r.Name
		}
	}
}

// A link to busybox under a name that it does not know would be a trap.
func TestApplets(t *testing.T) {
	out, err := exec.Command("busybox", "--list").Output()
	if err != nil {
		t.Skip("this machine has no busybox; on Debian: apt-get install -y --no-install-recommends busybox-static")
	}
	NewWithT(t).Expect(strings.Fields(string(out))).To(ContainElements(applets))
}

func TestVersions(t *testing.T) {
	g := NewWithT(t)
	versions, err := Versions([]string{"dpkg", "no-such-package"})
	if err != nil {
		t.Skip(err)
	}
	g.Expect(versions).To(HaveLen(1))
	g.Expect(versions["dpkg"]).NotTo(BeEmpty())
}
