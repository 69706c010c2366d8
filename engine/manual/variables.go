package manual

import (
	"reflect"

	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/engine/spec"
)

// Variable is a name of expressions.
type Variable struct {
	Name  string // as it is written; a word in capitals stands for a name of the scenario
	Says  string
	Where string // the places where it is known
	Type  reflect.Type
	Example
	fields []schema.Field // where the type does not say them
}

// Variables are the names that expressions may use. Their examples are evaluated
// on the cluster that the reference describes.
func Variables() []Variable {
	everywhere := "everywhere but in durations and in vars"
	return []Variable{
		{Name: "cluster", Says: "The cluster on which the scenario runs.", Where: everywhere, Type: reflect.TypeFor[spec.Cluster](),
			Example: Example{`semver(cluster.version).isGreaterThan(semver('1.30.0'))`, `true`}},
		{Name: "nodes", Says: "Its nodes, a list.", Where: everywhere, Type: reflect.TypeFor[[]spec.Node](),
			Example: Example{`nodes.filter(n, n.ready && n.schedulable).size()`, `2`}},
		{Name: "vars", Says: "The variables of the scenario, by name.", Where: "everywhere",
			Example: Example{`vars.replicas + 1`, `6`}},
		{Name: "env", Says: "The environment variables that the scenario declares, each a text; empty when it is not set.", Where: "everywhere",
			Example: Example{`env.LLM_ENDPOINT == ''`, `true`}},
		{Name: "run", Says: "The run itself.", Where: everywhere, fields: []schema.Field{
			text("id", "The run's id, which everything that it creates carries as a label."),
			text("namespace", "The scenario's own namespace."),
			text("scenario", "The scenario's name."),
		}, Example: Example{`run.scenario + ' in ' + run.namespace`, `'high-load in high-load-4k2d9'`}},
		{Name: "object", Says: "One Kubernetes object, with the fields that kubectl get -o yaml shows.", Where: "wait.cel with on, where, and start and end of measure.objects",
			Example: Example{`object.status.readyReplicas == vars.replicas`, `true`}},
		{Name: "index", Says: "The number of the object or call, from 0.", Where: "load.object, and object and merge of measure.api",
			Example: Example{`'item-' + string(index)`, `'item-7'`}},
		{Name: "response", Says: "The answer of a request.", Where: "the checks of http, as a step and as a measure", Type: reflect.TypeFor[spec.Response](),
			Example: Example{`response.status == 200 && response.json.choices.size() == 1`, `true`}},
		{Name: "result", Says: "What came of a command.", Where: "the checks of exec and run, and value of measure.exec", Type: reflect.TypeFor[spec.CommandResult](),
			Example: Example{`result.exitCode == 0 && result.stdout.contains('(1 row)')`, `true`}},
		{Name: "logs", Says: "What containers wrote.", Where: "the checks of logs", Type: reflect.TypeFor[spec.LogLines](),
			Example: Example{`logs.lines.exists(l, l.contains('ready to serve'))`, `true`}},
		{Name: "outputs", Says: "What earlier steps saw, each by the name that its output gives: a response, result or logs. One of a step that did not run is an error.",
			Where: everywhere + ", behind a step with output", Example: Example{`outputs.login.status`, `200`}},
		{Name: "LET", Says: "A name of let: a list of objects, or one object when it is selected by name.", Where: "the checks and conditions beside the let",
			Example: Example{`pods.map(p, p.spec.nodeName).distinct().size()`, `3`}},
		{Name: "MEASURE", Says: "The name of a measure or load; what it has depends on its kind.", Where: "thresholds",
			Example: Example{`startup.ready.p95 < duration('30s')`, `true`}},
	}
}

// Measured is what the name of a measure stands for in thresholds.
type Measured struct {
	Kind   string // pods, elapsed … as it is written, or load
	Says   string
	Type   reflect.Type // of which it has the fields; nil for a duration
	fields []schema.Field
	Example
}

