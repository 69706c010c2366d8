package cluster

import (
	"net/http"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig is a kubeconfig of this cluster and user alone, for a program that
// is to work on it: certificates and tokens are in it, so it is a secret. Its
// current context has the namespace as its own.
func (c *Client) Kubeconfig(namespace string) ([]byte, error) {
	r := c.config
	const name = "realspec"
	server := &api.Cluster{
		Server: c.Server().String(), InsecureSkipTLSVerify: r.Insecure, TLSServerName: r.ServerName,
		CertificateAuthority: r.CAFile, CertificateAuthorityData: r.CAData, DisableCompression: r.DisableCompression,
	}
	if r.Proxy != nil {
		if request, err := http.NewRequest(http.MethodGet, server.Server, http.NoBody); err == nil {
			if proxy, err := r.Proxy(request); err == nil && proxy != nil {
				server.ProxyURL = proxy.String()
			}
		}
	}
	user := &api.AuthInfo{
		ClientCertificate: r.CertFile, ClientCertificateData: r.CertData, ClientKey: r.KeyFile, ClientKeyData: r.KeyData,
		Token: r.BearerToken, TokenFile: r.BearerTokenFile, Username: r.Username, Password: r.Password,
		Impersonate: r.Impersonate.UserName, ImpersonateGroups: r.Impersonate.Groups, ImpersonateUID: r.Impersonate.UID,
		ImpersonateUserExtra: r.Impersonate.Extra,
		AuthProvider:         r.AuthProvider, Exec: r.ExecProvider,
	}
	if c.as != "" {
		user.Impersonate, user.ImpersonateGroups, user.ImpersonateUID, user.ImpersonateUserExtra = c.as, nil, "", nil
	}
	if user.TokenFile != "" {
		if _, err := os.Stat(user.TokenFile); err == nil {
			user.Token = "" // a pod's token is renewed in its file
		}
	}
	config := api.NewConfig()
	config.Clusters[name], config.AuthInfos[name] = server, user
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name, Namespace: namespace}
	config.CurrentContext = name
	if err := api.FlattenConfig(config); err != nil {
		return nil, err
	}
	return clientcmd.Write(*config)
}
