package image

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Tree is the files of an image. What is added under a name replaces what had
// it. Names are absolute, and folders above them come into being by themselves.
type Tree struct {
	entries map[string]entry
}

// entry is one name in a tree: what its header says, and where its bytes are.
type entry struct {
	header  tar.Header
	from    string // a file of this machine; or
	content []byte
}

// NewTree returns a tree without anything in it.
func NewTree() *Tree { return &Tree{entries: map[string]entry{}} }

// NewRoot returns a tree with what hardly a program can do without: accounts
// (root, nobody, and nonroot with the id 65532), a /tmp that everyone may write
// to, how names are looked up, and the certificates that this machine trusts.
func NewRoot() (*Tree, error) {
	t := NewTree()
	t.Folder("/tmp", 0o1777, 0)
	t.Folder("/run", 0o755, 0)
	t.Link("/var/run", "/run")
	t.Content("/etc/passwd", 0o644, []byte("root:x:0:0:root:/:/bin/sh\n"+
		"nobody:x:65534:65534:nobody:/:/bin/false\nnonroot:x:65532:65532:nonroot:/tmp:/bin/false\n"))
	t.Content("/etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n"))
	t.Content("/etc/nsswitch.conf", 0o644, []byte("hosts: files dns\n"))
	const trusted = "/etc/ssl/certs/ca-certificates.crt"
	if _, err := os.Stat(trusted); err == nil {
		return t, t.Add(trusted, trusted)
	}
	return t, nil
}

// Account adds a user and its group.
func (t *Tree) Account(name string, id int, home string) {
	t.more("/etc/passwd", fmt.Sprintf("%s:x:%d:%d:%s:%s:/bin/sh\n", name, id, id, name, home))
	t.more("/etc/group", fmt.Sprintf("%s:x:%d:\n", name, id))
}

func (t *Tree) more(name, text string) {
	t.Content(name, 0o644, append(slices.Clone(t.entries[name].content), text...))
}

// Folder adds an empty folder that belongs to a user id.
func (t *Tree) Folder(name string, mode int64, owner int) {
	t.put(name, entry{header: tar.Header{Typeflag: tar.TypeDir, Mode: mode, Uid: owner, Gid: owner}})
}

// Content adds a file with the given bytes.
func (t *Tree) Content(name string, mode int64, content []byte) {
	t.put(name, entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(content))}, content: content})
}

// Link adds a symbolic link.
func (t *Tree) Link(name, target string) {
	t.put(name, entry{header: tar.Header{Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: target}})
}

// Add adds a file of this machine, or a folder with all that is in it. Links
// that stay within the folder are kept, and others replaced by what they lead
// to. Everything belongs to root, and can be read and, where its owner can
// execute it, executed by everyone.
func (t *Tree) Add(from, name string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	switch {
	case info.Mode().IsRegular():
		mode := int64(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		t.put(name, entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: mode, Size: info.Size()}, from: from})
		return nil
	case !info.IsDir():
		return fmt.Errorf("%s is neither a file nor a folder", from)
	}
	t.Folder(name, 0o755, 0)
	list, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, item := range list {
		if err := t.addItem(from, name, item); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) addItem(folder, name string, item fs.DirEntry) error {
	from, to := filepath.Join(folder, item.Name()), path.Join(name, item.Name())
	if item.Type()&fs.ModeSymlink == 0 {
		return t.Add(from, to)
	}
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	if filepath.IsLocal(target) {
		t.Link(to, target)
		return nil
	}
	return t.Add(from, to)
}

func (t *Tree) put(name string, e entry) {
	name = path.Clean("/" + name)
	e.header.Name = name
	t.entries[name] = e
}

// Has tells whether something has the name.
func (t *Tree) Has(name string) bool {
	_, there := t.entries[name]
	return there
}

// Sources are the files of this machine that are in the tree, sorted.
func (t *Tree) Sources() []string {
	var sources []string
	for _, e := range t.entries {
		if e.from != "" {
			sources = append(sources, e.from)
		}
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}

// Write writes the tree as a tar archive: sorted, so folders come before what
// is in them, and without dates.
func (t *Tree) Write(w io.Writer) error {
	out := tar.NewWriter(w)
	all := maps.Clone(t.entries)
	for name := range t.entries {
		for folder := path.Dir(name); folder != "/"; folder = path.Dir(folder) {
			if _, there := all[folder]; !there {
				all[folder] = entry{header: tar.Header{Name: folder, Typeflag: tar.TypeDir, Mode: 0o755}}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := all[name].write(out); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return out.Close()
}

func (e entry) write(out *tar.Writer) error {
	header := e.header
	header.Name = strings.TrimPrefix(header.Name, "/")
	if header.Typeflag == tar.TypeDir {
		header.Name += "/"
	}
	if err := out.WriteHeader(&header); err != nil {
		return err
	}
	if e.from == "" {
		_, err := out.Write(e.content)
		return err
	}
	file, err := os.Open(e.from)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = io.Copy(out, file) // a file that has grown since is refused by the writer
	return err
}
