package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// kubeconfigCommand prints the kubeconfig of a cluster.
type kubeconfigCommand struct {
	Name  string `default:"default" help:"Name of the cluster."`
	State string `help:"Folder of all clusters (default: $$REALSPEC_STATE, or realspec/clusters in the XDG state folder)." placeholder:"DIR"`
}

// Run is called by kong.
func (c *kubeconfigCommand) Run(io streams) error {
	root, err := findStateRoot(c.State, os.Getenv)
	if err != nil {
		return err
	}
	place, err := root.folder(c.Name)
	if err != nil {
		return err
	}
	info := describe(place)
	if info.State != stateRunning {
		return notRunningError("cluster %q is %s, so there is no kubeconfig to print; start it with 'realspec-cluster up --name %s'", c.Name, info.State, c.Name)
	}
	content, err := os.ReadFile(place.kubeconfig())
	if err != nil {
		return fmt.Errorf("kubeconfig of cluster %q: %w", c.Name, err)
	}
	_, err = io.out.Write(content)
	return err
}

// contextPrefix begins every name in a kubeconfig of ours, so that a file can
// be recognised as one, and merged with others without a clash.
const contextPrefix = "realspec-"

// newKubeconfig returns a kubeconfig that stands alone: all keys are in it.
func newKubeconfig(clusterName, server string, authority []byte, client keyPair) ([]byte, error) {
	name := contextPrefix + clusterName
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: server, CertificateAuthorityData: authority}
	config.AuthInfos[name] = &api.AuthInfo{ClientCertificateData: client.certificate, ClientKeyData: client.key}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.Write(*config)
}

// checkExport refuses a place for a kubeconfig that holds something of
// somebody else, which writing would destroy.
func checkExport(path string) error {
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil || !folder.IsDir() {
		return usageError("--kubeconfig %s: folder %s does not exist; make it first", path, filepath.Dir(path))
	}
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usageError("--kubeconfig %s: %w", path, err)
	case len(bytes.TrimSpace(content)) == 0, madeByUs(content):
		return nil
	}
	return usageError("--kubeconfig %s: the file exists and is not one that realspec-cluster wrote; give a path that is free", path)
}

// madeByUs reports whether a kubeconfig holds nothing but one of our clusters.
func madeByUs(content []byte) bool {
	config, err := clientcmd.Load(content)
	if err != nil || len(config.Clusters) != 1 || len(config.AuthInfos) != 1 {
		return false
	}
	for name := range config.Clusters {
		return strings.HasPrefix(name, contextPrefix)
	}
	return false
}

// withdrawExport removes a kubeconfig that was written for this cluster, if
// it still is that: since then, somebody may have put another one there.
func (f folder) withdrawExport(path string) error {
	exported, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	own, err := os.ReadFile(f.kubeconfig())
	if err != nil || !madeByUs(exported) || !sameAuthority(exported, own) {
		return nil
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	return nil
}

// sameAuthority reports whether two kubeconfigs of ours trust the same CA.
// Every start of a cluster makes a new one, so it tells clusters apart even
// when the user has since set a default namespace or renamed the context.
func sameAuthority(one, other []byte) bool {
	a, b := authorityOf(one), authorityOf(other)
	return len(a) > 0 && bytes.Equal(a, b)
}

func authorityOf(content []byte) []byte {
	config, err := clientcmd.Load(content)
	if err != nil {
		return nil
	}
	for _, cluster := range config.Clusters {
		return cluster.CertificateAuthorityData
	}
	return nil
}
