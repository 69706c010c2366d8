package agent_test

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

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/local"
	"github.com/realspec/realspec/engine/local/localtest"
)

// real is a cluster of two real nodes and a simulated one, with the agent image on
// it. The first test that needs it starts it.
var real struct {
	sync.Once
	dir, kubeconfig, image string
	binary                 local.Binary
	err                    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if real.dir != "" {
		if err := real.binary.Down(context.Background(), "engine-agent-test"); err != nil {
			fmt.Fprintf(os.Stderr, "the test cluster does not stop: %v\n", err)
		}
		os.RemoveAll(real.dir)
	}
	os.Exit(code)
}

// connect opens the cluster. Where real nodes cannot be, the test is skipped, unless
// REALSPEC_REQUIRE_REAL says that they must.
func connect(t *testing.T) *cluster.Client {
	t.Helper()
	real.Do(func() { real.err = start() })
	if real.err != nil {
		if os.Getenv("REALSPEC_REQUIRE_REAL") == "" && cannotBe(real.err) {
			t.Skipf("skipped: needs real nodes: %v", real.err)
		}
		t.Fatal(real.err)
	}
	client, err := cluster.Open(t.Context(), cluster.Options{Kubeconfig: real.kubeconfig, Env: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// cannotBe tells what this machine lacks from what is broken.
func cannotBe(err error) bool {
	return errors.Is(err, localtest.ErrNoBinary) || strings.Contains(err.Error(), "real nodes need")
}

func start() error {
	binary, err := localtest.Find()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "realspec-agent-test")
	if err != nil {
		return err
	}
	real.dir, real.kubeconfig, real.binary = dir, filepath.Join(dir, "kubeconfig"), binary
	os.Setenv("REALSPEC_STATE", filepath.Join(dir, "state"))
	flags := []string{"--real-nodes", "count=2,memory=2Gi,storage=1Gi", "--nodes", "count=1", "--kubeconfig", real.kubeconfig}
	if _, err := real.binary.Up(context.Background(), "engine-agent-test", flags, os.Getpid(), nil); err != nil {
		return err
	}
	program := filepath.Join(dir, "realspec-agent")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "../../cmd/realspec-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("realspec-agent cannot be built: %w\n%s", err, out)
	}
	if real.image, err = local.AgentImage(program); err != nil {
		return err
	}
	return real.binary.GiveImage(context.Background(), "engine-agent-test", program, real.image)
}

// count makes names that no other test has.
var count struct {
	sync.Mutex
	n int
}

func unique(prefix string) string {
	count.Lock()
	defer count.Unlock()
	count.n++
	return prefix + "-" + strconv.Itoa(count.n)
}

func object(apiVersion, kind, namespace, name string, content map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: content}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	u.SetNamespace(namespace)
	u.SetName(name)
	return u
}
