package plan_test

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/spec"
)

// pods is a workload whose pods ask for 100m CPU and 64Mi memory.
func workload(kind, fields string) string {
	return "{apiVersion: apps/v1, kind: " + kind + ", metadata: {name: web}, spec: {" + fields +
		"template: {spec: {containers: [{name: a, image: x, resources: {requests: {cpu: 100m}, limits: {cpu: \"9\", memory: 64Mi}}}]}}}}"
}

func TestMost(t *testing.T) {
	web := workload("Deployment", "replicas: 4, ")
	for name, c := range map[string]struct {
		steps string
		most  string
	}{
		"replicas":      {"apply: {objects: [" + web + "]}", "at most 4 pods, 400m cpu, 256Mi memory, 0 GPUs, 30m"},
		"one replica":   {"apply: {objects: [" + workload("StatefulSet", "") + "]}", "at most 1 pod, 100m cpu, 64Mi memory, 0 GPUs, 30m"},
		"nodes":         {"apply: {objects: [" + workload("DaemonSet", "") + "]}", "at most 3 pods, 300m cpu, 192Mi memory, 0 GPUs, 30m"},
		"again, rolled": {"apply: {objects: [" + web + "]}\n---\napply: {objects: [" + web + "]}", "at most 5 pods, 500m cpu, 320Mi memory, 0 GPUs, 30m"},
		"scaled":        {"apply: {objects: [" + web + "]}\n---\npatch: {on: {kind: Deployment, name: web}, merge: {spec: {replicas: 8}}}", "at most 10 pods, 1 cpu, 640Mi memory, 0 GPUs, 30m"},
		"another":       {"apply: {objects: [" + web + "]}\n---\npatch: {on: {kind: Deployment, name: other}, merge: {spec: {replicas: 8}}}", "at most 4 pods, 400m cpu, 256Mi memory, 0 GPUs, 30m"},
		"by JSON patch": {"apply: {objects: [" + web + "]}\n---\npatch: {on: {kind: Deployment, name: web}, json: [{op: replace, path: /spec/replicas, value: 8}]}", "at most 10 pods, 1 cpu, 640Mi memory, 0 GPUs, 30m"},
		"load":          {"load: {object: {apiVersion: v1, kind: Pod, spec: {containers: [{name: a, image: x}]}}, stages: [{rate: 10, for: 2s, ramp: true}, {rate: 5, for: 1s}]}", "at most 15 pods, 0 cpu, 0 memory, 0 GPUs, 30m"},
		"no pods":       {"load: {object: {apiVersion: v1, kind: ConfigMap}, count: 100}", "at most 0 pods, 0 cpu, 0 memory, 0 GPUs, 30m"},
		"repeated":      {"measure: [{name: m, elapsed: {}}]\nrepeat: 3\nduring: [{apply: {objects: [" + web + "]}}]", "at most 12 pods, 1200m cpu, 768Mi memory, 0 GPUs, 30m"},
		"not known": {"http: {url: \"http://127.0.0.1/\", output: n}\n---\napply: {objects: [{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: \"${{ outputs.n.status }}\"}}]}",
			"at most 1 pod, 0 cpu, 0 memory, 0 GPUs, 30m; not counted: Deployment/web (what it holds is known only during the run)"},
		"own, written": {"apply: {objects: [" + web + "]}\n---\npatch: {on: {kind: Deployment, name: web, namespace: \"${{ run.namespace }}\"}, merge: {spec: {replicas: 8}}}", "at most 10 pods, 1 cpu, 640Mi memory, 0 GPUs, 30m"},
		"by calls":     {"apply: {objects: [" + web + "]}\n---\nmeasure: [{name: m, api: {verb: patch, rate: 1, count: 1, on: {kind: Deployment, name: web}, merge: {spec: {replicas: 8}}}}]", "at most 10 pods, 1 cpu, 640Mi memory, 0 GPUs, 30m"},
		"a whole spec": {"apply: {objects: [" + web + "]}\n---\npatch: {on: {kind: Deployment, name: web}, json: [{op: replace, path: /spec, value: {replicas: 8}}]}", "at most 10 pods, 1 cpu, 640Mi memory, 0 GPUs, 30m"},
		"larger pods": {"apply: {objects: [" + web + "]}\n---\npatch: {on: {kind: Deployment, name: web}, merge: {spec: {template: {spec: {containers: [{name: a, resources: {requests: {cpu: \"1\"}}}]}}}}}",
			"at most 5 pods, 5 cpu, 320Mi memory, 0 GPUs, 30m"},
		"larger by JSON patch": {"apply: {objects: [" + web + "]}\n---\npatch: {on: {kind: Deployment, name: web}, json: [{op: replace, path: /spec/template/spec/containers/0/resources/requests/cpu, value: \"1\"}]}",
			"at most 5 pods, 5500m cpu, 320Mi memory, 0 GPUs, 30m"},
		"parallel": {"apply: {objects: [" + workload("Job", "") + "]}\n---\npatch: {on: {kind: Job, name: web}, merge: {spec: {parallelism: 4}}}", "at most 4 pods, 400m cpu, 256Mi memory, 0 GPUs, 30m"},
		"autoscaled further": {"apply: {objects: [" + web + ", {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: s}, spec: {maxReplicas: 5, scaleTargetRef: {kind: Deployment, name: web}}}]}\n---\n" +
			"patch: {on: {kind: HorizontalPodAutoscaler, name: s}, merge: {spec: {maxReplicas: 9}}}", "at most 9 pods, 900m cpu, 576Mi memory, 0 GPUs, 30m"},
		"churn":      {"load: {object: {apiVersion: v1, kind: Pod, spec: {containers: [{name: a, image: x}]}}, count: 10, hold: 5s, churn: 2}", "at most 20 pods, 0 cpu, 0 memory, 0 GPUs, 30m"},
		"below zero": {"apply: {expect: refused, objects: [" + workload("StatefulSet", "replicas: -100, ") + "]}\n---\napply: {objects: [" + web + "]}", "at most 4 pods, 400m cpu, 256Mi memory, 0 GPUs, 30m"},
		"an image":   {"apply: {objects: [" + web + "]}\n---\npatch: {on: {kind: Deployment, name: web}, json: [{op: replace, path: /spec/template/spec/containers/0/image, value: y}]}", "at most 5 pods, 500m cpu, 320Mi memory, 0 GPUs, 30m"},
		"init and sidecar": {"apply: {objects: [{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {" +
			"initContainers: [{name: s, image: x, restartPolicy: Always, resources: {requests: {cpu: 100m}}}, {name: i, image: x, resources: {requests: {cpu: \"1\"}}}]," +
			"containers: [{name: a, image: x, resources: {limits: {cpu: 200m, amd.com/gpu: 2}}}]}}]}", "at most 1 pod, 1100m cpu, 0 memory, 2 GPUs, 30m"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			p, diags := compile(t, "  {}", c.steps, nil)
			g.Expect(diags).To(BeEmpty())
			g.Expect(p.Most(facts(nil)).String()).To(Equal(c.most))
		})
	}
}

