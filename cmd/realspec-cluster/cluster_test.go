package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// These tests start real clusters. Each takes 2 s alone and the time of a
// core; go test's -parallel bounds how many there are at once.

// soon bounds what happens without a wait for work.
const soon = 20 * time.Second

// status reads a cluster's status as scripts do.
func (c *tool) status(name string) clusterInfo {
	c.t.Helper()
	got := c.run("status", "--name", name, "--output", "json")
	var infos []clusterInfo
	if err := json.Unmarshal([]byte(got.out), &infos); err != nil {
		c.t.Fatalf("status: %v\n%s", err, got.out)
	}
	if len(infos) == 0 {
		return clusterInfo{Name: name, State: stateMissing}
	}
	return infos[0]
}

// up starts a cluster, which must work.
func (c *tool) up(args ...string) result {
	c.t.Helper()
	got := c.run(append([]string{"up"}, args...)...)
	if got.code != 0 {
		c.t.Fatalf("up %s: exit code %d\n%s", strings.Join(args, " "), got.code, got.err)
	}
	return got
}

// connect returns a client with the kubeconfig that the command prints.
func (c *tool) connect(name string) (*rest.Config, kubernetes.Interface) {
	c.t.Helper()
	got := c.run("kubeconfig", "--name", name)
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(got.out))
	if err != nil {
		c.t.Fatalf("kubeconfig: %v\n%s", err, got.err)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		c.t.Fatal(err)
	}
	return config, client
}

// expectNothing checks that of a cluster which was running as info says,
// neither process, nor folder, nor listening port is left.
func (c *tool) expectNothing(g Gomega, info clusterInfo) {
	_, err := processStart(info.PID)
	g.Expect(err).To(HaveOccurred(), "process %d is still there", info.PID)
	entries, err := os.ReadDir(c.state)
	g.Expect(err).NotTo(HaveOccurred())
	for _, entry := range entries {
		g.Expect(entry.Name()).NotTo(ContainSubstring(info.Name), "left in the state folder")
	}
	server, err := url.Parse(info.Server)
	g.Expect(err).NotTo(HaveOccurred())
	if server.Host != "" {
		_, err = net.DialTimeout("tcp", server.Host, time.Second)
		g.Expect(err).To(MatchError(syscall.ECONNREFUSED))
	}
}

func TestTwoClustersSideBySide(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newTool(t)
	exported := filepath.Join(t.TempDir(), "kubeconfig")
	c.up("--name", "one", "--kubeconfig", exported, "--nodes", "count=2")
	c.up("--name", "two", "--nodes", "count=3,cpu=16")

	one, two := c.status("one"), c.status("two")
	g.Expect(one.State).To(Equal(stateRunning))
	g.Expect(two.State).To(Equal(stateRunning))
	g.Expect(one.Server).NotTo(Equal(two.Server))
	g.Expect(one.Nodes).To(Equal(2))
	g.Expect(two.Shape).To(HaveLen(1))
	g.Expect(two.Shape[0].CPU.String()).To(Equal("16"))
	g.Expect(one.Version).To(MatchRegexp(`^v1\.\d+\.\d+$`))
	g.Expect(one.Memory).To(BeNumerically(">", 100<<20))
	g.Expect(one.Started).To(BeTemporally("~", time.Now(), time.Minute))
	table := c.run("status")
	g.Expect(table.out).To(MatchRegexp(`(?m)^one +running .*\n^two +running `))

	for name, count := range map[string]int{"one": 2, "two": 3} {
		_, client := c.connect(name)
		nodes, err := client.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(nodes.Items).To(HaveLen(count), "nodes of %s", name)
	}
	c.checkAgain(g, one, exported)

	g.Expect(c.run("down", "--name", "one").code).To(Equal(0))
	c.expectNothing(g, one)
	g.Expect(exported).NotTo(BeAnExistingFile())
	g.Expect(c.status("two").PID).To(Equal(two.PID), "the other cluster is left alone")
	g.Expect(c.run("down", "--all").code).To(Equal(0))
	c.expectNothing(g, two)
	entries, err := os.ReadDir(c.state)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(entries).To(BeEmpty())
}

