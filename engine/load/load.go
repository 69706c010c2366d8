// Package load reads scenario folders.
package load

import (
	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// Loaded is a scenario as it stands in its folder.
type Loaded struct {
	Dir   string            // as given, cleaned; Pos.File of everything begins with it
	Name  string            // metadata.name, or the folder's base name when that is unreadable
	Spec  *spec.Scenario    // never nil
	Steps []*spec.Step      // in execution order, defaults for Name, ID and Number filled in
	Files map[string][]byte // content of every file read, by the path used in positions
}

// Scenario reads the scenario in folder dir.
func Scenario(dir string) (*Loaded, diag.List) { return &Loaded{Dir: dir, Spec: &spec.Scenario{}}, nil }

// Find turns the arguments of the command line into scenario folders.
func Find(args []string) ([]string, diag.List) { return args, nil }
