package run

import (
	"context"
	"fmt"
	"time"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
)

// cleanUp removes all that the scenario made, waits until it is gone, and says
// what is left. It has a budget of its own, which no cancellation of the
// scenario can eat.
func (s *scenario) cleanUp(ctx context.Context, outcome event.Outcome) {
	if !s.created {
		return
	}
	if s.Keep == KeepAlways || s.Keep == KeepOnFailure && outcome != event.Passed {
		s.Sink.Emit(event.CleanupEnded{Scenario: s.plan.Dir, Kept: true,
			Message: fmt.Sprintf("kept: namespace %s; realspec sweep removes it", s.namespace)})
		return
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.CleanupTimeout)
	defer cancel()
	end := event.CleanupEnded{Scenario: s.plan.Dir}
	left, err := s.cluster.Client.Remove(ctx, s.leftovers(), func(string) {})
	for _, l := range left {
		end.Left = append(end.Left, l.String())
	}
	if err != nil {
		end.Message = err.Error()
		if len(left) == 0 {
			for _, l := range s.leftovers() {
				end.Left = append(end.Left, l.String())
			}
		}
	}
	end.Seconds = time.Since(start).Seconds()
	s.Sink.Emit(end)
}

// leftovers are the namespace and what was made outside it, the oldest first.
func (s *scenario) leftovers() []cluster.Leftover {
	all := []cluster.Leftover{{
		Resource: cluster.Namespaces, Name: s.namespace, Run: s.RunID,
	}}
	if s.world != nil {
		all = append(all, s.world.Outside()...)
	}
	return all
}
