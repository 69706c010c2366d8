package run

import (
	"strings"

	"github.com/realspec/realspec/engine/plan"
)

// notAllowed is what a scenario does that the command line must allow, and does
// not: it is skipped before anything is looked at or written.
func (s *scenario) notAllowed() error {
	given := map[string]bool{plan.FlagCommands: s.AllowCommands, plan.FlagDisruption: s.AllowDisruption}
	var missing []string
	for _, flag := range s.plan.Flags() {
		if !given[flag] {
			missing = append(missing, "needs "+flag)
		}
	}
	if missing == nil {
		return nil
	}
	return &notAllowedError{strings.Join(missing, "; ")}
}

// notAllowedError says which flags a scenario needs.
type notAllowedError struct{ needs string }

func (e *notAllowedError) Error() string { return e.needs }
