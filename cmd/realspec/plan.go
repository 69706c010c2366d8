package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// planCommand shows what would happen.
type planCommand struct {
	Paths           []string          `arg:"" name:"path" help:"Scenario folders, or folders that hold some."`
	Set             map[string]string `help:"Set a variable, as run would." placeholder:"NAME=VALUE" mapsep:"none"`
	ShowObjects     bool              `help:"Show the objects as they would be sent; the values of Secrets are hidden."`
	Server          bool              `help:"Ask the API server: check every object by a dry run, and every permission that a run takes. Nothing is stored."`
	ServerNamespace string            `default:"default" help:"The namespace in which --server tries objects. It must be there; those of the run are not yet." placeholder:"NAME"`
	Offline         bool              `help:"Ask no cluster."`
	Output          string            `enum:"text,json" default:"text" help:"How to show it: ${enum}."`
	kubeFlags
}

// planned is what is shown.
type planned struct {
	Cluster *plannedCluster `json:"cluster"` // null without one
	// Note says why there is no cluster.
	Note      string            `json:"note,omitempty"`
	Scenarios []plannedScenario `json:"scenarios"`
}

type plannedCluster struct {
	Context string `json:"context"`
	Server  string `json:"server"`
	Version string `json:"version"`
	Source  string `json:"source"`
	Nodes   int    `json:"nodes"`
}

type plannedScenario struct {
	plan.Outline
	// State is "can run", "cannot run" or "not told".
	State string `json:"state"`
	// Why is the first thing that is in the way.
	Why string `json:"why,omitempty"`
	// Refused is what the configuration forbids.
	Refused []string         `json:"refused,omitempty"`
	Objects []map[string]any `json:"objects,omitempty"`
	Server  *serverChecks    `json:"server,omitempty"`

	scenario *plan.Scenario
}

// Whether a cluster can host a scenario.
const (
	canRun    = "can run"
	cannotRun = "cannot run"
	notTold   = "not told"
)

// Run is the command. It answers with 2 when a scenario or an object is not valid
// or the configuration refuses one, 3 when the cluster cannot be asked, and 4 when
// a scenario cannot run there.
func (c *planCommand) Run(a *app) error {
	if c.Offline && c.Server {
		return usage("--server asks the cluster, and --offline asks none")
	}
	all := loadAll(a, c.Paths, c.Set)
	all.show(a)
	if all.diags.HasErrors() {
		return &exitError{code: exitUsage}
	}
	out := &planned{Scenarios: []plannedScenario{}}
	config, err := c.config(a)
	if err != nil {
		return err
	}
	client, facts, err := c.cluster(a, all.plans, out)
	if err != nil {
		return err
	}
	if client != nil {
		defer client.Close()
	}
	for _, p := range all.plans {
		one, err := c.scenario(a.first, client, facts, p)
		if err != nil {
			return err
		}
		one.hold(config, client, facts)
		out.Scenarios = append(out.Scenarios, *one)
	}
	if err := c.show(a, out); err != nil {
		return err
	}
	return out.verdict()
}

// cluster opens the cluster, if there is one, and finds out what the scenarios
// want to know of it.
func (c *planCommand) cluster(a *app, plans []*plan.Scenario, out *planned) (*cluster.Client, *spec.Facts, error) {
	if c.Offline {
		out.Note = "no cluster was asked (--offline)"
		return nil, nil, nil
	}
	client, err := c.open(a.first, a, c.Kubeconfig)
	asked := c.Server || c.Kubeconfig != "" || c.Context != ""
	switch {
	case err != nil && (asked || isConfig(err) || a.first.Err() != nil):
		return nil, nil, asUsage(err)
	case err != nil:
		out.Note = "no cluster answers, so nothing is told of one: " + firstLine(err)
		return nil, nil, nil
	}
	facts, err := factsFor(a.first, client, plans)
	if err != nil {
		client.Close()
		return nil, nil, err
	}
	info := client.Info()
	out.Cluster = &plannedCluster{
		Context: info.Context, Server: info.Server, Version: info.Version, Source: info.Source, Nodes: len(facts.Nodes),
	}
	return client, facts, nil
}

// isConfig tells a kubeconfig that is wrong from one that is not there.
func isConfig(err error) bool {
	var bad *cluster.ConfigError
	return errors.As(err, &bad)
}

// factsFor asks for as much as the scenarios read.
func factsFor(ctx context.Context, client *cluster.Client, plans []*plan.Scenario) (*spec.Facts, error) {
	if !slices.ContainsFunc(plans, (*plan.Scenario).NeedsSurvey) {
		facts, err := client.Facts(ctx)
		if !cluster.IsRefused(err) {
			return facts, err
		}
	}
	return client.Survey(ctx) // also where nodes may not be listed: the rest is told
}

