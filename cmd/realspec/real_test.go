package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRealScripts runs the scripts under testdata/real on a cluster with two real
// nodes that have the image told:1 (engine/cluster/testdata/told). They skip where real
// nodes cannot be, unless REALSPEC_REQUIRE_REAL says that they must.
func TestRealScripts(t *testing.T) {
	t.Parallel()
	needCluster(t)
	dir := t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	startReal(t, dir, kubeconfig)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/real",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Deadline:            time.Now().Add(15 * time.Minute),
		Setup: func(e *testscript.Env) error {
			e.Setenv("KUBECONFIG", kubeconfig)
			e.Setenv("REALSPEC_CLUSTER", os.Getenv("REALSPEC_CLUSTER"))
			e.Setenv("REALSPEC_STATE", os.Getenv("REALSPEC_STATE"))
			e.Setenv("CI", "true")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "until": until},
	})
}

func startReal(t *testing.T, dir, kubeconfig string) {
	t.Helper()
	const name = "e2e-real"
	binary := os.Getenv("REALSPEC_CLUSTER")
	program, archive := filepath.Join(dir, "told"), filepath.Join(dir, "told.tar")
	t.Cleanup(func() {
		if out, err := exec.Command(binary, "down", "--name", name).CombinedOutput(); err != nil && !strings.Contains(string(out), "no cluster") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	for _, args := range [][]string{
		{binary, "up", "--name", name, "--kubeconfig", kubeconfig, "--owner", fmt.Sprint(os.Getpid()), "--real-nodes", "2"},
		{"go", "build", "-trimpath", "-o", program, "../../engine/cluster/testdata/told"},
		{binary, "pack-image", "--program", program, "--as", "told:1", archive},
		{binary, "load-image", "--name", name, archive},
	} {
		command := exec.Command(args[0], args[1:]...)
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := command.CombinedOutput()
		if err != nil && strings.Contains(string(out), "real nodes need") && os.Getenv("REALSPEC_REQUIRE_REAL") == "" {
			t.Skipf("skipped: needs real nodes: %s", out)
		}
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", filepath.Base(args[0]), args[1], err, out)
		}
	}
}
