package realnode

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net/netip"
	"runtime"
	"testing"

	. "github.com/onsi/gomega"
)

// No two clusters, and no two nodes of one, share an address, and none is
// that of a simulated node, pod or Service.
func TestAddresses(t *testing.T) {
	g := NewWithT(t)
	simulated := []netip.Prefix{
		netip.MustParsePrefix("198.18.0.0/19"),   // 5000 nodes from 198.18.0.1 on
		netip.MustParsePrefix("198.18.128.0/17"), // Services
		netip.MustParsePrefix(SimulatedPods),
	}
	all := netip.MustParsePrefix("198.18.0.0/15")
	taken := append([]netip.Prefix(nil), simulated...)
	for slot := range Slot(slots) {
		taken = append(taken, slot.nodes())
		for i := range MaxNodes {
			g.Expect(slot.nodes().Contains(slot.Node(i))).To(BeTrue())
			g.Expect(slot.Node(i)).NotTo(Equal(slot.Machine()))
			g.Expect(slot.Pods().Overlaps(slot.NodePods(i))).To(BeTrue())
			taken = append(taken, slot.NodePods(i))
		}
	}
	for i, one := range taken {
		g.Expect(all.Overlaps(one)).To(BeTrue())
		for _, other := range taken[:i] {
			g.Expect(one.Overlaps(other)).To(BeFalse(), "%s and %s", one, other)
		}
	}
	g.Expect(Slot(3).NodePods(5).String()).To(Equal("198.19.178.128/25"))
	g.Expect(Slot(3).Node(5).String()).To(Equal("198.18.67.15"))
}

func TestClusterNames(t *testing.T) {
	g := NewWithT(t)
	one, other := ClusterAt("/state/one"), ClusterAt("/state/other")
	g.Expect(one.Link()).To(Equal(ClusterAt("/state/one").Link()))
	g.Expect(one.Link()).NotTo(Equal(other.Link()))
	g.Expect(len(one.Link())).To(BeNumerically("<=", 15))
	g.Expect(one.cgroup()).NotTo(Equal(other.cgroup()))
}

// pauseDigest pins the pause image: nodes must run the same whoever builds it.
const pauseDigest = "sha256:98733271b478690875d9b32749a8a9a5143179b22213a959566ecdd924e88ab5"

func TestPauseImage(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("real nodes are for amd64")
	}
	g := NewWithT(t)
	packed, err := pauseImage()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(packed.Digest().String()).To(Equal(pauseDigest))

	archive, err := pauseArchive()
	g.Expect(err).NotTo(HaveOccurred())
	files := map[string]string{}
	for reader := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		g.Expect(err).NotTo(HaveOccurred())
		content, err := io.ReadAll(reader)
		g.Expect(err).NotTo(HaveOccurred())
		files[header.Name] = string(content)
	}
	g.Expect(files).To(HaveKey("oci-layout"))
	g.Expect(files["index.json"]).To(ContainSubstring(`"io.containerd.image.name":"` + PauseImage + `"`))
	g.Expect(files).To(HaveKey("blobs/sha256/" + packed.Digest().Hex))
}
