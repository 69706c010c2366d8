package plan

import (
	"math"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/realspec/realspec/engine/spec"
)

// podSize is what one pod asks for.
type podSize struct{ milliCPU, memory, gpus int64 }

// agentSize is what a pod of realspec's agent requests (package agent).
var agentSize = podSize{milliCPU: 100, memory: 64 << 20}

func (p podSize) max(other podSize) podSize {
	return podSize{max(p.milliCPU, other.milliCPU), max(p.memory, other.memory), max(p.gpus, other.gpus)}
}

func (p podSize) plus(other podSize) podSize {
	return podSize{p.milliCPU + other.milliCPU, p.memory + other.memory, p.gpus + other.gpus}
}

// podMaker reads an object that has pods; false for every other one.
func (t *tally) podMaker(m Manifest) (*podMaker, bool) {
	out := &podMaker{kind: m.Kind, namespace: m.Namespace, name: m.Name, replicas: 1}
	if m.Kind == "PodTemplate" || spec.PodPath(m.Kind) == nil {
		return nil, false
	}
	if m.Fields == nil {
		t.cannot(m, "what it holds")
		return out, true
	}
	body, _ := m.Fields["spec"].(map[string]any)
	switch m.Kind {
	case "Pod":
	case "DaemonSet":
		out.replicas = int64(t.nodes())
	case "Job":
		out.replicas = t.parallel(m, body)
	case "CronJob":
		template, _ := body["jobTemplate"].(map[string]any)
		job, _ := template["spec"].(map[string]any)
		out.replicas = t.parallel(m, job)
	default:
		out.replicas = t.number(m, body, "replicas", 1)
	}
	if m.Kind == "Deployment" {
		out.body = body
	}
	each, err := podsOf(m.Kind, m.Fields)
	if err != nil {
		t.cannot(m, "what its pods ask for")
	}
	out.each = each
	return out, true
}

// podsOf is what each pod of an object, or of a patch of one, asks for.
func podsOf(kind string, fields map[string]any) (podSize, error) {
	at := spec.PodPath(kind)
	for _, name := range at {
		fields, _ = fields[name].(map[string]any)
	}
	var pod corev1.PodSpec
	if at == nil || fields == nil {
		return podSize{}, nil
	}
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &pod)
	return sizeOf(&pod), err
}

// parallel is how many pods of a Job run at a time.
func (t *tally) parallel(m Manifest, job map[string]any) int64 {
	parallel := t.number(m, job, "parallelism", 1)
	if _, set := job["completions"]; set {
		return min(parallel, t.number(m, job, "completions", parallel))
	}
	return parallel
}

func (t *tally) number(m Manifest, fields map[string]any, name string, otherwise int64) int64 {
	value, set := fields[name]
	if !set || value == nil {
		return otherwise
	}
	n, ok := whole(value)
	if !ok {
		t.cannot(m, "its "+name)
		return otherwise
	}
	return n
}

// surge is how many pods a Deployment may have beside its replicas while it is
// rolled: maxSurge, which is 25 % where nothing is written, rounded up.
func surge(body map[string]any, replicas int64) int64 {
	strategy, _ := body["strategy"].(map[string]any)
	if strategy["type"] == "Recreate" {
		return 0
	}
	rolling, _ := strategy["rollingUpdate"].(map[string]any)
	value := intstr.FromString("25%")
	switch v := rolling["maxSurge"].(type) {
	case string:
		value = intstr.FromString(v)
	case int64:
		return max(v, 0)
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(&value, int(min(replicas, math.MaxInt32)), true)
	if err != nil {
		return 0
	}
	return int64(n)
}

// sizeOf is what a pod asks for, as the scheduler counts: the larger of its
// containers together and of its largest init container, with the sidecars (init
// containers that are restarted for ever) that run beside, and its overhead. What
// it has for the pod as a whole goes before that. Limits stand for requests that
// are missing, as the API server fills them in.
func sizeOf(p *corev1.PodSpec) podSize {
	var sum, sidecars, start podSize
	for i := range p.Containers {
		sum = sum.plus(asked(p.Containers[i].Resources))
	}
	for i := range p.InitContainers {
		c := &p.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			sidecars = sidecars.plus(asked(c.Resources))
			start = start.max(sidecars)
			continue
		}
		start = start.max(sidecars.plus(asked(c.Resources)))
	}
	sum = sum.plus(sidecars).max(start)
	if p.Resources != nil {
		own := asked(*p.Resources)
		if own.milliCPU > 0 {
			sum.milliCPU = own.milliCPU
		}
		if own.memory > 0 {
			sum.memory = own.memory
		}
	}
	return sum.plus(asked(corev1.ResourceRequirements{Requests: p.Overhead}))
}

func asked(r corev1.ResourceRequirements) podSize {
	var out podSize
	add := func(name corev1.ResourceName, amount resource.Quantity) {
		switch {
		case name == corev1.ResourceCPU:
			out.milliCPU += max(amount.MilliValue(), 0)
		case name == corev1.ResourceMemory:
			out.memory += max(amount.Value(), 0)
		case isGPU(string(name)):
			out.gpus += max(amount.Value(), 0)
		}
	}
	for name, amount := range r.Requests {
		add(name, amount)
	}
	for name, amount := range r.Limits {
		if _, set := r.Requests[name]; !set {
			add(name, amount)
		}
	}
	return out
}

// isGPU tells a resource that stands for GPUs, whole or in parts: nvidia.com/gpu,
// nvidia.com/mig-1g.5gb, amd.com/gpu, gpu.intel.com/i915. cluster.gpus counts the
// same ones.
func isGPU(resource string) bool {
	vendor, name, ok := strings.Cut(resource, "/")
	if !ok {
		return false
	}
	return strings.Contains(name, "gpu") || strings.HasPrefix(vendor, "gpu.") ||
		vendor == "nvidia.com" || vendor == "amd.com" || vendor == "habana.ai"
}
