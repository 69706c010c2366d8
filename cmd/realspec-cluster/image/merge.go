package image

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Merge writes the images of several archives that Write wrote as one archive,
// so that a container runtime is given all of them at once.
func Merge(w io.Writer, files []string) error {
	var manifests []v1.Descriptor
	for _, file := range files {
		if err := eachFile(file, func(header *tar.Header, content io.Reader) error {
			if header.Name != "index.json" {
				return nil
			}
			var index v1.IndexManifest
			if err := json.NewDecoder(content).Decode(&index); err != nil {
				return err
			}
			manifests = append(manifests, index.Manifests...)
			return errFound
		}); err != nil {
			return err
		}
	}
	out := tar.NewWriter(w)
	if err := WriteIndex(out, manifests); err != nil {
		return err
	}
	var written []string // images can have a blob in common
	for _, file := range files {
		if err := eachFile(file, func(header *tar.Header, content io.Reader) error {
			if !strings.HasPrefix(header.Name, "blobs/") || slices.Contains(written, header.Name) {
				return nil
			}
			written = append(written, header.Name)
			if err := out.WriteHeader(header); err != nil {
				return err
			}
			_, err := io.Copy(out, content)
			return err
		}); err != nil {
			return err
		}
	}
	return out.Close()
}

// errFound ends the reading of an archive early.
var errFound = errors.New("found")

func eachFile(archive string, do func(*tar.Header, io.Reader) error) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	for reader := tar.NewReader(file); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = do(header, reader)
		}
		if errors.Is(err, errFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
	}
}
