package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"

	"github.com/realspec/realspec/cmd/realspec-cluster/image"
	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// needRealNodes skips a test where real nodes cannot be, and fails it there if
// $REALSPEC_REQUIRE_REAL says that they must.
func needRealNodes(t *testing.T) {
	t.Helper()
	if _, err := realnode.Require(); err != nil {
		if os.Getenv("REALSPEC_REQUIRE_REAL") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// expectAsBefore checks that nothing of real nodes is left. What the kernel
// takes down in the background gets a moment.
func expectAsBefore(t *testing.T, before census) {
	t.Helper()
	g := NewWithT(t)
	g.Eventually(func(g Gomega) {
		now := takeCensus(t)
		for kind, want := range before {
			g.Expect(now[kind]).To(ConsistOf(want), kind)
		}
		g.Expect(now).To(HaveLen(len(before)))
	}).WithTimeout(2 * time.Second).WithPolling(50 * time.Millisecond).Should(Succeed())
}

// realTest is a cluster with real nodes.
type realTest struct {
	*tool
	config *rest.Config
	client kubernetes.Interface
	pods   map[string]corev1.Pod // by node, each answers on port 8080
}

func TestRealNodes(t *testing.T) {
	needRealNodes(t)
	before := takeCensus(t)
	r := &realTest{tool: newTool(t)}
	got := r.up("--nodes", "count=2", "--real-nodes", "count=3,memory=2Gi,storage=1Gi,cpu=1,label=disk=ram,taint=a=b:PreferNoSchedule")
	t.Log(got.err, got.out)
	for _, kind := range []string{"link", "address", "route", "cgroup", "process"} { // or the census is blind
		NewWithT(t).Expect(takeCensus(t)[kind]).NotTo(ConsistOf(before[kind]), kind)
	}
	r.config, r.client = r.connect("default")
	r.loadEcho(t)
	r.deployEcho(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"size", r.size},
		{"network", r.network},
		{"service", r.service},
		{"kubelet", r.kubelet},
		{"rights", r.rights},
		{"metrics", r.metrics},
		{"delay", r.delay},
		{"cut", r.cut},
		{"freeze", r.freeze},
		{"pause image", r.pauseImage},
		{"power", r.power},
		{"broken kubelet", r.brokenKubelet},
		{"orders", r.refusedOrders},
	} {
		t.Run(test.name, test.run)
	}
	if down := r.run("down"); down.code != 0 {
		t.Fatal(down.err)
	}
	expectAsBefore(t, before)
}

// A server that is killed, or told to go, leaves nothing that 'down' does not
// remove; with nodes that are frozen, stopped and delayed.
func TestRealNodesKilled(t *testing.T) {
	needRealNodes(t)
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			g := NewWithT(t)
			before := takeCensus(t)
			r := &realTest{tool: newTool(t)}
			r.up("--real-nodes", "3")
			g.Expect(r.run("node", "freeze", "real-0").code).To(Equal(0))
			g.Expect(r.run("node", "stop", "real-1").code).To(Equal(0))
			g.Expect(r.run("node", "delay", "real-2", "5ms").code).To(Equal(0))
			server := r.status("default")
			g.Expect(syscall.Kill(server.PID, signal)).To(Succeed())
			g.Eventually(func() error { _, err := processStart(server.PID); return err }).WithTimeout(soon).ShouldNot(Succeed())
			g.Expect(r.run("down").code).To(Equal(0))
			expectAsBefore(t, before)
		})
	}
}

// Whoever interrupts a start keeps nothing of it.
func TestRealNodesInterrupted(t *testing.T) {
	needRealNodes(t)
	for _, phase := range []string{"preparing the machine", "creating nodes", "waiting for nodes"} {
		t.Run(phase, func(t *testing.T) {
			g := NewWithT(t)
			before := takeCensus(t)
			command := newTool(t).command("up", "--real-nodes", "2")
			stderr, err := command.StderrPipe()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(command.Start()).To(Succeed())
			lines := bufio.NewScanner(stderr)
			for lines.Scan() && !strings.Contains(lines.Text(), phase) {
			}
			g.Expect(lines.Text()).To(ContainSubstring(phase))
			g.Expect(command.Process.Signal(os.Interrupt)).To(Succeed())
			_ = command.Wait()
			g.Expect(command.ProcessState.ExitCode()).To(Equal(exitInterrupted))
			expectAsBefore(t, before)
		})
	}
}