func TestCapsRefuse(t *testing.T) {
	g := NewWithT(t)
	p, _ := compile(t, "  timeout: 10m", "apply: {objects: ["+workload("Deployment", "replicas: 4, ")+"]}", nil)
	three, four, cpu, memory := 3, 4, resource.MustParse("399m"), resource.MustParse("256Mi")
	c := &spec.Config{Caps: spec.Caps{At: spec.Pos{File: "c.yaml", Line: 3, Column: 7},
		Pods: &three, CPU: spec.Quantity{Quantity: &cpu}, Memory: spec.Quantity{Quantity: &memory}}}
	g.Expect(p.Refused(c, nil, true)).To(ConsistOf(
		HaveSuffix("this scenario creates up to 4 pods, caps.pods allows 3 (c.yaml:3:7)"),
		HaveSuffix("this scenario requests up to 400m cpu, caps.cpu allows 399m (c.yaml:3:7)")))
	c.Caps = spec.Caps{Pods: &four}
	g.Expect(p.Refused(c, nil, true)).To(BeEmpty())
}

func TestWritesInOtherNamespaces(t *testing.T) {
	for name, c := range map[string]struct {
		step    string
		refused bool
	}{
		"own":                 {"apply: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]}", false},
		"own, written":        {"apply: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: \"${{ run.namespace }}\"}}]}", false},
		"another":             {"apply: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}]}", false},
		"protected":           {"apply: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: kube-system}}]}", true},
		"by a variable":       {"apply: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: \"${{ 'kube-' + 'system' }}\"}}]}", true},
		"patch":               {"patch: {on: {kind: Deployment, name: coredns, namespace: kube-system}, merge: {spec: {replicas: 0}}}", true},
		"delete":              {"delete: {on: [{kind: Pod, selector: a=b, namespace: default}]}", true},
		"the Namespace":       {"patch: {on: {kind: Namespace, name: default}, merge: {metadata: {labels: {a: b}}}}", true},
		"exec":                {"exec: {on: {kind: Pod, name: a, namespace: kube-system}, command: [ls]}", true},
		"delete files":        {"delete: {files: [gone.yaml]}", true},
		"selected Namespaces": {"delete: {on: [{kind: Namespace, selector: team=a}]}", true},
		"Namespaces of runs":  {"delete: {on: [{kind: Namespace, selector: \"realspec.dev/scenario=it\"}]}", false},
		"Namespaces of none":  {"delete: {on: [{kind: Namespace, selector: \"!realspec.dev/scenario\"}]}", true},
		"by the index":        {"load: {count: 2, object: {apiVersion: v1, kind: ConfigMap, metadata: {namespace: \"${{ index == 1 ? 'kube-system' : run.namespace }}\"}}}", true},
		"own, with an output": {"http: {url: \"http://127.0.0.1/\", output: n}\n---\napply: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: \"${{ run.namespace }}\"}, data: {a: \"${{ outputs.n.body }}\"}}]}", false},
		"reading":             {"assert: {checks: [{absent: {kind: Event, namespace: kube-system}}]}", false},
		"an API call":         {"measure: [{name: m, api: {verb: create, rate: 1, count: 1, object: {apiVersion: v1, kind: Pod, metadata: {namespace: default}}}}]", true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			p, diags := compile(t, "  allow: [namespaces, cluster-scoped]", c.step, nil)
			g.Expect(diags).To(BeEmpty())
			g.Expect(p.Refused(nil, facts(nil), false)).To(HaveLen(map[bool]int{true: 1}[c.refused]))
			g.Expect(p.Refused(nil, facts(nil), true)).To(BeEmpty(), "realspec's own clusters are there to be written to")
		})
	}
}