func (c *planCommand) scenario(ctx context.Context, client *cluster.Client, facts *spec.Facts, p *plan.Scenario) (*plannedScenario, error) {
	one := &plannedScenario{Outline: p.Outline(facts), State: canRun, scenario: p}
	if client == nil {
		one.State = notTold
	}
	one.require()
	if c.ShowObjects {
		one.Objects = objectsOf(one.Steps)
	}
	if !c.Server {
		return one, nil
	}
	var err error
	if one.Server, err = askServer(ctx, client, p, facts, c.ServerNamespace); err != nil {
		return nil, err
	}
	if why := one.Server.inTheWay(); why != "" {
		one.cannot(why)
	}
	return one, nil
}

// require tells by the requirements whether the cluster can host the scenario.
func (s *plannedScenario) require() {
	for _, r := range s.Requirements {
		why := "needs " + r.Needed
		if r.Found != "" {
			why += "; found " + r.Found
		}
		switch {
		case r.State == plan.NotMet && s.State != cannotRun:
			s.State, s.Why = cannotRun, why
		case r.State == plan.NotTold && s.State == canRun:
			s.State, s.Why = notTold, why
		}
	}
}

// cannot says what is in the way, unless something is already.
func (s *plannedScenario) cannot(why string) {
	if s.State != cannotRun {
		s.State, s.Why = cannotRun, why
	}
}

// hold holds the scenario against the configuration. Without a cluster only its
// caps are.
func (s *plannedScenario) hold(config *spec.Config, client *cluster.Client, facts *spec.Facts) {
	if client != nil {
		if err := refuse(config, client.Info()); err != nil {
			s.Refused = append(s.Refused, firstLine(err))
		}
	}
	s.Refused = append(s.Refused, s.scenario.Refused(config, facts, client == nil)...)
	if len(s.Refused) > 0 {
		s.State, s.Why = cannotRun, s.Refused[0]
	}
}

// objectsOf are the objects that steps send, with the values of Secrets hidden.
func objectsOf(steps []plan.StepOutline) []map[string]any {
	var out []map[string]any
	for _, s := range steps {
		for _, m := range s.Objects {
			if s.Verb != "delete" && m.Fields != nil {
				out = append(out, plan.Redact(m.Fields))
			}
		}
		out = append(out, objectsOf(s.During)...)
	}
	return out
}

func (c *planCommand) show(a *app, out *planned) error {
	if c.Output == "json" {
		return a.printJSON(out)
	}
	if out.Cluster != nil {
		fmt.Fprintf(a.stdout, "cluster %s: Kubernetes %s at %s\n", cmp.Or(out.Cluster.Context, inCluster), out.Cluster.Version, out.Cluster.Server)
	} else {
		fmt.Fprintln(a.stdout, out.Note)
	}
	for _, s := range out.Scenarios {
		fmt.Fprintln(a.stdout)
		s.Text(a.stdout, reportWidth)
		if c.ShowObjects {
			if err := showObjects(a, s.Steps); err != nil {
				return err
			}
		}
		if s.Server != nil {
			s.Server.show(a.stdout)
		}
		if len(s.Refused) > 0 {
			fmt.Fprintf(a.stdout, "\n  refused by the configuration\n    %s\n", strings.Join(s.Refused, "\n    "))
		}
	}
	fmt.Fprintln(a.stdout)
	for _, s := range out.Scenarios {
		fmt.Fprintf(a.stdout, "%-10s  %s\n", s.State, s.Scenario)
		if s.Why != "" {
			fmt.Fprintf(a.stdout, "            %s\n", strings.Join(strings.Fields(s.Why), " "))
		}
	}
	fmt.Fprintf(a.stdout, "%s, nothing was changed\n", plural(len(out.Scenarios), "scenario", "scenarios"))
	return nil
}

// showObjects writes the objects as YAML, below the names of their steps.
func showObjects(a *app, steps []plan.StepOutline) error {
	for _, s := range steps {
		for _, m := range s.Objects {
			if s.Verb == "delete" {
				continue
			}
			fmt.Fprintf(a.stdout, "---\n# %s: %s\n", s.ID, m)
			if m.Fields == nil {
				fmt.Fprintf(a.stdout, "# not known before the run: %v\n", m.Err)
				continue
			}
			text, err := yaml.Marshal(plan.Redact(m.Fields))
			if err != nil {
				return err
			}
			fmt.Fprint(a.stdout, string(text))
		}
		if err := showObjects(a, s.During); err != nil {
			return err
		}
	}
	return nil
}

// verdict is the exit code.
func (p *planned) verdict() error {
	var cannot []string
	invalid, refused := false, false
	for _, s := range p.Scenarios {
		invalid = invalid || s.Server != nil && s.Server.invalid()
		refused = refused || len(s.Refused) > 0
		if s.State == cannotRun || s.State == notTold && p.Cluster != nil {
			cannot = append(cannot, s.Scenario)
		}
	}
	switch {
	case invalid:
		return &exitError{exitUsage, "the API server refuses objects of " + strings.Join(cannot, ", ")}
	case refused:
		return &exitError{exitUsage, "the configuration refuses " + strings.Join(cannot, ", ")}
	case len(cannot) > 0:
		return &exitError{exitUnmet, "this cluster cannot host " + strings.Join(cannot, ", ")}
	}
	return nil
}