func TestRealNodesRefused(t *testing.T) {
	g := NewWithT(t)
	c := newTool(t)
	for _, test := range []struct{ args, want string }{
		{"up --real-nodes 0", `--real-nodes 0: count "0": want a whole number from 1`},
		{"up --real-nodes x", `"x" is not of the form key=value`},
		{"up --real-nodes 33", "33 real nodes asked for; at most 32"},
		{"up --real-nodes cpu=1000", "cpu 1k: this machine has"},
		{"up --real-nodes memory=100Mi", "a real node needs 512Mi at least"},
		{"up --real-nodes memory=1Gi,storage=2Gi", "the disk of a real node is in its memory"},
		{"up --real-nodes pods=200", "takes 110 at most"},
		{"up --nodes name=real --real-nodes 1", "simulated nodes have it, too"},
		{"node explode real-0", "must be one of"},
		{"node stop", "want the name of a node"},
		{"node list x", "is one too many"},
		{"node delay real-0", "want a duration above zero"},
		{"node cut real-0 1s", "takes no duration"},
		{"load-image /no/such/file", "/no/such/file: no such file"},
	} {
		got := c.run(strings.Fields(test.args)...)
		g.Expect(got.code).To(Equal(exitUsage), test.args)
		g.Expect(got.err).To(ContainSubstring(test.want), test.args)
	}
	g.Expect(c.run("node", "list").code).To(Equal(exitNotRunning))
}

// Somebody who is not root, or lacks programs, is told what to do.
func TestRealNodesMissing(t *testing.T) {
	needRealNodes(t)
	g := NewWithT(t)
	c := newTool(t)
	command := c.command("up", "--real-nodes", "1")
	command.Env = append(command.Env, "PATH=/nowhere")
	out, _ := command.CombinedOutput()
	g.Expect(command.ProcessState.ExitCode()).To(Equal(exitUsage))
	g.Expect(string(out)).To(ContainSubstring("apt-get install -y --no-install-recommends containerd iptables nftables runc"))

	// A user who may not read this program cannot run it either.
	program := filepath.Join(t.TempDir(), "realspec-cluster")
	content, err := os.ReadFile(c.command().Path)
	check(t, err)
	check(t, os.WriteFile(program, content, 0o755))
	for folder := filepath.Dir(program); folder != "/" && folder != os.TempDir(); folder = filepath.Dir(folder) {
		check(t, os.Chmod(folder, 0o755))
	}
	command = exec.Command(program, "up", "--real-nodes", "1")
	command.Env = append(c.command().Env, "REALSPEC_STATE=/nonexistent")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, _ = command.CombinedOutput()
	g.Expect(command.ProcessState.ExitCode()).To(Equal(exitUsage), string(out))
	g.Expect(string(out)).To(ContainSubstring("real nodes need root"))
}

const echoImage = "docker.io/library/echo:1"

// loadEcho builds an image of testdata/echo and loads it.
func (r *realTest) loadEcho(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	tree := image.NewTree()
	check(t, tree.Add(buildEcho(t), "/echo"))
	packed, err := image.New(tree, v1.Config{Entrypoint: []string{"/echo"}})
	check(t, err)
	check(t, writeArchive(folder+"/echo.tar", packed, "docker.io/library/other:1"))
	g := NewWithT(t)
	// The name that it has already is no other name.
	for _, args := range [][]string{nil, {"--as", "other:1"}} {
		got := r.run(append([]string{"load-image", folder + "/echo.tar"}, args...)...)
		g.Expect(got).To(Equal(result{out: "docker.io/library/other:1 is on 3 nodes\n"}))
	}
	got := r.run("load-image", folder+"/echo.tar", "--as", "echo:1")
	g.Expect(got).To(Equal(result{out: echoImage + " is on 3 nodes\ndocker.io/library/other:1 is on 3 nodes\n"}))
}

