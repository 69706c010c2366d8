package realnode

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MachineCPU is how many thousandths of a CPU the machine has.
func MachineCPU() int64 { return int64(runtime.NumCPU()) * 1000 }

// needed are the programs that a node takes from the distribution, and the
// Debian packages that have them.
var needed = []struct{ program, pack string }{
	{"containerd", "containerd"},
	{"containerd-shim-runc-v2", "containerd"},
	{"ctr", "containerd"},
	{"runc", "runc"},
	{"nft", "nftables"},
	{"iptables", "iptables"},
}

// bridgeSettings are there as soon as the kernel has br_netfilter.
const bridgeSettings = "/proc/sys/net/bridge"

// inotifyEach is how many inotify instances a node takes, 8 measured, and some.
const inotifyEach = 10

// RequireInotify says why this machine cannot run that many further nodes:
// kubelets fail with "too many open files" beyond a limit that many machines set
// low. Nobody tells how many instances are in use, so those that the nodes will
// take are taken for a moment.
func RequireInotify(nodes int) error {
	const path = "/proc/sys/fs/inotify/max_user_instances"
	want := nodes * inotifyEach
	var taken []int
	defer func() {
		for _, fd := range taken {
			_ = unix.Close(fd)
		}
	}()
	for len(taken) < want {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		if errors.Is(err, unix.EMFILE) {
			text, err := os.ReadFile(path)
			if err != nil {
				return err // it was this process's limit of open files
			}
			limit, _ := strconv.Atoi(strings.TrimSpace(string(text)))
			return fmt.Errorf("kubelets need %d inotify instances, and of the %d that this machine allows %d are free; raise that with: sysctl -w fs.inotify.max_user_instances=%d",
				want, limit, len(taken), limit+2*want)
		}
		if err != nil {
			return os.NewSyscallError("inotify_init1", err)
		}
		taken = append(taken, fd)
	}
	return nil
}

// Require returns the folder of the CNI plugins, or why this machine cannot
// run real nodes, in one sentence.
func Require() (cni string, err error) {
	if runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("real nodes need an amd64 machine; this is %s", runtime.GOARCH)
	}
	if static, err := isStatic(); err != nil {
		return "", err
	} else if !static {
		return "", errors.New("real nodes need a realspec-cluster that is linked statically; build it with CGO_ENABLED=0")
	}
	if os.Geteuid() != 0 {
		return "", errors.New("real nodes need root, for namespaces, mounts and cgroups; run this with sudo")
	}
	cni, found := findCNI()
	var missing, packages []string
	for _, n := range needed {
		if _, err := exec.LookPath(n.program); err != nil {
			missing, packages = append(missing, n.program), append(packages, n.pack)
		}
	}
	if !found {
		missing, packages = append(missing, "the CNI plugins"), append(packages, "containernetworking-plugins")
	}
	if len(missing) > 0 {
		slices.Sort(packages)
		return "", fmt.Errorf("real nodes need %s, which this machine does not have; on Debian: apt-get install -y --no-install-recommends %s",
			strings.Join(missing, ", "), strings.Join(slices.Compact(packages), " "))
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return "", errors.New("real nodes need /dev/net/tun, for delays; this machine does not have it")
	}
	if _, err := os.Stat(bridgeSettings); err != nil {
		return "", errors.New("real nodes need the kernel's br_netfilter, for Services between pods of one node; load it with: modprobe br_netfilter")
	}
	_, err = hierarchies()
	return cni, err
}

// isStatic reports whether this program runs in an image that has nothing else.
func isStatic() (bool, error) {
	path, err := os.Executable()
	if err != nil {
		return false, err
	}
	program, err := elf.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = program.Close() }()
	return !slices.ContainsFunc(program.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }), nil
}

func findCNI() (string, bool) {
	for _, folder := range []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"} {
		complete := true
		for _, plugin := range []string{"bridge", "host-local", "portmap", "loopback"} {
			_, err := os.Stat(folder + "/" + plugin)
			complete = complete && err == nil
		}
		if complete {
			return folder, true
		}
	}
	return "", false
}
