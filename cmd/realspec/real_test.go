package main

import (
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRealScripts runs the scripts under testdata/real on a cluster with two real
// nodes that have the image told:1 (engine/cluster/testdata/told). They skip where real
// nodes cannot be, unless REALSPEC_REQUIRE_REAL says that they must.
func TestRealScripts(t *testing.T) {
	t.Parallel()
	c := startRealNodes(t, "e2e-real", "2")
	c.image(t, c.build(t, "../../engine/cluster/testdata/told"), "told:1")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/real",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Deadline:            time.Now().Add(15 * time.Minute),
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, c.own...)
			e.Setenv("CI", "true")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "until": until},
	})
}
