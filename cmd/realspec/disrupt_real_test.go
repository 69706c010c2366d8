package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// Real nodes are stopped, frozen, slowed down and cut off, and are as before when
// the scenario has ended, however it ends. It takes about a minute and a half: the
// control plane gives a silent node 50 s.
func TestDisruptRealNodes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: takes a minute and a half")
	}
	needReal(t)
	g := NewWithT(t)
	dir := t.TempDir()
	program, kubeconfig := filepath.Join(dir, "realspec"), filepath.Join(dir, "kubeconfig")
	state := "REALSPEC_STATE=" + filepath.Join(dir, "state")
	command := func(cluster, name string, args ...string) (int, string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), state, "KUBECONFIG="+kubeconfig, "REALSPEC_CLUSTER="+cluster)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), strings.Join(strings.Fields(string(out)), " ") // lines are folded
	}
	must := func(name string, args ...string) string {
		t.Helper()
		code, out := command(clusterBinary(), name, args...)
		g.Expect(code).To(BeZero(), out)
		return out
	}
	must("go", "build", "-o", program, ".")
	must(clusterBinary(), "up", "--name", "power", "--real-nodes", "2", "--kubeconfig", kubeconfig, "--owner", fmt.Sprint(os.Getpid()))
	t.Cleanup(func() { must(clusterBinary(), "down", "--name", "power") })
	asBefore := func() {
		t.Helper()
		list := must(clusterBinary(), "node", "list", "--name", "power")
		g.Expect(list).To(MatchRegexp(`real-0 +running +up `))
		g.Expect(list).To(MatchRegexp(`real-1 +running +up `))
		g.Expect(must(program, "eval", "nodes.all(n, n.ready && n.schedulable)")).To(HavePrefix("true"))
	}

	out := must(program, "run", "testdata/power/stopped", "--allow-disruption", "-v")
	g.Expect(out).To(ContainSubstring("delayed Node/real-1 by 20ms in each direction"))
	g.Expect(out).To(ContainSubstring("stopped Node/real-1"))
	g.Expect(out).NotTo(ContainSubstring("undone"), "the scenario did it itself")
	asBefore()

	code, out := command(clusterBinary(), program, "run", "testdata/power/left", "--allow-disruption", "-v")
	g.Expect(code).To(Equal(1), out)
	g.Expect(out).To(MatchRegexp(`undone in [^:]*: Node/real-0 uncordoned, Node/real-0 started, Node/real-1 healed`))
	asBefore()

	// An undo that fails is told, with the node and what to type.
	broken := filepath.Join(dir, "broken")
	script := bytes.ReplaceAll([]byte(`#!/bin/sh
case "$*" in "node heal "*) echo "its server does not answer" >&2; exit 1;; esac
exec BINARY "$@"
`), []byte("BINARY"), []byte(clusterBinary()))
	g.Expect(os.WriteFile(broken, script, 0o755)).To(Succeed())
	code, out = command(broken, program, "run", "testdata/power/left", "--allow-disruption", "--json", filepath.Join(dir, "result.json"))
	g.Expect(code).To(Equal(1), out) // the failure of the scenario outranks it
	result, err := os.ReadFile(filepath.Join(dir, "result.json"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(result)).To(ContainSubstring("Node/real-1 is not as it was: realspec-cluster node: its server does not answer; " +
		"to mend it: realspec-cluster node heal real-1 --name power"))
	must(clusterBinary(), "node", "heal", "real-1", "--name", "power")
}
