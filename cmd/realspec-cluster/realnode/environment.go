package realnode

import (
	"os"
	"slices"
	"strings"
)

// OwnEnvironment returns the variables that mean something to this program.
func OwnEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool { return !strings.HasPrefix(entry, "REALSPEC_") })
}
