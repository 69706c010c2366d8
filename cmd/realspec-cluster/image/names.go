package image

import (
	"archive/tar"
	"cmp"
	"encoding/json"
	"io"
	"path"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Names returns what containerd will call the images in an archive: as an OCI
// archive says it, or as a Docker archive does, in full.
func Names(archive string) ([]string, error) {
	var names []string
	err := eachFile(archive, func(header *tar.Header, content io.Reader) error {
		switch path.Clean(header.Name) {
		case "index.json":
			var index v1.IndexManifest
			if err := json.NewDecoder(content).Decode(&index); err != nil {
				return err
			}
			for _, m := range index.Manifests {
				if name := cmp.Or(m.Annotations[NameAnnotation], m.Annotations[refAnnotation]); name != "" {
					names = append(names, name)
				}
			}
		case "manifest.json":
			var images []struct{ RepoTags []string }
			if err := json.NewDecoder(content).Decode(&images); err != nil {
				return err
			}
			for _, i := range images {
				for _, tag := range i.RepoTags {
					if name, err := reference.ParseDockerRef(tag); err == nil {
						names = append(names, name.String())
					}
				}
			}
		}
		return nil
	})
	return names, err
}

// refAnnotation is where containerd looks for a name where its own is missing.
const refAnnotation = "org.opencontainers.image.ref.name"
