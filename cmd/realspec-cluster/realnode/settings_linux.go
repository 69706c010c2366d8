package realnode

import (
	"bytes"
	"net/netip"
	"text/template"
)

// settings is everything that a node's first process has to know. It is sent
// to it, because the machine's files may be hidden from it.
type settings struct {
	Name      string
	Disk      string // where its disk is mounted
	Disks     string // where all disks are mounted
	Trees     []hierarchy
	Address   netip.Addr
	Prefix    int // of the nodes' network
	Gateway   netip.Addr
	Routes    []route // to the pods of the other nodes
	Memory    int64
	MachineID string
	BootID    string
	Files     map[string][]byte // below filesFolder
	Join      bool              // start the kubelet as soon as the runtime is there
}

type route struct {
	To  netip.Prefix
	Via netip.Addr
}

const pauseFile = filesFolder + "/pause.tar"

// facts are what differs between the settings of nodes.
type facts struct {
	Shape
	PauseImage  string
	CNI         string
	PodNetwork  netip.Prefix
	AllPods     netip.Prefix
	DNS         string
	ReservedCPU int64
}

// files returns the files of a node.
func (f facts) files(identity Identity) (map[string][]byte, error) {
	files := map[string][]byte{
		"ca.crt":             identity.CA,
		"kubelet.crt":        identity.ServingCert,
		"kubelet.key":        identity.ServingKey,
		"kubelet.kubeconfig": identity.Kubelet,
		"proxy.kubeconfig":   identity.Proxy,
		"resolv.conf":        []byte("# pods with dnsPolicy Default have no name server\n"),
	}
	for name, text := range map[string]string{
		"containerd.toml":      containerdSettings,
		"cni/10-pods.conflist": cniSettings,
		"kubelet.yaml":         kubeletSettings,
		"proxy.yaml":           proxySettings,
	} {
		var out bytes.Buffer
		parsed, err := template.New(name).Parse(text)
		if err != nil {
			return nil, err
		}
		if err := parsed.Execute(&out, f); err != nil {
			return nil, err
		}
		files[name] = out.Bytes()
	}
	return files, nil
}

// restrict_oom_score_adj: not every machine lets root set a score below 0.
// disable_apparmor: its profile would be loaded into the machine's kernel.
// opt: the default, /opt/containerd, would be made on the machine.
const containerdSettings = `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing"]
[grpc]
  address = "/run/containerd/containerd.sock"
[debug]
  level = "warn"
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  disable_apparmor = true
  restrict_oom_score_adj = true
  sandbox_image = "{{.PauseImage}}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{{.CNI}}"
    conf_dir = "/run/realspec/cni"
`

// host-local keeps its addresses in /run: they must not outlive the pods, and
// no pod outlives a boot.
const cniSettings = `{
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {"type": "bridge", "bridge": "cni0", "isGateway": true, "isDefaultGateway": true, "ipMasq": false, "hairpinMode": true,
     "ipam": {"type": "host-local", "dataDir": "/run/realspec/ipam", "ranges": [[{"subnet": "{{.PodNetwork}}"}]]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`

// cgroupRoot is the node's own group, thanks to its cgroup namespace.
// failCgroupV1: Kubernetes refuses cgroup v1 by default since 1.35.
// imageGCHighThresholdPercent: an image that was loaded by hand cannot be
// pulled again, so it must not be collected.
const kubeletSettings = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /
enforceNodeAllocatable: []
failSwapOn: false
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: /run/realspec/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: /run/realspec/kubelet.crt
tlsPrivateKeyFile: /run/realspec/kubelet.key
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
resolvConf: /run/realspec/resolv.conf
clusterDNS: ["{{.DNS}}"]
clusterDomain: cluster.local
maxPods: {{.Pods}}
serializeImagePulls: false
volumePluginDir: /var/lib/kubelet/volume-plugins
{{- if .ReservedCPU}}
systemReserved: {cpu: {{.ReservedCPU}}m}
{{- end}}
`

// The sysctls of conntrack cannot be written in a network namespace.
const proxySettings = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: {{.AllPods}}
detectLocalMode: ClusterCIDR
hostnameOverride: {{.Name}}
clientConnection: {kubeconfig: /run/realspec/proxy.kubeconfig}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`
