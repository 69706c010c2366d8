package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"

	"github.com/distribution/reference"

	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// loadImageCommand gives an image to the real nodes. They have no way to a
// registry, so this is the way to get an image onto them.
type loadImageCommand struct {
	File  string `arg:"" help:"An OCI or Docker archive, as 'docker save', 'skopeo copy' and 'ko build --tarball' write it." type:"path"`
	As    string `help:"Call the image this, too." placeholder:"REF"`
	Name  string `default:"default" help:"Name of the cluster."`
	State string `help:"Folder of all clusters (default: $$REALSPEC_STATE, or realspec/clusters in the XDG state folder)." placeholder:"DIR"`
}

// Run is called by kong.
func (c *loadImageCommand) Run(io streams) error {
	arguments := []string{"--namespace", "k8s.io", "images", "import"}
	if c.As != "" {
		name, err := reference.ParseNormalizedNamed(c.As)
		if err != nil {
			return usageError("--as %s: %w", c.As, err)
		}
		arguments = append(arguments, "--index-name", reference.TagNameOnly(name).String())
	}
	file, err := filepath.Abs(c.File)
	if err != nil {
		return err
	}
	if _, err := os.Stat(file); err != nil {
		return usageError("%w", err)
	}
	orders, err := connectOrders(c.State, c.Name)
	if err != nil {
		return err
	}
	nodes, err := orders.nodes()
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	return c.loadAll(ctx, io, nodes, append(arguments, file))
}

// loadAll loads the image into every node, all at once.
func (c *loadImageCommand) loadAll(ctx context.Context, io streams, nodes []realnode.Status, arguments []string) error {
	said := make([]string, len(nodes))
	failures := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, node := range nodes {
		if node.State != realnode.StateRunning {
			failures[i] = fmt.Errorf("%s is %s; its images are as they were", node.Name, node.State)
			continue
		}
		all.Go(func() {
			command := exec.CommandContext(ctx, "ctr", append([]string{"--address", node.ContainerdSocket()}, arguments...)...)
			out, err := command.CombinedOutput()
			if said[i] = string(out); err != nil {
				failures[i] = fmt.Errorf("%s: %w: %s", node.Name, err, out)
			}
		})
	}
	all.Wait()
	if err := errors.Join(failures...); err != nil {
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
