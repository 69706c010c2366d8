package agent

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/spec"
)

// The labels by which agents are found: those that were placed together, and each.
const (
	labelGroup = "realspec.dev/agents"
	labelAgent = "realspec.dev/agent"
)

// ports are those that an agent listens on.
type ports struct{ control, echo, http int }

var standard = ports{ControlPort, EchoPort, HTTPPort}

// onHost are the ports of the i-th agent of a fleet in a node's own network: below
// those of NodePorts (from 30000) and of outgoing connections (from 32768), and
// others for each fleet, so that scenarios that run at the same time do not meet.
func (f *Fleet) onHost(i int) ports {
	sum := fnv.New32a()
	sum.Write([]byte(f.opts.Namespace + f.opts.RunID))
	first := 20000 + int(sum.Sum32()%300)*30 + 3*i
	return ports{first, first + 1, first + 2}
}

// order is what agents are asked for.
type order struct {
	namespace   string
	as          map[string]string
	key         string
	where       placement
	ports       ports
	hostNetwork bool
}

// placement says on which nodes a pod may stand.
type placement struct {
	nodes    []string // any of them; none: the scheduler chooses among all
	tolerate bool     // whatever taints they have
}

// mostNodes is how many nodes a pod's affinity lists: it must stay readable.
const mostNodes = 50

// anywhere is any real node that takes pods. Where every one of them has a taint
// that keeps pods off, it is tolerated: an agent asks for little, and stays for
// minutes. Where none takes pods now, an agent waits for one: it never goes to a
// simulated node, where it would seem to run.
func (f *Fleet) anywhere() placement {
	if f.opts.Facts == nil {
		return placement{}
	}
	var real, taking, open []string
	simulated := false
	for _, n := range f.opts.Facts.Nodes {
		if n.Simulated {
			simulated = true
			continue
		}
		real = append(real, n.Name)
		if n.Ready && n.Schedulable {
			taking = append(taking, n.Name)
			if !slices.ContainsFunc(n.Taints, keepsOff) {
				open = append(open, n.Name)
			}
		}
	}
	switch {
	case len(taking) == 0:
		return placement{nodes: real[:min(len(real), mostNodes)], tolerate: true}
	case len(open) == 0:
		return placement{nodes: taking[:min(len(taking), mostNodes)], tolerate: true}
	case simulated:
		return placement{nodes: open[:min(len(open), mostNodes)]}
	}
	return placement{}
}

func keepsOff(t spec.Taint) bool { return t.Effect != string(corev1.TaintEffectPreferNoSchedule) }

// user is the user id of agents: nobody, as distroless images have it.
const user = 65532

// podSpec is an agent's pod: what the restricted Pod Security Standard lets in, but
// for the node's network where it is asked for.
func (f *Fleet) podSpec(o order) corev1.PodSpec {
	yes, no, uid, grace := true, false, int64(user), int64(1)
	p := corev1.PodSpec{
		RestartPolicy:                 corev1.RestartPolicyNever,
		TerminationGracePeriodSeconds: &grace,
		AutomountServiceAccountToken:  &no,
		EnableServiceLinks:            &no,
		HostNetwork:                   o.hostNetwork,
		NodeSelector:                  map[string]string{corev1.LabelOSStable: "linux"},
		Affinity:                      o.where.affinity(),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: &yes, RunAsUser: &uid, RunAsGroup: &uid,
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name: "agent", Image: f.image, ImagePullPolicy: corev1.PullIfNotPresent,
			Args:  o.ports.args(),
			Ports: o.ports.list(o.hostNetwork),
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("64Mi"),
				},
				// A million samples and the JSON of them fit; no CPU limit, because a
				// throttled agent measures itself.
				Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
			},
			Env: []corev1.EnvVar{
				{Name: "GOMEMLIMIT", Value: "400MiB"},
				// Pods of others may reach the control port; jobs are for us to give.
				{Name: "REALSPEC_AGENT_TOKEN", Value: f.token},
				{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"}}},
			},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: &no, Privileged: &no, ReadOnlyRootFilesystem: &yes,
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
	}
	if o.where.tolerate {
		p.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	}
	return p
}

func (p ports) args() []string {
	if p == standard {
		return []string{"serve"}
	}
	return []string{"serve", fmt.Sprintf("--port=%d", p.control), fmt.Sprintf("--echo=%d", p.echo), fmt.Sprintf("--http=%d", p.http)}
}

func (p ports) list(host bool) []corev1.ContainerPort {
	out := []corev1.ContainerPort{
		{Name: "control", ContainerPort: int32(p.control), Protocol: corev1.ProtocolTCP},
		{Name: "echo", ContainerPort: int32(p.echo), Protocol: corev1.ProtocolTCP},
		{Name: "echo-udp", ContainerPort: int32(p.echo), Protocol: corev1.ProtocolUDP},
		{Name: "http", ContainerPort: int32(p.http), Protocol: corev1.ProtocolTCP},
	}
	if host {
		for i := range out {
			out[i].HostPort = out[i].ContainerPort
		}
	}
	return out
}

// affinity keeps a pod to nodes by their names: labels may be anything, and are
// not always what the node is called.
func (p placement) affinity() *corev1.Affinity {
	if len(p.nodes) == 0 {
		return nil
	}
	var terms []corev1.NodeSelectorTerm
	for _, name := range p.nodes {
		terms = append(terms, corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{{
			Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{name},
		}}})
	}
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
	}}
}

// labels are those of an agent's objects.
func (f *Fleet) labels(o order, group string) map[string]string {
	all := map[string]string{cluster.LabelRun: f.opts.RunID, cluster.LabelScenario: f.opts.Scenario, labelGroup: group}
	maps.Copy(all, o.as)
	return all
}

// pod is the manifest of one agent.
func (f *Fleet) pod(o order, group, name string) (*unstructured.Unstructured, error) {
	labels := f.labels(o, group)
	labels[labelAgent] = name
	return manifest("v1", "Pod", o.namespace, name, labels, f.podSpec(o))
}

// job is the manifest of n agents.
func (f *Fleet) job(o order, group string, n int) (*unstructured.Unstructured, error) {
	labels := f.labels(o, group)
	count, none, mode := int32(n), int32(0), batchv1.IndexedCompletion
	pod := f.podSpec(o)
	// Several are there because one is not enough: they do not share a node's CPU
	// where they need not.
	pod.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{labelGroup: group}},
	}}
	return manifest("batch/v1", "Job", o.namespace, group, labels, batchv1.JobSpec{
		Completions: &count, Parallelism: &count, BackoffLimit: &none, CompletionMode: &mode,
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod},
	})
}

// manifest is an object as it is applied: without a status, which is the server's.
func manifest(apiVersion, kind, namespace, name string, labels map[string]string, content any) (*unstructured.Unstructured, error) {
	raw, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{Object: map[string]any{"spec": fields}}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	u.SetNamespace(namespace)
	u.SetName(name)
	u.SetLabels(labels)
	return u, nil
}
