package spec

// Step is one YAML document of a numbered step file: exactly one verb, and what
// goes for every verb.
type Step struct {
	// At is where the step begins.
	At Pos `json:"-"`
	// Number is the number that orders the step: 3 for 03-measure.yaml.
	Number int `json:"-"`

	// What the step does, in words that read as Given, When or Then. Default: the
	// file's name. Example: When every workload has rolled out.
	Name string `json:"name,omitempty"`
	// The name by which other steps refer to this one. Default: the file's name
	// without .yaml, followed by /2, /3 … for further documents of one file.
	// Example: rollout.
	ID string `json:"id,omitempty"`
	// Requirement ids that this step covers. Example: [BR-PRODUCTION-005].
	Covers []string `json:"covers,omitempty"`
	// A condition over vars, env, cluster, nodes and outputs: when it is false, the
	// step is skipped. Example: nodes.size() > 1.
	If Expr `json:"if,omitempty"`
	// How long the step may take, all its attempts together. Default: 1m for apply,
	// delete and patch, 5m for wait, disrupt and run, and none for assert, http, exec
	// and logs, which look once; with a timeout they look again until they pass. A
	// measure with a timeout waits for samples that are missing; a load has the
	// scenario's. An apply with dependencies has their times too.
	// Example: 3m.
	Timeout Duration `json:"timeout,omitempty"`
	// How often a step that failed is tried again, after a pause of 100 ms that
	// doubles each time, at most 5 s. A step that passes on a later attempt is
	// flaky, and reported as such. Default: 0. Unit: attempts.
	Retries int `json:"retries,omitempty"`
	// Run this step even after a failure. Default: false.
	Always bool `json:"always,omitempty"`
	// Go on with the next step after this one failed; the scenario still fails.
	// Default: false.
	ContinueOnFailure bool `json:"continueOnFailure,omitempty"`

	// Create or change objects, by server-side apply, in dependency order.
	// Example: {files: [manifests/]}.
	Apply *Apply `json:"apply,omitempty" realspec:"verb"`
	// Wait until every condition holds. Example: [{for: ready}].
	Wait []Condition `json:"wait,omitempty" realspec:"verb"`
	// Check what is there now.
	// Example: {let: {pods: {kind: Pod}}, checks: [{cel: pods.size() >= 3}]}.
	Assert *Assert `json:"assert,omitempty" realspec:"verb"`
	// Measure, and judge what was measured by `thresholds`.
	// Example: [{name: startup, pods: {selector: app=web}}].
	Measure []Measure `json:"measure,omitempty" realspec:"verb"`
	// Delete objects and wait until they are gone.
	// Example: {on: [{kind: Deployment, name: web}]}.
	Delete *Delete `json:"delete,omitempty" realspec:"verb"`
	// Change existing objects.
	// Example: {on: {kind: Deployment, name: web}, merge: {spec: {replicas: 8}}}.
	Patch *Patch `json:"patch,omitempty" realspec:"verb"`
	// Create many objects from a template at a rate.
	// Example: {object: {apiVersion: v1, kind: ConfigMap}, count: 100, rate: 20}.
	Load *Load `json:"load,omitempty" realspec:"verb"`
	// Send an HTTP request and check the answer.
	// Example: {url: "http://web:80/healthz"}.
	HTTP *HTTP `json:"http,omitempty" realspec:"verb"`
	// Run a command in a container and check its result.
	// Example: {on: {kind: Pod, selector: app=database}, command: [pg_isready]}.
	Exec *Exec `json:"exec,omitempty" realspec:"verb"`
	// Read what containers wrote and check it.
	// Example: {on: {kind: Pod, selector: app=web}, checks: [{cel: "logs.lines.size() > 0"}]}.
	Logs *Logs `json:"logs,omitempty" realspec:"verb"`
	// Do to nodes and pods what happens to them in production.
	// Example: {action: drain, on: {kind: Node, name: worker-1}}.
	Disrupt *Disrupt `json:"disrupt,omitempty" realspec:"verb"`
	// Run a command on the machine that realspec runs on.
	// Example: {command: [helm, install, web, ./chart]}.
	Run *Run `json:"run,omitempty" realspec:"verb"`

	// With measure: steps that the measures wrap. They run one after the other while
	// the measures record.
	// Example: [{apply: {files: [manifests/]}}, {wait: [{for: ready}]}].
	During []Step `json:"during,omitempty" realspec:"with=measure"`
	// With measure and during: run the wrapped steps so often, each time in a fresh
	// namespace, and take the samples of all repetitions together. One that does not
	// pass is counted, and fails the step after the last. Default: 1. Unit:
	// repetitions.
	Repeat int `json:"repeat,omitempty" realspec:"with=measure"`
	// With measure or load: conditions over the measures, each by its name.
	// Example: [{cel: "startup.ready.max < duration('30s')"}].
	Thresholds []Threshold `json:"thresholds,omitempty" realspec:"with=measure|load"`
	// With measure: how far a measure may be from its recorded baseline.
	// Example: {tolerance: 20%}.
	Baseline *Baseline `json:"baseline,omitempty" realspec:"with=measure"`
}

