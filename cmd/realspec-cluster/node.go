package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// nodeCommand does to a real node what happens to nodes.
type nodeCommand struct {
	Action   string        `arg:"" enum:"list,stop,start,freeze,thaw,cut,heal,delay" help:"list: show all. stop: take its power, start: boot it from the disk it had. freeze: its processes stop where they are, thaw: they go on. cut: pull its network plug. delay: every packet to and from it takes DURATION longer. heal: undo cut and delay."`
	Node     string        `arg:"" optional:"" help:"Name of the node."`
	Duration time.Duration `arg:"" optional:"" help:"For delay: how much, in each direction."`
	Name     string        `default:"default" help:"Name of the cluster."`
	Output   string        `enum:"table,json" default:"table" short:"o" help:"Format of list: table or json."`
	State    string        `help:"Folder of all clusters (default: $$REALSPEC_STATE, or realspec/clusters in the XDG state folder)." placeholder:"DIR"`
}

// Run is called by kong.
func (c *nodeCommand) Run(io streams) error {
	if err := c.check(); err != nil {
		return err
	}
	orders, err := connectOrders(c.State, c.Name)
	if err != nil {
		return err
	}
	if c.Action == "list" {
		nodes, err := orders.nodes()
		if err != nil {
			return err
		}
		return c.print(io.out, nodes)
	}
	path := "/nodes/" + url.PathEscape(c.Node) + "/" + c.Action
	if c.Action == "delay" {
		path += "?duration=" + c.Duration.String()
	}
	return orders.send(http.MethodPost, path, nil)
}

// check refuses arguments that do not fit together.
func (c *nodeCommand) check() error {
	switch {
	case c.Action == "list" && c.Node != "":
		return usageError("node list: %q is one too many; it lists all nodes", c.Node)
	case c.Action != "list" && c.Node == "":
		return usageError("node %s: want the name of a node; 'realspec-cluster node list' shows them", c.Action)
	case c.Action == "delay" && c.Duration <= 0:
		return usageError("node delay %s: want a duration above zero, such as 10ms; 'heal' removes it", c.Node)
	case c.Action != "delay" && c.Duration != 0:
		return usageError("node %s %s: takes no duration", c.Action, c.Node)
	}
	return nil
}

func (c *nodeCommand) print(out io.Writer, nodes []realnode.Status) error {
	if c.Output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(nodes)
	}
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	_, err := fmt.Fprintln(table, "NAME\tSTATE\tNETWORK\tPID\tADDRESS")
	for _, node := range nodes {
		network := "up"
		if node.Delay != "" {
			network = "up, +" + node.Delay
		}
		if node.Cut {
			network = "cut"
		}
		_, rowErr := fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", node.Name, node.State, network, node.PID, node.Address)
		err = errors.Join(err, rowErr)
	}
	return errors.Join(err, table.Flush())
}
