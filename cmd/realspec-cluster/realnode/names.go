// Package realnode runs real Kubernetes nodes on this machine: each is one
// process tree in namespaces and cgroups of its own, with the distribution's
// containerd, runc and CNI plugins, and the kubelet and kube-proxy of this
// program. It needs Linux and root, and nothing of it survives the process
// that opened it but empty cgroups, which Remove removes.
package realnode

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
)

// Cluster names what the nodes of one cluster occupy on this machine. The names
// follow from the cluster's folder alone, so that what a killed process left is
// found without a record of it.
type Cluster struct {
	folder string
	id     string
}

// ClusterAt returns the cluster that lives in a folder.
func ClusterAt(folder string) Cluster {
	sum := sha256.Sum256([]byte(folder))
	return Cluster{folder: folder, id: hex.EncodeToString(sum[:4])}
}

// Link is the only network link of the cluster that the machine sees: the way
// to its nodes and pods. Names of links have at most 15 characters.
func (c Cluster) Link() string { return "rsp-" + c.id }

// Log is the file that all programs of a node write to.
func (c Cluster) Log(node string) string { return filepath.Join(c.folder, "node-"+node+".log") }

// cgroup is the directory of all nodes in every hierarchy.
func (c Cluster) cgroup() string { return "realspec-" + c.id }
