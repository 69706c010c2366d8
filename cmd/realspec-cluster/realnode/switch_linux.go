package realnode

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The switch is a bridge in the keeper's network namespace, out of sight of
// the machine's own firewall: Docker's, for one, drops what is forwarded. The
// machine has a single link into it.
const switchName = "switch"

// plugMachine makes the switch and connects the machine, with an address of a
// slot that nobody else uses and routes to the pods of all nodes.
func (k *keeper) plugMachine(ctx context.Context, cluster Cluster, nodes int) (slot Slot, err error) {
	// One cluster at a time looks for a slot and takes it. An abstract socket
	// is a lock that leaves no file.
	lock, err := lockNetwork(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = lock.Close() }()
	if slot, err = freeSlot(); err != nil {
		return 0, err
	}
	err = k.do(func() error {
		if err := addUp(&netlink.Bridge{LinkAttrs: named(switchName)}); err != nil {
			return err
		}
		uplink := &netlink.Veth{LinkAttrs: named("machine"), PeerName: cluster.Link(), PeerNamespace: netlink.NsFd(k.outer.Fd())}
		if err := addUp(uplink); err != nil {
			return fmt.Errorf("link %s: %w", cluster.Link(), err)
		}
		return attachTo(switchName, uplink.Name)
	})
	if err != nil {
		return 0, err
	}
	return slot, configureMachine(cluster, slot, nodes)
}

func configureMachine(cluster Cluster, slot Slot, nodes int) error {
	link, err := netlink.LinkByName(cluster.Link())
	if err != nil {
		return err
	}
	if err := errors.Join(
		netlink.LinkSetAlias(link, "realspec-cluster "+cluster.folder),
		netlink.AddrAdd(link, &netlink.Addr{IPNet: ipNet(slot.nodes())}),
		netlink.LinkSetUp(link),
	); err != nil {
		return fmt.Errorf("link %s: %w", cluster.Link(), err)
	}
	for i := range nodes {
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(slot.NodePods(i)), Gw: slot.Node(i).AsSlice()}
		if err := netlink.RouteAdd(route); err != nil {
			return fmt.Errorf("route to %s: %w", slot.NodePods(i), err)
		}
	}
	return nil
}

func lockNetwork(ctx context.Context) (net.Listener, error) {
	for {
		lock, err := net.Listen("unix", "@realspec-cluster-network")
		if !errors.Is(err, unix.EADDRINUSE) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// freeSlot returns a slot that no address and no route of this machine touches.
func freeSlot() (Slot, error) {
	used, err := usedNetworks()
	if err != nil {
		return 0, err
	}
	for slot := range Slot(slots) {
		free := true
		for _, other := range used {
			free = free && !other.Overlaps(slot.nodes()) && !other.Overlaps(slot.Pods())
		}
		if free {
			return slot, nil
		}
	}
	return 0, fmt.Errorf("all networks for real nodes, %s to %s, are in use on this machine; stop another cluster", Slot(0).nodes().Masked(), Slot(slots-1).nodes().Masked())
}

func usedNetworks() ([]netip.Prefix, error) {
	addresses, err := netlink.AddrList(nil, unix.AF_INET)
	if err != nil {
		return nil, err
	}
	routes, err := netlink.RouteListFiltered(unix.AF_INET, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, err
	}
	var used []netip.Prefix
	add := func(network *net.IPNet) {
		if network == nil {
			return
		}
		ip, ok := netip.AddrFromSlice(network.IP.To4())
		if bits, _ := network.Mask.Size(); ok && bits > 0 { // the default route is no claim
			used = append(used, netip.PrefixFrom(ip, bits))
		}
	}
	for _, address := range addresses {
		add(address.IPNet)
	}
	for _, route := range routes {
		add(route.Dst)
	}
	return used, nil
}

// plugNode connects the node whose first process is pid. It runs on the keeper's thread.
func plugNode(port string, pid int) error {
	// The rest of a node that was killed a moment ago may still be there.
	if old, err := netlink.LinkByName(port); err == nil {
		if err := netlink.LinkDel(old); err != nil {
			return err
		}
	}
	link := &netlink.Veth{LinkAttrs: named(port), PeerName: "eth0", PeerNamespace: netlink.NsPid(pid)}
	if err := netlink.LinkAdd(link); err != nil {
		return err
	}
	return errors.Join(attachTo(switchName, port), netlink.LinkSetUp(link))
}

// setPort connects or disconnects a port of the switch.
func setPort(port string, up bool) error {
	link, err := netlink.LinkByName(port)
	if err != nil {
		return err
	}
	if up {
		return netlink.LinkSetUp(link)
	}
	return netlink.LinkSetDown(link)
}

func named(name string) netlink.LinkAttrs {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	return attrs
}

func addUp(link netlink.Link) error {
	if err := netlink.LinkAdd(link); err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

func attachTo(bridge, port string) error {
	master, err := netlink.LinkByName(bridge)
	if err != nil {
		return err
	}
	link, err := netlink.LinkByName(port)
	if err != nil {
		return err
	}
	return netlink.LinkSetMaster(link, master)
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}