// checkAgain starts the running cluster "one" again, with the same and with
// another shape.
func (c *tool) checkAgain(g Gomega, one clusterInfo, exported string) {
	info, err := os.Stat(exported)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))
	own, err := os.ReadFile(one.Kubeconfig)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.ReadFile(exported)).To(Equal(own))

	again := c.run("up", "--name", "one", "--nodes", "count=2", "--nodes-file", exported)
	g.Expect(again.code).To(Equal(exitUsage), "both ways to give nodes")
	again = c.run("up", "--name", "one", "--nodes", "count=2,cpu=4000m")
	g.Expect(again.code).To(Equal(0), again.err)
	g.Expect(again.out).To(ContainSubstring("is running already"))
	g.Expect(again.out).To(ContainSubstring(one.Server))
	g.Expect(c.status("one").PID).To(Equal(one.PID))

	other := c.run("up", "--name", "one", "--nodes", "count=7")
	g.Expect(other.code).To(Equal(exitUsage))
	g.Expect(other.err).To(ContainSubstring("realspec-cluster down --name one"))
	g.Expect(other.err).To(ContainSubstring("7 x (4 cpu"))
	g.Expect(c.status("one").PID).To(Equal(one.PID))
}

func TestTwoStartsOfOneName(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newTool(t)
	results := make(chan result, 2)
	for range 2 {
		go func() { results <- c.run("up") }()
	}
	var outs string
	for range 2 {
		got := <-results
		g.Expect(got.code).To(Equal(0), got.err)
		outs += got.out
	}
	g.Expect(outs).To(ContainSubstring("is ready after"))
	g.Expect(outs).To(ContainSubstring("is running already"))
}

func TestOwnerGone(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newTool(t)
	owner := exec.Command("sleep", "1000")
	g.Expect(owner.Start()).To(Succeed())
	exported := filepath.Join(t.TempDir(), "kubeconfig")
	c.up("--owner", fmt.Sprint(owner.Process.Pid), "--kubeconfig", exported)
	running := c.status("default")
	g.Expect(running.State).To(Equal(stateRunning))

	g.Expect(owner.Process.Kill()).To(Succeed())
	_ = owner.Wait()
	g.Eventually(func(g Gomega) {
		c.expectNothing(g, running)
		g.Expect(exported).NotTo(BeAnExistingFile())
	}).WithTimeout(soon).Should(Succeed())

	refused := c.run("up", "--owner", fmt.Sprint(owner.Process.Pid))
	g.Expect(refused.code).To(Equal(exitUsage))
	g.Expect(refused.err).To(ContainSubstring("no process with pid"))
}

func TestKilledServer(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newTool(t)
	exported := filepath.Join(t.TempDir(), "kubeconfig")
	c.up("--kubeconfig", exported)
	first := c.status("default")
	g.Expect(syscall.Kill(first.PID, syscall.SIGKILL)).To(Succeed())
	g.Eventually(func() string { return c.status("default").State }).WithTimeout(soon).Should(Equal(stateDead))
	g.Expect(c.run("status", "--name", "default").code).To(Equal(exitNotRunning))
	g.Expect(c.run("kubeconfig").code).To(Equal(exitNotRunning))

	c.up("--nodes", "count=2") // another shape: the dead cluster's does not count
	second := c.status("default")
	g.Expect(second.State).To(Equal(stateRunning))
	g.Expect(second.PID).NotTo(Equal(first.PID))
	g.Expect(exported).NotTo(BeAnExistingFile(), "the kubeconfig of the dead cluster")

	// A server that is told to go takes everything along.
	g.Expect(syscall.Kill(second.PID, syscall.SIGTERM)).To(Succeed())
	g.Eventually(func(g Gomega) { c.expectNothing(g, second) }).WithTimeout(soon).Should(Succeed())
	down := c.run("down")
	g.Expect(down.code).To(Equal(0))
	g.Expect(down.out).To(ContainSubstring("is not there"))
}

