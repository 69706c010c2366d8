package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/realspec/realspec/engine/event"
)

// onSmallNodes are the sizes of the plan's scenarios on nodes of this machine: what is
// left of 2 CPUs and 2Gi once the system has taken its share.
var onSmallNodes = []string{"--set", "nodeCPU=2", "--set", "nodeMemory=1800Mi"}

// TestSpecsOnRealNodes runs every scenario that ships in real containers, with images of
// Debian's packages: all but one on a cluster of three nodes and a GPU node, and
// disaster-recovery, which takes the power of nodes, on one of its own.
func TestSpecsOnRealNodes(t *testing.T) {
	needCluster(t)
	if testing.Short() {
		t.Skip("skipped: takes six minutes")
	}
	c := startSpecs(t)
	t.Run("beside each other", func(t *testing.T) {
		t.Run("disaster-recovery", func(t *testing.T) {
			t.Parallel()
			c.specs(t, []string{"../../specs/disaster-recovery"}, "--cluster", "real")
		})
		t.Run("the others", func(t *testing.T) {
			t.Parallel()
			var others []string
			all, err := filepath.Glob("../../specs/*/scenario.yaml")
			if err != nil || len(all) < 10 {
				t.Fatalf("%d scenarios, %v", len(all), err)
			}
			for _, file := range all {
				if dir := filepath.Dir(file); filepath.Base(dir) != "disaster-recovery" {
					others = append(others, dir)
				}
			}
			c.specs(t, others, "--cluster", "current")
		})
	})
}

type specsCluster struct {
	dir, program string
	env          []string
}

func startSpecs(t *testing.T) *specsCluster {
	t.Helper()
	dir := t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	c := &specsCluster{dir: dir, program: filepath.Join(dir, "realspec")}
	c.env = append(os.Environ(), "REALSPEC_STATE="+filepath.Join(dir, "state"), "KUBECONFIG="+kubeconfig,
		"REALSPEC_CLUSTER="+clusterBinary(), "CGO_ENABLED=0")
	agent := filepath.Join(dir, "realspec-agent") // beside realspec, where it is looked for
	node := "cpu=2,memory=3Gi"
	for _, args := range [][]string{
		{clusterBinary(), "up", "--name", "specs", "--kubeconfig", kubeconfig, "--owner", fmt.Sprint(os.Getpid()),
			"--real-nodes", "count=3," + node,
			"--real-nodes", "count=1,name=gpu,gpu=2,taint=nvidia.com/gpu=present:NoSchedule," + node},
		{"go", "build", "-o", c.program, "."},
		{"go", "build", "-trimpath", "-o", agent, "../realspec-agent"},
		{clusterBinary(), "pack-images", filepath.Join(dir, "images"), "--agent", agent},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = c.env
		out, err := cmd.CombinedOutput()
		missing := strings.Contains(string(out), "real nodes need") || strings.Contains(string(out), "apt-get")
		if err != nil && missing && os.Getenv("REALSPEC_REQUIRE_REAL") == "" {
			t.Skipf("skipped: %s", out)
		}
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		if args[1] == "up" {
			t.Cleanup(func() {
				down := exec.Command(clusterBinary(), "down", "--name", "specs")
				down.Env = c.env
				if out, err := down.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
	return c
}

// specs runs scenarios and looks at what became of every one of them.
func (c *specsCluster) specs(t *testing.T, dirs []string, flags ...string) {
	result := filepath.Join(t.TempDir(), "result.json")
	args := append([]string{"run"}, dirs...)
	args = append(args, flags...)
	args = append(args, onSmallNodes...)
	args = append(args, "--image-map", filepath.Join(c.dir, "images", "images.yaml"), "--allow-disruption", "--json", result)
	cmd := exec.Command(c.program, args...)
	cmd.Env = c.env
	out, err := cmd.CombinedOutput()
	got := resultBeside(t, result)
	t.Logf("%s", out)
	if len(got.Scenarios) != len(dirs) {
		t.Errorf("%d scenarios of %d", len(got.Scenarios), len(dirs))
	}
	for _, s := range got.Scenarios {
		switch s.Outcome {
		case event.Passed, event.Flaky:
		case event.Inconclusive:
			// The machine was too busy to tell; what was told must not be wrong.
			t.Logf("%s: inconclusive: %s", s.Name, s.Message)
		default:
			t.Errorf("%s: %s: %s", s.Name, s.Outcome, s.Message)
		}
	}
	if err != nil && got.ExitCode != 5 {
		t.Errorf("%v", err)
	}
}
