package realnode

import (
	"archive/tar"
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// NewImage returns an image that holds the given programs, and the empty
// directories that hardly a program can do without. The same programs give the
// same digest: nothing is compressed, and nothing has a date.
func NewImage(programs map[string][]byte, entrypoint ...string) (v1.Image, error) {
	var content bytes.Buffer
	writer := tar.NewWriter(&content)
	for _, directory := range []string{"tmp/", "run/", "etc/"} {
		if err := writer.WriteHeader(&tar.Header{Name: directory, Typeflag: tar.TypeDir, Mode: 0o1777}); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		if err := writer.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(programs[name]))}); err != nil {
			return nil, err
		}
		if _, err := writer.Write(programs[name]); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH,
		Config: v1.Config{Entrypoint: entrypoint},
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(image, static.NewLayer(content.Bytes(), types.OCIUncompressedLayer))
}

// Archive returns an image as an OCI archive, which containerd will list
// under name.
func Archive(name string, image v1.Image) ([]byte, error) {
	folder, err := os.MkdirTemp("", "realspec-image-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path, err := layout.Write(filepath.Join(folder, "image"), empty.Index)
	if err != nil {
		return nil, err
	}
	// https://github.com/containerd/containerd/blob/main/core/images/annotations.go
	if err := path.AppendImage(image, layout.WithAnnotations(map[string]string{"io.containerd.image.name": name})); err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	if err := writer.AddFS(os.DirFS(string(path))); err != nil {
		return nil, err
	}
	err = writer.Close()
	return archive.Bytes(), err
}
