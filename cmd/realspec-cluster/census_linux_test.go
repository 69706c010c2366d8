package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// census is all on this machine that real nodes could leave behind, sorted by
// what it is.
type census map[string][]string

func takeCensus(t *testing.T) census {
	t.Helper()
	c := census{}
	links, err := netlink.LinkList()
	check(t, err)
	for _, link := range links {
		c.add("link", link.Attrs().Name)
	}
	addresses, err := netlink.AddrList(nil, unix.AF_UNSPEC)
	check(t, err)
	for _, address := range addresses {
		c.add("address", address.IPNet.String())
	}
	routes, err := netlink.RouteListFiltered(unix.AF_UNSPEC, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	check(t, err)
	for _, route := range routes {
		c.add("route", fmt.Sprint(route.Table, " ", route.Dst, " ", route.LinkIndex))
	}
	rules, err := exec.Command("nft", "list", "ruleset").CombinedOutput()
	check(t, err)
	c.add("nft", string(rules))
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	check(t, err)
	for _, line := range strings.Split(string(mounts), "\n") {
		c.add("mount", line)
	}
	c.addCgroups(t)
	c.addProcesses(t)
	c.addSettings(t)
	for _, folder := range []string{"/", "/etc", "/opt", "/run", "/usr", "/usr/libexec", "/var", "/var/lib", "/var/log", "/run/netns", "/dev"} {
		entries, err := os.ReadDir(folder)
		if os.IsNotExist(err) {
			continue
		}
		check(t, err)
		for _, entry := range entries {
			c.add("file", filepath.Join(folder, entry.Name()))
		}
	}
	return c
}

func (c census) add(kind, what string) { c[kind] = append(c[kind], what) }

// addCgroups lists the groups that are named as ours: others come and go.
func (c census) addCgroups(t *testing.T) {
	trees, err := os.ReadDir("/sys/fs/cgroup")
	check(t, err)
	for _, tree := range trees {
		_ = filepath.WalkDir(filepath.Join("/sys/fs/cgroup", tree.Name()), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && (strings.Contains(path, "realspec") || strings.Contains(path, "kubepods")) {
				c.add("cgroup", path)
			}
			return nil
		})
	}
}

// addProcesses lists the processes, zombies among them, of the programs that
// make a node. Other tests may run clusters of their own, without nodes.
func (c census) addProcesses(t *testing.T) {
	names, err := filepath.Glob("/proc/[0-9]*")
	check(t, err)
	for _, process := range names {
		name, _ := os.ReadFile(process + "/comm")
		line, _ := os.ReadFile(process + "/cmdline")
		text := strings.ReplaceAll(string(line), "\x00", " ")
		for _, part := range []string{"containerd", "runc", "node-init", "kubelet", "kube-proxy", "coredns", "metrics-server", "echo serve"} {
			if strings.HasPrefix(string(name), part) || strings.Contains(" "+text, " "+part) {
				c.add("process", filepath.Base(process)+" "+string(name)+text)
				break
			}
		}
	}
}

// addSettings lists settings of the kernel that kubelet, kube-proxy, CNI
// plugins and containers are known to change.
func (c census) addSettings(t *testing.T) {
	for _, pattern := range []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic*", "kernel/keys/root_max*", "kernel/hostname",
		"net/ipv4/ip_forward", "net/ipv4/conf/*/rp_filter", "net/ipv4/conf/*/forwarding", "net/ipv4/conf/*/route_localnet",
		"net/bridge/*", "net/netfilter/nf_conntrack_max", "fs/inotify/*"} {
		paths, err := filepath.Glob("/proc/sys/" + pattern)
		check(t, err)
		for _, path := range paths {
			value, err := os.ReadFile(path)
			check(t, err)
			c.add("setting", path+" = "+strings.TrimSpace(string(value)))
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
