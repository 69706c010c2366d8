package realnode

// Shape is the size of a node.
type Shape struct {
	Name     string
	MilliCPU int64 // at most what the machine has
	Memory   int64 // bytes, for everything on the node, its disk included
	Storage  int64 // bytes of the disk, which is in memory
	Pods     int
}

// Identity is what a node proves to the cluster who it is with; the names are
// those of the files that the settings below mention.
type Identity struct {
	CA             []byte // ca.crt
	ServingCert    []byte // kubelet.crt
	ServingKey     []byte // kubelet.key
	Kubelet, Proxy []byte // kubeconfigs
}

// filesFolder is where a node's own files are; like all of /run it is new in
// every boot.
const filesFolder = "/run/realspec"

// HostFolder holds this program, for pods that run a part of it.
const HostFolder = filesFolder + "/bin"

const containerdSocket = "/run/containerd/containerd.sock"
