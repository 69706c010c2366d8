package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/e2e-framework/klient"
	"sigs.k8s.io/e2e-framework/klient/conf"
	"sigs.k8s.io/e2e-framework/pkg/env"
	"sigs.k8s.io/e2e-framework/pkg/envconf"
	"sigs.k8s.io/e2e-framework/pkg/envfuncs"
	"sigs.k8s.io/e2e-framework/support"

	"github.com/realspec/realspec/engine/event"
)

// The end-to-end tests are scripts under testdata/script. They run the real
// command line on a real control plane with simulated nodes.

// world is what the scripts share.
var world env.Environment

func TestMain(m *testing.M) {
	testscript.Main(setUp{m}, map[string]func(){
		"realspec": main,
		"junit":    junitMain,
		"kube":     kubeMain,
		"hang":     hangMain,
		"faults":   faultsMain,
		"fetch":    fetchMain,
		"answer":   answerMain,
	})
}

// setUp brings up the cluster around the tests. Commands that scripts run come
// here too, and never get so far.
type setUp struct{ m *testing.M }

func (s setUp) Run() int {
	binary := clusterBinary()
	if binary == "" {
		if os.Getenv("REALSPEC_REQUIRE_CLUSTER") == "1" {
			log.Fatal("REALSPEC_REQUIRE_CLUSTER is set, and there is no realspec-cluster: make build")
		}
		return s.m.Run()
	}
	os.Setenv("REALSPEC_CLUSTER", binary)
	state, err := os.MkdirTemp("", "realspec-e2e")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(state)
	os.Setenv("REALSPEC_STATE", state)
	world = env.NewWithConfig(envconf.New())
	world.Setup(envfuncs.CreateCluster(&provider{binary: binary}, "e2e"))
	world.Finish(envfuncs.DestroyCluster("e2e"))
	return world.Run(s.m)
}

// clusterBinary is the realspec-cluster to test with, or "".
func clusterBinary() string {
	path := os.Getenv("REALSPEC_CLUSTER_BIN")
	if path == "" {
		path = filepath.Join("..", "..", "bin", "realspec-cluster")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// needCluster skips a test where there is none.
func needCluster(t *testing.T) {
	t.Helper()
	if world == nil {
		t.Skip("skipped: needs realspec-cluster, and it is not built: make build")
	}
}

// provider makes realspec-cluster a cluster of the e2e-framework.
type provider struct {
	binary, name, kubeconfig string
}

func (p *provider) WithName(name string) support.E2EClusterProvider            { p.name = name; return p }
func (p *provider) WithVersion(string) support.E2EClusterProvider              { return p }
func (p *provider) WithPath(path string) support.E2EClusterProvider            { p.binary = path; return p }
func (p *provider) WithOpts(...support.ClusterOpts) support.E2EClusterProvider { return p }
func (p *provider) SetDefaults() support.E2EClusterProvider                    { return p }
func (p *provider) GetKubeconfig() string                                      { return p.kubeconfig }
func (p *provider) GetKubectlContext() string                                  { return "realspec-" + p.name }
func (p *provider) ExportLogs(context.Context, string) error                   { return nil }
func (p *provider) WaitForControlPlane(context.Context, klient.Client) error   { return nil } // up has waited
func (p *provider) GenerateKubeconfig(...string) (string, error) {
	return p.kubeconfig, nil
}

// KubernetesRestConfig is the configuration of a client.
func (p *provider) KubernetesRestConfig() *rest.Config {
	config, err := conf.New(p.kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	return config
}

func (p *provider) Create(ctx context.Context, args ...string) (string, error) {
	p.kubeconfig = filepath.Join(os.Getenv("REALSPEC_STATE"), "e2e.kubeconfig")
	args = append([]string{"up", "--name", p.name, "--kubeconfig", p.kubeconfig, "--owner", fmt.Sprint(os.Getpid()),
		"--nodes", "count=4,cpu=8,memory=32Gi"}, args...)
	if out, err := exec.CommandContext(ctx, p.binary, args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	os.Setenv("E2E_KUBECONFIG", p.kubeconfig)
	return p.kubeconfig, nil
}

func (p *provider) CreateWithConfig(context.Context, string) (string, error) {
	return "", fmt.Errorf("realspec-cluster takes flags, not a file")
}

func (p *provider) Destroy(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, p.binary, "down", "--name", p.name).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func TestScripts(t *testing.T) {
	needCluster(t)
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Deadline:            time.Now().Add(15 * time.Minute),
		Setup: func(e *testscript.Env) error {
			e.Setenv("KUBECONFIG", os.Getenv("E2E_KUBECONFIG"))
			e.Setenv("REALSPEC_CLUSTER", os.Getenv("REALSPEC_CLUSTER"))
			e.Setenv("REALSPEC_STATE", filepath.Join(e.WorkDir, "state"))
			e.Setenv("PATH", e.Getenv("PATH")+string(filepath.ListSeparator)+filepath.Dir(os.Getenv("REALSPEC_CLUSTER")))
			e.Setenv("CI", "true")
			e.Setenv("ROOT", root)
			e.Setenv("OWNER", fmt.Sprint(os.Getpid())) // of clusters that a script starts
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"interrupt": interrupt,
			"sweepRun":  sweepRun,
			"until":     until,
		},
	})
}

// exits runs a command and checks its exit code: exits 5 realspec run …, or
// exits 0,1 … where both are right.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG…]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if !slices.Contains(strings.Split(args[0], ","), fmt.Sprint(code)) {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// sweepRun deletes what the run of a result left, and nothing of the other scripts,
// which share the cluster: sweepRun RESULT.json
func sweepRun(ts *testscript.TestScript, _ bool, args []string) {
	var result event.Result
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &result); err != nil {
		ts.Fatalf("%v", err)
	}
	if err := ts.Exec("realspec", "sweep", "--run", result.RunID); err != nil {
		ts.Fatalf("%v", err)
	}
}

// interrupt sends SIGINT to the last background command: interrupt [kill]
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	commands := ts.BackgroundCmds()
	if len(commands) == 0 {
		ts.Fatalf("nothing runs in the background")
	}
	process := commands[len(commands)-1].Process
	signal := os.Interrupt
	if len(args) == 1 && args[0] == "kill" {
		signal = os.Kill
	}
	ts.Check(process.Signal(signal))
}

// until runs a command again and again until its output has a text, for at most
// 30 s: until TEXT COMMAND [ARG…]
func until(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		cmd := exec.Command(args[1], args[2:]...)
		cmd.Dir = ts.MkAbs(".")
		cmd.Env = append(os.Environ(), "KUBECONFIG="+ts.Getenv("KUBECONFIG"), "PATH="+ts.Getenv("PATH"),
			"REALSPEC_STATE="+ts.Getenv("REALSPEC_STATE"))
		if path, err := lookPath(ts.Getenv("PATH"), args[1]); err == nil {
			cmd.Path, cmd.Err = path, nil
		}
		out, _ := cmd.CombinedOutput() // a failing command is one that is tried again
		if strings.Contains(string(out), args[0]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q did not come in 30 s; last output:\n%s", args[0], out)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func lookPath(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name), nil
		}
	}
	return "", os.ErrNotExist
}
