package realnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Options are what Open has to know.
type Options struct {
	Cluster Cluster
	Shapes  []Shape
	CNI     string // folder of the CNI plugins
	DNS     string // address of the cluster's name server
	Log     func(node string) (io.Writer, error)
}

// Machine is this machine as the ground that nodes stand on.
type Machine struct {
	Options
	Slot   Slot
	Nodes  []*Node
	keeper *keeper
	trees  []hierarchy
	pause  []byte
}

// Open prepares the machine for nodes: the switch, the disks, the cgroups.
func Open(ctx context.Context, o Options) (*Machine, error) {
	m := &Machine{Options: o}
	var err error
	if m.trees, err = hierarchies(); err != nil {
		return nil, err
	}
	if m.pause, err = pauseArchive(); err != nil {
		return nil, fmt.Errorf("pause image: %w", err)
	}
	if m.keeper, err = startKeeper(); err != nil {
		return nil, err
	}
	if m.Slot, err = m.keeper.plugMachine(ctx, o.Cluster, len(o.Shapes)); err != nil {
		return nil, err
	}
	for i, shape := range o.Shapes {
		n := &Node{Shape: shape, machine: m, index: i, port: fmt.Sprintf("port%d", i), machineID: strings.ReplaceAll(uuid.NewString(), "-", "")}
		if n.log, err = o.Log(shape.Name); err != nil {
			return nil, err
		}
		n.cgroup = cgroup{trees: m.trees, path: filepath.Join(o.Cluster.cgroup(), shape.Name)}
		if err := n.makeDisk(); err != nil {
			return nil, fmt.Errorf("disk of %s: %w", shape.Name, err)
		}
		m.Nodes = append(m.Nodes, n)
	}
	return m, nil
}

// disks is the folder where the keeper, and nobody else, sees disks.
func (m *Machine) disks() string { return filepath.Join(m.Cluster.folder, "disks") }

// Boot starts every node up to its container runtime, all at once; identity
// makes what a node proves itself with.
func (m *Machine) Boot(identity func(name string, address netip.Addr) (Identity, error)) error {
	failures := make([]error, len(m.Nodes))
	var all sync.WaitGroup
	for i, n := range m.Nodes {
		all.Go(func() {
			failures[i] = n.firstBoot(identity)
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

func (n *Node) firstBoot(identity func(name string, address netip.Addr) (Identity, error)) (err error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.identity, err = identity(n.Name, n.Address()); err != nil {
		return err
	}
	reports, err := n.boot(false)
	if err != nil {
		return err
	}
	return reports.Close()
}

// Join lets the kubelets of all nodes begin: the API server answers, and has
// the Node objects.
func (m *Machine) Join() error {
	var failures []error
	for _, n := range m.Nodes {
		failures = append(failures, n.join())
	}
	return errors.Join(failures...)
}

// Node returns the node with a name.
func (m *Machine) Node(name string) (*Node, error) {
	var known []string
	for _, n := range m.Nodes {
		if n.Name == name {
			return n, nil
		}
		known = append(known, n.Name)
	}
	return nil, fmt.Errorf("no real node is called %q; there are %s", name, strings.Join(known, ", "))
}

// Remove removes from this machine whatever nodes of a cluster left, or still
// have, and waits until it is gone. It needs no Machine, so it works when the
// process that opened one was killed.
func Remove(cluster Cluster) error {
	trees, err := hierarchies()
	if err != nil {
		return err
	}
	err = cgroup{trees: trees, path: cluster.cgroup()}.remove(20 * time.Second)
	// A namespace, and what is in it, goes a while after its last process. The
	// link's other end is there; whichever goes first takes the other along.
	link, linkErr := netlink.LinkByName(cluster.Link())
	if linkErr == nil {
		linkErr = netlink.LinkDel(link)
	}
	var gone netlink.LinkNotFoundError
	if linkErr != nil && !errors.As(linkErr, &gone) && !errors.Is(linkErr, unix.ENODEV) {
		err = errors.Join(err, fmt.Errorf("link %s: %w", cluster.Link(), linkErr))
	}
	return err
}

// makeDisk mounts a node's disk where the keeper sees it.
func (n *Node) makeDisk() error {
	if err := os.MkdirAll(n.disk(), 0o700); err != nil {
		return err
	}
	return n.machine.keeper.do(func() error {
		return unix.Mount("tmpfs", n.disk(), "tmpfs", unix.MS_NOSUID, fmt.Sprintf("mode=755,size=%d", n.Storage))
	})
}

func (n *Node) disk() string { return filepath.Join(n.machine.disks(), n.Name) }
