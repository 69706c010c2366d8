package main

import (
	"os"
	"path/filepath"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/spec"
)

// imageFlags say what runs instead of images that a cluster cannot pull.
type imageFlags struct {
	ImageMap string `help:"Run other images than the manifests name: a YAML file such as map: {nginx: registry.example/web:1.22.1}. That of realspec-cluster pack-images also brings its images to clusters of realspec-cluster." placeholder:"FILE"`
}

// folder is where realspec-cluster pack-images put the images of the map; "" when
// the map is not one of its own.
func (f *imageFlags) folder() string {
	dir := filepath.Dir(f.ImageMap)
	if _, err := os.Stat(filepath.Join(dir, "packed.json")); f.ImageMap == "" || err != nil {
		return ""
	}
	return dir
}

// images reads the image map. What is wrong with it has been said, with source
// lines, when it returns an error.
func (f *imageFlags) images(a *app) (map[spec.Image]spec.Image, error) {
	if f.ImageMap == "" {
		return nil, nil
	}
	images, files, diags := load.Images(f.ImageMap)
	diag.Render(a.stderr, diags, func(path string) []byte { return files[path] }, a.color(a.stderr))
	if diags.HasErrors() {
		return nil, usage("the image map %s is not valid; nothing was run", f.ImageMap)
	}
	return images, nil
}
