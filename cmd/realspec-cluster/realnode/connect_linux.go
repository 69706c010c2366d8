package realnode

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
)

// connect sets up the node's network.
func (n *node) connect() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	eth0, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	address := netip.PrefixFrom(n.Address, n.Prefix)
	if err := netlink.AddrAdd(eth0, &netlink.Addr{IPNet: ipNet(address)}); err != nil {
		return err
	}
	for _, link := range []netlink.Link{loopback, eth0} {
		if err := netlink.LinkSetUp(link); err != nil {
			return err
		}
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: n.Gateway.AsSlice()}); err != nil {
		return fmt.Errorf("default route: %w", err)
	}
	for _, r := range n.Routes {
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: eth0.Attrs().Index, Dst: ipNet(r.To), Gw: r.Via.AsSlice()}); err != nil {
			return fmt.Errorf("route to %s: %w", r.To, err)
		}
	}
	// All of these belong to the network namespace. Service traffic between two
	// pods of one node crosses a bridge, where kube-proxy must see it.
	for name, value := range map[string]string{
		"ipv4/ip_forward":                "1",
		"bridge/bridge-nf-call-iptables": "1",
		"ipv4/conf/all/rp_filter":        "0",
		"ipv4/conf/default/rp_filter":    "0",
	} {
		if err := os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0); err != nil {
			return err
		}
	}
	return nil
}
