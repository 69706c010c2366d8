package manual

// valueCodes are about single values.
func valueCodes() []Code {
	return []Code{
		{Name: "bad-duration", Cause: "A value is no duration.", Cure: "Write a number with its unit: 500ms, 30s, 3m, 1h30m.",
			Files: in("00-wait.yaml", "wait: [{for: ready}]\ntimeout: 30\n")},
		{Name: "bad-percent", Cause: "A value is no share.", Cure: "Write a number and %: 20%.",
			Files: in("00-measure.yaml", "measure: [{name: startup, pods: {}}]\nbaseline: {tolerance: 20}\n")},
		{Name: "bad-quantity", Cause: "A value is no quantity of Kubernetes.", Cure: "Write it as Kubernetes does: 4, 500m, 8Gi.",
			Files: withSpec("  local: {nodes: [{memory: 8GB}]}\n")},
		{Name: "number", Cause: "A number is infinite, or none at all.", Cure: "Write a finite number, or put it in quotes if it is a text.",
			Files: in("00-apply.yaml", "apply:\n  objects:\n    - apiVersion: v1\n      kind: Pod\n      metadata: {name: web}\n      spec: {priority: .inf}\n")},
		{Name: "out-of-range", Cause: "A number is negative, too large, or contradicts another one.", Cure: "Correct it; the message says what fits.",
			Files: in("00-wait.yaml", "wait: [{for: ready}]\nretries: -1\n")},
		{Name: "not-one-of", Cause: "A field takes one of a few words, and this is none of them.", Cure: "Choose one of those that the message lists.",
			Files: in("00-measure.yaml", "measure: [{name: startup, pods: {from: created}}]\n")},
		{Name: "empty", Cause: "A text or list is empty, where that says nothing.", Cure: "Write what is meant, or take the field away.",
			Files: in("00-measure.yaml", "measure: [{name: startup, pods: {}}]\nbaseline: {of: []}\n")},
		{Name: "duplicate", Cause: "A list names the same thing twice.", Cure: "Take one of them away.", Files: withSpec("  env: [TOKEN, TOKEN]\n")},
		{Name: "bad-version", Cause: "The apiVersion is not that of this language, or a range of Kubernetes versions cannot be read.",
			Cure: `Write apiVersion: realspec.dev/v1alpha1, and ranges as ">=1.24".`, Files: withSpec("  requires: {kubernetes: from 1.24 on}\n")},
		{Name: "bad-kind", Cause: "The kind of scenario.yaml is not Scenario, a kind is written as an expression or as kubectl abbreviates it, or a verb does not work on it.",
			Cure: "Write kind: Scenario; kinds of objects are written as in a manifest; the message says what a verb works on.", Files: in("00-wait.yaml", "wait: [{for: ready, on: {kind: \"${{ vars.kind }}\"}}]\n")},
		{Name: "bad-label", Cause: "Kubernetes would not take this as a label, and labels of scenarios follow its rules.",
			Cure: "Use letters, digits, - _ and . only, at most 63 of them.", Files: in("scenario.yaml",
				"apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata: {name: bad, labels: {tier: pre production}}\n")},
		{Name: "bad-name", Cause: "A name cannot be used for its purpose: as a name in expressions, of an object, of a node.",
			Cure: "Choose a name of the form that the message shows.", Files: in("00-measure.yaml", "measure: [{name: start-up, pods: {}}]\n")},
		{Name: "bad-selector", Cause: "The text is no label selector.", Cure: "Write it as kubectl takes it: app=web,tier!=cache.",
			Files: in("00-wait.yaml", "wait: [{for: ready, on: {kind: Pod, selector: app is web}}]\n")},
		{Name: "bad-url", Cause: "The text is no address of a server.", Cure: "Begin with http:// or https://; only the url of prometheus may begin with /, to ask through the API server.",
			Files: in("00-http.yaml", "http: {url: web/healthz}\n")},
		{Name: "template-key", Cause: "The name of a field holds ${{ }}.", Cure: "Write the name out; only values can be computed.",
			Files: in("00-apply.yaml", "apply:\n  objects:\n    - apiVersion: v1\n      kind: ConfigMap\n      metadata: {name: settings}\n      data: {\"${{ vars.key }}\": value}\n")},
		{Name: "generate-name", Cause: "An object asks the server for a name, so that no other step could find it.",
			Cure: "Write metadata.name. Every run has a namespace of its own, so it is free.", Files: in("00-apply.yaml",
				"apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: settings-}\n")},
	}
}

