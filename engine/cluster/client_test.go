package cluster

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/clientcmd/api"
)

func TestOpenSaysWhichClusterItIs(t *testing.T) {
	g := NewWithT(t)
	file := kubeconfig(t)
	c := connect(t, Options{Kubeconfig: file})
	g.Expect(c.Info().Version).To(MatchRegexp(`^1\.\d+\.\d+$`))
	g.Expect(c.Info().GitVersion).To(HavePrefix("v" + c.Info().Version))
	g.Expect(c.Info().Context).NotTo(BeEmpty())
	g.Expect(c.Info().Server).To(HavePrefix("https://127.0.0.1:"))
	g.Expect(c.Info().Source).To(Equal("--kubeconfig " + file))
	g.Expect(c.Account().Requests).To(Equal(map[string]int64{"other": 1}))
	g.Expect(c.Account().BytesIn).To(BeNumerically(">", 500))
	g.Expect(c.Account().BytesOut).To(BeNumerically(">", 100))
}

func TestPlainVersion(t *testing.T) {
	for git, want := range map[string]string{
		"v1.37.2": "1.37.2", "v1.33.1-eks-7c5e2d": "1.33.1", "v1.30.0+k3s1": "1.30.0", "1.24.17-gke.1": "1.24.17",
	} {
		if got := plainVersion(git); got != want {
			t.Errorf("%s is read as %s, not %s", git, got, want)
		}
	}
}

func TestOpenFindsTheConfiguration(t *testing.T) {
	g := NewWithT(t)
	file := kubeconfig(t)
	home := t.TempDir()
	raw, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.MkdirAll(filepath.Join(home, ".kube"), 0o755)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(home, ".kube", "config"), raw, 0o600)).To(Succeed())
	other := writeKubeconfig(t, func(c *api.Config) {
		c.Clusters["c"] = &api.Cluster{Server: "https://192.0.2.1"}
		c.CurrentContext = ""
	})
	missing := filepath.Join(t.TempDir(), "not-there")
	list := strings.Join([]string{missing, other, file}, string(filepath.ListSeparator))
	for _, tt := range []struct {
		name, source string
		env          map[string]string
	}{
		{"home", "~/.kube/config", map[string]string{"HOME": home}},
		{"KUBECONFIG", "KUBECONFIG=" + file, map[string]string{"HOME": t.TempDir(), "KUBECONFIG": file}},
		{"list, one of them missing, the current context in the last", "KUBECONFIG=" + list, map[string]string{"KUBECONFIG": list}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := NewWithT(t)
			c, err := Open(t.Context(), Options{Env: func(k string) string { return tt.env[k] }})
			g.Expect(err).NotTo(HaveOccurred())
			defer c.Close()
			g.Expect(c.Info().Source).To(Equal(tt.source))
			g.Expect(c.Info().Version).NotTo(BeEmpty())
		})
	}
}

