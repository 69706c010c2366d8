package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// upCommand starts a cluster and waits until it is usable.
type upCommand struct {
	Name       string        `default:"default" help:"Name of the cluster."`
	Kubeconfig string        `help:"Also write a kubeconfig to this file; 'down' removes it." placeholder:"FILE" type:"path"`
	Nodes      []string      `sep:"none" help:"A pool of nodes: count=4,cpu=8,memory=32Gi[,gpu=1][,pods=110][,storage=100Gi][,name=PREFIX][,label=k=v]...[,taint=k=v:NoSchedule]...[,example.com/fpga=2]... Repeatable (default: count=1,cpu=4,memory=8Gi)." placeholder:"SPEC" xor:"shape"`
	NodesFile  string        `help:"Read pools from a YAML or JSON list of {count, cpu, memory, gpu, pods, storage, name, labels, taints, resources}." placeholder:"FILE" type:"path" xor:"shape"`
	RealNodes  []string      `sep:"none" help:"Real nodes, with kubelet and containerd (Linux, root): a number, or a pool: count=3,cpu=1,memory=2Gi[,storage=1Gi][,pods=110][,gpu=1][,name=PREFIX][,zone=zone-a][,label=k=v]...[,taint=k=v:NoSchedule]... Repeatable; without --nodes there are no simulated ones." placeholder:"N"`
	Owner      int           `help:"Remove the cluster when the process with this pid is gone." placeholder:"PID"`
	Timeout    time.Duration `default:"60s" help:"How long the start may take."`
	Audit      bool          `help:"Keep an audit log of all writes, those of pods in full; 'status -o json' says where, 'down' removes it."`
	State      string        `help:"Folder of all clusters (default: $$REALSPEC_STATE, or realspec/clusters in the XDG state folder)." placeholder:"DIR"`
	Verbose    bool          `help:"Log more of the components, and say where the log is."`
}

// Run is called by kong.
func (c *upCommand) Run(io streams) error {
	record, err := c.wanted()
	if err != nil {
		return err
	}
	root, err := findStateRoot(c.State, os.Getenv)
	if err != nil {
		return err
	}
	place, err := root.folder(c.Name)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	ctx, stop := context.WithTimeoutCause(ctx, c.Timeout, errTooSlow)
	defer stop()
	unlock, err := root.lockName(ctx, c.Name, func() {
		fmt.Fprintf(io.err, "waiting for another realspec-cluster that works on %q\n", c.Name)
	})
	if err != nil {
		return c.explainLock(ctx, err)
	}
	defer unlock()
	root.sweep()
	if describe(place).State == stateRunning {
		return c.reuse(place, record, io)
	}
	return c.startAnew(ctx, place, record, io)
}

// errTooSlow is the reason of a context that ended because of --timeout.
var errTooSlow = errors.New("timeout")

// wanted turns flags into the record of a cluster and refuses what is wrong
// with them, before anything is changed.
func (c *upCommand) wanted() (clusterRecord, error) {
	record := clusterRecord{Name: c.Name, Verbose: c.Verbose, Audit: c.Audit}
	var err error
	switch {
	case c.NodesFile != "":
		record.Shape, err = readNodesFile(c.NodesFile)
	case len(c.RealNodes) > 0 && len(c.Nodes) == 0:
		record.Shape = []Pool{}
	default:
		record.Shape, err = parseShape(c.Nodes)
	}
	if err != nil {
		return record, err
	}
	if record.Real, err = parseReal(c.RealNodes, record.Shape); err != nil {
		return record, err
	}
	if c.Timeout <= 0 {
		return record, usageError("--timeout %s: want a time above zero, such as 60s", c.Timeout)
	}
	if c.Owner != 0 {
		owner, err := identify(c.Owner)
		if err != nil {
			return record, usageError("--owner: %w", err)
		}
		record.Owner = &owner
	}
	return record, nil
}

