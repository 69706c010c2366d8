package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// toldImage is the image of testdata/told on the cluster with a real node.
const toldImage = "docker.io/library/told:1"

// realName is the name of that cluster.
const realName = "engine-cluster-real"

// realLocal is a cluster with a real node that the tests of this package share.
var realLocal struct {
	sync.Once
	kubeconfig string
	err        error
}

// realKubeconfig is the file of a running cluster with a real node that has
// toldImage. Where that cannot be, the test is skipped, or fails when
// REALSPEC_REQUIRE_REAL says that it must.
func realKubeconfig(t testing.TB) string {
	t.Helper()
	kubeconfig(t) // its folder and its end are shared
	realLocal.Do(func() { realLocal.err = startReal() })
	switch err := realLocal.err; {
	case err == nil:
	case strings.Contains(err.Error(), "real nodes need") && os.Getenv("REALSPEC_REQUIRE_REAL") == "":
		t.Skipf("skipped: needs real nodes: %v", err)
	default:
		t.Fatal(err)
	}
	return realLocal.kubeconfig
}

func startReal() error {
	realLocal.kubeconfig = filepath.Join(local.dir, "real")
	program, archive := filepath.Join(local.dir, "told"), filepath.Join(local.dir, "told.tar")
	state := filepath.Join(local.dir, "state")
	for _, args := range [][]string{
		{local.binary, "up", "--name", realName, "--kubeconfig", realLocal.kubeconfig, "--real-nodes", "1",
			"--owner", strconv.Itoa(os.Getpid()), "--state", state},
		{"go", "build", "-trimpath", "-o", program, "./testdata/told"},
		{local.binary, "pack-image", "--program", program, "--as", toldImage, archive},
		{local.binary, "load-image", "--name", realName, "--state", state, archive},
	} {
		command := exec.Command(args[0], args[1:]...)
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w\n%s", filepath.Base(args[0]), args[1], err, out)
		}
	}
	return nil
}

// stopReal takes the cluster down, if it was started.
func stopReal() {
	if realLocal.kubeconfig == "" {
		return
	}
	down := exec.Command(local.binary, "down", "--name", realName, "--state", filepath.Join(local.dir, "state"))
	if out, err := down.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "the test cluster with a real node does not stop: %v\n%s", err, out)
	}
}

// namespaceOn creates a namespace on the cluster of the client, and deletes it
// after the test without waiting.
func namespaceOn(t testing.TB, c *Client) string {
	t.Helper()
	name := unique("real")
	if _, err := c.CreateNamespace(context.Background(), name, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = c.Delete(ctx, Namespaces, "", name, DeleteOptions{})
	})
	return name
}
