package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// statusCommand shows the clusters of this machine.
type statusCommand struct {
	Name   string `help:"Show this cluster only; exit code 3 if it is not running."`
	Output string `enum:"table,json" default:"table" short:"o" help:"Format: table or json."`
	State  string `help:"Folder of all clusters (default: $$REALSPEC_STATE, or realspec/clusters in the XDG state folder)." placeholder:"DIR"`
}

// Run is called by kong.
func (c *statusCommand) Run(io streams) error {
	root, err := findStateRoot(c.State, os.Getenv)
	if err != nil {
		return err
	}
	places, err := c.selected(root)
	if err != nil {
		return err
	}
	infos := []clusterInfo{}
	for _, place := range places {
		if place.exists() {
			infos = append(infos, describe(place))
		}
	}
	if err := c.print(io.out, infos); err != nil {
		return err
	}
	if c.Name != "" && (len(infos) == 0 || infos[0].State != stateRunning) {
		return notRunningError("cluster %q is not running; start it with 'realspec-cluster up --name %s'", c.Name, c.Name)
	}
	return nil
}

func (c *statusCommand) selected(root stateRoot) ([]folder, error) {
	if c.Name == "" {
		return root.folders()
	}
	place, err := root.folder(c.Name)
	return []folder{place}, err
}

// The states of a cluster.
const (
	stateRunning  = "running"
	stateStarting = "starting"
	stateDead     = "dead"    // its process is gone, its files are not
	stateMissing  = "missing" // nothing is there
)

// clusterInfo is what can be said about a cluster from outside.
type clusterInfo struct {
	Name       string    `json:"name"`
	State      string    `json:"state"`
	PID        int       `json:"pid"`
	Version    string    `json:"version"`
	Nodes      int       `json:"nodes"`
	Shape      []Pool    `json:"shape"`
	Real       []Pool    `json:"real,omitempty"`
	Server     string    `json:"server"`
	Kubeconfig string    `json:"kubeconfig"`
	Audit      string    `json:"audit,omitempty"` // the audit log, if one is kept
	Started    time.Time `json:"started"`
	Memory     int64     `json:"memoryBytes"`
}

// describe looks at a cluster without waiting for anybody, so what it says
// about one that is being started or removed may be about to change.
func describe(place folder) clusterInfo {
	info := clusterInfo{Name: place.name, State: stateMissing, Shape: []Pool{}}
	if !place.exists() {
		return info
	}
	info.State = stateDead
	if record, err := place.readCluster(); err == nil {
		info.Shape, info.Real = record.Shape, record.Real
		info.Nodes = countNodes(record.Shape) + countNodes(record.Real)
		if record.Audit {
			info.Audit = place.auditLog()
		}
	}
	server, err := place.readServer()
	if place.serverAlive() {
		info.State = stateStarting
		if err == nil && server.Ready {
			info.State = stateRunning
		}
	}
	if err != nil {
		return info
	}
	info.PID, info.Version, info.Started = server.Process.PID, server.Version, server.Started
	if info.State != stateDead {
		info.Server = server.Server
		info.Kubeconfig = place.kubeconfig()
		info.Memory = residentMemory(server.Process.PID)
	}
	return info
}

func (c *statusCommand) print(out io.Writer, infos []clusterInfo) error {
	if c.Output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(infos)
	}
	if len(infos) == 0 {
		if c.Name == "" {
			fmt.Fprintln(out, "no clusters; start one with 'realspec-cluster up'")
		}
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	_, err := fmt.Fprintln(table, "NAME\tSTATE\tPID\tVERSION\tNODES\tAGE\tMEMORY\tSERVER\tKUBECONFIG")
	for _, info := range infos {
		_, rowErr := fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%d\t%s\t%d MB\t%s\t%s\n", info.Name, info.State, info.PID, info.Version,
			info.Nodes, age(info.Started), info.Memory/1_000_000, info.Server, info.Kubeconfig)
		err = errors.Join(err, rowErr)
	}
	return errors.Join(err, table.Flush())
}

func age(since time.Time) string {
	if since.IsZero() {
		return "-"
	}
	return time.Since(since).Round(time.Second).String()
}
