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
