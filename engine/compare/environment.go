package compare

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// Same tells whether runs in two environments may be compared: all but the
// version of realspec is equal.
func Same(a, b event.Environment) bool {
	a.Realspec, b.Realspec = "", ""
	return a == b
}

// Differences are what two environments differ in, in words, that of a first.
func Differences(a, b event.Environment) []string {
	var all []string
	if a.Kubernetes != b.Kubernetes {
		all = append(all, fmt.Sprintf("Kubernetes %s and %s", orUnknown(a.Kubernetes), orUnknown(b.Kubernetes)))
	}
	if a.Nodes != b.Nodes {
		all = append(all, fmt.Sprintf("nodes %s and %s", orUnknown(a.Nodes), orUnknown(b.Nodes)))
	}
	if a.Simulated != b.Simulated {
		all = append(all, fmt.Sprintf("%s and %s nodes", reality(a), reality(b)))
	}
	switch {
	case a.Local && !b.Local:
		all = append(all, "a local cluster and another one")
	case b.Local && !a.Local:
		all = append(all, "a cluster that is not local and a local one")
	}
	return all
}

// Describe is an environment in a line: local, Kubernetes 1.37, 4 x (8 cpu, 32Gi),
// simulated.
func Describe(e event.Environment) string {
	return fmt.Sprintf("%s, Kubernetes %s, %s, %s", origin(e), orUnknown(e.Kubernetes), orUnknown(e.Nodes), reality(e))
}

// Key names the file of a baseline by its environment:
// local-1.37-4x8cpu-32Gi-simulated. Where that is too long for a file name, or has
// lost characters, a hash of the whole environment is behind it, so that different
// environments have different files.
func Key(e event.Environment) string {
	nodes := strings.NewReplacer(" x (", "x", "), ", "+", ") + ", "+", ")", "", "(", "", ", ", "-", " ", "").Replace(e.Nodes)
	key := strings.Join([]string{origin(e), orUnknown(e.Kubernetes), orUnknown(nodes), reality(e)}, "-")
	safe := strings.Map(inFileName, key)
	const longest = 80
	if safe == key && len(safe) <= longest {
		return safe
	}
	whole := strings.Join([]string{e.Kubernetes, e.Nodes, strconv.FormatBool(e.Simulated), strconv.FormatBool(e.Local)}, "\n")
	sum := sha256.Sum256([]byte(whole))
	return safe[:min(len(safe), longest)] + "-" + hex.EncodeToString(sum[:4])
}

func inFileName(r rune) rune {
	switch {
	case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune(".-+", r):
		return r
	}
	return '_'
}

func reality(e event.Environment) string {
	if e.Simulated {
		return "simulated"
	}
	return "real"
}

func origin(e event.Environment) string {
	if e.Local {
		return "local"
	}
	return "cluster"
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
