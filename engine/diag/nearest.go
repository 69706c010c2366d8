package diag

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest is the known word that was most likely meant by word, or empty when
// none is near enough to guess.
func Nearest(word string, known []string) string {
	word = strings.ToLower(word)
	length := len([]rune(word))
	best, bestCost, bestShared := "", 0, 0
	for _, k := range slices.Sorted(slices.Values(known)) {
		cost, shared := distance(word, strings.ToLower(k)), sharedPrefix(word, strings.ToLower(k))
		near := cost <= (length+2)/3 && cost < length
		if near && (best == "" || cost < bestCost || cost == bestCost && shared > bestShared) {
			best, bestCost, bestShared = k, cost, shared
		}
	}
	return best
}

// DidYouMean is the help for an unknown word: the nearest known one, when there
// is one, and all that are known.
func DidYouMean(word string, known []string) string {
	list := "known here: " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
	if near := Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?  %s", near, list)
	}
	return list
}

// distance counts the edits between two words. Swapped letters count as one
// edit, not as two (fro, for), and so does a cut-off word (sel, selector).
func distance(a, b string) int {
	switch {
	case a == b:
		return 0
	case sameLetters(a, b):
		return 1
	case len(a) >= 3 && strings.HasPrefix(b, a), len(b) >= 3 && strings.HasPrefix(a, b):
		return 1
	}
	return levenshtein.ComputeDistance(a, b)
}

func sharedPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func sameLetters(a, b string) bool {
	x, y := []rune(a), []rune(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}