func TestOpenRefusesBrokenConfigurations(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	two := writeKubeconfig(t, func(c *api.Config) {
		c.Clusters["c"] = &api.Cluster{Server: "https://192.0.2.1"}
		c.Contexts["staging"] = &api.Context{Cluster: "c", AuthInfo: "u"}
	})
	none := writeKubeconfig(t, func(c *api.Config) {
		c.Clusters["c"] = &api.Cluster{Server: "https://192.0.2.1"}
		c.CurrentContext = ""
	})
	stale := writeKubeconfig(t, func(c *api.Config) {
		c.Clusters["c"] = &api.Cluster{Server: "https://192.0.2.1"}
		c.CurrentContext = "tset"
	})
	noCA := writeKubeconfig(t, func(c *api.Config) {
		c.Clusters["c"] = &api.Cluster{Server: "https://192.0.2.1", CertificateAuthority: "/not/there/ca.crt"}
	})
	noCluster := writeKubeconfig(t, func(c *api.Config) { c.Contexts["test"].Cluster = "gone" })
	noUser := writeKubeconfig(t, func(c *api.Config) {
		c.Clusters["c"] = &api.Cluster{Server: "https://192.0.2.1"}
		c.Contexts["test"].AuthInfo = "bob"
		c.AuthInfos["bub"] = &api.AuthInfo{}
	})
	badCA := writeKubeconfig(t, func(c *api.Config) {
		c.Clusters["c"] = &api.Cluster{Server: "https://192.0.2.1", CertificateAuthorityData: []byte("no certificate")}
	})
	plugin := writeKubeconfig(t, func(c *api.Config) {
		c.Clusters["c"] = &api.Cluster{Server: "https://192.0.2.1"}
		c.AuthInfos["u"] = &api.AuthInfo{Exec: &api.ExecConfig{
			Command: "no-such-credential-plugin", APIVersion: "client.authentication.k8s.io/v1",
			InteractiveMode: api.NeverExecInteractiveMode, InstallHint: "install it from its vendor",
		}}
	})
	missing := filepath.Join(dir, "missing")
	for _, tt := range []struct {
		name    string
		options Options
		env     map[string]string
		want    []string
	}{
		{"missing file", Options{Kubeconfig: missing}, nil, []string{"there is no kubeconfig at " + missing}},
		{"missing files of the list", Options{}, map[string]string{"KUBECONFIG": missing}, []string{"there is no kubeconfig at " + missing}},
		{"empty file", Options{Kubeconfig: write("empty", "")}, nil, []string{"is empty: it names no cluster"}},
		{"YAML error", Options{Kubeconfig: write("bad", "apiVersion: v1\nkind: Config\nclusters: [\n")}, nil, []string{"cannot read the kubeconfig", "line 3"}},
		{"no mapping", Options{Kubeconfig: write("text", "hello\n")}, nil, []string{"it is not a kubeconfig"}},
		{"folder", Options{Kubeconfig: dir}, nil, []string{"cannot read the kubeconfig " + dir, "is a directory"}},
		{"unknown context", Options{Kubeconfig: two, Context: "stagin"}, nil,
			[]string{`context "stagin" is not in the kubeconfig`, `did you mean "staging"?`, "its contexts: staging, test"}},
		{"no current context", Options{Kubeconfig: none}, nil, []string{"names no current context", "its contexts: test", "--context NAME"}},
		{"stale current context", Options{Kubeconfig: stale}, nil, []string{`the current context "tset" is not in`, `did you mean "test"?`}},
		{"missing CA file", Options{Kubeconfig: noCA}, nil, []string{"/not/there/ca.crt", "no such file"}},
		{"bad CA", Options{Kubeconfig: badCA}, nil, []string{"certificate"}},
		{"context of a cluster that is not there", Options{Kubeconfig: noCluster}, nil, []string{`names the cluster "gone", which is not in the kubeconfig`}},
		{"context of a user that is not there", Options{Kubeconfig: noUser}, nil, []string{`names the user "bob"`, `did you mean "bub"?`}},
		{"missing plugin", Options{Kubeconfig: plugin}, nil, []string{`"no-such-credential-plugin", which is not installed`, "install it from its vendor"}},
		{"groups without a user", Options{Kubeconfig: two, AsGroups: []string{"g"}}, nil, []string{"--as-group is given without --as"}},
		{"context without a kubeconfig", Options{Context: "x"}, map[string]string{"HOME": dir}, []string{`context "x" is asked for, but there is no kubeconfig`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := NewWithT(t)
			tt.options.Env = func(k string) string { return tt.env[k] }
			_, err := Open(t.Context(), tt.options)
			var mistake *ConfigError
			g.Expect(err).To(BeAssignableToTypeOf(mistake))
			for _, want := range tt.want {
				g.Expect(err.Error()).To(ContainSubstring(want))
			}
			expectPlain(t, err)
		})
	}
}

// expectPlain refuses what no person should have to read.
func expectPlain(t *testing.T, err error) {
	t.Helper()
	for _, word := range []string{"unmarshal", "*url.", "map[string]", "json:", "0x", "&{", "%!", "Get \""} {
		if strings.Contains(err.Error(), word) {
			t.Errorf("%q is not for people: %s", word, err)
		}
	}
}

func TestOpenWithoutAnyConfiguration(t *testing.T) {
	g := NewWithT(t)
	home := t.TempDir()
	env := func(k string) string { return map[string]string{"HOME": home}[k] }
	_, err := Open(t.Context(), Options{Env: env})
	g.Expect(err).To(MatchError(ErrNoConfig))

	// What `kind delete cluster` leaves.
	g.Expect(os.MkdirAll(filepath.Join(home, ".kube"), 0o755)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(home, ".kube", "config"),
		[]byte("apiVersion: v1\nclusters: null\ncontexts: null\ncurrent-context: \"\"\nkind: Config\nusers: null\n"), 0o600)).To(Succeed())
	_, err = Open(t.Context(), Options{Env: env})
	g.Expect(err).To(MatchError(ErrNoConfig))
}

