package cluster

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearest is the name that is spelt most like the given one, or empty when none
// is close enough to be what was meant.
func nearest(name string, names []string) string {
	best, limit := "", len(name)/3+1
	for _, candidate := range names {
		distance := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(candidate))
		if distance <= limit && (best == "" || distance < limit) {
			best, limit = candidate, distance
		}
	}
	return best
}
