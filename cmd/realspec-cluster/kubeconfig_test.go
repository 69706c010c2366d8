package main

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/clientcmd"
)

// newTestKubeconfig returns a kubeconfig with a CA of its own.
func newTestKubeconfig(t *testing.T, name string) []byte {
	t.Helper()
	ca, err := newAuthority(name)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.client("somebody", "some-group")
	if err != nil {
		t.Fatal(err)
	}
	content, err := newKubeconfig(name, "https://127.0.0.1:1", ca.pem.certificate, pair)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestCertificates(t *testing.T) {
	g := NewWithT(t)
	ca, err := newAuthority("test")
	g.Expect(err).NotTo(HaveOccurred())
	pool := x509.NewCertPool()
	g.Expect(pool.AppendCertsFromPEM(ca.pem.certificate)).To(BeTrue())

	serving, err := ca.serving(net.IPv4(198, 18, 128, 1))
	g.Expect(err).NotTo(HaveOccurred())
	server := parse(t, serving)
	for _, name := range []string{"localhost", "127.0.0.1", "198.18.128.1", "kubernetes.default.svc"} {
		_, err := server.Verify(x509.VerifyOptions{DNSName: name, Roots: pool})
		g.Expect(err).NotTo(HaveOccurred(), name)
	}
	pair, err := ca.client("me", "system:masters")
	g.Expect(err).NotTo(HaveOccurred())
	client := parse(t, pair)
	g.Expect(client.Subject.CommonName).To(Equal("me"))
	g.Expect(client.Subject.Organization).To(Equal([]string{"system:masters"}))
	_, err = client.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	g.Expect(err).NotTo(HaveOccurred())
	_, err = client.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	g.Expect(err).To(HaveOccurred(), "a client must not be able to pose as the server")
}

func parse(t *testing.T, pair keyPair) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(pair.certificate)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func TestKubeconfigStandsAlone(t *testing.T) {
	g := NewWithT(t)
	config, err := clientcmd.RESTConfigFromKubeConfig(newTestKubeconfig(t, "one"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(config.Host).To(Equal("https://127.0.0.1:1"))
	g.Expect(config.CAData).NotTo(BeEmpty())
	g.Expect(config.CertData).NotTo(BeEmpty())
	g.Expect(config.KeyData).NotTo(BeEmpty())
}

func TestCheckExport(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		g.Expect(os.WriteFile(path, []byte(content), 0o600)).To(Succeed())
		return path
	}
	g.Expect(checkExport(filepath.Join(dir, "new"))).To(Succeed())
	g.Expect(checkExport(write("empty", ""))).To(Succeed())
	g.Expect(checkExport(write("ours", string(newTestKubeconfig(t, "one"))))).To(Succeed())
	g.Expect(checkExport(write("notes", "dear diary"))).To(MatchError(ContainSubstring("the file exists and is not one that realspec-cluster wrote")))
	merged, err := clientcmd.Load(newTestKubeconfig(t, "one"))
	g.Expect(err).NotTo(HaveOccurred())
	merged.Clusters["production"] = merged.Clusters["realspec-one"]
	content, err := clientcmd.Write(*merged)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(checkExport(write("merged", string(content)))).To(MatchError(ContainSubstring("give a path that is free")))
	g.Expect(checkExport(filepath.Join(dir, "no", "where"))).To(MatchError(ContainSubstring("does not exist; make it first")))
}

func TestWithdrawExport(t *testing.T) {
	own, other := newTestKubeconfig(t, "one"), newTestKubeconfig(t, "one")
	changed, err := clientcmd.Load(own)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	changed.Contexts["realspec-one"].Namespace = "mine"
	withNamespace, err := clientcmd.Write(*changed)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, test := range []struct {
		name    string
		content []byte
		stays   bool
	}{
		{"as written", own, false},
		{"with another namespace", withNamespace, false},
		{"of a later cluster", other, true},
		{"something else", []byte("dear diary"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			place := folder{root: stateRoot(t.TempDir()), name: "one"}
			g.Expect(place.create()).To(Succeed())
			g.Expect(os.WriteFile(place.kubeconfig(), own, 0o600)).To(Succeed())
			exported := filepath.Join(t.TempDir(), "exported")
			g.Expect(os.WriteFile(exported, test.content, 0o600)).To(Succeed())
			g.Expect(place.withdrawExport(exported)).To(Succeed())
			_, err := os.Stat(exported)
			g.Expect(err == nil).To(Equal(test.stays))
		})
	}
}
