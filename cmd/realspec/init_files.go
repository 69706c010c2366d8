package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/realspec/realspec/schemas"
)

// writing makes files and folders, and can take back all that it made.
type writing struct {
	made  []string // in order; folders before what is in them
	files []string // those that were made
	kept  []kept
}

// kept is a file that was there already.
type kept struct {
	path, content string
	show          bool // show what would have been written
}

// file makes a file, and the folders that it needs.
func (w *writing) file(path, content string) error {
	if err := w.folder(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return cannotWrite(path, err)
	}
	w.made, w.files = append(w.made, path), append(w.files, path)
	_, err = f.WriteString(content)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

// missing makes a file unless there is one.
func (w *writing) missing(path, content string, show bool) error {
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // a file in the way is reported by folder
		return w.file(path, content)
	case err != nil:
		return cannotWrite(path, err)
	case string(old) != content:
		w.kept = append(w.kept, kept{path, content, show})
	}
	return nil
}

// folder makes a folder and those above it.
func (w *writing) folder(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return usage("%s is a file, and a folder is needed there", shownPath(path))
	}
	if parent := filepath.Dir(path); parent != path {
		if err := w.folder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		return cannotWrite(path, err)
	}
	w.made = append(w.made, path)
	return nil
}

// undo takes back what was made. A folder that somebody has put something into
// meanwhile stays.
func (w *writing) undo() {
	for _, path := range slices.Backward(w.made) {
		_ = os.Remove(path) // what cannot be removed is the user's to see
	}
}

func cannotWrite(path string, err error) error {
	var in *fs.PathError
	if errors.As(err, &in) {
		err = in.Err
	}
	return usage("%s cannot be written: %v", shownPath(path), err)
}

// shownPath is a path as people type it here.
func shownPath(path string) string {
	cwd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(cwd, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// schemaFiles are the schemas by their names.
func schemaFiles() map[string][]byte {
	return map[string][]byte{"scenario.schema.json": schemas.Scenario, "step.schema.json": schemas.Step}
}

// schemasFolder is where modelines lead to: the repository's own folder schemas
// when it has these schemas (realspec's has), otherwise copies under .realspec,
// made to be committed: an editor then needs neither realspec nor a network.
func schemasFolder(root string) string {
	own := filepath.Join(root, "schemas")
	for name, content := range schemaFiles() {
		if found, err := os.ReadFile(filepath.Join(own, name)); err != nil || !bytes.Equal(found, content) {
			return filepath.Join(root, ".realspec", "schemas")
		}
	}
	return own
}

// writeEditor writes the schemas, and settings by which VS Code knows a
// scenario.yaml without a modeline too. A step file says itself what it is: it
// may hold plain Kubernetes objects, which the step schema would refuse.
func writeEditor(w *writing, p place) error {
	for _, name := range []string{"scenario.schema.json", "step.schema.json"} {
		if err := w.missing(filepath.Join(p.schemas, name), string(schemaFiles()[name]), false); err != nil {
			return err
		}
	}
	folder, err := filepath.Rel(p.root, p.schemas)
	if err != nil {
		return err
	}
	settings := strings.ReplaceAll(editorSettings, "SCHEMAS", filepath.ToSlash(folder))
	return w.missing(filepath.Join(p.root, ".vscode", "settings.json"), settings, false)
}

const editorSettings = `{
  "yaml.schemas": {
    "./SCHEMAS/scenario.schema.json": ["scenario.yaml"]
  },
  "[yaml]": {
    "editor.insertSpaces": true,
    "editor.tabSize": 2,
    "editor.quickSuggestions": {"other": true, "comments": false, "strings": true}
  }
}
`
