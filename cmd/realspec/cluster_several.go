package main

import (
	"context"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/run"
)

// where are the values of --cluster: one, or several to compare.
func (c *runCommand) where() ([]string, error) {
	known := []string{clusterAuto, clusterCurrent, clusterLocal, clusterReal}
	all := strings.Split(c.Cluster, ",")
	for i, one := range all {
		switch {
		case !slices.Contains(known, one):
			return nil, usage("--cluster %q: it takes %s, or several of the last three as in local,current", c.Cluster, strings.Join(known, ", "))
		case slices.Contains(all[:i], one):
			return nil, usage("--cluster %q: %s is named twice", c.Cluster, one)
		case one == clusterAuto && len(all) > 1:
			return nil, usage("--cluster %q: auto chooses one cluster; name those to compare, as in local,current", c.Cluster)
		}
	}
	if c.Watch && len(all) > 1 {
		return nil, usage("--watch runs on one cluster: auto, current, local or real")
	}
	return all, nil
}

// on puts every plan on each of the clusters, those of a scenario one after the
// other. With several the keys say which is which: specs/high-load@local.
func (c *chosen) on(where []string) {
	var plans []*plan.Scenario
	for _, p := range c.plans {
		for _, place := range where {
			one := *p
			if place == clusterReal {
				c.makeReal(&one)
			}
			if len(where) > 1 {
				one.Key = p.Dir + "@" + place + strings.TrimPrefix(p.Key, p.Dir)
			}
			plans = append(plans, &one)
		}
	}
	c.plans = plans
}

// clusterPlaces are the clusters of a run: those of one value of --cluster, or of
// several.
type clusterPlaces interface {
	run.Clusters
	decide(ctx context.Context) error
	Close()
	Account() event.Account
}

// places gives the plans of a run their clusters.
func (c *runCommand) places(a *app, id string, where []string, plans []*plan.Scenario, notice func(string)) clusterPlaces {
	all := severalClusters{}
	for _, place := range where {
		var here []*plan.Scenario
		for _, p := range plans {
			if len(where) == 1 || placeOf(p) == place {
				here = append(here, p)
			}
		}
		one := c.clusters(a, place, id, here, notice)
		if len(where) == 1 {
			return one
		}
		all[place] = one
	}
	return all
}

// placeOf is the cluster that a plan is for, when there are several.
func placeOf(p *plan.Scenario) string {
	place, _, _ := strings.Cut(strings.TrimPrefix(p.Key, p.Dir+"@"), "#")
	return place
}

// folderOf is the path of a scenario without the cluster, which it has in a run on
// several.
func (c *runCommand) folderOf(s *event.Scenario) string {
	if at := strings.LastIndex(s.Path, "@"); at > 0 && strings.Contains(c.Cluster, ",") {
		return s.Path[:at]
	}
	return s.Path
}

// severalClusters are those of each value of --cluster.
type severalClusters map[string]*clusters

// decide finds all of them: half of a comparison is none.
func (s severalClusters) decide(ctx context.Context) error {
	for _, place := range s.places() {
		if err := s[place].decide(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s severalClusters) places() []string {
	var all []string
	for place := range s {
		all = append(all, place)
	}
	slices.Sort(all)
	return all
}

// For is the cluster for a scenario.
func (s severalClusters) For(ctx context.Context, p *plan.Scenario) (*run.Cluster, error) {
	return s[placeOf(p)].For(ctx, p)
}

// Release ends a local cluster that no further scenario needs.
func (s severalClusters) Release(p *plan.Scenario) { s[placeOf(p)].Release(p) }

// Close ends what is still open.
func (s severalClusters) Close() {
	for _, place := range s.places() {
		s[place].Close()
	}
}

// Account is what all clients of the run asked of API servers.
func (s severalClusters) Account() event.Account {
	var all clusters
	for _, place := range s.places() {
		all.done = append(all.done, s[place].done...)
	}
	return all.Account()
}
