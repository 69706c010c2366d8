package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"
)

// stateRoot is the folder that holds one sub-folder per cluster.
type stateRoot string

// findStateRoot picks the state folder: the flag, then $REALSPEC_STATE, then
// the XDG state folder. getenv is handed in so that tests need no real ones.
func findStateRoot(flag string, getenv func(string) string) (stateRoot, error) {
	choice := flag
	if choice == "" {
		choice = getenv("REALSPEC_STATE")
	}
	if choice == "" {
		if xdg := getenv("XDG_STATE_HOME"); xdg != "" {
			choice = filepath.Join(xdg, "realspec", "clusters")
		} else if home := getenv("HOME"); home != "" {
			choice = filepath.Join(home, ".local", "state", "realspec", "clusters")
		}
	}
	if choice == "" {
		return "", usageError("no place for state: HOME is not set; give --state DIR or set REALSPEC_STATE")
	}
	absolute, err := filepath.Abs(choice)
	if err != nil {
		return "", fmt.Errorf("state folder %q: %w", choice, err)
	}
	return stateRoot(absolute), nil
}

// clusterName is what a cluster may be called: it becomes a folder, and part
// of the names in the kubeconfig.
var clusterName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$`)

// folder returns the place of one cluster. It does not have to exist.
func (r stateRoot) folder(name string) (folder, error) {
	if !clusterName.MatchString(name) {
		return folder{}, usageError("cluster name %q: use at most 40 lower-case letters, digits and dashes, starting and ending with a letter or digit", name)
	}
	return folder{root: r, name: name}, nil
}

// folders returns all clusters that have left a trace, sorted by name.
func (r stateRoot) folders() ([]folder, error) {
	entries, err := os.ReadDir(string(r))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	var found []folder
	for _, entry := range entries {
		if entry.IsDir() && clusterName.MatchString(entry.Name()) {
			found = append(found, folder{root: r, name: entry.Name()})
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].name < found[j].name })
	return found, nil
}

// sweep removes what a killed removal left: folders that have been renamed
// away and not yet deleted (see folder.delete).
func (r stateRoot) sweep() {
	entries, err := os.ReadDir(string(r))
	if err != nil {
		return
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), removedPrefix) {
			_ = os.RemoveAll(filepath.Join(string(r), entry.Name()))
		}
	}
}

// removedPrefix marks a folder that is being deleted. It starts with a dot so
// that it can never be the name of a cluster.
const removedPrefix = ".removed-"

// folder is the place of one cluster: everything it needs and writes is in
// here, so that removing it removes the cluster's every trace.
type folder struct {
	root stateRoot
	name string
}

func (f folder) path(elements ...string) string {
	return filepath.Join(append([]string{string(f.root), f.name}, elements...)...)
}

func (f folder) kubeconfig() string { return f.path("kubeconfig") }
func (f folder) log() string        { return f.path("server.log") }
func (f folder) auditLog() string   { return f.path("audit.log") }
func (f folder) serverLock() string { return f.path("server.lock") }

func (f folder) exists() bool {
	info, err := os.Stat(f.path())
	return err == nil && info.IsDir()
}

func (f folder) create() error {
	if err := os.MkdirAll(string(f.root), 0o700); err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	if err := os.Mkdir(f.path(), 0o700); err != nil {
		return fmt.Errorf("state folder of cluster %q: %w", f.name, err)
	}
	return nil
}

// delete removes the folder. It is renamed first: a name is free from one
// moment to the next, and a new cluster of the same name can be made while
// the old files are still being deleted.
func (f folder) delete() error {
	away := filepath.Join(string(f.root), fmt.Sprintf("%s%s-%d-%d", removedPrefix, f.name, os.Getpid(), time.Now().UnixNano()))
	if err := os.Rename(f.path(), away); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("removing cluster %q: %w", f.name, err)
	}
	// etcd may write while a server removes its own folder; its files are then
	// new in a folder that was just found to be empty, so try again.
	var err error
	for range 10 {
		if err = os.RemoveAll(away); err == nil {
			return nil
		}
	}
	return fmt.Errorf("removing cluster %q: %w", f.name, err)
}

// clusterRecord is what 'up' asked for. Written by 'up' only, under the lock
// of the name.
type clusterRecord struct {
	Name        string     `json:"name"`
	Shape       []Pool     `json:"shape"`
	Real        []Pool     `json:"real,omitempty"`
	Owner       *processID `json:"owner,omitempty"`
	Kubeconfigs []string   `json:"kubeconfigs,omitempty"`
	Verbose     bool       `json:"verbose,omitempty"`
	Audit       bool       `json:"audit,omitempty"`
}

// serverRecord is what the server says about itself. Written by the server
// only: once when it begins (so that it can be found), once when it is ready.
type serverRecord struct {
	Process processID `json:"process"`
	Started time.Time `json:"started"`
	Ready   bool      `json:"ready"`
	Version string    `json:"version,omitempty"`
	Server  string    `json:"server,omitempty"`
}

func (f folder) writeCluster(record clusterRecord) error { return f.writeJSON("cluster.json", record) }
func (f folder) writeServer(record serverRecord) error   { return f.writeJSON("server.json", record) }

func (f folder) readCluster() (record clusterRecord, err error) {
	err = f.readJSON("cluster.json", &record)
	return record, err
}

func (f folder) readServer() (record serverRecord, err error) {
	err = f.readJSON("server.json", &record)
	return record, err
}

// writeJSON replaces a file in one step, so that readers never see half of it.
func (f folder) writeJSON(name string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", f.path(name), err)
	}
	return writeFile(f.path(name), append(content, '\n'))
}

func (f folder) readJSON(name string, into any) error {
	content, err := os.ReadFile(f.path(name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s: %w", f.path(name), err)
	}
	return nil
}

// writeFile replaces a private file (0600) in one step.
func writeFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}
