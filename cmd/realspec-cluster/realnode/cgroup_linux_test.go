package realnode

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestParseHierarchy(t *testing.T) {
	for _, test := range []struct {
		line, path, options string
	}{
		{"31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev shared:9 - cgroup cgroup rw,cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "cpu,cpuacct"},
		{"32 24 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd", "/sys/fs/cgroup/systemd", "none,name=systemd"},
		{"32 24 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup ro,cpuset,clone_children", "/sys/fs/cgroup/cpuset", "cpuset"},
		{"33 24 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw", "", ""},
		{"34 24 0:27 /inner /mnt rw - cgroup cgroup rw,cpu", "", ""},
		{"35 24 0:30 / / rw - ext4 /dev/vda rw", "", ""},
		{"", "", ""},
	} {
		g := NewWithT(t)
		h, ok := parseHierarchy(test.line)
		g.Expect(ok).To(Equal(test.path != ""), test.line)
		g.Expect(h).To(Equal(hierarchy{Path: test.path, Options: test.options}), test.line)
	}
	NewWithT(t).Expect(hierarchy{Options: "cpu,cpuacct"}.has("cpu")).To(BeTrue())
	NewWithT(t).Expect(hierarchy{Options: "cpuset"}.has("cpu")).To(BeFalse())
}

func TestSettings(t *testing.T) {
	g := NewWithT(t)
	f := facts{Shape: Shape{Name: "real-3", Pods: 42}, PauseImage: PauseImage, CNI: "/cni", PodNetwork: Slot(0).NodePods(3),
		AllPods: Slot(0).Pods(), DNS: "198.18.128.10"}
	files, err := f.files(Identity{CA: []byte("ca")})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(files["ca.crt"])).To(Equal("ca"))
	g.Expect(string(files["cni/10-pods.conflist"])).To(ContainSubstring(`"subnet": "198.19.129.128/25"`))
	g.Expect(string(files["kubelet.yaml"])).To(ContainSubstring("maxPods: 42\n"))
	g.Expect(string(files["kubelet.yaml"])).NotTo(ContainSubstring("systemReserved"))
	g.Expect(string(files["proxy.yaml"])).To(ContainSubstring("hostnameOverride: real-3\n"))
	f.ReservedCPU = 1500
	files, err = f.files(Identity{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(files["kubelet.yaml"])).To(ContainSubstring("systemReserved: {cpu: 1500m}\n"))
}
