package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
)

func TestParseShape(t *testing.T) {
	for _, test := range []struct {
		name  string
		specs []string
		want  string // the shape as JSON, as 'status' shows it
	}{
		{"default", nil,
			`[{"name":"node","count":1,"cpu":"4","memory":"8Gi","storage":"100Gi","pods":110}]`},
		{"plain", []string{"count=4,cpu=8,memory=32Gi"},
			`[{"name":"node","count":4,"cpu":"8","memory":"32Gi","storage":"100Gi","pods":110}]`},
		{"quantities in their shortest form", []string{"cpu=1000m,memory=1024Mi"},
			`[{"name":"node","count":1,"cpu":"1","memory":"1Gi","storage":"100Gi","pods":110}]`},
		{"everything", []string{"name=gpu,count=2,cpu=500m,memory=1Gi,storage=1Ti,pods=20,gpu=8,example.com/fpga=2,label=a=b,label=example.com/c=,taint=gpu=only:NoSchedule,taint=x:NoExecute"},
			`[{"name":"gpu","count":2,"cpu":"500m","memory":"1Gi","storage":"1Ti","pods":20,"gpu":8,"resources":{"example.com/fpga":"2"},"labels":{"a":"b","example.com/c":""},"taints":[{"key":"gpu","value":"only","effect":"NoSchedule"},{"key":"x","effect":"NoExecute"}]}]`},
		{"the full name of gpu", []string{"nvidia.com/gpu=2"},
			`[{"name":"node","count":1,"cpu":"4","memory":"8Gi","storage":"100Gi","pods":110,"gpu":2}]`},
		{"two pools", []string{"count=1", "count=2,name=b"},
			`[{"name":"node","count":1,"cpu":"4","memory":"8Gi","storage":"100Gi","pods":110},{"name":"b","count":2,"cpu":"4","memory":"8Gi","storage":"100Gi","pods":110}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			pools, err := parseShape(test.specs)
			g.Expect(err).NotTo(HaveOccurred())
			got, err := json.Marshal(pools)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(got)).To(Equal(test.want))

			var again []Pool // what 'up' compares with
			g.Expect(json.Unmarshal(got, &again)).To(Succeed())
			g.Expect(sameShape(pools, again)).To(BeTrue())
		})
	}
}

func TestParseShapeErrors(t *testing.T) {
	for _, test := range []struct{ spec, want string }{
		{"", `--nodes : "" is not of the form key=value; for example count=3,cpu=8,memory=32Gi`},
		{"count", `"count" is not of the form key=value`},
		{"count=0", `count "0": want a whole number from 1 to 5000`},
		{"count=many", `count "many": want a whole number from 1 to 5000`},
		{"count=9999", `count "9999": want a whole number from 1 to 5000`},
		{"count=1,count=2", `count is given twice`},
		{"cpu=lots", `cpu "lots": want a quantity above zero, such as 8 or 500m`},
		{"cpu=0", `cpu "0": want a quantity above zero`},
		{"memory=32GB", `memory "32GB": want a quantity above zero, such as 32Gi`},
		{"memory=-1Gi", `memory "-1Gi": want a quantity above zero`},
		{"storage=x", `storage "x": want a quantity above zero, such as 100Gi`},
		{"pods=0", `pods "0": want a whole number from 1 to 100000`},
		{"gpu=1.5", `gpu "1.5": want a whole number from 0`},
		{"gpu=1,nvidia.com/gpu=2", `gpu and nvidia.com/gpu are the same resource; give one of them`},
		{"name=Big", `name "Big": want at most 50 lower-case letters, digits and dashes`},
		{"cpus=4", `unknown key "cpus"; known are count, cpu, memory, gpu, pods, storage, name, zone, label, taint, and extended resources such as example.com/fpga`},
		{"example.com/fpga=half", `resource example.com/fpga: amount "half": want a whole number above zero`},
		{"example.com/fpga=1500m", `resource example.com/fpga: amount "1500m": want a whole number above zero`},
		{"kubernetes.io/fpga=1", `resource "kubernetes.io/fpga": the name of an extended resource has a domain of its vendor`},
		{"label=a=b=c", `label a: value "b=c"`},
		{"label=-a=b", `label key "-a"`},
		{"label=a=1,label=a=2", `label a is given twice`},
		{"label=type=real", `label type is set by realspec-cluster itself`},
		{"taint=gpu", `taint "gpu": want key=value:effect or key:effect, such as gpu=only:NoSchedule`},
		{"taint=gpu=only:Never", `taint gpu: effect "Never": want one of NoSchedule, PreferNoSchedule, NoExecute`},
		{"taint=gpu:NoSchedule,taint=gpu=x:NoSchedule", `taint gpu with effect NoSchedule is given twice`},
	} {
		t.Run(test.spec, func(t *testing.T) {
			g := NewWithT(t)
			_, err := parseShape([]string{test.spec})
			g.Expect(err).To(MatchError(ContainSubstring(test.want)))
			g.Expect(err).To(MatchError(HavePrefix("--nodes " + test.spec)))
			g.Expect(report(streams{err: &strings.Builder{}}, err)).To(Equal(exitUsage))
		})
	}
}

func TestTooManyNodes(t *testing.T) {
	_, err := parseShape([]string{"count=5000", "count=1"})
	NewWithT(t).Expect(err).To(MatchError("5001 nodes asked for; at most 5000 nodes are supported in a cluster"))
}

func TestNodesFile(t *testing.T) {
	want, err := parseShape([]string{
		"count=2,cpu=8,memory=32Gi,name=big,label=zone=no,label=n=1,taint=gpu=only:NoSchedule,gpu=1,example.com/fpga=2",
		"cpu=500m,pods=10,storage=1Gi"})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for name, content := range map[string]string{
		"yaml": `
- count: 2
  cpu: 8
  memory: 32Gi
  name: big
  gpu: 1
  labels: {zone: no, n: 1}
  taints:
  - {key: gpu, value: only, effect: NoSchedule}
  resources:
    example.com/fpga: 2
- cpu: 500m
  pods: 10
  storage: 1Gi
`,
		"json": `[{"count": 2, "cpu": "8", "memory": "32Gi", "name": "big", "gpu": 1,
"labels": {"zone": "no", "n": "1"}, "taints": [{"key": "gpu", "value": "only", "effect": "NoSchedule"}],
"resources": {"example.com/fpga": 2}}, {"cpu": "500m", "pods": 10, "storage": "1Gi"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			path := filepath.Join(t.TempDir(), "nodes")
			g.Expect(os.WriteFile(path, []byte(content), 0o600)).To(Succeed())
			pools, err := readNodesFile(path)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(sameShape(pools, want)).To(BeTrue(), "got %+v", pools)
		})
	}
}

func TestNodesFileErrors(t *testing.T) {
	for _, test := range []struct {
		name, content string
		want          []string
	}{
		{"empty", "", []string{"f: the file is empty; want a list of pools, such as [{count: 3, cpu: 8}]"}},
		{"not YAML", "- a\n b: [", []string{"f: line 2: "}},
		{"a mapping", "count: 3", []string{"f:1:1: want a list of pools, such as [{count: 3, cpu: 8}]; found a mapping"}},
		{"no pools", "[]", []string{"f:1:1: want a list of pools, such as [{count: 3, cpu: 8}]; found an empty list"}},
		{"a word", "- big", []string{`f:1:3: entry 1: an entry: want fields and values; found "big"`}},
		{"unknown field", "- count: 1\n- cpus: 4", []string{`f:2:9: entry 2: unknown field "cpus"; known are count, cpu,`}},
		{"bad value", "- cpu: lots", []string{`f:1:8: entry 1: cpu "lots": want a quantity above zero`}},
		{"no value", "- cpu:", []string{`entry 1: cpu: want one value; found nothing`}},
		{"list for a value", "- cpu: [1]", []string{`f:1:8: entry 1: cpu: want one value; found a list`}},
		{"twice", "- cpu: 1\n  cpu: 2", []string{`f:2:3: entry 1: cpu is given twice`}},
		{"labels list", "- labels: [a]", []string{`f:1:11: entry 1: labels: want fields and values; found a list`}},
		{"taints mapping", "- taints: {a: b}", []string{`f:1:11: entry 1: taints: want a list, such as [{key: gpu, effect: NoSchedule}]; found a mapping`}},
		{"taint field", "- taints: [{name: a}]", []string{`f:1:19: entry 1: taint: unknown field "name"; known are key, value, effect`}},
		{"taint effect", "- taints: [{key: a}]", []string{`f:1:12: entry 1: taint a: effect "": want one of NoSchedule`}},
		{"resource", "- resources: {fpga: 1}", []string{`f:1:21: entry 1: resource "fpga": the name of an extended resource has a domain`}},
		{"several", "- cpu: x\n  pods: y\n- count: z", []string{`f:1:8: entry 1: cpu "x"`, `f:2:9: entry 1: pods "y"`, `f:3:10: entry 2: count "z"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := parseNodesFile("f", []byte(test.content))
			g.Expect(err).To(HaveOccurred())
			lines := strings.Split(err.Error(), "\n")
			g.Expect(lines).To(HaveLen(len(test.want)))
			for i, want := range test.want {
				g.Expect(lines[i]).To(ContainSubstring(want))
			}
		})
	}
}

func TestSimulatedNodes(t *testing.T) {
	g := NewWithT(t)
	pools, err := parseShape([]string{"count=2,gpu=4,label=a=b,taint=k=v:NoExecute", "count=1,cpu=16", "name=big,label=topology.kubernetes.io/zone=own"})
	g.Expect(err).NotTo(HaveOccurred())
	nodes := simulatedNodes(pools)
	var names, zones, addresses []string
	for _, node := range nodes {
		names = append(names, node.Name)
		zones = append(zones, node.Labels[corev1.LabelTopologyZone])
		addresses = append(addresses, node.Status.Addresses[0].Address)
	}
	g.Expect(names).To(Equal([]string{"node-0", "node-1", "node-2", "big-0"}))
	g.Expect(zones).To(Equal([]string{"zone-a", "zone-b", "zone-c", "own"}))
	g.Expect(addresses).To(Equal([]string{"198.18.0.1", "198.18.0.2", "198.18.0.3", "198.18.0.4"}))
	g.Expect(nodeAddress(4999)).To(Equal("198.18.19.136"))

	first := nodes[0]
	g.Expect(first.Labels).To(HaveKeyWithValue("type", "kwok"))
	g.Expect(first.Labels).To(HaveKeyWithValue("a", "b"))
	g.Expect(first.Labels).To(HaveKeyWithValue("node.kubernetes.io/instance-type", "realspec-simulated"))
	g.Expect(first.Annotations).To(HaveKeyWithValue("kwok.x-k8s.io/node", "fake"))
	g.Expect(first.Spec.Taints).To(Equal([]corev1.Taint{{Key: "k", Value: "v", Effect: corev1.TaintEffectNoExecute}}))
	gpus := first.Status.Allocatable["nvidia.com/gpu"]
	g.Expect(gpus.String()).To(Equal("4"))
	g.Expect(nodes[2].Status.Capacity).NotTo(HaveKey(corev1.ResourceName("nvidia.com/gpu")))
	g.Expect(nodes[2].Status.Capacity.Cpu().String()).To(Equal("16"))
	g.Expect(schedulable(first)).To(BeTrue())
	first.Spec.Taints = append(first.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeNotReady})
	g.Expect(schedulable(first)).To(BeFalse())
}
