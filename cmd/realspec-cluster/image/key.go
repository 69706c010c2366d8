package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Key tells cheaply whether an image would be the same again: it changes with
// the size and the time of every file of this machine that is in it.
func Key(tree *Tree, config v1.Config) (string, error) {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(tree.entries)) {
		e := tree.entries[name]
		fmt.Fprintf(sum, "%q %d %o %d %q %q\n", name, e.header.Typeflag, e.header.Mode, e.header.Uid, e.header.Linkname, e.content)
		if e.from == "" {
			continue
		}
		info, err := os.Stat(e.from)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%q %d %d\n", e.from, info.Size(), info.ModTime().UnixNano())
	}
	if err := json.NewEncoder(sum).Encode(config); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
