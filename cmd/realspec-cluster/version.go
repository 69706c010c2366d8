package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"

	"k8s.io/apimachinery/pkg/version"
	basecompatibility "k8s.io/component-base/compatibility"
	componentversion "k8s.io/component-base/version"
)

// release is this program's own version, set by the linker
// (-X main.release=v1.2.3); otherwise the version of the module counts.
var release string

// versionCommand shows the versions of all parts.
type versionCommand struct {
	Output string `enum:"text,json" default:"text" help:"Format: text or json."`
}

// versions are those of the Go modules that this program is made of.
type versions struct {
	Version       string `json:"version"`
	Kubernetes    string `json:"kubernetes"`
	Etcd          string `json:"etcd"`
	KWOK          string `json:"kwok"`
	CoreDNS       string `json:"coredns"`
	MetricsServer string `json:"metricsServer"`
}

// Run is called by kong.
func (c *versionCommand) Run(io streams) error {
	v := builtVersions()
	if c.Output == "json" {
		encoder := json.NewEncoder(io.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(v)
	}
	_, err := fmt.Fprintf(io.out, "realspec-cluster %s\nKubernetes       %s\netcd             %s\nKWOK             %s\nCoreDNS          %s\nmetrics-server   %s\n",
		v.Version, v.Kubernetes, v.Etcd, v.KWOK, v.CoreDNS, v.MetricsServer)
	return err
}

func builtVersions() versions {
	v := versions{Version: release, Kubernetes: "unknown", Etcd: "unknown", KWOK: "unknown", CoreDNS: "unknown", MetricsServer: "unknown"}
	if info, ok := debug.ReadBuildInfo(); ok {
		if v.Version == "" {
			v.Version = info.Main.Version
		}
		for _, module := range info.Deps {
			switch module.Path {
			case "k8s.io/kubernetes":
				v.Kubernetes = module.Version
			case "go.etcd.io/etcd/server/v3":
				v.Etcd = module.Version
			case "sigs.k8s.io/kwok":
				v.KWOK = module.Version
			case "github.com/coredns/coredns":
				v.CoreDNS = module.Version
			case "sigs.k8s.io/metrics-server":
				v.MetricsServer = module.Version
			}
		}
	}
	if v.Version == "" {
		v.Version = "(devel)"
	}
	return v
}

// kubernetesVersion is what the API server says it is: what the linker set
// with -X k8s.io/component-base/version.gitVersion, and without that (a plain
// 'go build' or 'go install') the version of the module.
func kubernetesVersion() string {
	set := componentversion.Get().GitVersion
	if built := builtVersions().Kubernetes; strings.HasPrefix(set, "v0.0.0-master") && built != "unknown" {
		return built
	}
	return set
}

// stampedVersion is an effective version that reports the version of the
// module. Upstream's own placeholder, v0.0.0-master+$Format:%H$, is not even
// a version: clients fail to parse it.
type stampedVersion struct {
	basecompatibility.EffectiveVersion
}

// Info is what the API server answers on /version.
func (s stampedVersion) Info() *version.Info {
	info := s.EffectiveVersion.Info()
	if info != nil {
		info.GitVersion = kubernetesVersion()
	}
	return info
}