// stepCodes are about what holds between the fields of a step, and between steps.
func stepCodes() []Code {
	return []Code{
		{Name: "bad-for", Cause: "The text is nothing that one can wait for.", Cure: "Write ready, deleted, create, condition=NAME or jsonpath={.path}=VALUE.",
			Files: in("00-wait.yaml", "wait: [{for: rollout, on: {kind: Deployment, name: web}}]\n")},
		{Name: "bad-let", Cause: "A condition has let, which goes with cel, beside for.", Cure: "Write on for the objects of for.",
			Files: in("00-wait.yaml", "wait: [{for: ready, let: {pods: {kind: Pod}}}]\n")},
		{Name: "bad-check", Cause: "A check of requires asks for objects.", Cure: "Write a condition over cluster and nodes; objects are checked in an assert step.",
			Files: withSpec("  requires: {checks: [{absent: {kind: Pod}}]}\n")},
		{Name: "needs-allow", Cause: "A step does what a reader of the scenario must know beforehand: it disrupts nodes or pods, or writes objects of the whole cluster, of other namespaces, or that reach the node.",
			Cure: "Write under spec in scenario.yaml what the message names, such as allow: [disruption].", Files: in("00-drain.yaml",
				"disrupt: {action: drain, on: {kind: Node, name: worker-1}}\n")},
		{Name: "bad-dependency", Cause: "A dependency names no object of its step.", Cure: "Write an object of the step as KIND/NAME; the message lists them.",
			Files: in("00-apply.yaml", dependent+"  dependencies: [{of: Deployment/backend, on: Deployment/db}]\n")},
		{Name: "dependency-cycle", Cause: "Objects wait for each other in a circle.", Cure: "Take one of the dependencies away: something must come first.",
			Files: in("00-apply.yaml", dependent+"  dependencies:\n    - {of: Deployment/backend, on: Deployment/database}\n    - {of: Deployment/database, on: Deployment/backend}\n")},
		{Name: "bad-patch", Cause: "An operation of a JSON patch is not one.", Cure: "Write op and path, such as {op: replace, path: /spec/replicas, value: 8}.",
			Files: in("00-patch.yaml", "patch:\n  on: {kind: Deployment, name: web}\n  json: [{op: change, path: /spec/replicas, value: 8}]\n")},
		{Name: "duplicate-id", Cause: "Two steps have the same id.", Cure: "Give one of them another id or another file name.", Files: []File{
			{Name: "00-wait.yaml", Text: "id: rollout\nwait: [{for: ready}]\n"}, {Name: "01-wait.yaml", Text: "id: rollout\nwait: [{for: ready}]\n"}}},
		{Name: "unknown-step", Cause: "A step is named that is not there.", Cure: "Write the id of a step; the message lists them.",
			Files: in("00-measure.yaml", "measure: [{name: rollout, elapsed: {from: 00-start, to: 01-end}}]\n")},
		{Name: "bad-order", Cause: "A step names another one that comes too late for it.", Cure: "Change the order of the steps, or name an earlier one.", Files: []File{
			{Name: "00-measure.yaml", Text: "measure: [{name: rollout, elapsed: {from: 01-wait, to: 01-wait}}]\n"}, {Name: "01-wait.yaml", Text: PlainStep}}},
	}
}

const dependent = "apply:\n  objects:\n    - {apiVersion: apps/v1, kind: Deployment, metadata: {name: backend}}\n" +
	"    - {apiVersion: apps/v1, kind: Deployment, metadata: {name: database}}\n"

