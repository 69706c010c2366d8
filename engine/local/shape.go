package local

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/spec"
)

// Machine is what this machine has to share out to real nodes. Zero is unknown.
type Machine struct {
	MilliCPU int64
	Memory   int64 // bytes
}

// ThisMachine reads what this machine has.
func ThisMachine() Machine {
	m := Machine{MilliCPU: int64(runtime.NumCPU()) * 1000}
	text, err := os.ReadFile("/proc/meminfo") // elsewhere than on Linux there are no real nodes
	if found := memTotal.FindSubmatch(text); err == nil && found != nil {
		kib, _ := strconv.ParseInt(string(found[1]), 10, 64)
		m.Memory = kib << 10
	}
	return m
}

var memTotal = regexp.MustCompile(`(?m)^MemTotal:\s+(\d+) kB`)

// MostReal is how many real nodes a shape is cut down to when all of its nodes are
// made real: each is a kubelet and a containerd of its own.
const MostReal = 5

// Real is the shape with every pool real, and what was changed besides, for
// people; at most MostReal nodes in all, of every pool one at least as long as
// there are enough.
func Real(shape *spec.Local) (real *spec.Local, changed string) {
	out := &spec.Local{}
	if shape != nil {
		out.At = shape.At
		out.Nodes = slices.Clone(shape.Nodes)
	}
	if len(out.Nodes) == 0 {
		out.Nodes = []spec.NodePool{{}}
	}
	asked := 0
	for i := range out.Nodes {
		out.Nodes[i].Real = true
		out.Nodes[i].Count = max(out.Nodes[i].Count, 1)
		asked += out.Nodes[i].Count
	}
	for total := asked; total > MostReal; total-- {
		largest := 0
		for i, pool := range out.Nodes {
			if pool.Count >= out.Nodes[largest].Count { // of equal ones the last
				largest = i
			}
		}
		out.Nodes[largest].Count--
	}
	out.Nodes = slices.DeleteFunc(out.Nodes, func(p spec.NodePool) bool { return p.Count == 0 })
	if asked > MostReal {
		changed = fmt.Sprintf("the scenario's shape has %d nodes; as real ones on this machine they are %d", asked, MostReal)
	}
	return out, changed
}

// HasReal tells whether a shape has real nodes.
func HasReal(shape *spec.Local) bool {
	return shape != nil && slices.ContainsFunc(shape.Nodes, func(p spec.NodePool) bool { return p.Real })
}

// Flags are the --nodes and --real-nodes flags for the shape that a scenario asks
// for, on this machine.
func Flags(shape *spec.Local) []string { return FlagsOn(shape, ThisMachine()) }

// FlagsOn are the Flags on a machine: real nodes are no larger than it is.
func FlagsOn(shape *spec.Local, m Machine) []string {
	if shape == nil {
		return nil
	}
	var flags []string
	for _, pool := range shape.Nodes {
		if pool.Real {
			flags = append(flags, "--real-nodes", poolFlag(m.fit(pool, shape.Nodes)))
		} else {
			flags = append(flags, "--nodes", poolFlag(pool))
		}
	}
	return flags
}

// The defaults of a pool, and what a real node needs at least and takes at most.
var (
	defaultCPU    = resource.MustParse("4")
	defaultMemory = resource.MustParse("8Gi")
	usualDisk     = resource.MustParse("2Gi")
	leastMemory   = resource.MustParse("512Mi")
)

const mostPods = 110

// fit makes a pool one that this machine can have. Its disk is in its memory.
func (m Machine) fit(p spec.NodePool, all []spec.NodePool) spec.NodePool {
	cpu, memory, disk := orElse(p.CPU, defaultCPU), orElse(p.Memory, defaultMemory), orElse(p.Storage, usualDisk)
	if m.MilliCPU > 0 && cpu.MilliValue() > m.MilliCPU {
		cpu = *resource.NewMilliQuantity(m.MilliCPU, resource.DecimalSI)
	}
	if m.Memory > 0 && memory.Value() > m.Memory {
		memory = *resource.NewQuantity(m.Memory>>20<<20, resource.BinarySI)
	}
	if memory.Cmp(leastMemory) < 0 {
		memory = leastMemory.DeepCopy()
	}
	if disk.Value() > memory.Value()/2 {
		disk = *resource.NewQuantity(memory.Value()/2, resource.BinarySI)
	}
	p.CPU.Quantity, p.Memory.Quantity, p.Storage.Quantity = &cpu, &memory, &disk
	p.Pods = min(p.Pods, mostPods)
	// Nodes are called node-0 … as elsewhere, unless simulated ones are.
	simulatedNode := func(other spec.NodePool) bool { return !other.Real && (other.Name == "" || other.Name == "node") }
	if p.Name == "" && !slices.ContainsFunc(all, simulatedNode) {
		p.Name = "node"
	}
	return p
}

func orElse(q spec.Quantity, other resource.Quantity) resource.Quantity {
	if q.Quantity == nil {
		return other.DeepCopy()
	}
	return q.DeepCopy()
}

func poolFlag(p spec.NodePool) string {
	parts := []string{"count=" + strconv.Itoa(max(p.Count, 1))}
	add := func(key, value string) {
		if value != "" && value != "0" {
			parts = append(parts, key+"="+value)
		}
	}
	add("name", p.Name)
	add("cpu", quantity(p.CPU))
	add("memory", quantity(p.Memory))
	add("pods", strconv.Itoa(p.Pods))
	add("storage", quantity(p.Storage))
	add("gpu", strconv.Itoa(p.GPU))
	for _, key := range slices.Sorted(maps.Keys(p.Labels)) {
		parts = append(parts, "label="+key+"="+p.Labels[key])
	}
	for _, t := range p.Taints {
		parts = append(parts, "taint="+t.Key+"="+t.Value+":"+t.Effect)
	}
	return strings.Join(parts, ",")
}

func quantity(q spec.Quantity) string {
	if q.Quantity == nil {
		return ""
	}
	return q.String()
}
