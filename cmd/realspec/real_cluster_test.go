package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/e2e-framework/klient/conf"
)

// needReal skips a test where real nodes cannot be, and fails it there when
// REALSPEC_REQUIRE_REAL says that they must.
func needReal(t *testing.T) {
	t.Helper()
	why := ""
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		why = "real nodes need Linux and root"
	}
	if clusterBinary() == "" {
		why = "there is no realspec-cluster: make build"
	}
	for _, program := range []string{"containerd", "runc", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			why = "real nodes need " + program + ", which is not installed"
		}
	}
	if why != "" {
		skipUnlessRequired(t, why)
	}
}

func skipUnlessRequired(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("REALSPEC_REQUIRE_REAL") != "" {
		t.Fatal(why)
	}
	t.Skip("skipped: " + why)
}

// realNodes is a cluster with real nodes, of one test alone, and a folder for what
// that test builds and writes.
type realNodes struct {
	dir, name, kubeconfig string
	own                   []string // the variables by which programs find it
}

// startRealNodes starts one with nodes such as "2" or "count=1,gpu=2", and takes it
// down when the test ends.
func startRealNodes(t *testing.T, name string, nodes ...string) *realNodes {
	t.Helper()
	needReal(t)
	dir := t.TempDir()
	c := &realNodes{dir: dir, name: name, kubeconfig: filepath.Join(dir, "kubeconfig")}
	c.own = []string{"REALSPEC_STATE=" + filepath.Join(dir, "state"), "KUBECONFIG=" + c.kubeconfig, "REALSPEC_CLUSTER=" + clusterBinary()}
	up := []string{"up", "--name", name, "--kubeconfig", c.kubeconfig, "--owner", fmt.Sprint(os.Getpid())}
	for _, one := range nodes {
		up = append(up, "--real-nodes", one)
	}
	code, out := c.try(t, clusterBinary(), up...)
	if code != 0 && strings.Contains(out, "real nodes need") { // a plugin is missing, say
		skipUnlessRequired(t, out)
	}
	if code != 0 {
		t.Fatalf("the cluster %s did not start: exit code %d\n%s", name, code, out)
	}
	t.Cleanup(func() {
		if code, out := c.try(t, clusterBinary(), "down", "--name", name); code != 0 {
			t.Errorf("the cluster %s stays: exit code %d\n%s", name, code, out)
		}
	})
	return c
}

// try runs a program, and answers with its exit code and all its output.
func (c *realNodes) try(t *testing.T, program string, args ...string) (int, string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), c.own...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// must runs a program that has to end well.
func (c *realNodes) must(t *testing.T, program string, args ...string) string {
	t.Helper()
	code, out := c.try(t, program, args...)
	if code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s", filepath.Base(program), strings.Join(args, " "), code, out)
	}
	return out
}

// build builds a program of this module. All of them lie beside each other: realspec
// looks for realspec-agent there.
func (c *realNodes) build(t *testing.T, path string) string {
	t.Helper()
	return buildStatic(t, c.dir, path)
}

// buildStatic builds a program of this module as it ships, into a folder.
func buildStatic(t *testing.T, dir, path string) string {
	t.Helper()
	program := filepath.Join(dir, filepath.Base(path))
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, path)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// image gives the nodes an image of a program.
func (c *realNodes) image(t *testing.T, program, as string, flags ...string) {
	t.Helper()
	archive := filepath.Join(c.dir, "image.tar")
	c.must(t, clusterBinary(), append([]string{"pack-image", "--program", program, "--as", as, archive}, flags...)...)
	c.must(t, clusterBinary(), "load-image", archive, "--name", c.name)
}

// nodeOfCluster is a node as realspec-cluster lists it, with its first process.
type nodeOfCluster struct {
	Name, Address string
	PID           int
}

func (c *realNodes) nodes(t *testing.T) (nodes []nodeOfCluster) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.must(t, clusterBinary(), "node", "list", "--name", c.name, "-o", "json")), &nodes); err != nil {
		t.Fatal(err)
	}
	return nodes
}

// client is Kubernetes' own, for what a test does beside realspec.
func (c *realNodes) client(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	config, err := conf.New(c.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
