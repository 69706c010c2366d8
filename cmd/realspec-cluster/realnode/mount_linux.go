package realnode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mount makes the node's view of the files: the machine's, read-only, so that
// nothing on the node can leave a trace on the machine, but for /proc, /sys,
// /run and /tmp, which are new, and /var, which is the node's disk.
func (n *node) mount() error {
	program, err := openSelf()
	if err != nil {
		return err
	}
	defer program.Close()
	if err := n.takeDisk(); err != nil {
		return fmt.Errorf("disk: %w", err)
	}
	for _, m := range []struct {
		kind, target, options string
		flags                 uintptr
	}{
		{"proc", "/proc", "", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"sysfs", "/sys", "", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"tmpfs", "/sys/fs/cgroup", "mode=755", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"tmpfs", "/run", "mode=755,size=64m", unix.MS_NOSUID | unix.MS_NODEV},
		{"tmpfs", "/tmp", "mode=1777,size=64m", unix.MS_NOSUID | unix.MS_NODEV},
		{"tmpfs", "/dev/shm", "mode=1777,size=64m", unix.MS_NOSUID | unix.MS_NODEV},
	} {
		if err := unix.Mount(m.kind, m.target, m.kind, m.flags, m.options); err != nil {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	if err := n.mountCgroups(); err != nil {
		return err
	}
	if err := n.makeFiles(); err != nil {
		return err
	}
	if err := bind(fmt.Sprintf("/proc/self/fd/%d", program.Fd()), HostFolder+"/"+ownProgram); err != nil {
		return err
	}
	if err := n.pretend(); err != nil {
		return err
	}
	// The kubelet and runc want what they mount to be seen by containers.
	return unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, "")
}

// openSelf opens this program: /run and /tmp, where it may be, get hidden.
func openSelf() (*os.File, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// takeDisk makes everything read-only and the node's disk /var.
func (n *node) takeDisk() error {
	err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	if err != nil {
		return fmt.Errorf("making the machine's files read-only, which takes Linux 5.12: %w", err)
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, n.Disk, 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return err
	}
	disks, err := os.ReadDir(n.Disks)
	if err != nil {
		return err
	}
	for _, other := range disks {
		if path := filepath.Join(n.Disks, other.Name()); path != n.Disk {
			if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
				return err
			}
		}
	}
	if err := unix.Mount(n.Disk, "/var", "", unix.MS_MOVE, ""); err != nil {
		return err
	}
	for _, folder := range []string{"lib/kubelet", "lib/containerd", "lib/cni", "lib/dbus", "log/pods", "log/containers", "tmp"} {
		if err := os.MkdirAll(filepath.Join("/var", folder), 0o755); err != nil {
			return err
		}
	}
	if err := os.Symlink("/run", "/var/run"); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.WriteFile("/var/lib/dbus/machine-id", []byte(n.MachineID+"\n"), 0o644)
}

// mountCgroups mounts all trees again: in the node's cgroup namespace the
// root of each is the node's own group.
func (n *node) mountCgroups() error {
	for _, tree := range n.Trees {
		target := filepath.Join("/sys/fs/cgroup", filepath.Base(tree.Path))
		if err := os.Mkdir(target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("cgroup", target, "cgroup", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, tree.Options); err != nil {
			return fmt.Errorf("cgroup %s: %w", tree.Options, err)
		}
		controllers := strings.Split(tree.Options, ",")
		if len(controllers) < 2 || controllers[0] == "none" {
			continue
		}
		for _, controller := range controllers { // cpu -> cpu,cpuacct
			if err := os.Symlink(filepath.Base(target), filepath.Join("/sys/fs/cgroup", controller)); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
		}
	}
	return nil
}

// makeFiles writes the node's own files.
func (n *node) makeFiles() error {
	for _, folder := range []string{"/run/lock", "/run/netns", HostFolder} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	for name, content := range n.Files {
		path := filepath.Join(filesFolder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(HostFolder+"/"+ownProgram, nil, 0o755)
}

// pretend puts files over those of the kernel that say what this machine is,
// or change it.
func (n *node) pretend() error {
	kibibytes := n.Memory / 1024
	pretended := map[string]string{
		// cAdvisor reads the node's size here.
		"/proc/meminfo": fmt.Sprintf("MemTotal: %d kB\nMemFree: %d kB\nMemAvailable: %d kB\nBuffers: 0 kB\nCached: 0 kB\nSwapCached: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
			kibibytes, kibibytes, kibibytes),
		"/proc/sys/kernel/random/boot_id": n.BootID + "\n",
		// The kubelet sets these for the whole machine; it is content to find
		// its values in files.
		"/proc/sys/vm/overcommit_memory":      "1\n",
		"/proc/sys/vm/panic_on_oom":           "0\n",
		"/proc/sys/kernel/panic":              "10\n",
		"/proc/sys/kernel/panic_on_oops":      "1\n",
		"/proc/sys/kernel/keys/root_maxkeys":  "1000000\n",
		"/proc/sys/kernel/keys/root_maxbytes": "25000000\n",
		"/etc/machine-id":                     n.MachineID + "\n",
	}
	for target, content := range pretended {
		if _, err := os.Stat(target); errors.Is(err, fs.ErrNotExist) {
			continue // not every machine has each
		}
		source := filepath.Join(filesFolder, "machine", target)
		if err := os.MkdirAll(filepath.Dir(source), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(source, []byte(content), 0o644); err != nil {
			return err
		}
		if err := bind(source, target); err != nil {
			return err
		}
	}
	return nil
}

func bind(source, target string) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting over %s: %w", target, err)
	}
	return nil
}
