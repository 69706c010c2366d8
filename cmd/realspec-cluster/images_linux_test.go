package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/realspec/realspec/cmd/realspec-cluster/debian"
)

// needPackages skips a test where the packages that are packed are missing.
func needPackages(t *testing.T) {
	t.Helper()
	if _, err := packageVersions(debian.Recipes()); err != nil {
		if os.Getenv("REALSPEC_REQUIRE_REAL") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// imageTest is a cluster with two real nodes and all images.
type imageTest struct {
	*tool
	config *rest.Config
	client kubernetes.Interface
	images map[string]string // what stands for a name
}

func TestImages(t *testing.T) {
	needRealNodes(t)
	needPackages(t)
	i := &imageTest{tool: newTool(t)}
	folder := i.pack(t)
	i.up("--real-nodes", "count=2,memory=3Gi,storage=2Gi")
	i.config, i.client = i.connect("default")
	g := NewWithT(t)
	got := i.run("load-images", folder)
	g.Expect(got).To(Equal(result{out: "real-0 has 7 images, 7 of them new\nreal-1 has 7 images, 7 of them new\n"}))
	got = i.run("load-images", folder)
	g.Expect(got.out).To(ContainSubstring("real-1 has 7 images, 0 of them new"))
	i.deploy(t)
	for _, test := range []struct {
		name, pod string
		command   []string
		want      string
	}{
		{"web", "client", []string{"wget", "-qO-", "http://web"}, "Welcome to nginx!"},
		{"web with settings, not as root", "client", []string{"wget", "-qO-", "http://site:8080"}, "from a ConfigMap"},
		{"postgres from another pod", "postgres-client", []string{"psql", "-h", "postgres", "-U", "app", "shop", "-tc", "select 1 + n from t"}, "42"},
		{"postgres is not root", "postgres", []string{"sh", "-c", "grep Uid /proc/1/status"}, "999"},
		{"redis", "redis", []string{"redis-cli", "-h", "redis", "ping"}, "PONG"},
		{"prometheus", "client", []string{"wget", "-qO-", "http://prometheus:9090/-/ready"}, "Ready"},
		{"prometheus answers", "client", []string{"wget", "-qO-", "http://prometheus:9090/api/v1/query?query=vector(7)"}, `"7"`},
		{"alertmanager", "client", []string{"wget", "-qO-", "http://alertmanager:9093/-/ready"}, "OK"},
		{"agent", "agent", []string{"/realspec-agent", "get", "http://localhost:8080"}, "agent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			// A Service is programmed a moment after its pod is ready.
			NewWithT(t).Eventually(func(g Gomega) {
				out, err := i.exec(t.Context(), test.pod, test.command...)
				g.Expect(err).NotTo(HaveOccurred(), out)
				g.Expect(out).To(ContainSubstring(test.want))
			}).WithTimeout(soon).WithPolling(100 * time.Millisecond).Should(Succeed())
		})
	}
	t.Run("log of requests", func(t *testing.T) {
		logs, err := i.client.CoreV1().Pods("default").GetLogs("web", &corev1.PodLogOptions{}).DoRaw(t.Context())
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		NewWithT(t).Expect(string(logs)).To(ContainSubstring(`"GET / HTTP/1.1" 200`))
	})
	t.Run("postgres keeps its data", i.restart)
}

// pack packs everything twice, and again into another folder: it is the same.
func (i *imageTest) pack(t *testing.T) string {
	t.Helper()
	g := NewWithT(t)
	agent, folder, other := buildEcho(t), t.TempDir(), t.TempDir()
	first := i.run("pack-images", folder, "--agent", agent)
	g.Expect(first.code).To(Equal(0), first.err)
	before, err := filepath.Glob(folder + "/*.tar")
	g.Expect(err).NotTo(HaveOccurred())
	written, err := os.Stat(before[0])
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(i.run("pack-images", folder, "--agent", agent)).To(Equal(first))
	again, err := os.Stat(before[0])
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again.ModTime()).To(Equal(written.ModTime()), "it was packed again")
	g.Expect(i.run("pack-images", other, "--agent", agent)).To(Equal(first))

	content, err := os.ReadFile(folder + "/images.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.ReadFile(other + "/images.yaml")).To(Equal(content))
	var list struct{ Map map[string]string }
	g.Expect(yaml.Unmarshal(content, &list)).To(Succeed())
	i.images = list.Map
	g.Expect(i.images["docker.io/library/nginx"]).To(MatchRegexp(`^realspec.dev/web:[0-9.]+-[0-9a-f]{12}$`))
	g.Expect(i.images["realspec.dev/agent"]).To(MatchRegexp(`^realspec.dev/agent:[0-9a-f]{12}$`))

	// Of a folder that was packed in part, the rest is packed.
	g.Expect(os.Remove(before[0])).To(Succeed())
	g.Expect(i.run("pack-images", folder, "--agent", agent, "--only", "busybox").code).To(Equal(0))
	g.Expect(before[0]).NotTo(BeAnExistingFile())
	g.Expect(i.run("pack-images", folder, "--agent", agent).code).To(Equal(0))
	g.Expect(before[0]).To(BeAnExistingFile())
	return folder
}

// deploy runs a pod of every image, with a Service each, and waits for them.
func (i *imageTest) deploy(t *testing.T) {
	t.Helper()
	content, err := os.ReadFile("testdata/images.yaml")
	check(t, err)
	text := string(content)
	for name, instead := range i.images {
		text = regexp.MustCompile(`\b`+regexp.QuoteMeta(name)+`\b`).ReplaceAllString(text, instead)
	}
	pods := 0
	for _, document := range strings.Split(text, "---\n") {
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(document), nil, nil)
		check(t, err)
		check(t, i.create(t.Context(), object))
		if _, isPod := object.(*corev1.Pod); isPod {
			pods++
		}
	}
	i.awaitReady(t, pods)
}

