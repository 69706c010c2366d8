//go:build unix

package load

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
)

// TestSpecialFiles refuses what is no file, without waiting for it.
func TestSpecialFiles(t *testing.T) {
	g := NewWithT(t)
	dir := write(t, map[string]string{
		"00-apply.yaml": "apply:\n  files: [pipe.yaml, loop.yaml, large.yaml, null.yaml, secret.yaml, linked, m, n]\n",
		"m/a.yaml":      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
		"n/.x":          "", "02-folder.yaml/.x": "", "secret.yaml": "a: b\n",
	})
	mkfifo(t, filepath.Join(dir, "pipe.yaml"))
	mkfifo(t, filepath.Join(dir, "01-pipe.yaml"))
	for link, to := range map[string]string{
		"loop.yaml": "loop.yaml", "null.yaml": os.DevNull, "linked": "m", "m/again": ".", "n/back": "../..", "03-loop.yaml": "03-loop.yaml",
	} {
		g.Expect(os.Symlink(to, filepath.Join(dir, link))).To(Succeed())
	}
	g.Expect(os.Truncate(touch(t, dir, "large.yaml"), maxSize+1)).To(Succeed())
	g.Expect(os.Chmod(filepath.Join(dir, "secret.yaml"), 0)).To(Succeed())

	got := render(Scenario(dir, nil))
	for _, want := range []string{
		"error: pipe.yaml is a pipe, expected a file",
		"error: n/back holds the scenario itself",
		"error: 01-pipe.yaml is a pipe, expected a file",
		"error: 02-folder.yaml is a folder, expected a file",
		"error: 03-loop.yaml is a symbolic link that leads back to itself",
		"error: loop.yaml is a symbolic link that leads back to itself",
		"error: large.yaml is larger than 10 MB",
		"error: null.yaml is a device, expected a file",
	} {
		g.Expect(got).To(ContainSubstring(want))
	}
	if os.Geteuid() != 0 {
		g.Expect(got).To(ContainSubstring("secret.yaml cannot be read: permission denied"))
	}
}

func mkfifo(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}
