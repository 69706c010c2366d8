package spec

import "k8s.io/apimachinery/pkg/api/resource"

// Facts are what a scenario may know of the cluster it runs on: the variables
// `cluster` and `nodes` of expressions.
type Facts struct {
	Cluster Cluster `json:"cluster"`
	Nodes   []Node  `json:"nodes"`
}

// Cluster is the variable `cluster`.
type Cluster struct {
	// The server's version without the v. Example: 1.37.2.
	Version string `json:"version"`
	// Whether this is realspec's own embedded cluster.
	Local bool `json:"local"`
	// Whether every node is simulated.
	Simulated bool `json:"simulated"`
	// The address of the API server.
	Server string `json:"server"`
	// The kubeconfig context that was used; empty where there was none.
	Context string `json:"context"`
	// The API groups and versions that are served. Example: apps/v1.
	APIs []string `json:"apis"`
}

// Node is one element of the variable `nodes`.
type Node struct {
	// The node's name.
	Name string `json:"name"`
	// Whether its Ready condition is True.
	Ready bool `json:"ready"`
	// Whether it takes new pods: not cordoned.
	Schedulable bool `json:"schedulable"`
	// Whether it is a simulated node (KWOK) rather than a real kubelet.
	Simulated bool `json:"simulated"`
	// The node's labels.
	Labels map[string]string `json:"labels"`
	// The node's annotations.
	Annotations map[string]string `json:"annotations"`
	// The node's taints.
	Taints []Taint `json:"taints"`
	// What the scheduler may give to pods, by resource name.
	Allocatable map[string]resource.Quantity `json:"allocatable"`
	// What the node has, by resource name.
	Capacity map[string]resource.Quantity `json:"capacity"`
	// The status of each condition by its type: True, False or Unknown.
	Conditions map[string]string `json:"conditions"`
	// The topology zone, or empty.
	Zone string `json:"zone"`
	// Operating system. Example: linux.
	OS string `json:"os"`
	// Architecture. Example: amd64.
	Arch string `json:"arch"`
	// The kubelet's version. Example: v1.37.2.
	KubeletVersion string `json:"kubeletVersion"`
	// The container runtime and its version. Example: containerd://2.1.4.
	Runtime string `json:"runtime"`
}