func TestOpenUnreachable(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("<html>welcome")) }))
	defer page.Close()
	login := httptest.NewServer(http.RedirectHandler("/login", http.StatusFound))
	defer login.Close()
	foreign := httptest.NewUnstartedServer(http.NotFoundHandler())
	foreign.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told of our refusal
	foreign.StartTLS()
	defer foreign.Close()
	strict := httptest.NewServer(says(http.StatusUnauthorized, "Unauthorized"))
	defer strict.Close()
	for _, tt := range []struct {
		name, server, why string
		atMost            time.Duration
	}{
		{"nobody listens", "https://" + nobody, "connection refused", time.Second},
		{"no answer", "https://" + silent.Addr().String(), "no answer", 2 * time.Second},
		{"no such name", "https://no-such-name.invalid", `the name "no-such-name.invalid" cannot be resolved`, 3 * time.Second},
		{"another certificate", foreign.URL, "signed by an authority that the kubeconfig does not trust", time.Second},
		{"no TLS", strings.Replace(page.URL, "http", "https", 1), "does not speak TLS", time.Second},
		{"a web page", page.URL, "not a Kubernetes API server", time.Second},
		{"a login page", login.URL, "302", time.Second},
		{"no credentials", strict.URL, "does not accept the credentials", time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := NewWithT(t)
			file := writeKubeconfig(t, func(c *api.Config) { c.Clusters["c"] = &api.Cluster{Server: tt.server} })
			start := time.Now()
			_, err := Open(t.Context(), Options{Kubeconfig: file, Env: noEnv, Timeout: time.Second})
			var unreachable *UnreachableError
			g.Expect(err).To(BeAssignableToTypeOf(unreachable))
			g.Expect(err.Error()).To(ContainSubstring(tt.why))
			g.Expect(err.Error()).To(ContainSubstring(`context "test"`))
			g.Expect(IsUnavailable(err)).To(BeTrue())
			g.Expect(time.Since(start)).To(BeNumerically("<", tt.atMost))
			expectPlain(t, err)
		})
	}
}

// nobody is an address at which nobody listens: no program is ever given that port by
// chance, as it is with one that has just been closed.
const nobody = "127.0.0.1:1"

func TestOpenWaitsOutAStartingServer(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	p.breaks(times(2, func(*http.Request) bool { return true }, says(503, "ServiceUnavailable")))
	c := connect(t, Options{Kubeconfig: p.kubeconfig})
	g.Expect(c.Account().Retries).To(Equal(map[string]int64{"5xx": 2}))
}

func TestOpenStopsWithItsContext(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	p.breaks(func(w http.ResponseWriter, r *http.Request) bool { hangs(w, r); return true })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := Open(ctx, Options{Kubeconfig: p.kubeconfig, Env: noEnv})
	g.Expect(err).To(MatchError(context.Canceled))
	g.Expect(IsUnavailable(err)).To(BeFalse())
}

// credentialPlugin writes a program that hands out the cluster's own client
// certificate, as the plugins of clouds do with theirs.
func credentialPlugin(t *testing.T, then string) string {
	t.Helper()
	config := restConfig(t)
	credential, err := json.Marshal(map[string]any{
		"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
		"status": map[string]any{"clientCertificateData": string(config.CertData), "clientKeyData": string(config.KeyData)},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+then+"\ncat <<'END'\n"+string(credential)+"\nEND\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return writeKubeconfig(t, func(c *api.Config) {
		c.Clusters["c"] = &api.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
		c.AuthInfos["u"] = &api.AuthInfo{Exec: &api.ExecConfig{
			Command: file, APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: api.NeverExecInteractiveMode,
		}}
	})
}

func TestCredentialPlugin(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{Kubeconfig: credentialPlugin(t, "")})
	_, err := c.Get(t.Context(), Namespaces, "", "default")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(c.Account().BytesIn).To(BeNumerically(">", 0), "the plugin's dialer counts too")

	start := time.Now()
	_, err = Open(t.Context(), Options{Kubeconfig: credentialPlugin(t, "exit 3"), Env: noEnv})
	g.Expect(err).To(MatchError(ContainSubstring("the credential plugin failed")))
	g.Expect(err).To(MatchError(ContainSubstring("exit code 3")))
	g.Expect(time.Since(start)).To(BeNumerically("<", 2*time.Second))
}

func TestImpersonation(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{As: "alice", AsGroups: []string{"testers"}})
	_, err := c.List(t.Context(), Pods, "default", ListOptions{})
	g.Expect(IsRefused(err)).To(BeTrue())
	g.Expect(err.Error()).To(ContainSubstring(`User "alice" cannot list resource "pods"`))
}

func TestFacts(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	facts, err := c.Facts(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(facts.Cluster.Simulated).To(BeTrue())
	g.Expect(facts.Cluster.Version).To(Equal(c.Info().Version))
	g.Expect(facts.Cluster.APIs).To(ContainElements("v1", "apps/v1", "batch/v1"))
	g.Expect(facts.Nodes).To(HaveLen(3))
	node := facts.Nodes[0]
	g.Expect(node.Ready).To(BeTrue())
	g.Expect(node.Schedulable).To(BeTrue())
	g.Expect(node.Simulated).To(BeTrue())
	g.Expect(node.Conditions).To(HaveKeyWithValue("Ready", "True"))
	cpu, memory := node.Allocatable["cpu"], node.Allocatable["memory"]
	g.Expect(cpu.String()).To(Equal("4"))
	g.Expect(memory.String()).To(Equal("8Gi"))
	g.Expect(node.Taints).NotTo(BeNil())
	g.Expect(c.Account().Requests).To(Equal(map[string]int64{"list": 1, "other": 3}))
}
