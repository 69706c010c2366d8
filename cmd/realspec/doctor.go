package main

import (
	"errors"
	"maps"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/run"
	"github.com/realspec/realspec/engine/spec"
)

// doctorCommand says what the current cluster can do.
type doctorCommand struct {
	Output string `enum:"text,json" default:"text" help:"How to show it: ${enum}."`
	kubeFlags
}

// diagnosis is what is shown.
type diagnosis struct {
	Sources []cluster.Source `json:"sources"`
	// Error says why there is no cluster; what follows is empty then.
	Error string `json:"error,omitempty"`
	// Local is the program of the embedded cluster, or why there is none.
	Local      string        `json:"local"`
	Cluster    *spec.Cluster `json:"cluster,omitempty"`
	GitVersion string        `json:"gitVersion,omitempty"`
	Nodes      []spec.Node   `json:"nodes,omitempty"`
	// Unknown says why a field of cluster or nodes has no value here. Such a field
	// is empty above and says nothing.
	Unknown map[string]string `json:"unknown,omitempty"`
	// Permissions are those of a plain scenario, in a namespace that is not there.
	Permissions []run.Permission `json:"permissions,omitempty"`
}

// Run is the command. It only reads. It answers with 3 when no cluster answers,
// and with 2 when the kubeconfig is wrong.
func (c *doctorCommand) Run(a *app) error {
	d := &diagnosis{Sources: cluster.Sources(c.options(a)), Local: localText(a)}
	failed := c.examine(a, d)
	if failed != nil {
		d.Error = failed.Error()
	}
	if c.Output == "text" {
		d.text(a.stdout)
	} else if err := a.printJSON(d); err != nil {
		return err
	}
	var exit *exitError
	switch {
	case failed == nil:
		return nil
	case errors.As(asUsage(failed), &exit):
		return &exitError{code: exit.code} // what it is has been said
	}
	return &exitError{code: exitCluster}
}

func localText(a *app) string {
	binary, err := findLocal(a)
	if err != nil {
		return "not there: " + err.Error()
	}
	return binary.Path
}

func (c *doctorCommand) examine(a *app, d *diagnosis) error {
	client, err := c.open(a.first, a, c.Kubeconfig)
	if err != nil {
		return err
	}
	defer client.Close()
	d.GitVersion = client.Info().GitVersion
	facts, err := client.Survey(a.first)
	if err != nil {
		return err
	}
	d.Cluster, d.Nodes, d.Unknown = &facts.Cluster, facts.Nodes, maps.Clone(facts.Cluster.Unknown)
	answers, err := client.MayI(a.first, plainNeeds())
	if err != nil {
		return err
	}
	for _, answer := range answers {
		d.Permissions = append(d.Permissions, run.Permission{Answer: answer})
	}
	return nil
}

// plainNamespace stands for a scenario's own namespace.
const plainNamespace = "realspec-doctor"

// plainNeeds are the permissions of a scenario that applies a Deployment with its
// Service and ConfigMap, waits for it and measures its pods. What a scenario
// really takes says `realspec plan --server`.
func plainNeeds() []cluster.Access {
	var all []cluster.Access
	add := func(group, resource, namespace string, verbs ...string) {
		for _, verb := range verbs {
			all = append(all, cluster.Access{Verb: verb, Group: group, Resource: resource, Namespace: namespace})
		}
	}
	add("", "nodes", "", "list")
	add("", "namespaces", "", "create", "list", "watch", "delete")
	add("", "serviceaccounts", plainNamespace, "watch")
	add("", "configmaps", plainNamespace, "create", "list", "watch", "patch", "delete")
	add("", "services", plainNamespace, "create", "list", "watch", "patch")
	add("apps", "deployments", plainNamespace, "create", "list", "watch", "patch", "delete")
	add("", "pods", plainNamespace, "create", "list", "watch", "patch", "delete")
	add("", "events", plainNamespace, "list")
	return all
}
