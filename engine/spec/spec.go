// Package spec is the language of realspec: what may stand in scenario.yaml and
// in a step file. Its Go types and their comments are the one source of the
// JSON Schemas, the reference and `realspec explain`, so the comment of a field
// is the tester's manual for that field.
//
// The package holds values only. Reading them from YAML is the work of package
// load, which also fills in the positions; compiling the expressions is the
// work of package expr.
package spec

// APIVersion is the only apiVersion that a scenario file may carry.
const APIVersion = "realspec.dev/v1alpha1"

// KindScenario is the only kind that scenario.yaml may carry.
const KindScenario = "Scenario"

// Scenario is the content of scenario.yaml: what a scenario proves, which
// cluster it needs, and how long it may take.
type Scenario struct {
	// At is where the document begins.
	At Pos `json:"-"`
	// The version of the language. Always realspec.dev/v1alpha1.
	// Example: realspec.dev/v1alpha1.
	APIVersion string `json:"apiVersion" realspec:"required"`
	// Always Scenario. Example: Scenario.
	Kind string `json:"kind" realspec:"required"`
	// Name and labels of the scenario.
	// Example: {name: high-load, labels: {tier: production}}.
	Metadata Metadata `json:"metadata" realspec:"required"`
	// What the scenario proves and needs.
	// Example: {description: Services keep their replicas under load., timeout: 15m}.
	Spec ScenarioSpec `json:"spec"`
}

// Metadata names a scenario.
type Metadata struct {
	// At is where the metadata begin.
	At Pos `json:"-"`
	// The scenario's name: a DNS label, at most 40 characters, because the namespace
	// of the run is built from it. Example: high-load.
	Name string `json:"name" realspec:"required"`
	// Labels to select scenarios by. Example: {tier: production}.
	Labels map[string]string `json:"labels,omitempty"`
}

// ScenarioSpec says what a scenario proves and what it needs.
type ScenarioSpec struct {
	// At is where the value of spec begins.
	At Pos `json:"-"`
	// One sentence: what is proved when this scenario passes.
	// Example: Services keep their replicas under load.
	Description string `json:"description,omitempty"`
	// Requirement ids that this scenario covers; reported as a traceability matrix.
	// Example: [BR-PRODUCTION-001].
	Covers []string `json:"covers,omitempty"`
	// What the cluster must offer. Checked before anything is written to it; a
	// requirement that does not hold skips the scenario and says what was found.
	// Example: {kubernetes: ">=1.24", nodes: {min: 3}}.
	Requires *Requires `json:"requires,omitempty"`
	// The shape of the embedded local cluster, used when the scenario runs on it.
	// Example: {nodes: [{count: 4, cpu: "8", memory: 32Gi}]}.
	Local *Local `json:"local,omitempty"`
	// What the scenario may do beyond its own namespace and ordinary pods:
	// disruption (disrupt steps; the run needs --allow-disruption too),
	// cluster-scoped (objects without a namespace), namespaces (objects in
	// namespaces that it did not make), privileged (containers, and capabilities
	// beyond those that containers usually have) and host-path (volumes, and host
	// networks, ports and processes). Example: [disruption].
	Allow []string `json:"allow,omitempty" realspec:"enum=disruption|cluster-scoped|namespaces|privileged|host-path"`
	// How long the whole scenario may take, without cleanup. Default: 30m.
	Timeout Duration `json:"timeout,omitempty"`
	// Values that steps, manifests and expressions use as vars.NAME. A text may
	// refer to others with ${{ vars.NAME }}. `--set NAME=VALUE` overrides.
	// Example: {replicas: 5}.
	Vars Object `json:"vars,omitempty"`
	// Names of environment variables that expressions may read as env.NAME. One that
	// is not set is an empty text. Example: [LLM_ENDPOINT].
	Env []string `json:"env,omitempty"`
}

// Requires says what a cluster must offer before the scenario touches it.
type Requires struct {
	// At is where the requirements begin.
	At Pos `json:"-"`
	// The range of Kubernetes versions. Operators: = != > >= < <= ~ ^, joined by
	// spaces. Example: ">=1.24".
	Kubernetes string `json:"kubernetes,omitempty"`
	// How many nodes, and how large each of them.
	// Example: {min: 3, each: {cpu: "4", memory: 8Gi}}.
	Nodes *NodeRequirement `json:"nodes,omitempty"`
	// Further requirements as expressions over `cluster` and `nodes`.
	// Example: [{cel: "nodes.exists(n, n.arch == 'arm64')", message: an ARM node}].
	Checks []Check `json:"checks,omitempty"`
}

// NodeRequirement counts the nodes that are ready, schedulable and at least as
// large as `each` says.
type NodeRequirement struct {
	// At is where the requirement begins.
	At Pos `json:"-"`
	// At least this many such nodes. Default: 1. Unit: nodes.
	Min int `json:"min,omitempty"`
	// At most this many such nodes; 0 means no limit. Default: 0. Unit: nodes.
	Max int `json:"max,omitempty"`
	// The least allocatable amount of each resource on every counted node.
	// Example: {cpu: "4", memory: 8Gi, nvidia.com/gpu: "1"}.
	Each map[string]Quantity `json:"each,omitempty"`
	// Count real nodes only: those with a kubelet, which run containers. Default:
	// false.
	Real bool `json:"real,omitempty"`
}

// Local is the shape of the embedded local cluster.
type Local struct {
	// At is where the shape begins.
	At Pos `json:"-"`
	// Pools of equal nodes. Default: one node of 4 CPU and 8Gi.
	// Example: [{count: 4, cpu: "8", memory: 32Gi}].
	Nodes []NodePool `json:"nodes,omitempty"`
}

// NodePool is a number of equal nodes.
type NodePool struct {
	// At is where the pool begins.
	At Pos `json:"-"`
	// The first part of the nodes' names. Default: node.
	Name string `json:"name,omitempty"`
	// How many nodes. Default: 1. Unit: nodes.
	Count int `json:"count,omitempty"`
	// Real nodes, which run containers, on this machine: Linux, as root. CPU and
	// memory are then limits, and no more than the machine has. Default: false, and
	// true of every pool with --cluster real.
	Real bool `json:"real,omitempty"`
	// CPU cores of each node. Default: "4". Unit: cores.
	CPU Quantity `json:"cpu,omitempty"`
	// Memory of each node. Default: 8Gi. Unit: bytes.
	Memory Quantity `json:"memory,omitempty"`
	// Pods that fit on each node. Default: 110. Unit: pods.
	Pods int `json:"pods,omitempty"`
	// Ephemeral storage of each node. Default: 100Gi. Unit: bytes.
	Storage Quantity `json:"storage,omitempty"`
	// GPUs of each node, as nvidia.com/gpu. Default: 0. Unit: GPUs.
	GPU int `json:"gpu,omitempty"`
	// Labels of each node. Example: {accelerator: gpu}.
	Labels map[string]string `json:"labels,omitempty"`
	// Taints of each node. Example: [{key: nvidia.com/gpu, effect: NoSchedule}].
	Taints []Taint `json:"taints,omitempty"`
}

// Taint keeps pods without a matching toleration off a node.
type Taint struct {
	// At is where the taint begins.
	At Pos `json:"-"`
	// The taint's key. Example: nvidia.com/gpu.
	Key string `json:"key" realspec:"required"`
	// The taint's value. Default: empty.
	Value string `json:"value,omitempty"`
	// What happens to pods that do not tolerate it: NoSchedule,
	// PreferNoSchedule or NoExecute.
	Effect string `json:"effect" realspec:"required,enum=NoSchedule|PreferNoSchedule|NoExecute"`
}
