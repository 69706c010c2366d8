package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
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
	c := startRealNodes(t, "power", "2")
	g := NewWithT(t)
	program := c.build(t, "../realspec")
	folded := func(out string) string { return strings.Join(strings.Fields(out), " ") } // lines are broken anywhere
	asBefore := func() {
		t.Helper()
		list := folded(c.must(t, clusterBinary(), "node", "list", "--name", c.name))
		g.Expect(list).To(MatchRegexp(`real-0 +running +up `))
		g.Expect(list).To(MatchRegexp(`real-1 +running +up `))
		g.Expect(c.must(t, program, "eval", "nodes.all(n, n.ready && n.schedulable)")).To(HavePrefix("true"))
	}

	out := folded(c.must(t, program, "run", "testdata/power/stopped", "--allow-disruption", "-v"))
	g.Expect(out).To(ContainSubstring("delayed Node/real-1 by 20ms in each direction"))
	g.Expect(out).To(ContainSubstring("stopped Node/real-1"))
	g.Expect(out).NotTo(ContainSubstring("undone"), "the scenario did it itself")
	asBefore()

	code, out := c.try(t, program, "run", "testdata/power/left", "--allow-disruption", "-v")
	g.Expect(code).To(Equal(1), out)
	g.Expect(folded(out)).To(MatchRegexp(`undone in [^:]*: Node/real-0 uncordoned, Node/real-0 started, Node/real-1 healed`))
	asBefore()

	// An undo that fails is told, with the node and what to type.
	broken, result := filepath.Join(c.dir, "broken"), filepath.Join(c.dir, "result.json")
	script := bytes.ReplaceAll([]byte(`#!/bin/sh
case "$*" in "node heal "*) echo "its server does not answer" >&2; exit 1;; esac
exec BINARY "$@"
`), []byte("BINARY"), []byte(clusterBinary()))
	g.Expect(os.WriteFile(broken, script, 0o755)).To(Succeed())
	with := *c
	with.own = append(slices.Clone(c.own), "REALSPEC_CLUSTER="+broken)
	code, out = with.try(t, program, "run", "testdata/power/left", "--allow-disruption", "--json", result)
	g.Expect(code).To(Equal(1), out) // the failure of the scenario outranks it
	text, err := os.ReadFile(result)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(text)).To(ContainSubstring("Node/real-1 is not as it was: realspec-cluster node: its server does not answer; " +
		"to mend it: realspec-cluster node heal real-1 --name power"))
	c.must(t, clusterBinary(), "node", "heal", "real-1", "--name", c.name)
}
