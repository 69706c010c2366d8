package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	. "github.com/onsi/gomega"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// list is what is in a tree: mode, owner, name, and content or target.
func list(t *testing.T, tree *Tree) (lines []string) {
	t.Helper()
	var out bytes.Buffer
	must(t, tree.Write(&out))
	for reader := tar.NewReader(&out); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return lines
		}
		must(t, err)
		content, err := io.ReadAll(reader)
		must(t, err)
		if !header.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s has the date %s", header.Name, header.ModTime)
		}
		lines = append(lines, fmt.Sprintf("%o %d %s %s%s", header.Mode, header.Uid, header.Name, header.Linkname, content))
	}
}

// sources makes a folder with files and links of every kind.
func sources(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	must(t, os.WriteFile(folder+"/outside", []byte("out"), 0o600))
	must(t, os.MkdirAll(folder+"/site/deep", 0o700))
	must(t, os.WriteFile(folder+"/site/page", []byte("hello"), 0o600))
	must(t, os.WriteFile(folder+"/site/deep/run", []byte("go"), 0o700))
	must(t, os.Symlink("page", folder+"/site/near"))
	must(t, os.Symlink("../outside", folder+"/site/far"))
	return folder
}

func TestTree(t *testing.T) {
	g := NewWithT(t)
	folder := sources(t)
	tree := NewTree()
	tree.Folder("/tmp", 0o1777, 7)
	tree.Content("/etc/a", 0o600, []byte("x"))
	tree.Link("/etc/b", "a")
	must(t, tree.Add(folder+"/site", "/srv/www"))
	g.Expect(list(t, tree)).To(Equal([]string{
		"755 0 etc/ ", "600 0 etc/a x", "777 0 etc/b a",
		"755 0 srv/ ", "755 0 srv/www/ ", "755 0 srv/www/deep/ ", "755 0 srv/www/deep/run go",
		"644 0 srv/www/far out", "777 0 srv/www/near page", "644 0 srv/www/page hello",
		"1777 7 tmp/ ",
	}))
	g.Expect(tree.Sources()).To(HaveLen(3))
	g.Expect(tree.Add(folder+"/none", "/x")).To(MatchError(os.ErrNotExist))
	g.Expect(tree.Add("/dev/null", "/x")).To(MatchError(ContainSubstring("neither a file nor a folder")))
}

func TestRoot(t *testing.T) {
	g := NewWithT(t)
	tree, err := NewRoot()
	must(t, err)
	tree.Account("nginx", 101, "/none")
	all := strings.Join(list(t, tree), "\n")
	g.Expect(all).To(ContainSubstring("1777 0 tmp/"))
	g.Expect(all).To(ContainSubstring("nonroot:x:65532:65532:"))
	g.Expect(all).To(ContainSubstring("nginx:x:101:101:nginx:/none:"))
}

// The same files with other dates, in another place, are the same image.
func TestReproducible(t *testing.T) {
	g := NewWithT(t)
	var digests, archives []string
	for i := range 2 {
		folder := sources(t)
		must(t, os.Chtimes(folder+"/site/page", time.Now(), time.Unix(int64(i), 0)))
		tree := NewTree()
		must(t, tree.Add(folder, "/"))
		made, err := New(tree, v1.Config{Entrypoint: []string{"/run"}})
		must(t, err)
		var archive bytes.Buffer
		must(t, made.Write(&archive, "example.com/a:1"))
		digests, archives = append(digests, made.Digest().String()), append(archives, archive.String())
	}
	g.Expect(digests[0]).To(Equal(digests[1]))
	g.Expect(archives[0] == archives[1]).To(BeTrue())

	other := NewTree()
	must(t, other.Add(sources(t), "/"))
	made, err := New(other, v1.Config{Entrypoint: []string{"/other"}})
	must(t, err)
	g.Expect(made.Digest().String()).NotTo(Equal(digests[0]))
}

// Files that change between the digest and the archive are noticed.
func TestChangedMeanwhile(t *testing.T) {
	g := NewWithT(t)
	folder := sources(t)
	tree := NewTree()
	must(t, tree.Add(folder+"/site", "/"))
	made, err := New(tree, v1.Config{})
	must(t, err)
	must(t, os.WriteFile(folder+"/site/page", []byte("HELLO"), 0o600))
	g.Expect(made.Write(io.Discard, "a")).To(MatchError(ContainSubstring("changed")))
	must(t, os.WriteFile(folder+"/site/page", []byte("longer than it was"), 0o600))
	g.Expect(made.Write(io.Discard, "a")).NotTo(Succeed())
}