// MeasuredKinds are the kinds of measures in the order of the language, and load.
func MeasuredKinds() []Measured {
	return []Measured{
		{Kind: "pods", Says: "One series for each phase of a pod's life, from the moment that from names.", fields: phases(),
			Example: Example{`startup.ready.p95 < duration('30s') && startup.ready.missing == 0`, `true`}},
		{Kind: "elapsed", Says: "A duration. With repeat it is a series, with one duration a repetition.",
			Example: Example{`rollout < duration('3m')`, `true`}},
		{Kind: "objects", Says: "A series of durations, one for each object.", Type: reflect.TypeFor[spec.Series](),
			Example: Example{`binding.max <= duration('2s')`, `true`}},
		{Kind: "api", Says: "What became of the calls.", Type: reflect.TypeFor[spec.Delivery](),
			Example: Example{`reads.failed == 0 && reads.latency.p99 < duration('100ms')`, `true`}},
		{Kind: "apiserver", Says: "Three series of durations.", Type: reflect.TypeFor[spec.ServerLatency](),
			Example: Example{`server.mutating.p99 <= duration('1s')`, `true`}},
		{Kind: "prometheus", Says: "Numbers without a unit.", Type: reflect.TypeFor[spec.Values](),
			Example: Example{`errors.max < 0.01`, `true`}},
		{Kind: "http", Says: "What became of the requests.", Type: reflect.TypeFor[spec.Requests](),
			Example: Example{`web.latency.p99 < duration('250ms') && web.failureRatio < 0.01`, `true`}},
		{Kind: "network", Says: "Series of durations between nodes; with transaction: throughput numbers, in bits a second.", Type: reflect.TypeFor[spec.Network](),
			Example: Example{`net.worst.p99 < duration('10ms') && net.worst.p50 - net.hostWorst.p50 < duration('1ms')`, `true`}},
		{Kind: "usage", Says: "Shares of what there is, and amounts.", Type: reflect.TypeFor[spec.Usage](),
			Example: Example{`used.cpu.worst < 0.8 && used.memory.worst < 0.8`, `true`}},
		{Kind: "exec", Says: "How long the command ran, and the numbers that value reads.", Type: reflect.TypeFor[spec.ExecValues](),
			Example: Example{`bench.duration.max < duration('15s') && bench.value.min > 1000.0`, `true`}},
		{Kind: "load", Says: "What became of the objects; NAME_churn has the same of those that were replaced.", Type: reflect.TypeFor[spec.Delivery](),
			Example: Example{`load.rate >= 0.99 * load.asked`, `true`}},
	}
}

// phases are the fields of a pods measure.
func phases() []schema.Field {
	says := map[string]string{
		"scheduled":   "Until the scheduler has chosen a node.",
		"initialized": "Until the init containers are done.",
		"startup":     "Until all containers were started: the official objective.",
		"ready":       "Until the pod is ready.",
	}
	var out []schema.Field
	for _, phase := range spec.Phases {
		out = append(out, schema.Field{Name: phase, Type: reflect.TypeFor[spec.Series](), Comment: schema.Comment{Says: says[phase]}})
	}
	return append(out, schema.Field{Name: spec.WorstGroup, Type: reflect.TypeFor[map[string]spec.Series](),
		Comment: schema.Comment{Says: "With by: the same phases, each of the group with the largest p50."}})
}

func text(name, says string) schema.Field {
	return schema.Field{Name: name, Type: reflect.TypeFor[string](), Comment: schema.Comment{Says: says}}
}

// fieldsOf are the fields of a type that expressions know, or those that were
// given instead.
func (m *Manual) fieldsOf(t reflect.Type, given []schema.Field) []schema.Field {
	if t == nil {
		return given
	}
	if t = inner(t); t == nil {
		return nil
	}
	return schema.Fields(t, m.docs)
}
