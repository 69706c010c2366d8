package manual

import (
	"slices"
	"strings"
)

// Word is a word and what it means.
type Word struct{ Word, Means string }

// Outcomes are how a step, a scenario or a run ends, from best to worst.
func Outcomes() []Word {
	return []Word{
		{"passed", "Everything held."},
		{"flaky", "It passed, but only when it was tried again."},
		{"skipped", "It was not run, or a check was not made; the reason says why."},
		{"inconclusive", "There is too little evidence: too few samples, an error of measuring that is too large, a load that was not delivered."},
		{"error", "It could not be told: the scenario, the cluster or the run itself went wrong."},
		{"failed", "The system under test is wrong: a check, a wait or a threshold did not hold."},
	}
}

// Exits are the exit codes of realspec, from the first that applies to the last.
func Exits() []Word {
	return []Word{
		{"130", "The run was interrupted, and has cleaned up."},
		{"2", "A scenario, a flag or the kubeconfig is not valid."},
		{"1", "A check or threshold failed."},
		{"3", "The cluster or the run itself failed."},
		{"5", "Inconclusive: too little evidence."},
		{"4", "With --strict: a requirement was not met. Without it: nothing ran."},
		{"0", "Passed."},
	}
}

// reasons are why an outcome is what it is, in the order of what they mean.
func (m *Manual) reasons() []Word {
	var out []Word
	for key, text := range m.docs {
		if word, ok := strings.CutPrefix(key, "Reason."); ok {
			out = append(out, Word{word, text})
		}
	}
	slices.SortFunc(out, func(a, b Word) int { return strings.Compare(a.Means+a.Word, b.Means+b.Word) })
	return out
}
