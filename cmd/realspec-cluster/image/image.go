// Package image makes OCI images of files of this machine, without a container
// engine, a registry or root. The same files give the same digest on every
// machine: nothing has a date, and nothing is compressed, since compressors
// differ between versions.
package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Path is where programs in an image are looked for.
const Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Image is an image of one layer.
type Image struct {
	tree     *Tree
	layer    v1.Descriptor
	config   []byte
	manifest []byte
}

// New returns the image of a tree. The files are read now, for the digest, and
// again by Write.
func New(tree *Tree, config v1.Config) (*Image, error) {
	i := &Image{tree: tree}
	var err error
	if i.layer, err = describeTree(tree); err != nil {
		return nil, err
	}
	if i.config, err = json.Marshal(v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH, Config: config,
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{i.layer.Digest}},
	}); err != nil {
		return nil, err
	}
	i.manifest, err = json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: describe(types.OCIConfigJSON, i.config), Layers: []v1.Descriptor{i.layer},
	})
	return i, err
}

// Digest is the digest of the image's manifest.
func (i *Image) Digest() v1.Hash { return describe(types.OCIManifestSchema1, i.manifest).Digest }

// Short is the beginning of the digest, for tags.
func (i *Image) Short() string { return i.Digest().Hex[:12] }

// Write writes the image as an OCI archive that containerd will list under name.
func (i *Image) Write(w io.Writer, name string) error {
	out := tar.NewWriter(w)
	manifest := describe(types.OCIManifestSchema1, i.manifest)
	// https://github.com/containerd/containerd/blob/main/core/images/annotations.go
	manifest.Annotations = map[string]string{NameAnnotation: name}
	if err := WriteIndex(out, []v1.Descriptor{manifest}); err != nil {
		return err
	}
	for _, blob := range [][]byte{i.manifest, i.config} {
		if err := writeFile(out, blobName(describe("", blob).Digest), blob); err != nil {
			return err
		}
	}
	if err := i.writeLayer(out); err != nil {
		return err
	}
	return out.Close()
}

// writeLayer writes the files, and makes sure that they are still what they were.
func (i *Image) writeLayer(out *tar.Writer) error {
	header := &tar.Header{Name: blobName(i.layer.Digest), Mode: 0o644, Size: i.layer.Size}
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	sum := sha256.New()
	if err := i.tree.Write(io.MultiWriter(out, sum)); err != nil {
		return err
	}
	if digestOf(sum) != i.layer.Digest {
		return fmt.Errorf("the files of the image have changed while it was written; pack it again")
	}
	return nil
}

// NameAnnotation tells containerd what an image in an archive is called.
const NameAnnotation = "io.containerd.image.name"

// WriteIndex begins an OCI archive of the given images.
func WriteIndex(out *tar.Writer, manifests []v1.Descriptor) error {
	if err := writeFile(out, "oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: manifests})
	if err != nil {
		return err
	}
	return writeFile(out, "index.json", index)
}

func writeFile(out *tar.Writer, name string, content []byte) error {
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := out.Write(content)
	return err
}

func blobName(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }

func describe(kind types.MediaType, content []byte) v1.Descriptor {
	digest, size, _ := v1.SHA256(bytes.NewReader(content)) // of memory: no error
	return v1.Descriptor{MediaType: kind, Size: size, Digest: digest}
}

func describeTree(tree *Tree) (v1.Descriptor, error) {
	sum, size := sha256.New(), new(counter)
	if err := tree.Write(io.MultiWriter(sum, size)); err != nil {
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{MediaType: types.OCIUncompressedLayer, Size: int64(*size), Digest: digestOf(sum)}, nil
}

func digestOf(sum hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}
}

// counter counts what is written to it.
type counter int64

// Write never fails.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