// reuse is 'up' for a cluster that runs already.
func (c *upCommand) reuse(place folder, wanted clusterRecord, io streams) error {
	running, err := place.readCluster()
	if err != nil {
		return fmt.Errorf("cluster %q: %w", c.Name, err)
	}
	if !sameShape(running.Shape, wanted.Shape) || !sameShape(running.Real, wanted.Real) {
		return usageError("cluster %q is running with other nodes (%s, asked for: %s); stop it first with '%s', or choose another --name",
			c.Name, nodesText(running.Shape, running.Real), nodesText(wanted.Shape, wanted.Real), c.stopLine())
	}
	if wanted.Audit && !running.Audit {
		return usageError("cluster %q is running without an audit log; stop it first with '%s', or choose another --name", c.Name, c.stopLine())
	}
	if wanted.Owner != nil && (running.Owner == nil || *running.Owner != *wanted.Owner) {
		fmt.Fprintf(io.err, "note: cluster %q was running already; --owner does not apply to it\n", c.Name)
	}
	if err := c.export(place); err != nil {
		return err
	}
	return c.summarise(place, io, "is running already")
}

// sameShape compares shapes as they are shown: 1000m is 1.
func sameShape(a, b []Pool) bool {
	one, oneErr := json.Marshal(a)
	other, otherErr := json.Marshal(b)
	return oneErr == nil && otherErr == nil && string(one) == string(other)
}

// startAnew removes what a dead cluster left, starts a server and waits.
func (c *upCommand) startAnew(ctx context.Context, place folder, record clusterRecord, io streams) error {
	if place.exists() {
		if err := place.destroy(); err != nil {
			return err
		}
	}
	if c.Kubeconfig != "" {
		if err := checkExport(c.Kubeconfig); err != nil {
			return err
		}
	}
	if nodes := countNodes(record.Real); nodes > 0 {
		if err := realnode.RequireInotify(nodes); err != nil {
			return usageError("--real-nodes: %w", err)
		}
	}
	if err := place.create(); err != nil {
		return err
	}
	begun := time.Now()
	failure := c.launch(ctx, place, record, io)
	if failure == nil {
		failure = c.export(place)
	}
	if failure != nil {
		tail := logTail(place.log(), 15)
		if err := place.destroy(); err != nil {
			fmt.Fprintf(io.err, "note: %v\n", err)
		}
		return c.explain(ctx, failure, tail)
	}
	return c.summarise(place, io, fmt.Sprintf("is ready after %.1f s", time.Since(begun).Seconds()))
}

// explainLock says why this command could not get its turn.
func (c *upCommand) explainLock(ctx context.Context, failure error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errTooSlow):
		return notRunningError("another realspec-cluster is still working on %q after --timeout %s; look at it with 'realspec-cluster status'", c.Name, c.Timeout)
	case cause != nil:
		return &codedError{code: exitInterrupted, err: fmt.Errorf("interrupted while waiting for another realspec-cluster that works on %q", c.Name)}
	}
	return failure
}

// explain turns the failure of a start into what the user sees.
func (c *upCommand) explain(ctx context.Context, failure error, tail string) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errTooSlow):
		failure = fmt.Errorf("not ready after --timeout %s: %w", c.Timeout, failure)
	case cause != nil:
		return &codedError{code: exitInterrupted, err: fmt.Errorf("interrupted; cluster %q is not started, nothing is left of it", c.Name)}
	}
	if tail != "" {
		return notRunningError("cluster %q did not start, nothing is left of it: %w\nthe last lines of its log:\n%s", c.Name, failure, tail)
	}
	return notRunningError("cluster %q did not start, nothing is left of it: %w", c.Name, failure)
}

// launch starts the server process and waits until it says that it is ready.
func (c *upCommand) launch(ctx context.Context, place folder, record clusterRecord, io streams) error {
	if err := place.writeCluster(record); err != nil {
		return err
	}
	shown := newProgress(io.err)
	defer shown.done()
	if c.Verbose {
		shown.phase("log: " + place.log())
	}
	server, lines, err := startServer(place)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	last := "starting the process"
	for {
		select {
		case line, open := <-lines:
			if !open {
				lines = nil // its end follows
				continue
			}
			if line == "ready" {
				return nil
			}
			last = line
			shown.phase(line)
		case err := <-ended:
			return fmt.Errorf("its process ended while %s: %w", last, describeEnd(err))
		case <-ctx.Done():
			_ = server.Process.Kill()
			<-ended //nolint:errcheck // it was just killed
			return fmt.Errorf("it was still %s", last)
		}
	}
}

