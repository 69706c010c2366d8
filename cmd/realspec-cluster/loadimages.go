package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/realspec/realspec/cmd/realspec-cluster/image"
	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// loadImagesCommand gives all images of a folder to the real nodes.
type loadImagesCommand struct {
	Folder string `arg:"" name:"dir" help:"The folder that pack-images filled." type:"path"`
	Name   string `default:"default" help:"Name of the cluster."`
	State  string `help:"Folder of all clusters (default: $$REALSPEC_STATE, or realspec/clusters in the XDG state folder)." placeholder:"DIR"`
}

// Run is called by kong.
func (c *loadImagesCommand) Run(io streams) error {
	list, err := readPacked(c.Folder)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return usageError("%s has no images; fill it with: realspec-cluster pack-images %s", c.Folder, c.Folder)
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
	loaded, err := c.loadAll(ctx, list, nodes)
	if err != nil {
		return err
	}
	for i, node := range nodes {
		fmt.Fprintf(io.out, "%s has %d images, %d of them new\n", node.Name, len(list), loaded[i])
	}
	return nil
}

// loadAll loads what they lack into all nodes; as many at a time as there are
// processors, since a node does little else meanwhile.
func (c *loadImagesCommand) loadAll(ctx context.Context, list packedList, nodes []realnode.Status) ([]int, error) {
	loaded, failures := make([]int, len(nodes)), make([]error, len(nodes))
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
			if loaded[i], failures[i] = c.load(ctx, list, node); failures[i] != nil {
				failures[i] = fmt.Errorf("%s: %w", node.Name, failures[i])
			}
		})
	}
	all.Wait()
	return loaded, errors.Join(failures...)
}

// load gives a node, all at once, the images that it does not have. The name
// of an image has its digest in it.
func (c *loadImagesCommand) load(ctx context.Context, list packedList, node realnode.Status) (int, error) {
	out, err := nodeImages(ctx, node, "list", "--quiet").Output()
	if err != nil {
		return 0, fmt.Errorf("its images: %w", err)
	}
	there := strings.Fields(string(out))
	var files []string
	for _, p := range list {
		if !slices.Contains(there, p.Reference) {
			files = append(files, filepath.Join(c.Folder, p.File))
		}
	}
	if len(files) == 0 {
		return 0, nil
	}
	command := nodeImages(ctx, node, "import", "-")
	archive, err := command.StdinPipe()
	if err != nil {
		return 0, err
	}
	var said strings.Builder
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		return 0, err
	}
	sent := errors.Join(image.Merge(archive, files), archive.Close())
	if err := command.Wait(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, said.String())
	}
	return len(files), sent
}

func nodeImages(ctx context.Context, node realnode.Status, arguments ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ctr", append([]string{"--address", node.ContainerdSocket(), "--namespace", "k8s.io", "images"}, arguments...)...)
}
