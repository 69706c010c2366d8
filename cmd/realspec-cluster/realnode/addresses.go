package realnode

import "net/netip"

// Slot is one of the shares of 198.18.0.0/15 that clusters with real nodes
// take, each its own, because the machine has routes to them. The range is
// reserved for benchmarks (RFC 2544), so no other machine is in it:
//
//	198.18.64+s.0/24     .1 the machine, .10 and on the nodes
//	198.19.128+16s.0/20  the pods, a /25 for each node
//
// Simulated nodes and Services have the rest; those are on no wire.
type Slot int

const (
	slots     = 8
	firstNode = 10

	// MaxNodes is how many real nodes a cluster may have.
	MaxNodes = 32
	// MaxPods is how many pods a real node may have: a /25 without network,
	// bridge and broadcast address, and some that are about to be free.
	MaxPods = 110
	// SimulatedPods is where the pods of simulated nodes are when there are real ones.
	SimulatedPods = "198.19.0.0/17"
)

// Machine is the address of this machine for nodes and pods.
func (s Slot) Machine() netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 64 + byte(s), 1}) }

// Node is the address of node i.
func (s Slot) Node(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, 18, 64 + byte(s), byte(firstNode + i)})
}

// NodePods is the network of the pods of node i.
func (s Slot) NodePods(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 19, 128 + byte(s)*16 + byte(i/2), byte(i%2) * 128}), 25)
}

// Pods is the network of all pods.
func (s Slot) Pods() netip.Prefix { return netip.PrefixFrom(s.NodePods(0).Addr(), 20) }

func (s Slot) nodes() netip.Prefix { return netip.PrefixFrom(s.Machine(), 24) }