// Verb is the name of the step's verb, as it is written.
func (s *Step) Verb() string {
	switch {
	case s.Apply != nil:
		return "apply"
	case s.Wait != nil:
		return "wait"
	case s.Assert != nil:
		return "assert"
	case s.Measure != nil:
		return "measure"
	case s.Delete != nil:
		return "delete"
	case s.Patch != nil:
		return "patch"
	case s.Load != nil:
		return "load"
	case s.HTTP != nil:
		return "http"
	case s.Exec != nil:
		return "exec"
	case s.Logs != nil:
		return "logs"
	case s.Disrupt != nil:
		return "disrupt"
	case s.Run != nil:
		return "run"
	}
	return ""
}

// Selector says which objects are meant.
type Selector struct {
	// At is where the selector begins.
	At Pos `json:"-"`
	// Group and version of the kind; needed only where several groups have the kind.
	// Example: apps/v1.
	APIVersion string `json:"apiVersion,omitempty"`
	// The kind of the objects. Example: Deployment.
	Kind string `json:"kind" realspec:"required"`
	// The name of one object. Example: web.
	Name Text `json:"name,omitempty"`
	// A label selector as kubectl takes it; empty selects all. Not together with
	// name. Example: app=web,tier!=cache.
	Selector Text `json:"selector,omitempty"`
	// The namespace. Default: the scenario's own.
	Namespace Text `json:"namespace,omitempty"`
	// A further condition over `object`.
	// Example: object.reason == 'FailedScheduling'.
	Where Expr `json:"where,omitempty"`
	// Whether it is right when nothing is selected; otherwise a check over an
	// empty selection fails. Default: false.
	AllowEmpty bool `json:"allowEmpty,omitempty"`
}

// Apply creates or changes objects.
type Apply struct {
	// At is where the value of apply begins.
	At Pos `json:"-"`
	// Manifest files, or folders of them, relative to the scenario's folder.
	// Example: [manifests/].
	Files []string `json:"files,omitempty"`
	// Objects written in place.
	// Example: [{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}].
	Objects []Object `json:"objects,omitempty"`
	// Which objects wait for which others. They are applied in that order; one that
	// is not ready in its time fails the step.
	// Example: [{of: Deployment/backend, on: Deployment/database, timeout: 2m}].
	Dependencies []Dependency `json:"dependencies,omitempty"`
	// What must become of the objects: created, or refused by the API server (a
	// quota, a policy, missing rights). Default: created.
	Expect string `json:"expect,omitempty" realspec:"enum=created|refused"`
	// With expect: refused, a part of what the API server must say.
	// Example: exceeded quota.
	Message Text `json:"message,omitempty"`
	// With expect: refused, the reason that the API server must give.
	// Example: Forbidden.
	Reason string `json:"reason,omitempty"`
	// The user that the objects are applied as, which takes the right to impersonate.
	// Example: system:serviceaccount:${{ run.namespace }}:tenant.
	As Text `json:"as,omitempty"`
	// Manifests are the objects of Files, read by the loader.
	Manifests []Object `json:"-"`
}

// Condition is one thing that a wait step waits for.
type Condition struct {
	// At is where the condition begins.
	At Pos `json:"-"`
	// What to wait for: ready, deleted, create, condition=NAME,
	// condition=NAME=STATUS, or jsonpath={.path}=VALUE. Without `on`, ready means
	// everything that the scenario applied so far. Example: condition=Available.
	For string `json:"for,omitempty"`
	// The objects; every one of them must meet the condition, and at least one must
	// be there. Example: {kind: Deployment, name: web}.
	On *Selector `json:"on,omitempty"`
	// Selections for cel, each a name and what it selects; cel then sees lists.
	// Example: {pods: {kind: Pod, selector: app=web}}.
	Let map[string]Selector `json:"let,omitempty"`
	// A condition over `object` (each object of `on`) or over the lists of `let`. A
	// field that is not there yet means not yet.
	// Example: object.status.readyReplicas == vars.replicas.
	CEL Expr `json:"cel,omitempty"`
	// How long the condition must hold without a break. Default: 0s.
	Stays Duration `json:"stays,omitempty"`
	// The opposite: the condition must not become true at any time during
	// `stays`. Default: false.
	Never bool `json:"never,omitempty"`
	// Fail as soon as a pod that is waited for, or belongs to what is waited for, is in
	// a state that does not heal by itself: its image cannot be pulled, its container
	// has been restarted three times, it cannot be started or its configuration has
	// been wrong for 10 s, it has failed and nothing owns it, or it has fitted on no
	// node for 30 s. Default: true for `for: ready` and condition= (not for the status
	// False, nor for conditions that are failures, such as Failed), else false.
	FailFast *bool `json:"failFast,omitempty"`
}

