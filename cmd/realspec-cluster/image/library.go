package image

import (
	"bufio"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Libraries adds what dynamic programs need to a tree: their interpreter and
// their libraries, and those of the libraries. Nothing is executed to find
// that out; the rules are those of ld.so(8), without LD_LIBRARY_PATH.
type Libraries struct {
	tree    *Tree
	system  []string // folders of the machine's libraries
	seen    map[string]bool
	strange []string // folders that an ld.so without a cache would not search
}

// NewLibraries returns the libraries of this machine, for programs in a tree.
func NewLibraries(tree *Tree) *Libraries {
	return &Libraries{tree: tree, seen: map[string]bool{}, system: slices.Concat(
		configuredFolders("/etc/ld.so.conf", 0), usualFolders())}
}

// usualFolders are those that every ld.so searches, Debian's with the name of
// the architecture.
func usualFolders() []string {
	multi, _ := filepath.Glob("/lib/*-linux-gnu*")
	more, _ := filepath.Glob("/usr/lib/*-linux-gnu*")
	return slices.Concat(multi, more, []string{"/lib64", "/usr/lib64", "/lib", "/usr/lib"})
}

// configuredFolders reads ld.so.conf, and what it includes.
func configuredFolders(file string, depth int) (folders []string) {
	content, err := os.Open(file)
	if err != nil || depth > 5 {
		return nil
	}
	defer func() { _ = content.Close() }()
	for lines := bufio.NewScanner(content); lines.Scan(); {
		line, _, _ := strings.Cut(strings.TrimSpace(lines.Text()), "#")
		if pattern, found := strings.CutPrefix(line, "include "); found {
			included, _ := filepath.Glob(strings.TrimSpace(pattern))
			for _, name := range included {
				folders = append(folders, configuredFolders(name, depth+1)...)
			}
		} else if filepath.IsAbs(line) {
			folders = append(folders, line)
		}
	}
	return folders
}

// Static tells whether a program needs nothing but a kernel.
func Static(program string) (bool, error) {
	file, err := elf.Open(program)
	if err != nil {
		return false, notProgram(program, err)
	}
	defer func() { _ = file.Close() }()
	needed, err := file.ImportedLibraries()
	return interpreter(file) == "" && len(needed) == 0, err
}

func notProgram(path string, err error) error {
	var format *elf.FormatError
	if errors.As(err, &format) {
		return fmt.Errorf("%s is not a program for Linux", path)
	}
	return err
}

// Need adds what one program or library of this machine needs.
func (l *Libraries) Need(program string) error {
	real, err := filepath.EvalSymlinks(program)
	if err != nil {
		return err
	}
	if l.seen[real] {
		return nil
	}
	l.seen[real] = true
	file, err := elf.Open(real)
	if err != nil {
		return notProgram(program, err)
	}
	defer func() { _ = file.Close() }()
	if loader := interpreter(file); loader != "" {
		if err := l.tree.Add(loader, loader); err != nil {
			return err
		}
	}
	needed, err := file.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	for _, name := range needed {
		if err := l.add(file, real, name); err != nil {
			return err
		}
	}
	return nil
}

// add adds one library under the name and in the folder where it was found.
func (l *Libraries) add(file *elf.File, of, name string) error {
	own := ownFolders(file, of)
	found := l.find(file, append(own, l.system...), name)
	if found == "" {
		return fmt.Errorf("%s needs %s, which this machine does not have", of, name)
	}
	if l.tree.Has(found) {
		return nil
	}
	if err := l.tree.Add(found, found); err != nil {
		return err
	}
	if folder := path.Dir(found); !slices.Contains(own, folder) && !slices.Contains(usualFolders(), folder) {
		l.strange = append(l.strange, folder)
	}
	if name == "libc.so.6" {
		if err := l.addQuiet(path.Dir(found)); err != nil {
			return err
		}
	}
	return l.Need(found)
}

// addQuiet adds what the C library opens by itself: to look up names before
// 2.34, and to end threads.
func (l *Libraries) addQuiet(folder string) error {
	for _, name := range []string{"libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2", "libgcc_s.so.1"} {
		file := path.Join(folder, name)
		if _, err := os.Stat(file); err != nil {
			continue
		}
		if err := errors.Join(l.tree.Add(file, file), l.Need(file)); err != nil {
			return err
		}
	}
	return nil
}

// find looks for a library of the same kind of machine.
func (l *Libraries) find(file *elf.File, folders []string, name string) string {
	for _, folder := range folders {
		candidate := path.Join(folder, name)
		other, err := elf.Open(candidate)
		if err != nil {
			continue
		}
		fits := other.Class == file.Class && other.Machine == file.Machine
		_ = other.Close()
		if fits {
			return candidate
		}
	}
	return ""
}

// Environment is what the programs need to be started with, to find libraries
// in unusual folders.
func (l *Libraries) Environment() []string {
	if len(l.strange) == 0 {
		return nil
	}
	slices.Sort(l.strange)
	return []string{"LD_LIBRARY_PATH=" + strings.Join(slices.Compact(l.strange), ":")}
}

// ownFolders are those that a program names itself.
func ownFolders(file *elf.File, of string) (folders []string) {
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		lists, _ := file.DynString(tag)
		for _, list := range lists {
			for _, folder := range strings.Split(list, ":") {
				folder = strings.NewReplacer("${ORIGIN}", path.Dir(of), "$ORIGIN", path.Dir(of)).Replace(folder)
				if folder != "" {
					folders = append(folders, path.Clean(folder))
				}
			}
		}
	}
	return folders
}

func interpreter(file *elf.File) string {
	for _, part := range file.Progs {
		if part.Type != elf.PT_INTERP {
			continue
		}
		name := make([]byte, part.Filesz)
		if _, err := part.ReadAt(name, 0); err == nil {
			return strings.TrimRight(string(name), "\x00")
		}
	}
	return ""
}