func (i *imageTest) create(ctx context.Context, object runtime.Object) (err error) {
	core := i.client.CoreV1()
	switch object := object.(type) {
	case *corev1.ConfigMap:
		_, err = core.ConfigMaps("default").Create(ctx, object, metav1.CreateOptions{})
	case *corev1.Service:
		_, err = core.Services("default").Create(ctx, object, metav1.CreateOptions{})
	case *corev1.Pod:
		_, err = core.Pods("default").Create(ctx, object, metav1.CreateOptions{})
	}
	return err
}

func (i *imageTest) awaitReady(t *testing.T, count int) {
	t.Helper()
	NewWithT(t).Eventually(func(g Gomega) {
		list, err := i.client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(list.Items).To(HaveLen(count))
		for _, pod := range list.Items {
			g.Expect(ready(&pod)).To(BeTrue(), "%s: %+v", pod.Name, pod.Status.ContainerStatuses)
		}
	}).WithTimeout(time.Minute).WithPolling(200 * time.Millisecond).Should(Succeed())
}

// restart ends PostgreSQL: the next one finds the data of the first.
func (i *imageTest) restart(t *testing.T) {
	g := NewWithT(t)
	_, err := i.exec(t.Context(), "postgres", "sh", "-c", "kill -INT 1")
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func(g Gomega) {
		pod, err := i.client.CoreV1().Pods("default").Get(t.Context(), "postgres", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(pod.Status.ContainerStatuses[0].RestartCount).To(BeEquivalentTo(1))
		g.Expect(ready(pod)).To(BeTrue())
	}).WithTimeout(time.Minute).WithPolling(200 * time.Millisecond).Should(Succeed())
	out, err := i.exec(t.Context(), "postgres", "psql", "-U", "app", "shop", "-tc", "select n from t")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(strings.TrimSpace(out)).To(Equal("41"))
}

// exec runs a command in a pod and returns all that it writes.
func (i *imageTest) exec(ctx context.Context, pod string, command ...string) (string, error) {
	request := i.client.CoreV1().RESTClient().Post().Namespace("default").Resource("pods").Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: command, Stdout: true, Stderr: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewSPDYExecutor(i.config, "POST", request.URL())
	if err != nil {
		return "", err
	}
	var out, stderr bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Stderr: &stderr})
	return out.String() + stderr.String(), err
}

// Extended resources of real nodes are there when 'up' is done, are counted,
// and come back with a node that was stopped.
func TestRealResources(t *testing.T) {
	needRealNodes(t)
	g := NewWithT(t)
	r := &realTest{tool: newTool(t)}
	r.up("--nodes", "count=1,gpu=1", "--real-nodes", "count=1,memory=1Gi,storage=512Mi,gpu=2,example.com/fpga=3,zone=rack-7", "--real-nodes", "name=plain,memory=1Gi,storage=512Mi")
	_, client := r.connect("default")
	amount := func(name, resource string) int64 {
		node, err := client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		check(t, err)
		have, capacity := node.Status.Allocatable[corev1.ResourceName(resource)], node.Status.Capacity[corev1.ResourceName(resource)]
		g.Expect(have.Cmp(capacity)).To(Equal(0), name)
		return have.Value()
	}
	g.Expect(amount("real-0", gpuResource)).To(BeEquivalentTo(2))
	g.Expect(amount("real-0", "example.com/fpga")).To(BeEquivalentTo(3))
	g.Expect(amount("plain-0", gpuResource)).To(BeEquivalentTo(0))
	g.Expect(amount("node-0", gpuResource)).To(BeEquivalentTo(1))
	node, err := client.CoreV1().Nodes().Get(t.Context(), "real-0", metav1.GetOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(node.Labels).To(HaveKeyWithValue(corev1.LabelTopologyZone, "rack-7"))

	g.Expect(r.run("node", "stop", "real-0").code).To(Equal(0))
	g.Expect(r.run("node", "start", "real-0").code).To(Equal(0))
	g.Eventually(func() bool {
		now, err := client.CoreV1().Nodes().Get(t.Context(), "real-0", metav1.GetOptions{})
		return err == nil && schedulable(now) && now.Status.NodeInfo.BootID != node.Status.NodeInfo.BootID
	}).WithTimeout(soon).WithPolling(50 * time.Millisecond).Should(BeTrue())
	g.Eventually(func() int64 { return amount("real-0", gpuResource) }).WithTimeout(10 * time.Second).Should(BeEquivalentTo(2))
}