// measureCodes are about measures, thresholds, baselines and loads.
func measureCodes() []Code {
	return []Code{
		{Name: "duplicate-name", Cause: "Two measures or loads of a scenario, two outputs, or two scenarios of a run, have the same name.", Cure: "Give one of them another name.",
			Files: in("00-measure.yaml", "measure: [{name: startup, pods: {}}, {name: startup, apiserver: {}}]\n")},
		{Name: "nested-measure", Cause: "A measure stands under during of another one.", Cure: "Measure everything in the outer step.",
			Files: in("00-measure.yaml", "measure: [{name: outer, elapsed: {}}]\nduring:\n  - measure: [{name: inner, pods: {}}]\n")},
		{Name: "bad-repeat", Cause: "A step with repeat has a measure whose repetitions cannot be taken together: the time between two other steps, calls, requests, the API server's figures, a query, round trips, usage or a command.",
			Cure: "Write elapsed: {}, the time of the steps under during; put the other measures into a step without repeat.", Files: []File{{Name: "00-wait.yaml", Text: PlainStep},
				{Name: "01-measure.yaml", Text: "measure: [{name: rollout, elapsed: {from: 00-wait, to: 00-wait}}]\nduring: [{wait: [{for: ready}]}]\nrepeat: 5\n"}}},
		{Name: "missing-load", Cause: "A pods measure counts from a moment that only a load knows, and there is no load of pods.",
			Cure: "Add a load of pods, or leave from out.", Files: in("00-measure.yaml", "measure: [{name: startup, pods: {from: due}}]\n")},
		{Name: "missing-measure", Cause: "An official objective is asked for, and the step has no measure that it could be about.",
			Cure: "Add the measure that the message names.", Files: in("00-measure.yaml", "measure: [{name: startup, pods: {}}]\nthresholds: [{slo: api-reads}]\n")},
		{Name: "many-measures", Cause: "An official objective could be about several measures.", Cure: "Say which one with of.",
			Files: in("00-measure.yaml", "measure: [{name: first, pods: {}}, {name: second, pods: {}}]\nthresholds: [{slo: pod-startup}]\n")},
		{Name: "unknown-measure", Cause: "A threshold names a measure that is not there.", Cure: "Write the name of a measure of this or an earlier step.",
			Files: in("00-measure.yaml", "measure: [{name: startup, pods: {}}]\nthresholds: [{slo: pod-startup, of: startpu}]\n")},
		{Name: "wrong-measure", Cause: "An official objective is about another kind of measure than the one that it names.", Cure: "Name a measure of the right kind.",
			Files: in("00-measure.yaml", "measure: [{name: startup, pods: {}}]\nthresholds: [{slo: api-reads, of: startup}]\n")},
		{Name: "unknown-value", Cause: "A baseline names a value that no measure of the step has.", Cure: "Write NAME.SERIES.VALUE, such as startup.ready.p99.",
			Files: in("00-measure.yaml", "measure: [{name: startup, pods: {}}]\nbaseline: {of: [startup.ready.p77]}\n")},
		{Name: "same-name", Cause: "All objects of a load would have the same name.", Cure: "Put ${{ index }} into the name, or leave the name out.",
			Files: in("00-load.yaml", "load:\n  object: {apiVersion: v1, kind: ConfigMap, metadata: {name: item}}\n  count: 5\n")},
	}
}

// exprCodes are about expressions and variables.
func exprCodes() []Code {
	return []Code{
		{Name: "cel-syntax", Cause: "The text is no expression.", Cure: "Look at the marked place; realspec explain cel shows how expressions are written.",
			Files: in("00-assert.yaml", "assert: {checks: [{cel: nodes.size() = 3}]}\n")},
		{Name: "cel-name", Cause: "An expression uses a name that is not known at its place.", Cure: "Correct the name; the message lists what is known.",
			Files: in("00-assert.yaml", "assert: {checks: [{cel: node.size() == 3}]}\n")},
		{Name: "cel-type", Cause: "An expression joins values that do not fit together, or gives what its place cannot use.",
			Cure:  "Follow the message: most often a unit is missing, as in duration('30s').",
			Files: in("00-measure.yaml", "measure: [{name: startup, pods: {}}]\nthresholds: [{cel: startup.ready.max < 500}]\n")},
		{Name: "expression", Cause: "An expression has no value: it fails for the variables that the scenario has.", Cure: "Correct the expression or the variable.",
			Files: append(withSpec("  vars: {limit: soon}\n"), File{Name: "00-wait.yaml", Text: "wait: [{for: ready}]\ntimeout: ${{ duration(vars.limit) }}\n"})},
		{Name: "duration", Cause: "An expression that stands for a duration gives something else.", Cure: "Give it a unit: ${{ duration('3m') }}.",
			Files: append(withSpec("  vars: {minutes: 3}\n"), File{Name: "00-wait.yaml", Text: "wait: [{for: ready}]\ntimeout: ${{ vars.minutes }}\n"})},
		{Name: "vars", Cause: "The value of a variable cannot be computed.", Cure: "Correct its expression, or those of the variables in it.",
			Files: withSpec("  vars:\n    nodes: 0\n    share: ${{ 12 / vars.nodes }}\n")},
		{Name: "vars-cycle", Cause: "Variables refer to each other in a circle.", Cure: "Give one of them a value of its own.",
			Files: withSpec("  vars:\n    first: ${{ vars.second }}\n    second: ${{ vars.first }}\n")},
		{Name: "set", Cause: "--set names a variable that no scenario has, or gives it a value of another kind.",
			Cure: "Declare the variable under vars in scenario.yaml, and keep its kind.", Flag: "--set replicas=many",
			Files: withSpec("  vars: {replicas: 5}\n")},
	}
}