// Assert checks what is there.
type Assert struct {
	// At is where the value of assert begins.
	At Pos `json:"-"`
	// Selections for the checks, each a name and what it selects: a list of objects,
	// or one object when it is selected by name.
	// Example: {pods: {kind: Pod, selector: app=web}}.
	Let map[string]Selector `json:"let,omitempty"`
	// What must hold. Every check is evaluated, also after one has failed.
	// Example: [{cel: pods.size() >= 3, message: three replicas}].
	Checks []Check `json:"checks" realspec:"required"`
}

// Check is one thing that must hold: a cel expression, an object that is there,
// or objects that are absent.
type Check struct {
	// At is where the check begins.
	At Pos `json:"-"`
	// An expression that must be true. Example: pods.size() >= 3.
	CEL Expr `json:"cel,omitempty"`
	// What it means when it is true; shown when it is not.
	// Example: at least three nodes carry a replica.
	Message Text `json:"message,omitempty"`
	// A part of an object that must be there: every field written must have that
	// value. A list must have the same length, item by item.
	// Example: {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, status: {readyReplicas: 5}}.
	Object Object `json:"object,omitempty"`
	// Objects that must not be there.
	// Example: {kind: Event, selector: "", where: "object.reason == 'FailedScheduling'"}.
	Absent *Selector `json:"absent,omitempty"`
	// AbsentObject is a part of an object that must not be there, from a plain
	// manifest in an NN-errors.yaml file.
	AbsentObject Object `json:"-"`
}

// Threshold is one thing that must hold of measures: a cel expression, or an
// official objective of Kubernetes by its name.
type Threshold struct {
	// At is where the threshold begins.
	At Pos `json:"-"`
	// An expression over the measures that must be true.
	// Example: startup.ready.p95 < duration('30s').
	CEL Expr `json:"cel,omitempty"`
	// What it means when it is true; shown when it is not.
	// Example: a replica is there within 30 s.
	Message Text `json:"message,omitempty"`
	// An objective by its name. Official ones: pod-startup (p99 at most 5 s; of a pods
	// measure), api-mutating (p99 at most 1 s), api-reads (1 s) and api-lists (30 s; of
	// an apiserver measure). Common ones: intra-cluster-latency (p99 of the worst pair
	// of nodes under 10 ms; of a network measure) and utilisation (average CPU and
	// memory of the worst node under 80 %; of a usage measure).
	SLO string `json:"slo,omitempty" realspec:"enum=pod-startup|api-mutating|api-reads|api-lists|intra-cluster-latency|utilisation"`
	// With slo: the name of the measure. Default: the step's only one that fits.
	// Example: startup.
	Of string `json:"of,omitempty"`
}

// Delete removes objects and waits until they are gone.
type Delete struct {
	// At is where the value of delete begins.
	At Pos `json:"-"`
	// The objects to delete. It is an error when there are none, unless allowEmpty
	// is set. Example: [{kind: Deployment, name: web}].
	On []Selector `json:"on,omitempty"`
	// Manifest files whose objects are deleted. Example: [manifests/].
	Files []string `json:"files,omitempty"`
	// How long pods get to end, in whole seconds; 0s ends them at once. Default: the
	// object's own. Example: 0s.
	GracePeriod *Duration `json:"gracePeriod,omitempty"`
	// Wait until the objects are gone. Default: true.
	Wait *bool `json:"wait,omitempty"`
	// Manifests are the objects of Files, read by the loader.
	Manifests []Object `json:"-"`
}

// Patch changes objects that are there: exactly one of merge, strategic and json.
type Patch struct {
	// At is where the value of patch begins.
	At Pos `json:"-"`
	// The objects to change; at least one must be there.
	// Example: {kind: Deployment, name: web}.
	On Selector `json:"on" realspec:"required"`
	// A JSON merge patch (RFC 7386). Example: {spec: {replicas: 8}}.
	Merge Object `json:"merge,omitempty"`
	// A strategic merge patch, for built-in kinds.
	// Example: {spec: {template: {spec: {containers: [{name: web, image: "nginx:1.29.3"}]}}}}.
	Strategic Object `json:"strategic,omitempty"`
	// A JSON patch (RFC 6902).
	// Example: [{op: replace, path: /spec/replicas, value: 8}].
	JSON []Object `json:"json,omitempty"`
	// The subresource to change. Example: status.
	Subresource string `json:"subresource,omitempty" realspec:"enum=status|scale"`
}
