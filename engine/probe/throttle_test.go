package probe

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestThrottling(t *testing.T) {
	const v1 = "nr_periods 10\nnr_throttled 4\nthrottled_time 1500000\n"
	const v2 = "usage_usec 5\nnr_periods 10\nnr_throttled 4\nthrottled_usec 1500\n"
	want := throttling{Times: 4, For: 1500 * time.Microsecond}
	for name, tc := range map[string]struct {
		cgroup, mounts string
		files          map[string]string
		want           throttling
	}{
		"version 2, in a namespace": {
			"0::/\n", "30 20 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n",
			map[string]string{"sys/fs/cgroup/cpu.stat": v2}, want,
		},
		"version 2, on a machine": {
			"0::/system.slice/a.service\n", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
			map[string]string{"sys/fs/cgroup/system.slice/a.service/cpu.stat": v2, "sys/fs/cgroup/cpu.stat": "usage_usec 7\n"}, want,
		},
		"version 1, in a namespace": {
			"4:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n",
			"31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct ro master:1 - cgroup cgroup rw,cpu,cpuacct\n",
			map[string]string{"sys/fs/cgroup/cpu,cpuacct/cpu.stat": v1, "sys/fs/cgroup/unified/cpu.stat": "usage_usec 7\n"}, want,
		},
		"version 1, in a container without a namespace": {
			"4:cpuacct,cpu:/kubepods/pod1/c1\n5:cpuset:/kubepods/pod1/c1\n",
			"32 30 0:28 /kubepods/pod1/c1 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpuacct,cpu\n33 30 0:29 / /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n",
			map[string]string{"sys/fs/cgroup/cpu/cpu.stat": v1, "sys/fs/cgroup/cpuset/cpu.stat": "nr_throttled 99\n"}, want,
		},
		"nothing to read": {"", "", nil, throttling{}},
	} {
		root := t.TempDir()
		write(t, root, "proc/self/cgroup", tc.cgroup)
		write(t, root, "proc/self/mountinfo", tc.mounts)
		for path, text := range tc.files {
			write(t, root, path, text)
		}
		if got := readThrottling(root); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

func write(t *testing.T, root, path, text string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