// deployEcho runs a pod of the image on every real node.
func (r *realTest) deployEcho(t *testing.T) {
	t.Helper()
	labels := map[string]string{"app": "echo"}
	_, err := r.client.AppsV1().DaemonSets("default").Create(t.Context(), &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: "echo"},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
				NodeSelector: map[string]string{corev1.LabelInstanceTypeStable: realType, "disk": "ram"},
				Containers: []corev1.Container{{Name: "echo", Image: echoImage, Args: []string{"serve"},
					ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
						HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(8080)}}}}},
			}},
		},
	}, metav1.CreateOptions{})
	check(t, err)
	_, err = r.client.CoreV1().Services("default").Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "echo"},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Selector: labels,
			Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080), NodePort: 30080}}},
	}, metav1.CreateOptions{})
	check(t, err)
	NewWithT(t).Eventually(func(g Gomega) {
		list, err := r.client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app=echo"})
		g.Expect(err).NotTo(HaveOccurred())
		r.pods = map[string]corev1.Pod{}
		for _, pod := range list.Items {
			g.Expect(ready(&pod)).To(BeTrue(), pod.Name)
			r.pods[pod.Spec.NodeName] = pod
		}
		g.Expect(r.pods).To(HaveLen(3))
	}).WithTimeout(soon).WithPolling(100 * time.Millisecond).Should(Succeed())
}

func ready(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// exec runs a command in the pod of a node.
func (r *realTest) exec(ctx context.Context, node string, command ...string) (string, error) {
	request := r.client.CoreV1().RESTClient().Post().Namespace("default").Resource("pods").Name(r.pods[node].Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: append([]string{"/echo"}, command...), Stdout: true, Stderr: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(r.config, http.MethodGet, request.URL().String())
	if err != nil {
		return "", err
	}
	var out, stderr bytes.Buffer
	if err := executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Stderr: &stderr}); err != nil {
		return "", fmt.Errorf("%w: %s", err, stderr.String())
	}
	return out.String(), nil
}

// proxy asks a kubelet, by way of the API server.
func (r *realTest) proxy(ctx context.Context, node, path string) (string, error) {
	body, err := r.client.CoreV1().RESTClient().Get().Resource("nodes").Name(node).SubResource("proxy").Suffix(path).DoRaw(ctx)
	return string(body), err
}

func (r *realTest) size(t *testing.T) {
	g := NewWithT(t)
	nodes, err := r.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: corev1.LabelInstanceTypeStable + "=" + realType})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(nodes.Items).To(HaveLen(3))
	boots, machines := map[string]bool{}, map[string]bool{}
	for _, node := range nodes.Items {
		g.Expect(node.Status.Capacity.Memory().String()).To(Equal("2Gi"))
		g.Expect(node.Status.Allocatable.Memory().String()).To(Equal("1948Mi"), "less what eviction keeps free")
		g.Expect(node.Status.Allocatable.Cpu().String()).To(Equal("1"))
		g.Expect(node.Status.Capacity.StorageEphemeral().Value()).To(BeEquivalentTo(1 << 30))
		if os.Getenv("REALSPEC_CLUSTER_BIN") != "" { // only the linker can set it
			g.Expect(node.Status.NodeInfo.KubeletVersion).To(Equal(r.status("default").Version))
		}
		g.Expect(node.Spec.Taints).To(HaveLen(1))
		boots[node.Status.NodeInfo.BootID], machines[node.Status.NodeInfo.MachineID] = true, true
	}
	for file, want := range map[string]string{"cpu/*/real-0/cpu.cfs_quota_us": "100000\n", "memory/*/real-0/memory.limit_in_bytes": "2147483648\n"} {
		own := strings.Replace(realnode.ClusterAt(r.folder("default").path()).Link(), "rsp-", "realspec-", 1)
		g.Expect(os.ReadFile("/sys/fs/cgroup/"+strings.Replace(file, "*", own, 1))).To(BeEquivalentTo(want), file)
	}
	g.Expect(boots).To(HaveLen(3))
	g.Expect(machines).To(HaveLen(3))
	info := r.status("default")
	g.Expect(info.Nodes).To(Equal(5))
	g.Expect(info.Real).To(HaveLen(1))
}

func (r *realTest) network(t *testing.T) {
	g := NewWithT(t)
	for from := range r.pods {
		for to, pod := range r.pods {
			answer, err := r.exec(t.Context(), from, "get", "http://"+pod.Status.PodIP+":8080")
			g.Expect(err).NotTo(HaveOccurred(), "%s to %s", from, to)
			g.Expect(answer).To(Equal(pod.Name))
		}
	}
	for _, pod := range r.pods { // from this machine
		g.Expect(get("http://" + pod.Status.PodIP + ":8080")).To(Equal(pod.Name))
	}
}

