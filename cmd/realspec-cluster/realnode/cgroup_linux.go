package realnode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// hierarchy is one mounted tree of cgroup v1.
type hierarchy struct {
	Path    string `json:"path"`    // where it is mounted, /sys/fs/cgroup/cpu,cpuacct
	Options string `json:"options"` // what mounts it again, cpu,cpuacct or none,name=systemd
}

// has reports whether a controller is in this hierarchy.
func (h hierarchy) has(controller string) bool {
	return slices.Contains(strings.Split(h.Options, ","), controller)
}

// neededControllers are those that kubelet and runc cannot do without.
var neededControllers = []string{"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "pids"}

// hierarchies returns all trees of cgroup v1 that this machine has mounted.
func hierarchies() ([]hierarchy, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var found []hierarchy
	for _, line := range strings.Split(string(mounts), "\n") {
		if h, ok := parseHierarchy(line); ok {
			found = append(found, h)
		}
	}
	for _, controller := range neededControllers {
		if !slices.ContainsFunc(found, func(h hierarchy) bool { return h.has(controller) }) {
			return nil, fmt.Errorf("real nodes need cgroup v1 with the controller %s, and this machine has not mounted it (boot with systemd.unified_cgroup_hierarchy=0)", controller)
		}
	}
	return found, nil
}

// parseHierarchy reads a line of mountinfo:
// 31 24 0:27 / /sys/fs/cgroup/cpu rw,nosuid - cgroup cgroup rw,cpu,cpuacct
func parseHierarchy(line string) (hierarchy, bool) {
	left, right, found := strings.Cut(line, " - ")
	before, after := strings.Fields(left), strings.Fields(right)
	if !found || len(before) < 5 || len(after) < 3 || after[0] != "cgroup" || before[3] != "/" {
		return hierarchy{}, false
	}
	var controllers []string
	for _, option := range strings.Split(after[2], ",") {
		switch {
		case strings.HasPrefix(option, "name="):
			controllers = append(controllers, "none", option)
		case slices.Contains([]string{"rw", "ro", "xattr", "seclabel", "clone_children", "noprefix"}, option),
			strings.HasPrefix(option, "release_agent="):
		default:
			controllers = append(controllers, option)
		}
	}
	return hierarchy{Path: before[4], Options: strings.Join(controllers, ",")}, true
}

// cgroup is the group of one node in every hierarchy.
type cgroup struct {
	trees []hierarchy
	path  string // below the root of every tree
}

// make creates the group and sets its limits.
func (g cgroup) make(milliCPU, memory int64) error {
	for _, tree := range g.trees {
		path := tree.Path
		for _, step := range strings.Split(g.path, "/") {
			parent := path
			path = filepath.Join(path, step)
			if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
			if tree.has("cpuset") {
				if err := inheritCPUSet(parent, path); err != nil {
					return err
				}
			}
		}
	}
	const period = 100_000 // µs
	return errors.Join(
		g.write("memory", "memory.limit_in_bytes", strconv.FormatInt(memory, 10)),
		g.write("cpu", "cpu.cfs_period_us", strconv.Itoa(period)),
		g.write("cpu", "cpu.cfs_quota_us", strconv.FormatInt(milliCPU*period/1000, 10)),
	)
}

// inheritCPUSet fills a new cpuset, which is empty and takes no process.
func inheritCPUSet(parent, child string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(parent, file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(child, file), value, 0); err != nil {
			return err
		}
	}
	return nil
}

// write sets a file of one controller.
func (g cgroup) write(controller, file, value string) error {
	return os.WriteFile(g.file(controller, file), []byte(value), 0)
}

func (g cgroup) file(controller, file string) string {
	for _, tree := range g.trees {
		if tree.has(controller) {
			return filepath.Join(tree.Path, g.path, file)
		}
	}
	return ""
}

// attach moves a process, with all its threads, into the group.
func (g cgroup) attach(pid int) error {
	for _, tree := range g.trees {
		if err := os.WriteFile(filepath.Join(tree.Path, g.path, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
			return err
		}
	}
	return nil
}

// freeze stops or continues every process of the group.
func (g cgroup) freeze(frozen bool) error {
	want := "THAWED"
	if frozen {
		want = "FROZEN"
	}
	// A process that is in the middle of a fork delays it: ask again.
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if err := g.write("freezer", "freezer.state", want); err != nil {
			return err
		}
		state, err := os.ReadFile(g.file("freezer", "freezer.state"))
		if err != nil || strings.TrimSpace(string(state)) == want {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the node's processes are still %s", strings.ToLower(strings.TrimSpace(string(state))))
		}
	}
}

// remove kills whatever is in the group and removes it.
func (g cgroup) remove(patience time.Duration) error {
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		killed := 0
		last = nil
		for _, tree := range g.trees {
			n, err := clearTree(filepath.Join(tree.Path, g.path))
			killed += n
			last = errors.Join(last, err)
		}
		if killed == 0 && last == nil {
			return nil
		}
	}
	return fmt.Errorf("cgroup %s: %w", g.path, errors.Join(last, errors.New("its processes do not end")))
}

// clearTree kills the processes in a directory and below and removes the
// directories, from the bottom up, as far as they are empty.
func clearTree(root string) (killed int, err error) {
	var directories []string
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			directories = append(directories, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	for _, directory := range slices.Backward(directories) {
		// A frozen process does not take SIGKILL.
		_ = os.WriteFile(filepath.Join(directory, "freezer.state"), []byte("THAWED"), 0)
		pids, _ := os.ReadFile(filepath.Join(directory, "cgroup.procs"))
		for _, field := range strings.Fields(string(pids)) {
			if pid, convErr := strconv.Atoi(field); convErr == nil && pid > 1 {
				killed++
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		if removeErr := os.Remove(directory); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}
	return killed, err
}
