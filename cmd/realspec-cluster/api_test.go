package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
)

// TestAPI uses one cluster in many ways.
func TestAPI(t *testing.T) {
	t.Parallel()
	c := newTool(t)
	file := filepath.Join(t.TempDir(), "nodes.yaml")
	err := os.WriteFile(file, []byte(`
- {count: 2, cpu: 8, memory: 32Gi, labels: {disk: ssd}}
- {count: 1, name: gpu, cpu: 16, gpu: 4, resources: {example.com/fpga: 2}, taints: [{key: gpu, value: only, effect: NoSchedule}]}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	c.up("--nodes-file", file)
	config, client := c.connect("default")
	a := &apiTest{config: config, client: client}
	for name, test := range map[string]func(*testing.T){
		"nodes":           a.nodes,
		"version":         a.version,
		"strangers":       a.strangers,
		"private":         func(t *testing.T) { isPrivate(t, c.folder("default")) },
		"deployment":      a.deployment,
		"statefulset":     a.statefulSet,
		"daemonset":       a.daemonSet,
		"job":             a.job,
		"late pod":        a.latePod,
		"ready again":     a.readyAgain,
		"gpu pods":        a.gpuPods,
		"service account": a.serviceAccount,
		"cascade":         a.cascade,
		"logs":            a.logs,
		"namespace":       a.namespace,
	} {
		t.Run(name, test)
	}
}

// apiTest is a running cluster, seen through its API.
type apiTest struct {
	config *rest.Config
	client kubernetes.Interface
}

func (a *apiTest) nodes(t *testing.T) {
	g := NewWithT(t)
	list, err := a.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	nodes := map[string]corev1.Node{}
	zones := map[string]bool{}
	for _, node := range list.Items {
		nodes[node.Name] = node
		zones[node.Labels[corev1.LabelTopologyZone]] = true
		g.Expect(schedulable(&node)).To(BeTrue(), node.Name)
		g.Expect(node.Status.NodeInfo.KubeletVersion).To(HavePrefix("kwok-v"))
		g.Expect(node.Annotations).To(HaveKeyWithValue("kwok.x-k8s.io/node", "fake"))
		g.Expect(node.Labels).To(HaveKeyWithValue("type", "kwok"))
		g.Expect(node.Labels).To(HaveKeyWithValue(corev1.LabelHostname, node.Name))
		g.Expect(node.Spec.ProviderID).To(HavePrefix("kwok://"))
	}
	g.Expect(zones).To(Equal(map[string]bool{"zone-a": true, "zone-b": true, "zone-c": true}))
	g.Expect(nodes).To(And(HaveLen(3), HaveKey("node-0"), HaveKey("node-1"), HaveKey("gpu-0")))
	g.Expect(nodes["node-1"].Labels).To(HaveKeyWithValue("disk", "ssd"))
	g.Expect(nodes["node-1"].Spec.Taints).To(BeEmpty())
	g.Expect(nodes["gpu-0"].Spec.Taints).To(Equal([]corev1.Taint{{Key: "gpu", Value: "only", Effect: "NoSchedule"}}))
	for name, want := range map[corev1.ResourceName]string{"cpu": "16", "memory": "8Gi", "nvidia.com/gpu": "4", "example.com/fpga": "2", "pods": "110", "ephemeral-storage": "100Gi"} {
		capacity, allocatable := nodes["gpu-0"].Status.Capacity[name], nodes["gpu-0"].Status.Allocatable[name]
		g.Expect(capacity.String()).To(Equal(want), "capacity of %s", name)
		g.Expect(allocatable.String()).To(Equal(want), "allocatable of %s", name)
	}
}

func (a *apiTest) version(t *testing.T) {
	g := NewWithT(t)
	version, err := a.client.Discovery().ServerVersion()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(version.GitVersion).To(Equal("v1.37.2"))
	g.Expect(version.Major + "." + version.Minor).To(Equal("1.37"))
}

// strangers have no way in.
func (a *apiTest) strangers(t *testing.T) {
	g := NewWithT(t)
	anonymous, err := kubernetes.NewForConfig(rest.AnonymousClientConfig(a.config))
	g.Expect(err).NotTo(HaveOccurred())
	_, err = anonymous.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
	g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "got %v", err)

	wrong := rest.AnonymousClientConfig(a.config)
	wrong.BearerToken = "guessed"
	guesser, err := kubernetes.NewForConfig(wrong)
	g.Expect(err).NotTo(HaveOccurred())
	_, err = guesser.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
	g.Expect(apierrors.IsUnauthorized(err)).To(BeTrue(), "got %v", err)

	plain, err := http.Get("http://" + a.config.Host[len("https://"):] + "/api")
	g.Expect(err).NotTo(HaveOccurred())
	defer plain.Body.Close()
	g.Expect(plain.StatusCode).To(Equal(http.StatusBadRequest))
}

// isPrivate checks that only its owner can reach what the cluster keeps,
// above all the socket of etcd.
func isPrivate(t *testing.T, place folder) {
	g := NewWithT(t)
	info, err := os.Stat(place.path())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o700)))
	info, err = os.Stat(place.path(etcdSocket))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Mode().Type()).To(Equal(os.ModeSocket))
	for _, name := range []string{"kubeconfig", "ca.key", "apiserver.key", "service-accounts.key", "server.log"} {
		info, err := os.Stat(place.path(name))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)), name)
	}
}

// podTemplate is a pod that needs little.
func podTemplate(app string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "example.com/none"}}},
	}
}

func selector(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

func (a *apiTest) pods(ctx context.Context, app string) ([]corev1.Pod, error) {
	list, err := a.client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// expectReady waits for the pods of an app to be what Ready pods are.
func (a *apiTest) expectReady(t *testing.T, app string, count int) []corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	NewWithT(t).Eventually(func(g Gomega) {
		var err error
		pods, err = a.pods(t.Context(), app)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(pods).To(HaveLen(count))
		addresses := map[string]bool{}
		for _, pod := range pods {
			g.Expect(pod.Status.Phase).To(Equal(corev1.PodRunning), pod.Name)
			g.Expect(pod.Status.Conditions).To(ContainElement(And(
				HaveField("Type", corev1.PodReady), HaveField("Status", corev1.ConditionTrue))))
			g.Expect(pod.Status.HostIP).To(HavePrefix("198.18.0."))
			addresses[pod.Status.PodIP] = true
		}
		g.Expect(addresses).To(HaveLen(count), "every pod has an address of its own")
		g.Expect(addresses).NotTo(HaveKey(""))
	}).WithTimeout(soon).WithPolling(20 * time.Millisecond).Should(Succeed())
	return pods
}

func (a *apiTest) expectGone(t *testing.T, app string) {
	t.Helper()
	NewWithT(t).Eventually(func() ([]corev1.Pod, error) { return a.pods(t.Context(), app) }).
		WithTimeout(soon).WithPolling(20 * time.Millisecond).Should(BeEmpty())
}

func (a *apiTest) deployment(t *testing.T) {
	g := NewWithT(t)
	_, err := a.client.CoreV1().Services("default").Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	begun := time.Now()
	_, err = a.client.AppsV1().Deployments("default").Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](20), Selector: selector("web"), Template: podTemplate("web")},
	}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	pods := a.expectReady(t, "web", 20)
	t.Logf("20 pods ready after %d ms", time.Since(begun).Milliseconds())
	for _, pod := range pods {
		g.Expect(pod.Spec.NodeName).To(HavePrefix("node-"), "the taint keeps pods off the other node")
	}
	g.Eventually(func(g Gomega) {
		deployment, err := a.client.AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(deployment.Status.AvailableReplicas).To(Equal(int32(20)))
		slices, err := a.client.DiscoveryV1().EndpointSlices("default").List(t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=web"})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(slices.Items).To(HaveLen(1))
		g.Expect(slices.Items[0].Endpoints).To(HaveLen(20))
	}).WithTimeout(soon).WithPolling(20 * time.Millisecond).Should(Succeed())

	// A pod that goes, with its grace period of 30 s, goes at once.
	begun = time.Now()
	g.Expect(a.client.CoreV1().Pods("default").Delete(t.Context(), pods[0].Name, metav1.DeleteOptions{})).To(Succeed())
	g.Eventually(func() bool {
		_, err := a.client.CoreV1().Pods("default").Get(t.Context(), pods[0].Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	}).WithTimeout(10 * time.Second).WithPolling(5 * time.Millisecond).Should(BeTrue())
	t.Logf("pod gone after %d ms", time.Since(begun).Milliseconds())
	a.expectReady(t, "web", 20)
}

func (a *apiTest) statefulSet(t *testing.T) {
	g := NewWithT(t)
	_, err := a.client.AppsV1().StatefulSets("default").Create(t.Context(), &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "db"},
		Spec:       appsv1.StatefulSetSpec{Replicas: ptr.To[int32](3), Selector: selector("db"), Template: podTemplate("db")},
	}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	var names []string
	for _, pod := range a.expectReady(t, "db", 3) {
		names = append(names, pod.Name)
	}
	g.Expect(names).To(ConsistOf("db-0", "db-1", "db-2"))
}

func (a *apiTest) daemonSet(t *testing.T) {
	g := NewWithT(t)
	template := podTemplate("agent")
	template.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	_, err := a.client.AppsV1().DaemonSets("default").Create(t.Context(), &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: "agent"},
		Spec:       appsv1.DaemonSetSpec{Selector: selector("agent"), Template: template},
	}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	var nodes []string
	for _, pod := range a.expectReady(t, "agent", 3) {
		nodes = append(nodes, pod.Spec.NodeName)
	}
	g.Expect(nodes).To(ConsistOf("node-0", "node-1", "gpu-0"))
}

// job makes one as a CronJob would: the schedule itself has a resolution of
// a minute, too long for a test.
func (a *apiTest) job(t *testing.T) {
	g := NewWithT(t)
	template := podTemplate("batch")
	template.Spec.RestartPolicy = corev1.RestartPolicyNever
	_, err := a.client.BatchV1().Jobs("default").Create(t.Context(), &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "batch"},
		Spec:       batchv1.JobSpec{Parallelism: ptr.To[int32](2), Completions: ptr.To[int32](4), Template: template},
	}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func(g Gomega) {
		job, err := a.client.BatchV1().Jobs("default").Get(t.Context(), "batch", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(job.Status.Succeeded).To(Equal(int32(4)))
		g.Expect(job.Status.Conditions).To(ContainElement(And(
			HaveField("Type", batchv1.JobComplete), HaveField("Status", corev1.ConditionTrue))))
	}).WithTimeout(soon).WithPolling(20 * time.Millisecond).Should(Succeed())
}

// latePod checks that the server's stamps of a simulated pod are the times at
// which it came to what they say, and not made up: KWOK's stages have to write
// the current time, or the stamps of a pod that waits for its node have no
// duration. They are in whole seconds, so that 3 s show as 2 s at least.
func (a *apiTest) latePod(t *testing.T) {
	g := NewWithT(t)
	const waits = 3 * time.Second
	template := podTemplate("late")
	template.Spec.NodeSelector = map[string]string{"late": "yes"}
	_, err := a.client.CoreV1().Pods("default").Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "late", Labels: template.Labels}, Spec: template.Spec}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Consistently(func(g Gomega) {
		pods, err := a.pods(t.Context(), "late")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(pods).To(HaveExactElements(HaveField("Status.Phase", corev1.PodPending)))
	}).WithTimeout(waits).WithPolling(100 * time.Millisecond).Should(Succeed())
	_, err = a.client.CoreV1().Nodes().Patch(t.Context(), "node-1", types.MergePatchType,
		[]byte(`{"metadata":{"labels":{"late":"yes"}}}`), metav1.PatchOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	pod := a.expectReady(t, "late", 1)[0]
	created := pod.CreationTimestamp.Time
	for _, condition := range pod.Status.Conditions {
		g.Expect(condition.LastTransitionTime.Sub(created)).To(BeNumerically(">=", 2*time.Second), string(condition.Type))
	}
	g.Expect(pod.Status.Conditions).To(HaveLen(4))
	g.Expect(pod.Status.StartTime.Sub(created)).To(BeNumerically(">=", 2*time.Second), "startTime")
	g.Expect(pod.Status.ContainerStatuses).To(HaveLen(1))
	g.Expect(pod.Status.ContainerStatuses[0].State.Running.StartedAt.Sub(created)).To(BeNumerically(">=", 2*time.Second), "startedAt")
}

// gpuPods checks that the scheduler counts GPUs: 4 pods fit, the 5th waits.
func (a *apiTest) gpuPods(t *testing.T) {
	g := NewWithT(t)
	for i := range 5 {
		template := podTemplate("train")
		template.Spec.Tolerations = []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}
		template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
		template.Name = fmt.Sprintf("train-%d", i)
		_, err := a.client.CoreV1().Pods("default").Create(t.Context(), &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}, metav1.CreateOptions{})
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Eventually(func(g Gomega) {
		pods, err := a.pods(t.Context(), "train")
		g.Expect(err).NotTo(HaveOccurred())
		running, waiting := 0, 0
		for _, pod := range pods {
			if pod.Status.Phase == corev1.PodRunning && pod.Spec.NodeName == "gpu-0" {
				running++
			}
			for _, condition := range pod.Status.Conditions {
				if condition.Reason == corev1.PodReasonUnschedulable {
					g.Expect(condition.Message).To(ContainSubstring("Insufficient nvidia.com/gpu"))
					waiting++
				}
			}
		}
		g.Expect([]int{running, waiting}).To(Equal([]int{4, 1}))
	}).WithTimeout(soon).WithPolling(20 * time.Millisecond).Should(Succeed())
}

// serviceAccount checks that a token for a pod is issued and accepted, and
// that it carries the rights of its account and no more.
func (a *apiTest) serviceAccount(t *testing.T) {
	g := NewWithT(t)
	token, err := a.client.CoreV1().ServiceAccounts("default").CreateToken(t.Context(), "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	config := rest.AnonymousClientConfig(a.config)
	config.BearerToken = token.Status.Token
	pod, err := kubernetes.NewForConfig(config)
	g.Expect(err).NotTo(HaveOccurred())
	who, err := pod.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(who.Status.UserInfo.Username).To(Equal("system:serviceaccount:default:default"))
	_, err = pod.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{})
	g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "got %v", err)
}

// cascade checks the garbage collector: pods go with their Deployment.
func (a *apiTest) cascade(t *testing.T) {
	g := NewWithT(t)
	deployments := a.client.AppsV1().Deployments("default")
	_, err := deployments.Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "short"},
		Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](3), Selector: selector("short"), Template: podTemplate("short")},
	}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	a.expectReady(t, "short", 3)
	g.Expect(deployments.Delete(t.Context(), "short", metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationBackground)})).To(Succeed())
	a.expectGone(t, "short")
}

// logs checks that what needs a kubelet fails at once and says why.
func (a *apiTest) logs(t *testing.T) {
	g := NewWithT(t)
	pod := podTemplate("silent")
	pod.Name = "silent"
	_, err := a.client.CoreV1().Pods("default").Create(t.Context(), &corev1.Pod{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	a.expectReady(t, "silent", 1)
	err = a.client.CoreV1().Pods("default").GetLogs("silent", &corev1.PodLogOptions{}).Do(t.Context()).Error()
	g.Expect(err).To(MatchError(ContainSubstring("simulated-node-has-no-kubelet")))
}

// namespace checks that a namespace goes with all that is in it. The
// controller waits 5 s on its own before it looks a second time.
func (a *apiTest) namespace(t *testing.T) {
	g := NewWithT(t)
	namespaces := a.client.CoreV1().Namespaces()
	_, err := namespaces.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "brief"}}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	pod := podTemplate("brief")
	pod.Name = "brief"
	g.Eventually(func() error { // until the namespace has its service account
		_, err := a.client.CoreV1().Pods("brief").Create(t.Context(), &corev1.Pod{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}, metav1.CreateOptions{})
		return err
	}).WithTimeout(soon).WithPolling(20 * time.Millisecond).Should(Succeed())
	begun := time.Now()
	g.Expect(namespaces.Delete(t.Context(), "brief", metav1.DeleteOptions{})).To(Succeed())
	g.Eventually(func() bool {
		_, err := namespaces.Get(t.Context(), "brief", metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	}).WithTimeout(soon).WithPolling(20 * time.Millisecond).Should(BeTrue())
	t.Logf("namespace gone after %d ms", time.Since(begun).Milliseconds())
}

// readyAgain: the node controller makes the pods of a node unready when it hears
// nothing of the node, and the simulated kubelet, like a real one, ready again.
func (a *apiTest) readyAgain(t *testing.T) {
	g := NewWithT(t)
	pods := a.client.CoreV1().Pods("default")
	_, err := pods.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "back"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a"}}},
	}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = pods.Delete(context.WithoutCancel(t.Context()), "back", metav1.DeleteOptions{}) }()
	state := func() corev1.PodCondition {
		pod, err := pods.Get(t.Context(), "back", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady {
				return c
			}
		}
		return corev1.PodCondition{}
	}
	ready := func() corev1.ConditionStatus { return state().Status }
	g.Eventually(ready, "10s").Should(Equal(corev1.ConditionTrue))
	_, err = pods.Patch(t.Context(), "back", types.StrategicMergePatchType,
		[]byte(`{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`), metav1.PatchOptions{}, "status")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(ready()).To(Equal(corev1.ConditionFalse))
	g.Eventually(ready, "10s").Should(Equal(corev1.ConditionTrue))

	// What a scenario writes into a pod itself stays.
	for _, status := range []string{
		`{"containerStatuses":[{"name":"a","image":"a","imageID":"","ready":false,"restartCount":0}],"conditions":[{"type":"Ready","status":"False"}]}`,
		`{"containerStatuses":[{"name":"a","image":"a","imageID":"","ready":true,"restartCount":0}],"conditions":[{"type":"Ready","status":"False","reason":"Tested"}]}`,
	} {
		_, err = pods.Patch(t.Context(), "back", types.StrategicMergePatchType, []byte(`{"status":`+status+`}`), metav1.PatchOptions{}, "status")
		g.Expect(err).NotTo(HaveOccurred())
		g.Consistently(ready, "3s").Should(Equal(corev1.ConditionFalse))
	}
}
