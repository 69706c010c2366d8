package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// local is the real cluster that the tests of this package share. It is started
// by the first test that needs it.
var local struct {
	sync.Once
	dir, kubeconfig, binary string
	err                     error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if local.dir != "" {
		stopReal()
		down := exec.Command(local.binary, "down", "--name", "engine-cluster-test", "--state", filepath.Join(local.dir, "state"))
		if out, err := down.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "the test cluster does not stop: %v\n%s", err, out)
		}
		os.RemoveAll(local.dir)
	}
	os.Exit(code)
}

// kubeconfig is the file of a running cluster; without the program that starts
// one, the test is skipped.
func kubeconfig(t testing.TB) string {
	t.Helper()
	local.Do(func() { local.err = startLocal() })
	if errors.Is(local.err, errNoBinary) && os.Getenv("REALSPEC_REQUIRE_CLUSTER") != "1" {
		t.Skip(local.err)
	}
	if local.err != nil {
		t.Fatal(local.err)
	}
	return local.kubeconfig
}

var errNoBinary = errors.New("there is no bin/realspec-cluster to start a cluster with, and REALSPEC_CLUSTER_BIN names none")

func startLocal() error {
	binary, err := findBinary()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "realspec-cluster-test")
	if err != nil {
		return err
	}
	local.dir, local.binary, local.kubeconfig = dir, binary, filepath.Join(dir, "kubeconfig")
	up := exec.Command(binary, "up", "--name", "engine-cluster-test", "--state", filepath.Join(dir, "state"),
		"--kubeconfig", local.kubeconfig, "--nodes", "count=3,cpu=4,memory=8Gi", "--owner", strconv.Itoa(os.Getpid()))
	if out, err := up.CombinedOutput(); err != nil {
		return fmt.Errorf("the test cluster does not start: %w\n%s", err, out)
	}
	return nil
}

func findBinary() (string, error) {
	if path := os.Getenv("REALSPEC_CLUSTER_BIN"); path != "" {
		return path, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "bin", "realspec-cluster")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errNoBinary
}

// restConfig is the configuration for client-go, for proxies.
func restConfig(t testing.TB) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// noEnv is an environment in which nothing is set.
func noEnv(string) string { return "" }

// connect opens the shared cluster, or what the options name instead.
func connect(t testing.TB, o Options) *Client {
	t.Helper()
	if o.Kubeconfig == "" {
		o.Kubeconfig = kubeconfig(t)
	}
	if o.Env == nil {
		o.Env = noEnv
	}
	c, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// names makes the names of one test run unique on the cluster.
var names = struct {
	sync.Mutex
	n int
}{}

func unique(prefix string) string {
	names.Lock()
	defer names.Unlock()
	names.n++
	return fmt.Sprintf("%s-%d", prefix, names.n)
}

// namespaceFor creates a namespace, and deletes it after the test without
// waiting.
func namespaceFor(t testing.TB, c *Client) string {
	t.Helper()
	name := unique("test")
	if _, err := c.CreateNamespace(context.Background(), name, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteLater(t, name) })
	return name
}

func deleteLater(t testing.TB, namespace string) {
	c, err := Open(context.Background(), Options{Kubeconfig: kubeconfig(t), Env: noEnv})
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.Delete(context.Background(), Namespaces, "", namespace, DeleteOptions{})
}

// object reads a manifest; every %s in it stands for the next argument.
func object(t testing.TB, manifest string, args ...any) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	text := fmt.Sprintf(strings.ReplaceAll(strings.TrimSpace(manifest), "\t", "  "), args...)
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return u
}

func configMap(namespace, name, value string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"namespace": namespace, "name": name},
		"data":     map[string]any{"value": value},
	}}
}

// kind finds a kind or fails.
func kind(t testing.TB, c *Client, apiVersion, name string) Resource {
	t.Helper()
	r, err := c.Resource(apiVersion, name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// soon is a context that ends the test rather than let it hang.
func soon(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// eventually is Gomega's, with a limit that a slow machine keeps too.
func eventually(g *WithT, f any) AsyncAssertion {
	return g.Eventually(f).WithTimeout(20 * time.Second).WithPolling(5 * time.Millisecond)
}
