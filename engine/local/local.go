// Package local finds and drives realspec-cluster, the program of the embedded
// local cluster. It knows its command line and nothing of its inside.
package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Program is the name of the program.
const Program = "realspec-cluster"

// Binary is a realspec-cluster that was found.
type Binary struct{ Path string }

// Cluster is a local cluster that runs.
type Cluster struct {
	Name       string `json:"name"`
	State      string `json:"state"`
	PID        int    `json:"pid"`
	Version    string `json:"version"`
	Nodes      int    `json:"nodes"`
	Server     string `json:"server"`
	Kubeconfig string `json:"kubeconfig"`
	Memory     int64  `json:"memoryBytes"`
}

// Find looks for realspec-cluster: where REALSPEC_CLUSTER says, beside the
// running program, then on PATH.
func Find(getenv func(string) string, self string) (Binary, error) {
	if path := getenv("REALSPEC_CLUSTER"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return Binary{}, fmt.Errorf("REALSPEC_CLUSTER names %s, and it is not there: unset it, or build it with make build", path)
		}
		return Binary{path}, nil
	}
	beside := filepath.Join(filepath.Dir(self), Program)
	if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
		return Binary{beside}, nil
	}
	if path, err := exec.LookPath(Program); err == nil {
		return Binary{path}, nil
	}
	return Binary{}, fmt.Errorf("the local cluster needs %s, and it is neither beside realspec (%s) nor on PATH: "+
		"build it with make build, or use --cluster current", Program, beside)
}

// Warm is the name of the cluster of a shape that is kept between runs.
func Warm(flags []string) string {
	sum := sha256.Sum256([]byte(strings.Join(flags, "\n")))
	return "warm-" + hex.EncodeToString(sum[:4])
}

// Running is the cluster of that name when it runs; nil when it does not.
func (b Binary) Running(ctx context.Context, name string) *Cluster {
	c, _ := b.find(ctx, name) // one that cannot be asked for is started, which says why it cannot
	return c
}

func (b Binary) find(ctx context.Context, name string) (*Cluster, error) {
	all, err := b.List(ctx)
	for _, c := range all {
		if c.Name == name && c.State == "running" {
			return &c, nil
		}
	}
	return nil, err
}

// List is every local cluster of this user.
func (b Binary) List(ctx context.Context) ([]Cluster, error) {
	out, err := b.call(ctx, nil, "status", "--output", "json")
	if err != nil {
		return nil, err
	}
	var all []Cluster
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, fmt.Errorf("%s status gave no list: %w", Program, err)
	}
	return all, nil
}

// Up starts the cluster, or finds it running. With an owner it ends itself when
// that process is gone. progress gets what the program says meanwhile.
func (b Binary) Up(ctx context.Context, name string, flags []string, owner int, progress func(string)) (*Cluster, error) {
	args := append([]string{"up", "--name", name}, flags...)
	if owner > 0 {
		args = append(args, "--owner", strconv.Itoa(owner))
	}
	if _, err := b.call(ctx, progress, args...); err != nil {
		return nil, err
	}
	if c, err := b.find(ctx, name); c != nil || err != nil {
		return c, err
	}
	return nil, fmt.Errorf("the local cluster %s came up and is gone again; see %s status", name, Program)
}

// Down ends the cluster and waits until nothing of it is left.
func (b Binary) Down(ctx context.Context, name string) error {
	_, err := b.call(ctx, nil, "down", "--name", name)
	return err
}

// call runs the program. When ctx ends it gets a SIGTERM first, so that it can
// take down what it has begun.
func (b Binary) call(ctx context.Context, progress func(string), args ...string) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, b.Path, args...)
	cmd.Stdout = &out
	cmd.Stderr = &lineWriter{each: func(line string) {
		errs.WriteString(line + "\n")
		if progress != nil {
			progress(line)
		}
	}}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	// A Ctrl-C at the terminal is for realspec to handle, and reaches the
	// program through the context.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%s %s: %w", Program, args[0], tail(errs.String(), err))
	}
	return out.Bytes(), nil
}

// tail is the end of what the program said; it says more than its exit code.
func tail(said string, err error) error {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if len(lines) > 10 {
		lines = lines[len(lines)-10:]
	}
	if text := strings.Join(lines, "\n"); text != "" {
		return errors.New(text)
	}
	return err
}

// lineWriter hands on whole lines.
type lineWriter struct {
	each func(string)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		w.each(strings.TrimRight(string(w.rest[:i]), "\r"))
		w.rest = w.rest[i+1:]
	}
}