func TestKey(t *testing.T) {
	g := NewWithT(t)
	folder := sources(t)
	key := func(config v1.Config) string {
		tree := NewTree()
		must(t, tree.Add(folder, "/"))
		key, err := Key(tree, config)
		must(t, err)
		return key
	}
	first := key(v1.Config{})
	g.Expect(key(v1.Config{})).To(Equal(first))
	g.Expect(key(v1.Config{User: "1"})).NotTo(Equal(first))
	must(t, os.Chtimes(folder+"/site/page", time.Now(), time.Unix(5, 0)))
	g.Expect(key(v1.Config{})).NotTo(Equal(first))
}

func TestMerge(t *testing.T) {
	g := NewWithT(t)
	folder := t.TempDir()
	var files []string
	for i, text := range []string{"same", "same", "other"} {
		tree := NewTree()
		tree.Content("/file", 0o644, []byte(text))
		made, err := New(tree, v1.Config{})
		must(t, err)
		file := filepath.Join(folder, fmt.Sprint(i))
		out, err := os.Create(file)
		must(t, err)
		must(t, made.Write(out, fmt.Sprintf("example.com/%d:1", i)))
		must(t, out.Close())
		files = append(files, file)
	}
	var all bytes.Buffer
	must(t, Merge(&all, files))
	names, index := map[string]int{}, v1.IndexManifest{}
	for reader := tar.NewReader(&all); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		if names[header.Name]++; header.Name == "index.json" {
			must(t, json.NewDecoder(reader).Decode(&index))
		}
	}
	g.Expect(index.Manifests).To(HaveLen(3))
	g.Expect(index.Manifests[2].Annotations).To(Equal(map[string]string{NameAnnotation: "example.com/2:1"}))
	g.Expect(names).To(HaveLen(2+6), "two images are the same, and have three blobs each")
	for name, count := range names {
		g.Expect(count).To(Equal(1), name)
	}
	g.Expect(Merge(io.Discard, []string{folder + "/none"})).To(MatchError(os.ErrNotExist))
}

func TestNames(t *testing.T) {
	g := NewWithT(t)
	archive := func(name, content string) string {
		file := filepath.Join(t.TempDir(), "a.tar")
		out, err := os.Create(file)
		must(t, err)
		w := tar.NewWriter(out)
		must(t, writeFile(w, "other", []byte("{}")))
		must(t, writeFile(w, name, []byte(content)))
		must(t, w.Close())
		must(t, out.Close())
		return file
	}
	g.Expect(Names(archive("./index.json", `{"manifests": [{"annotations": {"`+NameAnnotation+`": "example.com/a:1", "`+refAnnotation+`": "1"}},
		{"annotations": {"`+refAnnotation+`": "example.com/b:1"}}, {}]}`))).To(Equal([]string{"example.com/a:1", "example.com/b:1"}))
	g.Expect(Names(archive("manifest.json", `[{"RepoTags": ["a:1", "example.com/b"]}, {"RepoTags": null}]`))).
		To(Equal([]string{"docker.io/library/a:1", "example.com/b:latest"}))
	_, err := Names("image_test.go")
	g.Expect(err).To(HaveOccurred())
}

// A program and its libraries run with nothing else around them.
func TestLibraries(t *testing.T) {
	g := NewWithT(t)
	program, err := exec.LookPath("ls")
	if err != nil {
		t.Skip("this machine has no ls")
	}
	static, err := Static(program)
	must(t, err)
	if static {
		t.Skip("this machine's ls needs no libraries")
	}
	tree := NewTree()
	libraries := NewLibraries(tree)
	must(t, libraries.Need(program))
	must(t, tree.Add(program, "/ls"))
	g.Expect(tree.Has("/lib64/ld-linux-x86-64.so.2") || len(tree.Sources()) > 2).To(BeTrue())
	if os.Getuid() == 0 {
		root := t.TempDir()
		unpack(t, tree, root)
		out, err := exec.Command("chroot", root, "/ls", "/").CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), string(out))
		g.Expect(string(out)).To(ContainSubstring("ls\n"))
	}
	_, err = Static("image_test.go")
	g.Expect(err).To(MatchError("image_test.go is not a program for Linux"))
	_, err = Static("none")
	g.Expect(err).To(MatchError(os.ErrNotExist))
}

func unpack(t *testing.T, tree *Tree, root string) {
	t.Helper()
	var out bytes.Buffer
	must(t, tree.Write(&out))
	for reader := tar.NewReader(&out); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		must(t, err)
		name := filepath.Join(root, header.Name)
		switch header.Typeflag {
		case tar.TypeDir:
			must(t, os.MkdirAll(name, 0o755))
		case tar.TypeReg:
			content, err := io.ReadAll(reader)
			must(t, err)
			must(t, os.WriteFile(name, content, os.FileMode(header.Mode)))
		}
	}
}