func get(url string) (string, error) {
	client := http.Client{Timeout: 3 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// service asks a Service by name until every pod has answered, its asker
// included, and by the port of each node.
func (r *realTest) service(t *testing.T) {
	g := NewWithT(t)
	for from := range r.pods {
		for _, name := range []string{"echo", "echo.default.svc.cluster.local"} {
			seen := map[string]bool{}
			for range 40 {
				answer, err := r.exec(t.Context(), from, "get", "http://"+name)
				g.Expect(err).NotTo(HaveOccurred())
				if seen[answer] = true; len(seen) == 3 {
					break
				}
			}
			g.Expect(seen).To(HaveLen(3), "%s from %s", name, from)
		}
	}
	for _, node := range r.nodes(t) {
		answer, err := get("http://" + node.Address + ":30080")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(answer).To(HavePrefix("echo-"))
	}
	_, err := r.exec(t.Context(), "real-0", "get", "http://no-such-service")
	g.Expect(err).To(MatchError(ContainSubstring("no such host")))
}

// kubelet checks the ways that lead through a kubelet.
func (r *realTest) kubelet(t *testing.T) {
	g := NewWithT(t)
	for node, pod := range r.pods {
		logs, err := r.client.CoreV1().Pods("default").GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(logs)).To(Equal("serving as " + pod.Name + "\n"))
		g.Expect(r.proxy(t.Context(), node, "healthz")).To(Equal("ok"))
		stats, err := r.proxy(t.Context(), node, "stats/summary")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(stats).To(ContainSubstring(pod.Name))
	}
	pod := r.pods["real-1"]
	answer, err := r.client.CoreV1().Pods("default").ProxyGet("http", pod.Name, "8080", "/", nil).DoRaw(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(answer)).To(Equal(pod.Name))
	g.Expect(r.forward(t, pod.Name)).To(Equal(pod.Name))
}

// forward asks a pod through a forwarded port.
func (r *realTest) forward(t *testing.T, pod string) (string, error) {
	transport, upgrader, err := spdy.RoundTripperFor(r.config)
	check(t, err)
	target := r.client.CoreV1().RESTClient().Post().Namespace("default").Resource("pods").Name(pod).SubResource("portforward").URL()
	stop, established := make(chan struct{}), make(chan struct{})
	defer close(stop)
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, target)
	forwarder, err := portforward.New(dialer, []string{"0:8080"}, stop, established, io.Discard, io.Discard)
	check(t, err)
	failed := make(chan error, 1)
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-established:
	case err := <-failed:
		return "", err
	}
	ports, err := forwarder.GetPorts()
	check(t, err)
	return get(fmt.Sprintf("http://127.0.0.1:%d", ports[0].Local))
}

// rights checks that kubelets let nobody in whom they do not know, and that a
// node may not do what is another's.
func (r *realTest) rights(t *testing.T) {
	g := NewWithT(t)
	insecure := rest.CopyConfig(r.config)
	insecure.TLSClientConfig = rest.TLSClientConfig{Insecure: true}
	insecure.Host = "https://" + r.nodes(t)[0].Address + ":10250"
	client, err := rest.HTTPClientFor(insecure)
	g.Expect(err).NotTo(HaveOccurred())
	response, err := client.Get(insecure.Host + "/pods")
	g.Expect(err).NotTo(HaveOccurred())
	response.Body.Close()
	g.Expect(response.StatusCode).To(Equal(http.StatusUnauthorized))

	as := rest.CopyConfig(r.config)
	as.Impersonate = rest.ImpersonationConfig{UserName: "system:node:real-0", Groups: []string{"system:nodes"}}
	node, err := kubernetes.NewForConfig(as)
	g.Expect(err).NotTo(HaveOccurred())
	_, err = node.CoreV1().Nodes().Get(t.Context(), "real-0", metav1.GetOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	_, err = node.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{})
	g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
	err = node.CoreV1().Pods("default").Delete(t.Context(), r.pods["real-1"].Name, metav1.DeleteOptions{})
	g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
}

