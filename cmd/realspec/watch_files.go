package main

import (
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// savedFiles tells which files are saved, in all folders that scenarios are read
// from.
type savedFiles struct {
	paths   chan string // closed when nothing more can be told
	watcher *fsnotify.Watcher
	done    chan struct{}
}

func watchFolders() (*savedFiles, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	s := &savedFiles{paths: make(chan string), watcher: watcher, done: make(chan struct{})}
	go s.tell()
	return s, nil
}

// Close ends the telling.
func (s *savedFiles) Close() {
	close(s.done)
	_ = s.watcher.Close() // there is nothing to lose
}

// tell hands on the paths of files that were written, made, renamed or removed.
func (s *savedFiles) tell() {
	defer close(s.paths)
	for {
		path := ""
		select {
		case e, open := <-s.watcher.Events:
			if !open {
				return
			}
			path = filepath.Clean(e.Name)
			if e.Op == fsnotify.Chmod || isScratch(path) {
				continue
			}
		case _, open := <-s.watcher.Errors: // events were lost: everything is looked at
			if !open {
				return
			}
		}
		select {
		case s.paths <- path:
		case <-s.done:
			return
		}
	}
}

// isScratch tells whether a file is an editor's own.
func isScratch(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || name == "4913" // vim's test of a folder
}

// follow watches the folders below the paths, the folder above each of them, so
// that one which is replaced is found again, and those of the files. A folder
// that is watched already, or is not there, is no error.
func (s *savedFiles) follow(paths []string, files map[string][]byte) {
	for _, path := range paths {
		_ = s.watcher.Add(filepath.Dir(filepath.Clean(path)))
		_ = filepath.WalkDir(filepath.Clean(path), func(at string, e fs.DirEntry, err error) error {
			switch {
			case err != nil || !e.IsDir():
				return nil
			case strings.HasPrefix(e.Name(), ".") && at != filepath.Clean(path):
				return filepath.SkipDir
			}
			_ = s.watcher.Add(at)
			return nil
		})
	}
	for path := range files {
		_ = s.watcher.Add(filepath.Dir(path))
	}
}