func describeEnd(err error) error {
	if err == nil {
		return errors.New("it was told to leave")
	}
	return err
}

// startServer starts the server in a session of its own, so that no key
// pressed at this terminal reaches it, and returns the lines of its progress.
func startServer(place folder) (*exec.Cmd, <-chan string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	lock, err := place.lockServer()
	if err != nil {
		return nil, nil, fmt.Errorf("server lock: %w", err)
	}
	defer lock.Close()
	logs, err := os.OpenFile(place.log(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer logs.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer writer.Close()
	command := exec.Command(self, "serve", "--name", place.name, "--state", string(place.root))
	command.Dir = place.path()
	command.Stdout, command.Stderr = logs, logs
	command.ExtraFiles = []*os.File{lock, writer} // lockDescriptor, progressDescriptor
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		reader.Close()
		return nil, nil, fmt.Errorf("starting %s: %w", filepath.Base(self), err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		defer reader.Close()
		for scanner := bufio.NewScanner(reader); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return command, lines, nil
}

// export writes the kubeconfig where --kubeconfig wants it, and into the
// record that this was done: first, so that 'down' finds it whatever happens.
func (c *upCommand) export(place folder) error {
	if c.Kubeconfig == "" {
		return nil
	}
	if err := checkExport(c.Kubeconfig); err != nil {
		return err
	}
	record, err := place.readCluster()
	if err != nil {
		return err
	}
	content, err := os.ReadFile(place.kubeconfig())
	if err != nil {
		return err
	}
	known := false
	for _, path := range record.Kubeconfigs {
		known = known || path == c.Kubeconfig
	}
	if !known {
		record.Kubeconfigs = append(record.Kubeconfigs, c.Kubeconfig)
		if err := place.writeCluster(record); err != nil {
			return err
		}
	}
	if err := writeFile(c.Kubeconfig, content); err != nil {
		return fmt.Errorf("--kubeconfig: %w", err)
	}
	return nil
}

// summarise prints what there is and how to use and stop it.
func (c *upCommand) summarise(place folder, io streams, how string) error {
	info := describe(place)
	kubeconfig := info.Kubeconfig
	if c.Kubeconfig != "" {
		kubeconfig = c.Kubeconfig
	}
	audit := ""
	if info.Audit != "" {
		audit = "  audit log   " + info.Audit + "\n"
	}
	_, err := fmt.Fprintf(io.out, `cluster %q %s
  Kubernetes  %s
  nodes       %s
  server      %s
  kubeconfig  %s
%suse it:   export KUBECONFIG=%s
stop it:  %s
`, info.Name, how, info.Version, nodesText(info.Shape, info.Real), info.Server, kubeconfig, audit, kubeconfig, c.stopLine())
	return err
}

// stopLine is the command that stops this cluster.
func (c *upCommand) stopLine() string {
	line := "realspec-cluster down --name " + c.Name
	if c.State != "" {
		line += " --state " + c.State
	}
	return line
}

// nodesText is all nodes for people: 4 simulated: 4 x (8 cpu, 32Gi).
func nodesText(simulated, real []Pool) string {
	var texts []string
	for _, kind := range []struct {
		name  string
		pools []Pool
	}{{"simulated", simulated}, {"real", real}} {
		if len(kind.pools) > 0 {
			texts = append(texts, fmt.Sprintf("%d %s: %s", countNodes(kind.pools), kind.name, shapeText(kind.pools)))
		}
	}
	return strings.Join(texts, "; ")
}

// shapeText is a shape for people: 2 x (8 cpu, 32Gi, 1 gpu).
func shapeText(pools []Pool) string {
	var texts []string
	for _, pool := range pools {
		text := fmt.Sprintf("%d x (%s cpu, %s", pool.Count, pool.CPU.String(), pool.Memory.String())
		if pool.GPU > 0 {
			text += fmt.Sprintf(", %d gpu", pool.GPU)
		}
		texts = append(texts, text+")")
	}
	return strings.Join(texts, ", ")
}

// logTail returns the last lines of a log.
func logTail(path string, lines int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