// metrics waits for the metrics API, which has figures after two rounds.
func (r *realTest) metrics(t *testing.T) {
	NewWithT(t).Eventually(func(g Gomega) {
		body, err := r.client.Discovery().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods").DoRaw(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		var list struct {
			Items []struct {
				Containers []struct{ Usage map[string]string }
			}
		}
		g.Expect(json.Unmarshal(body, &list)).To(Succeed())
		g.Expect(list.Items).To(HaveLen(3))
		g.Expect(list.Items[0].Containers[0].Usage).To(HaveKey("memory"))
	}).WithTimeout(time.Minute).WithPolling(500 * time.Millisecond).Should(Succeed())
}

// nodes reads 'node list'.
func (r *realTest) nodes(t *testing.T) (nodes []realnode.Status) {
	t.Helper()
	got := r.run("node", "list", "-o", "json")
	if got.code != 0 {
		t.Fatal(got.err)
	}
	check(t, json.Unmarshal([]byte(got.out), &nodes))
	return nodes
}

// order gives an order to a node, which must work.
func (r *realTest) order(t *testing.T, args ...string) {
	t.Helper()
	if got := r.run(append([]string{"node"}, args...)...); got.code != 0 {
		t.Fatalf("node %s: %s", strings.Join(args, " "), got.err)
	}
}

// connect says how long a TCP connection between the pods of two nodes takes.
func (r *realTest) roundTrip(g Gomega, from, to string) time.Duration {
	var best time.Duration
	for range 3 { // the first finds its way by ARP
		text, err := r.exec(context.Background(), from, "connect", r.pods[to].Status.PodIP+":8080")
		g.Expect(err).NotTo(HaveOccurred())
		took, err := time.ParseDuration(text)
		g.Expect(err).NotTo(HaveOccurred())
		if best == 0 || took < best {
			best = took
		}
	}
	return best
}

func (r *realTest) delay(t *testing.T) {
	g := NewWithT(t)
	g.Expect(r.roundTrip(g, "real-0", "real-1")).To(BeNumerically("<", 20*time.Millisecond))
	r.order(t, "delay", "real-1", "30ms")
	g.Expect(r.run("node", "list").out).To(MatchRegexp(`real-1 +running +up, \+30ms`))
	g.Expect(r.roundTrip(g, "real-0", "real-1")).To(BeNumerically("~", 70*time.Millisecond, 10*time.Millisecond))
	g.Expect(r.roundTrip(g, "real-1", "real-2")).To(BeNumerically("~", 70*time.Millisecond, 10*time.Millisecond))
	g.Expect(r.roundTrip(g, "real-0", "real-2")).To(BeNumerically("<", 20*time.Millisecond))
	r.order(t, "delay", "real-1", "5ms")
	g.Expect(r.roundTrip(g, "real-0", "real-1")).To(BeNumerically("~", 17*time.Millisecond, 7*time.Millisecond))
	r.order(t, "heal", "real-1")
	g.Expect(r.roundTrip(g, "real-0", "real-1")).To(BeNumerically("<", 10*time.Millisecond))
}

func (r *realTest) cut(t *testing.T) {
	g := NewWithT(t)
	address := "http://" + r.pods["real-2"].Status.PodIP + ":8080"
	r.order(t, "cut", "real-2")
	_, err := r.exec(t.Context(), "real-0", "get", address)
	g.Expect(err).To(HaveOccurred())
	_, err = get(address)
	g.Expect(err).To(HaveOccurred())
	g.Expect(r.run("node", "list").out).To(MatchRegexp(`real-2 +running +cut`))
	r.order(t, "heal", "real-2")
	g.Eventually(func() (string, error) { return r.exec(t.Context(), "real-0", "get", address) }).
		WithTimeout(soon).Should(Equal(r.pods["real-2"].Name))
}

func (r *realTest) freeze(t *testing.T) {
	g := NewWithT(t)
	r.order(t, "freeze", "real-1")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := r.proxy(ctx, "real-1", "healthz")
	g.Expect(err).To(HaveOccurred())
	r.order(t, "thaw", "real-1")
	g.Eventually(func() (string, error) { return r.proxy(t.Context(), "real-1", "healthz") }).WithTimeout(soon).Should(Equal("ok"))
}

