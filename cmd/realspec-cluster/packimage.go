package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/realspec/realspec/cmd/realspec-cluster/image"
)

// packImageCommand makes an image of a program, for load-image.
type packImageCommand struct {
	Out           string   `arg:"" help:"The OCI archive to write." type:"path" placeholder:"OUT.tar"`
	Program       string   `required:"" help:"The program; it is in /usr/local/bin of the image, under its own name." type:"path" placeholder:"FILE"`
	As            string   `required:"" help:"What the image is called." placeholder:"REF"`
	Entrypoint    []string `help:"What the image starts, one word each time (default: the program)." sep:"none" placeholder:"WORD"`
	Cmd           []string `help:"Arguments for it that a pod can replace, one each time." sep:"none" placeholder:"WORD"`
	WithLibraries bool     `help:"Pack also the libraries that the program needs, and programs among --file."`
	File          []string `help:"Pack a file or folder, too; may be repeated." sep:"none" placeholder:"SRC=DST"`
	Env           []string `help:"A variable of the environment; may be repeated." sep:"none" placeholder:"NAME=VALUE"`
	Workdir       string   `help:"Folder that the program starts in." placeholder:"DIR"`
	User          string   `default:"65532:65532" help:"Who the program runs as: an id, or an id of a user and one of a group." placeholder:"ID"`
}

// Run is called by kong. It prints the digest.
func (c *packImageCommand) Run(io streams) error {
	name, err := fullReference(c.As)
	if err != nil {
		return usageError("--as %s: %w", c.As, err)
	}
	packed, err := c.pack()
	if err != nil {
		return err
	}
	if err := writeArchive(c.Out, packed, name); err != nil {
		return err
	}
	_, err = fmt.Fprintln(io.out, packed.Digest())
	return err
}

// fullReference is the name under which a node knows an image.
func fullReference(text string) (string, error) {
	name, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return "", err
	}
	return reference.TagNameOnly(name).String(), nil
}

func (c *packImageCommand) pack() (*image.Image, error) {
	tree, err := image.NewRoot()
	if err != nil {
		return nil, err
	}
	program := "/usr/local/bin/" + filepath.Base(c.Program)
	libraries := image.NewLibraries(tree)
	if err := c.addProgram(tree, libraries, c.Program, program); err != nil {
		return nil, err
	}
	for _, pair := range c.File {
		source, destination, found := strings.Cut(pair, "=")
		if !found || !strings.HasPrefix(destination, "/") {
			return nil, usageError("--file %s: want SRC=DST with an absolute DST, such as site=/usr/share/site", pair)
		}
		if err := c.addFile(tree, libraries, source, destination); err != nil {
			return nil, usageError("--file %s: %w", pair, err)
		}
	}
	for _, pair := range c.Env {
		if name, _, found := strings.Cut(pair, "="); !found || name == "" {
			return nil, usageError("--env %s: want NAME=VALUE", pair)
		}
	}
	entrypoint := c.Entrypoint
	if len(entrypoint) == 0 {
		entrypoint = []string{program}
	}
	environment := append([]string{"PATH=" + image.Path}, libraries.Environment()...)
	return image.New(tree, v1.Config{Entrypoint: entrypoint, Cmd: c.Cmd, User: c.User, WorkingDir: c.Workdir,
		Env: append(environment, c.Env...)})
}

func (c *packImageCommand) addProgram(tree *image.Tree, libraries *image.Libraries, source, destination string) error {
	static, err := image.Static(source)
	switch {
	case err != nil:
		return usageError("--program: %w", err)
	case !static && !c.WithLibraries:
		return usageError("--program %s needs libraries; pack them with --with-libraries, or build it statically (for Go: CGO_ENABLED=0)", source)
	case !static:
		if err := libraries.Need(source); err != nil {
			return err
		}
	}
	return tree.Add(source, destination)
}

// addFile adds a file or folder; libraries only for what is named itself.
func (c *packImageCommand) addFile(tree *image.Tree, libraries *image.Libraries, source, destination string) error {
	if err := tree.Add(source, destination); err != nil {
		return err
	}
	if static, err := image.Static(source); err != nil || static || !c.WithLibraries {
		return nil // no program
	}
	return libraries.Need(source)
}

// writeArchive writes an image to a file, which is whole or not there.
func writeArchive(file string, packed *image.Image, name string) error {
	return replaceFile(file, func(w io.Writer) error { return packed.Write(w, name) })
}

// replaceFile writes a file beside the one that is there, and then puts it in
// its place.
func replaceFile(file string, write func(io.Writer) error) (err error) {
	out, err := os.CreateTemp(filepath.Dir(file), ".realspec-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = out.Close()
			_ = os.Remove(out.Name())
		}
	}()
	if err := write(out); err != nil {
		return err
	}
	if err := out.Chmod(0o644); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(out.Name(), file)
}
