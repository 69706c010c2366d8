package main

import (
	"fmt"
	"os"
)

// writeIdentities makes all keys and certificates of a new cluster and the
// kubeconfigs that carry them. Every component has an identity of its own,
// with the rights that Kubernetes' RBAC gives it and no more.
func (s *server) writeIdentities(serverURL string) error {
	ca, err := newAuthority(s.place.name)
	if err != nil {
		return err
	}
	s.ca = ca
	serving, err := ca.serving(append(s.realAddresses(), firstServiceIP())...)
	if err != nil {
		return err
	}
	_, accounts, err := newKey()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"ca.crt":               ca.pem.certificate,
		"ca.key":               ca.pem.key,
		"apiserver.crt":        serving.certificate,
		"apiserver.key":        serving.key,
		"service-accounts.key": accounts,
	}
	for _, user := range []struct{ file, name, group string }{
		{"kubeconfig", "realspec-admin", "system:masters"},
		{"kube-controller-manager.kubeconfig", "system:kube-controller-manager", ""},
		{"kube-scheduler.kubeconfig", "system:kube-scheduler", ""},
		{"kwok.kubeconfig", kwokUser, kwokGroup},
	} {
		var groups []string
		if user.group != "" {
			groups = append(groups, user.group)
		}
		pair, err := ca.client(user.name, groups...)
		if err != nil {
			return err
		}
		if files[user.file], err = newKubeconfig(s.place.name, serverURL, ca.pem.certificate, pair); err != nil {
			return fmt.Errorf("%s: %w", user.file, err)
		}
	}
	if err := s.addRealIdentities(files); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(s.place.path(name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
