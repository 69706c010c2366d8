package run

import (
	"context"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// undo brings disturbed nodes back to what they were, before the next scenario
// begins: it would otherwise meet them.
func (s *scenario) undo(ctx context.Context) {
	if s.world != nil {
		s.notUndone = s.world.Undo(ctx)
	}
}

// undone is the end of a cleanup with what could not be undone. That is an error,
// also where the rest was kept on purpose.
func (s *scenario) undone(end event.CleanupEnded) event.CleanupEnded {
	if len(s.notUndone) == 0 {
		return end
	}
	var why []string
	for _, err := range s.notUndone {
		why = append(why, err.Error())
	}
	if end.Message != "" {
		why = append(why, end.Message)
	}
	end.Kept, end.Message = false, strings.Join(why, "\n")
	return end
}
