// Package debian makes images of servers from the packages of a Debian
// machine, so that scenarios have a web server, databases and a monitoring
// stack where no registry can be reached. The images behave as those that are
// known under the names that they stand for: ports, folders, environment.
package debian

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/realspec/realspec/cmd/realspec-cluster/image"
)

// Recipe says how to make one image.
type Recipe struct {
	Name     string
	Packages []string // of Debian; the version is that of the first
	Stands   []string // what the image can stand for, in full
	build    func(*kit) v1.Config
}

// Parts are what is in images and is no part of Debian.
type Parts struct {
	Starter []byte // the first program of databases
	Agent   string // the file of realspec's agent; "" for none
}

// Tree returns the files and the settings of the image.
func (r Recipe) Tree(parts Parts) (*image.Tree, v1.Config, error) {
	tree, err := image.NewRoot()
	if err != nil {
		return nil, v1.Config{}, err
	}
	k := &kit{Tree: tree, libraries: image.NewLibraries(tree), parts: parts}
	config := r.build(k)
	config.Env = append(append([]string{"PATH=" + image.Path + k.path}, k.libraries.Environment()...), config.Env...)
	if k.err != nil {
		return nil, config, fmt.Errorf("image %s: %w", r.Name, k.err)
	}
	return tree, config, nil
}

// Versions returns the versions of the packages that this machine has, as
// Debian writes them.
func Versions(packages []string) (map[string]string, error) {
	out, err := exec.Command("dpkg-query", append([]string{"--show", "--showformat", `${db:Status-Status} ${Package} ${Version}\n`}, packages...)...).Output()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("images are packed from Debian's packages, and this machine has no dpkg-query")
	case err != nil && !errors.As(err, &exit): // it fails for every package that is not there
		return nil, err
	}
	versions := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "installed" {
			versions[fields[1]] = fields[2]
		}
	}
	return versions, nil
}

// Missing returns the packages that are not among the versions.
func Missing(recipes []Recipe, versions map[string]string) []string {
	var missing []string
	for _, r := range recipes {
		for _, name := range r.Packages {
			if versions[name] == "" {
				missing = append(missing, name)
			}
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// Upstream is the part of a Debian version that the program's authors chose:
// 5:7.0.15-1~deb12u10 is 7.0.15.
func Upstream(version string) string {
	if _, after, found := strings.Cut(version, ":"); found {
		version = after
	}
	if i := strings.LastIndex(version, "-"); i >= 0 {
		version = version[:i]
	}
	version, _, _ = strings.Cut(version, "+") // a + cannot be in a tag
	version, _, _ = strings.Cut(version, "~")
	return version
}

// kit is a tree that is being filled; the first error stays.
type kit struct {
	*image.Tree
	libraries *image.Libraries
	parts     Parts
	path      string // further folders of programs
	err       error
}

func (k *kit) try(err error) {
	if k.err == nil {
		k.err = err
	}
}

// program adds a program, or a library, and what it needs.
func (k *kit) program(from, to string) {
	k.try(k.Add(from, to))
	k.try(k.libraries.Need(from))
}

// programs adds programs under the names that they have.
func (k *kit) programs(names ...string) {
	for _, name := range names {
		k.program(name, name)
	}
}

// copies adds files and folders under the names that they have.
func (k *kit) copies(names ...string) {
	for _, name := range names {
		k.try(k.Add(name, name))
	}
}

// shell adds a shell and the usual small programs, for probes and for people.
func (k *kit) shell() {
	k.try(k.Add("/bin/busybox", "/bin/busybox"))
	for _, name := range applets {
		k.Link("/bin/"+name, "busybox")
	}
}

// applets are the programs of busybox that need no rights that a pod lacks.
var applets = strings.Fields(`[ ash awk base64 basename cat chmod chown cmp cp cut date dd df diff dirname du echo
	env expr false find free getopt grep gunzip gzip head hexdump hostname httpd id kill killall less ln ls md5sum
	mkdir mkfifo mktemp more mv nc netstat nproc nslookup od pidof ping ps pwd readlink realpath rm rmdir sed
	seq sh sha256sum shuf sleep sort stat strings stty sync tail tar tee test time timeout top touch tr true
	truncate tty uname uniq unzip uptime usleep vi wc wget which whoami xargs yes zcat`)
