package cluster

import (
	"context"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/spec"
)

func TestSurveyFindsWhatIsThere(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	ctx := soon(t, 30*time.Second)
	class, monitor := unique("class"), unique("prometheus")
	for _, o := range []string{`
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: ` + class + `, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: example.com/disk
allowVolumeExpansion: true
volumeBindingMode: WaitForFirstConsumer`, `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: ` + class + `}
spec: {controller: example.com/ingress}`, `
apiVersion: v1
kind: Service
metadata: {name: ` + monitor + `, namespace: ` + ns + `, labels: {app.kubernetes.io/name: prometheus}}
spec: {ports: [{name: other, port: 8080}, {name: web, port: 9090}]}`, `
apiVersion: v1
kind: Service
metadata: {name: exporter, namespace: ` + ns + `, labels: {app.kubernetes.io/name: prometheus, app.kubernetes.io/component: exporter}}
spec: {ports: [{port: 9100}]}`, `
apiVersion: v1
kind: Pod
metadata: {name: big, namespace: ` + ns + `}
spec: {containers: [{name: a, image: x, resources: {requests: {cpu: 1500m, memory: 1Gi}}}]}`} {
		_, err := c.Apply(ctx, object(t, o))
		g.Expect(err).NotTo(HaveOccurred())
	}
	for _, r := range []Resource{storageClasses, ingressClasses} {
		t.Cleanup(func() { _ = c.Delete(context.Background(), r, "", class, DeleteOptions{}) })
	}
	eventually(g, func() string {
		pod, err := c.Get(ctx, Pods, ns, "big")
		g.Expect(err).NotTo(HaveOccurred())
		node, _, _ := nestedString(pod.Object, "spec", "nodeName")
		return node
	}).ShouldNot(BeEmpty())
	pod, _ := c.Get(ctx, Pods, ns, "big")
	on, _, _ := nestedString(pod.Object, "spec", "nodeName")

	f, err := c.Survey(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(f.Cluster.Unknown).To(BeEmpty())
	g.Expect(f.Cluster.Unknown).NotTo(BeNil())
	g.Expect(f.Cluster.MetricsAPI).To(BeFalse())
	g.Expect(f.Cluster.StorageClasses).To(ContainElement(spec.StorageClass{
		Name: class, Provisioner: "example.com/disk", Default: true, Expandable: true, Binding: "WaitForFirstConsumer",
	}))
	g.Expect(f.Cluster.IngressClasses).To(ContainElement(spec.IngressClass{Name: class, Controller: "example.com/ingress"}))
	url := "/api/v1/namespaces/" + ns + "/services/" + monitor + ":9090/proxy"
	g.Expect(f.Cluster.Prometheus).To(ConsistOf(spec.Service{Name: monitor, Namespace: ns, Port: 9090, URL: url}))
	g.Expect(f.Cluster.Grafana).To(BeEmpty())
	g.Expect(f.Cluster.CNI).To(Equal("none")) // the nodes are simulated: no packets
	for _, n := range f.Nodes {
		if n.Name != on {
			continue
		}
		g.Expect(text(n.Requested["cpu"])).To(Equal("1500m"))
		g.Expect(text(n.Headroom["cpu"])).To(Equal("2500m"))
		g.Expect(text(n.Headroom["memory"])).To(Equal("7Gi"))
		g.Expect(text(n.Headroom["pods"])).To(Equal("109"))
	}
}

func nestedString(o map[string]any, path ...string) (string, bool, error) {
	for _, name := range path[:len(path)-1] {
		o, _ = o[name].(map[string]any)
	}
	s, ok := o[path[len(path)-1]].(string)
	return s, ok, nil
}

func text(q resource.Quantity) string { return q.String() }

// What may not be listed is told as that, never as absent.
func TestSurveySaysWhatItMayNotSee(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{As: "nobody-in-particular"})
	f, err := c.Survey(soon(t, 20*time.Second))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(f.Cluster.Version).NotTo(BeEmpty())
	g.Expect(f.Cluster.APIs).To(ContainElement("apps/v1"))
	for field, what := range map[string]string{
		"nodes": "nodes", "gpus": "nodes", "storageClasses": "storageclasses", "ingressClasses": "ingressclasses",
		"cni": "daemonsets", "networkPolicies": "daemonsets", "prometheus": "services", "grafana": "services",
		"requested": "pods", "headroom": "pods",
	} {
		g.Expect(f.Cluster.Unknown).To(HaveKeyWithValue(field, "not allowed to list "+what))
	}
}

