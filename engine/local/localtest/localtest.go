// Package localtest gives tests of other packages a local cluster.
package localtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/realspec/realspec/engine/local"
)

// ErrNoBinary means that realspec-cluster is not built.
var ErrNoBinary = errors.New("there is no bin/realspec-cluster to start a cluster with (make build), and REALSPEC_CLUSTER_BIN names none")

// Find is the realspec-cluster to test with: that of REALSPEC_CLUSTER_BIN, or the
// one that make has built in the folder bin of this module.
func Find() (local.Binary, error) {
	if path := os.Getenv("REALSPEC_CLUSTER_BIN"); path != "" {
		return local.Binary{Path: path}, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return local.Binary{}, err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "bin", local.Program)
		if _, err := os.Stat(path); err == nil {
			return local.Binary{Path: path}, nil
		}
	}
	return local.Binary{}, ErrNoBinary
}

// Start starts a cluster that ends with the test. Where realspec-cluster is not
// built the test is skipped, or fails when REALSPEC_REQUIRE_CLUSTER is 1.
func Start(t testing.TB, name string, flags ...string) *local.Cluster {
	t.Helper()
	binary, err := Find()
	if err != nil && os.Getenv("REALSPEC_REQUIRE_CLUSTER") != "1" {
		t.Skipf("skipped: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Setenv("REALSPEC_STATE", t.TempDir())
	// Also when it does not come up: something of it may be there.
	t.Cleanup(func() {
		if err := binary.Down(context.Background(), name); err != nil {
			t.Errorf("the test cluster does not stop: %v", err)
		}
	})
	up, err := binary.Up(t.Context(), name, flags, os.Getpid(), nil)
	if err != nil {
		t.Fatalf("the test cluster does not start: %v", err)
	}
	return up
}
