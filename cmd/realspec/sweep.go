package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/cluster"
)

// sweepCommand deletes what interrupted runs left behind, and uncordons the nodes
// that they cordoned.
type sweepCommand struct {
	DryRun    bool          `help:"Only list what would be deleted."`
	RunID     string        `name:"run" help:"Only what this run left." placeholder:"ID"`
	OlderThan time.Duration `help:"Only what is older than this. A run that goes on now looks like a leftover: give its age, or its id." placeholder:"TIME"`
	Timeout   time.Duration `default:"5m" help:"How long to wait until it is gone." placeholder:"TIME"`
	kubeFlags
}

// Run is the command.
func (c *sweepCommand) Run(a *app) error {
	client, err := c.open(a.first, a, c.Kubeconfig)
	if err != nil {
		return asUsage(err)
	}
	defer client.Close()
	found, unseen := client.Leftovers(a.first, c.labels())
	if len(found) == 0 && unseen != nil {
		return unseen
	}
	if unseen != nil {
		fmt.Fprintf(a.stderr, "warning: %v\n", unseen)
	}
	info := client.Info()
	found = slices.DeleteFunc(found, func(l cluster.Leftover) bool { return l.Age(time.Now()) < c.OlderThan })
	if len(found) == 0 {
		fmt.Fprintf(a.stdout, "nothing to sweep on %s (%s)\n", cmp.Or(info.Context, "the cluster"), info.Server)
		return nil
	}
	for _, l := range found {
		fmt.Fprintf(a.stdout, "%s  run %s, %s old\n", l, l.Run, l.Age(time.Now()).Round(time.Second))
	}
	if c.DryRun {
		fmt.Fprintf(a.stdout, "%s on %s\n", swept(found, " would be"), info.Server)
		return nil
	}
	ctx, cancel := context.WithTimeout(a.first, c.Timeout)
	defer cancel()
	left, err := client.Remove(ctx, found, nil)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return &exitError{exitCluster, leftText(left)}
	}
	fmt.Fprintln(a.stdout, swept(found, ""))
	return nil
}

// swept is what was done, or would be. Example: 3 objects deleted, 1 node uncordoned.
func swept(all []cluster.Leftover, how string) string {
	nodes := 0
	for _, l := range all {
		if l.Cordoned {
			nodes++
		}
	}
	var parts []string
	if objects := len(all) - nodes; objects > 0 {
		parts = append(parts, plural(objects, "object", "objects")+how+" deleted")
	}
	if nodes > 0 {
		parts = append(parts, plural(nodes, "node", "nodes")+how+" uncordoned")
	}
	return strings.Join(parts, ", ")
}

func (c *sweepCommand) labels() map[string]string {
	if c.RunID == "" {
		return nil
	}
	return map[string]string{cluster.LabelRun: c.RunID}
}

func leftText(left []cluster.Leftover) string {
	text := "still there:"
	for _, l := range left {
		text += "\n  " + l.String() + ": " + l.Why
	}
	return text
}