func TestASurveyOfADeadServerIsAnError(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{RetryBudget: 200 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := c.Survey(ctx)
	g.Expect(err).To(HaveOccurred())
}

func TestPodRequestsAreTheSchedulers(t *testing.T) {
	for name, c := range map[string]struct{ pod, cpu string }{
		"containers add up":             {`{containers: [{resources: {requests: {cpu: 1}}}, {resources: {requests: {cpu: 500m}}}]}`, "1500m"},
		"the largest init container":    {`{containers: [{resources: {requests: {cpu: 1}}}], initContainers: [{resources: {requests: {cpu: 3}}}, {resources: {requests: {cpu: 2}}}]}`, "3"},
		"a sidecar runs beside":         {`{containers: [{resources: {requests: {cpu: 1}}}], initContainers: [{restartPolicy: Always, resources: {requests: {cpu: 2}}}]}`, "3"},
		"an init container beside one":  {`{containers: [{resources: {requests: {cpu: 1}}}], initContainers: [{restartPolicy: Always, resources: {requests: {cpu: 2}}}, {resources: {requests: {cpu: 4}}}]}`, "6"},
		"an init container before one":  {`{containers: [{resources: {requests: {cpu: 1}}}], initContainers: [{resources: {requests: {cpu: 4}}}, {restartPolicy: Always, resources: {requests: {cpu: 2}}}]}`, "4"},
		"overhead comes on top":         {`{overhead: {cpu: 250m}, containers: [{resources: {requests: {cpu: 1}}}]}`, "1250m"},
		"the pod's own requests decide": {`{resources: {requests: {cpu: 5}}, containers: [{resources: {requests: {cpu: 1}}}]}`, "5"},
		"nothing is asked for":          {`{containers: [{name: a}]}`, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			var p corev1.Pod
			if err := yaml.Unmarshal([]byte(c.pod), &p.Spec); err != nil {
				t.Fatal(err)
			}
			got := podRequests(&p)[corev1.ResourceCPU]
			NewWithT(t).Expect(got.String()).To(Equal(c.cpu))
		})
	}
}

func TestTheNetworkPluginIsToldByItsTraces(t *testing.T) {
	annotatedNode := []spec.Node{{Annotations: map[string]string{"flannel.alpha.coreos.com/backend-type": "vxlan"}}}
	for name, c := range map[string]struct {
		agents   []string
		facts    spec.Facts
		want     string
		policies string
	}{
		"by an agent":                   {[]string{"kube-proxy", "cilium"}, spec.Facts{}, "cilium", enforced},
		"canal is not flannel":          {[]string{"canal"}, spec.Facts{Nodes: annotatedNode}, "canal", enforced},
		"by its API":                    {nil, spec.Facts{Cluster: spec.Cluster{APIs: []string{"crd.projectcalico.org/v1"}}}, "calico", enforced},
		"by a node's annotation":        {nil, spec.Facts{Nodes: annotatedNode}, "flannel", ignored},
		"a setting that nobody can see": {[]string{"aws-node"}, spec.Facts{}, "aws-vpc-cni", unknown},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			p := pluginOf(c.agents, &c.facts)
			g.Expect(p).NotTo(BeNil())
			g.Expect(p.name).To(Equal(c.want))
			g.Expect(p.policies).To(Equal(c.policies))
		})
	}
	NewWithT(t).Expect(pluginOf([]string{"kube-proxy", "node-exporter"}, &spec.Facts{})).To(BeNil())
}

func TestNodesMaySayWhatBecomesOfNetworkPolicies(t *testing.T) {
	node := func(name, says string) spec.Node {
		return spec.Node{Name: name, Annotations: map[string]string{AnnotationNetworkPolicies: says}}
	}
	silent := spec.Node{Name: "silent"}
	for name, c := range map[string]struct {
		nodes       []spec.Node
		said, wrong string
	}{
		"none does":     {[]spec.Node{silent}, "", ""},
		"one does":      {[]spec.Node{silent, node("a", "enforced"), silent}, "enforced", ""},
		"all do":        {[]spec.Node{node("a", "ignored"), node("b", "ignored")}, "ignored", ""},
		"they differ":   {[]spec.Node{node("a", "ignored"), node("b", "enforced")}, "", "node b has the annotation realspec.dev/network-policies: enforced, and node a says ignored"},
		"another word":  {[]spec.Node{node("a", "yes")}, "", `node a has the annotation realspec.dev/network-policies: "yes", and it must be enforced or ignored`},
		"an empty word": {[]spec.Node{node("a", "")}, "", `node a has the annotation realspec.dev/network-policies: "", and it must be enforced or ignored`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			said, wrong := policiesSaid(c.nodes)
			g.Expect(said).To(Equal(c.said))
			g.Expect(wrong).To(Equal(c.wrong))
		})
	}
}

// Who may not list the plugin's agents can still be told by the nodes; a server that
// does not answer is an error all the same.
func TestNodesMaySayItToThoseWhoSeeNoAgents(t *testing.T) {
	g := NewWithT(t)
	forbidden := &Refused{What: "list daemonsets.apps", Code: http.StatusForbidden}
	says := []spec.Node{{Name: "a", Annotations: map[string]string{AnnotationNetworkPolicies: "enforced"}}}
	put, err := networkOf(nil, says, forbidden)
	g.Expect(err).NotTo(HaveOccurred())
	facts := &spec.Facts{Cluster: spec.Cluster{Unknown: map[string]string{}}}
	put(facts)
	g.Expect(facts.Cluster.NetworkPolicies).To(Equal("enforced"))
	g.Expect(facts.Cluster.Unknown).To(HaveLen(1))
	g.Expect(facts.Cluster.Unknown).To(HaveKeyWithValue("cni", "not allowed to list daemonsets.apps"))
	_, err = networkOf(nil, nil, forbidden)
	g.Expect(err).To(MatchError(forbidden))
	_, err = networkOf(nil, says, context.DeadlineExceeded)
	g.Expect(err).To(MatchError(context.DeadlineExceeded))
}