// pauseImage checks that the image that every pod needs comes back.
func (r *realTest) pauseImage(t *testing.T) {
	g := NewWithT(t)
	ctr := func(args ...string) (string, error) {
		out, err := exec.Command("ctr", append([]string{"--address", r.nodes(t)[2].ContainerdSocket(), "--namespace", "k8s.io", "images"}, args...)...).CombinedOutput()
		return string(out), err
	}
	out, err := ctr("rm", "--sync", realnode.PauseImage)
	g.Expect(err).NotTo(HaveOccurred(), out)
	g.Eventually(func() (string, error) { return ctr("ls", "-q") }).WithTimeout(soon).Should(ContainSubstring(realnode.PauseImage))
}

// power takes the power from a node and gives it back: its pods are restarted
// in place, from images that it still has.
func (r *realTest) power(t *testing.T) {
	g := NewWithT(t)
	node, err := r.client.CoreV1().Nodes().Get(t.Context(), "real-0", metav1.GetOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	r.order(t, "freeze", "real-0") // which must not be in the way
	r.order(t, "stop", "real-0")
	g.Expect(r.nodes(t)[0]).To(HaveField("State", realnode.StateStopped))
	_, err = get("http://" + r.pods["real-0"].Status.PodIP + ":8080")
	g.Expect(err).To(HaveOccurred())
	r.order(t, "start", "real-0")
	g.Eventually(func(g Gomega) {
		pod, err := r.client.CoreV1().Pods("default").Get(t.Context(), r.pods["real-0"].Name, metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(ready(pod)).To(BeTrue())
		g.Expect(pod.Status.ContainerStatuses[0].RestartCount).To(BeEquivalentTo(1))
		g.Expect(get("http://" + pod.Status.PodIP + ":8080")).To(Equal(pod.Name))
		again, err := r.client.CoreV1().Nodes().Get(t.Context(), "real-0", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(again.Status.NodeInfo.BootID).NotTo(Equal(node.Status.NodeInfo.BootID))
		g.Expect(again.Status.NodeInfo.MachineID).To(Equal(node.Status.NodeInfo.MachineID))
	}).WithTimeout(soon).WithPolling(100 * time.Millisecond).Should(Succeed())
}

// brokenKubelet starts a node whose kubelet ends a moment after its first answer:
// that is no start.
func (r *realTest) brokenKubelet(t *testing.T) {
	g := NewWithT(t)
	disks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/root%s", r.status("default").PID, r.folder("default").path("disks", "real-0", "lib", "kubelet")))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(disks).To(HaveLen(1), "only the keeper sees disks")
	state := filepath.Join(disks[0], "cpu_manager_state")
	whole, err := os.ReadFile(state)
	g.Expect(err).NotTo(HaveOccurred())
	written := func() string {
		text, _ := os.ReadFile(r.folder("default").path("node-real-0.log"))
		return string(text)
	}
	r.order(t, "stop", "real-0")
	before := len(written())
	check(t, os.WriteFile(state, []byte("garbage"), 0o600))
	started := make(chan result, 1)
	go func() { started <- r.run("node", "start", "real-0") }()
	g.Eventually(func() string { return written()[before:] }).WithTimeout(soon).Should(ContainSubstring("kubelet ended: exit code 1"))
	g.Expect(started).NotTo(Receive())
	r.order(t, "stop", "real-0") // which need not wait for it
	var got result
	g.Eventually(started).WithTimeout(soon).Should(Receive(&got))
	g.Expect(got.code).To(Equal(exitError))
	g.Expect(got.err).To(ContainSubstring("real-0 has power, and its kubelet does not answer: kubelet ended: exit code 1"))
	check(t, os.WriteFile(state, whole, 0o600))
	r.order(t, "start", "real-0")
}

func (r *realTest) refusedOrders(t *testing.T) {
	g := NewWithT(t)
	for _, test := range []struct{ args, want string }{
		{"node stop nobody", `no real node is called "nobody"; there are real-0, real-1, real-2`},
		{"node start real-0", "real-0 is running"},
		{"node delay real-0 2m", "a delay is from 0s to 1m"},
	} {
		got := r.run(strings.Fields(test.args)...)
		g.Expect(got.code).To(Equal(exitError), test.args)
		g.Expect(got.err).To(ContainSubstring(test.want))
	}
	bad := filepath.Join(t.TempDir(), "bad.tar")
	check(t, os.WriteFile(bad, []byte("not an image"), 0o600))
	g.Expect(r.run("load-image", bad).code).To(Equal(exitError))
	_, err := url.Parse(r.status("default").Server)
	g.Expect(err).NotTo(HaveOccurred())
}
