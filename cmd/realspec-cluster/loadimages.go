package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/realspec/realspec/cmd/realspec-cluster/image"
	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// loadImagesCommand gives all images of a folder to the real nodes.
type loadImagesCommand struct {
	Folder string `arg:"" name:"dir" help:"The folder that pack-images filled." type:"path"`
	loadFlags
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
	nodes, loaded, err := onNodes(c.loadFlags, func(ctx context.Context, node realnode.Status) (int, error) {
		return c.load(ctx, list, node)
	})
	if err != nil {
		return err
	}
	for i, node := range nodes {
		fmt.Fprintf(io.out, "%s has %d images, %d of them new\n", node.Name, len(list), loaded[i])
	}
	return nil
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
	ended := command.Wait()
	switch {
	case sent != nil && !errors.Is(sent, syscall.EPIPE): // which the other end explains
		return 0, sent
	case ended != nil:
		return 0, fmt.Errorf("%w: %s", ended, said.String())
	}
	return len(files), sent
}
