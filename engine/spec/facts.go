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
	// Whether the metrics API (metrics.k8s.io) answers, so that the CPU and memory
	// in use can be asked for. Example: cluster.metricsAPI.
	MetricsAPI bool `json:"metricsAPI"`
	// The storage classes.
	// Example: cluster.storageClasses.exists(c, c.default).
	StorageClasses []StorageClass `json:"storageClasses"`
	// The ingress classes.
	// Example: cluster.ingressClasses.exists(c, c.name == 'nginx').
	IngressClasses []IngressClass `json:"ingressClasses"`
	// The GPUs that ready and schedulable nodes may give to pods, by resource
	// name. Example: cluster.gpus['nvidia.com/gpu'] >= 2.
	GPUs map[string]int64 `json:"gpus"`
	// The network plugin: calico, cilium, flannel …, or unknown.
	CNI string `json:"cni"`
	// Whether NetworkPolicies have an effect: enforced, ignored, or unknown where
	// that cannot be told without sending packets (AWS VPC CNI, Azure, GKE, kindnet).
	// There the annotation realspec.dev/network-policies on any node, enforced or
	// ignored, says it; it goes before what the plugin's name tells.
	// Example: cluster.networkPolicies == 'enforced'.
	NetworkPolicies string `json:"networkPolicies"`
	// The Services that look like a Prometheus, by their labels and names.
	// Example: cluster.prometheus.size() > 0.
	Prometheus []Service `json:"prometheus"`
	// The Services that look like a Grafana, by their labels and names.
	Grafana []Service `json:"grafana"`
	// Unknown says why a field of the cluster has no value, by the field's name:
	// mostly because it may not be listed. An expression that reads such a field
	// is an error: what may not be seen is not absent. "nodes" stands for the
	// variable nodes.
	Unknown map[string]string `json:"-"`
}

// StorageClass is one element of cluster.storageClasses.
type StorageClass struct {
	// The class's name.
	Name string `json:"name"`
	// Who provides the volumes. Example: ebs.csi.aws.com.
	Provisioner string `json:"provisioner"`
	// Whether claims that name no class get this one.
	Default bool `json:"default"`
	// Whether volumes can grow.
	Expandable bool `json:"expandable"`
	// When a volume is bound: Immediate or WaitForFirstConsumer.
	Binding string `json:"binding"`
}

// IngressClass is one element of cluster.ingressClasses.
type IngressClass struct {
	// The class's name.
	Name string `json:"name"`
	// Who serves it. Example: k8s.io/ingress-nginx.
	Controller string `json:"controller"`
	// Whether Ingresses that name no class get this one.
	Default bool `json:"default"`
}

// Service is a Service that was found on the cluster.
type Service struct {
	// The Service's name.
	Name string `json:"name"`
	// Its namespace.
	Namespace string `json:"namespace"`
	// The port that serves HTTP.
	Port int64 `json:"port"`
	// Where it answers, through the API server: what a prometheus measure takes.
	// Example: /api/v1/namespaces/monitoring/services/prometheus:9090/proxy.
	URL string `json:"url"`
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
	// What the pods on the node ask for, by resource name, counted as the scheduler
	// counts.
	Requested map[string]resource.Quantity `json:"requested"`
	// What is left for pods: allocatable minus requested, by resource name. On a
	// node that promises too much it is below zero.
	// Example: nodes.exists(n, n.headroom.cpu.isGreaterThan(quantity('2'))).
	Headroom map[string]resource.Quantity `json:"headroom"`
	// Unknown says why a field of the node has no value, by the field's name.
	Unknown map[string]string `json:"-"`
}

// SurveyedFields are the fields of `cluster` and of `nodes` that take more
// requests than every run makes: they are asked for where something reads them.
var SurveyedFields = []string{
	"metricsAPI", "storageClasses", "ingressClasses", "gpus", "cni", "networkPolicies", "prometheus", "grafana",
	"requested", "headroom",
}