// startingUp starts 'up' and returns when its server runs.
func (c *tool) startingUp(g Gomega) (*exec.Cmd, clusterInfo) {
	command := c.command("up")
	stderr, err := command.StderrPipe()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(command.Start()).To(Succeed())
	g.Expect(bufio.NewReader(stderr).ReadString('\n')).To(ContainSubstring("starting etcd"))
	info := describe(c.folder("default"))
	g.Expect(info.State).To(Equal(stateStarting))
	g.Expect(info.PID).NotTo(BeZero())
	return command, info
}

func TestInterruptedUp(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newTool(t)
	up, starting := c.startingUp(g)
	g.Expect(up.Process.Signal(os.Interrupt)).To(Succeed())
	_ = up.Wait()
	g.Expect(up.ProcessState.ExitCode()).To(Equal(exitInterrupted))
	c.expectNothing(g, starting)
}

// A server whose 'up' was killed has nobody who waits for it, and leaves.
func TestKilledUp(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newTool(t)
	up, starting := c.startingUp(g)
	g.Expect(up.Process.Kill()).To(Succeed())
	_ = up.Wait()
	g.Eventually(func(g Gomega) {
		_, err := processStart(starting.PID)
		g.Expect(err).To(HaveOccurred())
		g.Expect(c.folder("default").path()).NotTo(BeADirectory())
	}).WithTimeout(soon).Should(Succeed())
}

func TestTooSlow(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newTool(t)
	got := c.run("up", "--timeout", "300ms")
	g.Expect(got.code).To(Equal(exitNotRunning))
	g.Expect(got.err).To(ContainSubstring("not ready after --timeout 300ms"))
	g.Expect(c.folder("default").path()).NotTo(BeADirectory())
	g.Expect(c.status("default").State).To(Equal(stateMissing))
}

func TestBadUsage(t *testing.T) {
	c := newTool(t)
	for _, test := range []struct {
		args string
		want string
	}{
		{"up --nodes cpus=4", `--nodes cpus=4: unknown key "cpus"`},
		{"up --nodes-file /no/such/file", "--nodes-file: open /no/such/file"},
		{"up --name ../x", `cluster name "../x"`},
		{"up --timeout 0s", "--timeout 0s: want a time above zero"},
		{"up --owner 2147483647", "--owner: no process with pid 2147483647 is running"},
		{"up --kubeconfig /no/such/folder/file", "folder /no/such/folder does not exist"},
		{"up --bogus", "unknown flag --bogus"},
		{"status --output xml", "must be one of"},
		{"down --all --name x", "can't be used together"},
		{"serve --name x --state /tmp", "started by 'realspec-cluster up' and not by hand"},
		{"frobnicate", "unexpected argument frobnicate"},
	} {
		t.Run(test.args, func(t *testing.T) {
			g := NewWithT(t)
			got := c.run(strings.Fields(test.args)...)
			g.Expect(got.code).To(Equal(exitUsage))
			g.Expect(got.err).To(ContainSubstring(test.want))
		})
	}
}

func TestNothingThere(t *testing.T) {
	g := NewWithT(t)
	c := newTool(t)
	g.Expect(c.run("down")).To(Equal(result{out: "cluster \"default\" is not there, nothing to do\n"}))
	g.Expect(c.run("status")).To(Equal(result{out: "no clusters; start one with 'realspec-cluster up'\n"}))
	g.Expect(c.run("status", "-o", "json").out).To(Equal("[]\n"))
	g.Expect(c.run("status", "--name", "x").code).To(Equal(exitNotRunning))
	got := c.run("kubeconfig", "--name", "x")
	g.Expect(got.code).To(Equal(exitNotRunning))
	g.Expect(got.err).To(ContainSubstring("realspec-cluster up --name x"))
	g.Expect(c.run("--help").code).To(Equal(0))
}
