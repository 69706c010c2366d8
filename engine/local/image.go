package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Agent is the name of the program that runs in realspec's agent pods.
const Agent = "realspec-agent"

// FindAgent looks for realspec-agent: where REALSPEC_AGENT says, beside the running
// program, then on PATH.
func FindAgent(getenv func(string) string, self string) (string, error) {
	if path := getenv("REALSPEC_AGENT"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("REALSPEC_AGENT names %s, and it is not there: unset it, or build it with make build", path)
		}
		return path, nil
	}
	beside := filepath.Join(filepath.Dir(self), Agent)
	if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
		return beside, nil
	}
	if path, err := exec.LookPath(Agent); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("what is measured on real nodes needs %s, and it is neither beside realspec (%s) nor on PATH: "+
		"build it with make build, or name an image of it with --agent-image", Agent, beside)
}

// AgentImage is what the image of a program is called on local clusters: the same
// program has the same name everywhere, and another one never.
func AgentImage(program string) (string, error) {
	file, err := os.Open(program)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", program, err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", program, err)
	}
	return "realspec.dev/agent:" + hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// GiveImage makes an image of a program and gives it to every real node of a
// cluster.
func (b Binary) GiveImage(ctx context.Context, cluster, program, as string) error {
	dir, err := os.MkdirTemp("", "realspec-image")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what stays is in the folder for such things
	archive := filepath.Join(dir, "image.tar")
	if _, err := b.call(ctx, nil, "pack-image", "--program", program, "--as", as, archive); err != nil {
		return err
	}
	// The archive says what it is called.
	_, err = b.call(ctx, nil, "load-image", "--name", cluster, archive)
	return err
}

// GiveImages gives every image of a folder that pack-images filled to every real node
// of a cluster that does not have it.
func (b Binary) GiveImages(ctx context.Context, cluster, dir string) error {
	_, err := b.call(ctx, nil, "load-images", dir, "--name", cluster)
	return err
}
