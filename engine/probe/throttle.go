package probe

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// throttling is how often and how long the processes of a cgroup had to wait
// because it had used up its CPU quota, since the cgroup was made.
type throttling struct {
	Times int64
	For   time.Duration
}

// readThrottling reads the cpu.stat of this process' own cgroup, of version 2 or
// 1; root is where the file system begins. It is 0 where there is none to read.
func readThrottling(root string) throttling {
	for _, dir := range ownCgroups(root) {
		text, err := os.ReadFile(filepath.Join(root, dir, "cpu.stat"))
		// Beside version 1, version 2 has a cpu.stat that knows nothing of quotas.
		if err == nil && strings.Contains(string(text), "nr_throttled") {
			return parseThrottling(string(text))
		}
	}
	return throttling{}
}

// parseThrottling reads throttled_usec (version 2, in µs) or throttled_time
// (version 1, in ns).
func parseThrottling(stat string) (t throttling) {
	for line := range strings.Lines(stat) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		value, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "nr_throttled":
			t.Times = value
		case "throttled_usec":
			t.For = time.Duration(value) * time.Microsecond
		case "throttled_time":
			t.For = time.Duration(value)
		}
	}
	return t
}

// ownCgroups are the directories in which the cpu.stat of this process may be,
// likeliest first. Which one it is depends on the version, and on whether the
// container has a cgroup namespace: without one, /proc/self/cgroup gives the path
// on the node, and the mount shows only the end of it.
func ownCgroups(root string) (dirs []string) {
	paths := cgroupPaths(root)
	mounts, _ := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	for line := range strings.Lines(string(mounts)) {
		before, after, found := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !found || len(fields) < 5 || len(kind) < 3 {
			continue
		}
		path, known := "", false
		switch kind[0] {
		case "cgroup2":
			path, known = paths[""]
		case "cgroup":
			if hasController(kind[2], "cpu") {
				path, known = paths["cpu"]
			}
		}
		if known {
			inside := strings.TrimPrefix(path, strings.TrimSuffix(fields[3], "/"))
			dirs = append(dirs, filepath.Join(fields[4], inside), fields[4])
		}
	}
	return dirs
}

// cgroupPaths are the paths of this process: that of version 2 under "", that of
// the controller cpu of version 1 under its name.
func cgroupPaths(root string) map[string]string {
	text, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	paths := map[string]string{}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[1] == "":
			paths[""] = parts[2]
		case hasController(parts[1], "cpu"):
			paths["cpu"] = parts[2]
		}
	}
	return paths
}

func hasController(list, name string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one == name {
			return true
		}
	}
	return false
}
