package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asCommand makes the test binary be the command: linking a second program of
// this size would take longer than all tests.
const asCommand = "REALSPEC_CLUSTER_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) == "1" {
		main()
	}
	os.Exit(m.Run())
}

// tool runs the command with a state folder of its own.
type tool struct {
	t     *testing.T
	state string
}

// result is what a command wrote and how it ended.
type result struct {
	out, err string
	code     int
}

// newTool returns a tool whose clusters are gone when the test is over.
func newTool(t *testing.T) *tool {
	t.Helper()
	c := &tool{t: t, state: t.TempDir() + "/state"}
	t.Cleanup(func() {
		if got := c.run("down", "--all"); got.code != 0 {
			t.Errorf("down --all: exit code %d\n%s", got.code, got.err)
		}
	})
	return c
}

// command returns the command, not yet started. $REALSPEC_CLUSTER_BIN tests a
// binary that has been built already.
func (c *tool) command(args ...string) *exec.Cmd {
	c.t.Helper()
	path := os.Getenv("REALSPEC_CLUSTER_BIN")
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			c.t.Fatal(err)
		}
		path = self
	}
	command := exec.Command(path, args...)
	command.Env = append(os.Environ(), asCommand+"=1", "REALSPEC_STATE="+c.state)
	return command
}

func (c *tool) run(args ...string) result {
	c.t.Helper()
	command := c.command(args...)
	var out, err bytes.Buffer
	command.Stdout, command.Stderr = &out, &err
	ended := command.Run()
	var exit *exec.ExitError
	if ended != nil && !errors.As(ended, &exit) {
		c.t.Fatalf("%s: %v", strings.Join(args, " "), ended)
	}
	return result{out: out.String(), err: err.String(), code: command.ProcessState.ExitCode()}
}

// folder is the folder of a cluster of this tool.
func (c *tool) folder(name string) folder {
	return folder{root: stateRoot(c.state), name: name}
}
