package main

import (
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
	if testing.Short() {
		t.Skip("skipped: takes six minutes")
	}
	c := startSpecs(t)
	c.enforcePolicies(t)
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
			got := c.specs(t, others, "--cluster", "current")
			policies := 0 // the steps of web-app-stack and multi-tenant that are about them
			for _, s := range got.Scenarios {
				for _, step := range s.Steps {
					if s.Name == "web-app-stack" && strings.HasPrefix(step.ID, "06-policies") || s.Name == "multi-tenant" && strings.HasPrefix(step.ID, "04-network") {
						policies++
						if step.Reason == event.ReasonCondition {
							t.Errorf("%s %s was skipped although policies are enforced: %s", s.Name, step.ID, step.Message)
						}
					}
				}
			}
			if policies != 11 {
				t.Errorf("%d steps are about policies, and there were 11", policies)
			}
		})
	})
}

// specsCluster is the cluster of the scenarios that need none of their own.
type specsCluster struct {
	*realNodes
	program string
}

func startSpecs(t *testing.T) *specsCluster {
	t.Helper()
	const node = "cpu=2,memory=3Gi"
	c := &specsCluster{realNodes: startRealNodes(t, "specs", "count=3,"+node,
		"count=1,name=gpu,gpu=2,taint=nvidia.com/gpu=present:NoSchedule,"+node)}
	c.program = c.build(t, "../realspec")
	code, out := c.try(t, clusterBinary(), "pack-images", filepath.Join(c.dir, "images"), "--agent", c.build(t, "../realspec-agent"))
	if code != 0 && strings.Contains(out, "apt-get") { // packages are missing
		skipUnlessRequired(t, out)
	}
	if code != 0 {
		t.Fatalf("pack-images: exit code %d\n%s", code, out)
	}
	return c
}

// specs runs scenarios and looks at what became of every one of them.
func (c *specsCluster) specs(t *testing.T, dirs []string, flags ...string) *event.Result {
	t.Helper()
	result := filepath.Join(t.TempDir(), "result.json")
	args := append([]string{"run"}, dirs...)
	args = append(args, flags...)
	args = append(args, onSmallNodes...)
	args = append(args, "--image-map", filepath.Join(c.dir, "images", "images.yaml"), "--allow-disruption", "--json", result)
	code, out := c.try(t, c.program, args...)
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
	if code != 0 && got.ExitCode != 5 {
		t.Errorf("exit code %d", code)
	}
	return got
}
