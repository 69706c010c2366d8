package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"github.com/realspec/realspec/cmd/realspec-cluster/image"
	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// loadImageCommand gives an image to the real nodes. They have no way to a
// registry, so this is the way to get an image onto them.
type loadImageCommand struct {
	File string `arg:"" help:"An OCI or Docker archive, as 'docker save', 'skopeo copy' and 'ko build --tarball' write it." type:"path"`
	As   string `help:"Call the image this, too." placeholder:"REF"`
	loadFlags
}

// Run is called by kong.
func (c *loadImageCommand) Run(io streams) error {
	if _, err := os.Stat(c.File); err != nil {
		return usageError("%w", err)
	}
	arguments := []string{"import"}
	if c.As != "" {
		name, err := fullReference(c.As)
		if err != nil {
			return usageError("--as %s: %w", c.As, err)
		}
		// The archive's index gets the name. One that its image has already would pass
		// on to the image, and containerd would collect the index as garbage while
		// it unpacks it. An archive that cannot be read, a compressed one say, is
		// for containerd to judge.
		if names, _ := image.Names(c.File); !slices.Contains(names, name) {
			arguments = append(arguments, "--index-name", name)
		}
	}
	arguments = append(arguments, c.File)
	nodes, said, err := onNodes(c.loadFlags, func(ctx context.Context, node realnode.Status) (string, error) {
		out, err := nodeImages(ctx, node, arguments...).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
		return string(out), nil
	})
	if err != nil {
		return err
	}
	for _, match := range unpacked.FindAllStringSubmatch(said[0], -1) {
		fmt.Fprintf(io.out, "%s is on %d nodes\n", match[1], len(nodes))
	}
	return nil
}

// unpacked is how ctr says what an image is called:
// unpacking docker.io/library/echo:1 (sha256:…)...done
var unpacked = regexp.MustCompile(`(?m)^unpacking (\S+) `)

// loadFlags say to which cluster's nodes images are given.
type loadFlags struct {
	Name  string `default:"default" help:"Name of the cluster."`
	State string `help:"Folder of all clusters (default: $$REALSPEC_STATE, or realspec/clusters in the XDG state folder)." placeholder:"DIR"`
}

// onNodes does something on every real node of a cluster, all of which must run,
// and returns what came of it; on as many at a time as there are processors, since
// a node does little else meanwhile. It changes the working directory.
func onNodes[T any](c loadFlags, do func(context.Context, realnode.Status) (T, error)) ([]realnode.Status, []T, error) {
	orders, err := connectOrders(c.State, c.Name)
	if err != nil {
		return nil, nil, err
	}
	nodes, err := orders.nodes()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	results, failures := make([]T, len(nodes)), make([]error, len(nodes))
	turn := make(chan struct{}, runtime.NumCPU())
	var all sync.WaitGroup
	for i, node := range nodes {
		if node.State != realnode.StateRunning {
			failures[i] = fmt.Errorf("%s is %s; its images are as they were", node.Name, node.State)
			continue
		}
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			if results[i], failures[i] = do(ctx, node); failures[i] != nil {
				failures[i] = fmt.Errorf("%s: %w", node.Name, failures[i])
			}
		})
	}
	all.Wait()
	return nodes, results, errors.Join(failures...)
}

// nodeImages is containerd's own program for the images of a node.
func nodeImages(ctx context.Context, node realnode.Status, arguments ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ctr", append([]string{"--address", node.ContainerdSocket(), "--namespace", "k8s.io", "images"}, arguments...)...)
}
