package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// downCommand stops clusters and removes everything they left.
type downCommand struct {
	// No default in kong's sense: that would exclude --all.
	Name  string `help:"Name of the cluster (default: \"default\")." xor:"which"`
	All   bool   `help:"Stop all clusters." xor:"which"`
	State string `help:"Folder of all clusters (default: $$REALSPEC_STATE, or realspec/clusters in the XDG state folder)." placeholder:"DIR"`
}

// Run is called by kong.
func (c *downCommand) Run(io streams) error {
	root, err := findStateRoot(c.State, os.Getenv)
	if err != nil {
		return err
	}
	defer root.sweep()
	places := []folder{}
	if c.All {
		if places, err = root.folders(); err != nil {
			return err
		}
		if len(places) == 0 {
			fmt.Fprintf(io.out, "no clusters in %s, nothing to do\n", root)
		}
	} else {
		place, err := root.folder(cmp.Or(c.Name, "default"))
		if err != nil {
			return err
		}
		places = append(places, place)
	}
	var failures []error
	for _, place := range places {
		failures = append(failures, c.stop(place, io))
	}
	return errors.Join(failures...)
}

// stop removes one cluster under the lock of its name.
func (c *downCommand) stop(place folder, io streams) error {
	if _, err := os.Stat(string(place.root)); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(io.out, "cluster %q is not there, nothing to do\n", place.name)
		return nil
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	unlock, err := place.root.lockName(ctx, place.name, func() {
		fmt.Fprintf(io.err, "waiting for another realspec-cluster that works on %q\n", place.name)
	})
	if err != nil {
		return err
	}
	defer unlock()
	if !place.exists() {
		fmt.Fprintf(io.out, "cluster %q is not there, nothing to do\n", place.name)
		return nil
	}
	if err := place.destroy(); err != nil {
		return err
	}
	fmt.Fprintf(io.out, "cluster %q is gone\n", place.name)
	return nil
}

// patience is how long the end of a killed process may take. The kernel has
// to free some hundred MB; a loaded machine needs seconds at most.
const patience = 10 * time.Second

// destroy ends the server, if it lives, and removes every trace of the
// cluster. SIGKILL is right: nothing of a throw-away cluster is worth saving,
// and a graceful end of API server and etcd takes five seconds.
func (f folder) destroy() error {
	server, err := f.readServer()
	if f.serverAlive() {
		if err != nil {
			return fmt.Errorf("cluster %q: its process is alive but has left no record of its pid in %s; find who holds %s and end it", f.name, f.path("server.json"), f.serverLock())
		}
		if err := f.end(server.Process); err != nil {
			return fmt.Errorf("cluster %q: %w", f.name, err)
		}
	}
	return f.erase()
}

// end kills the server and waits until it has let go of its lock. The kernel
// shows a process as a zombie while some of its threads still end and hold
// its files. A zombie is as good as gone, but looks alive to simple checks,
// so give its parent a moment to reap it; not every init does.
func (f folder) end(server processID) error {
	if err := server.kill(patience); err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); f.serverAlive(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d is gone, yet %s is still locked; find who holds it and end that", server.PID, f.serverLock())
		}
	}
	for deadline := time.Now().Add(100 * time.Millisecond); syscall.Kill(server.PID, 0) == nil && time.Now().Before(deadline); {
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

// erase removes what is left of a cluster whose server has ended or is the
// caller: real nodes, exported kubeconfigs and the folder.
func (f folder) erase() error {
	record, err := f.readCluster()
	var failures []error
	if err == nil { // without a record nothing was made or exported
		if len(record.Real) > 0 {
			if err := realnode.Remove(realnode.ClusterAt(f.path())); err != nil {
				return err // the folder's name is what finds them again
			}
		}
		for _, path := range record.Kubeconfigs {
			failures = append(failures, f.withdrawExport(path))
		}
	}
	return errors.Join(append(failures, f.delete())...)
}
