package run

import (
	"context"
	"fmt"
	"strings"
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
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.CleanupTimeout)
	defer cancel()
	if s.Keep == KeepAlways || s.Keep == KeepOnFailure && outcome != event.Passed {
		s.keep(ctx)
		return
	}
	end := event.CleanupEnded{Scenario: s.plan.Key}
	all, err := s.leftovers(ctx)
	left := all
	if err == nil {
		left, err = s.cluster.Client.Remove(ctx, all, nil)
	}
	var why []string
	for _, l := range left {
		end.Left = append(end.Left, l.String())
		if l.Why != "" {
			why = append(why, l.String()+": "+l.Why)
		}
	}
	if err != nil {
		why = append(why, err.Error())
	}
	end.Message = strings.Join(why, "\n")
	end.Seconds = time.Since(start).Seconds()
	s.Sink.Emit(s.undone(end))
}

// keep leaves what the scenario made. Its agents go: they are no part of it.
func (s *scenario) keep(ctx context.Context) {
	end := event.CleanupEnded{Scenario: s.plan.Key, Kept: true,
		Message: fmt.Sprintf("kept: namespace %s; realspec sweep removes it", s.namespace)}
	if s.world != nil {
		s.world.Repetitions(ctx)
		if err := s.world.Agents.Close(ctx); err != nil {
			end.Message += "\n" + err.Error()
		}
	}
	s.Sink.Emit(s.undone(end))
}

// leftovers are the namespace and what must go besides, the oldest first.
func (s *scenario) leftovers(ctx context.Context) ([]cluster.Leftover, error) {
	var all []cluster.Leftover
	if s.namespaceUID == "" {
		got, err := s.cluster.Client.Get(ctx, cluster.Namespaces, "", s.namespace)
		switch {
		case cluster.IsNotFound(err):
			return nil, nil // it was never made, and nothing else was begun
		case err != nil:
			return []cluster.Leftover{s.namespaceLeftover()}, err
		case got.GetLabels()[cluster.LabelRun] != s.RunID:
			return nil, nil // it is somebody else's, and that is why ours was not made
		}
		s.namespaceUID = got.GetUID()
	}
	all = append(all, s.namespaceLeftover())
	if s.world != nil {
		s.world.Repetitions(ctx)
		all = append(all, s.world.ToRemove()...)
		agents, err := s.world.Agents.Leftovers(ctx)
		return append(all, agents...), err
	}
	return all, nil
}

func (s *scenario) namespaceLeftover() cluster.Leftover {
	return cluster.Leftover{Resource: cluster.Namespaces, Name: s.namespace, UID: s.namespaceUID, Run: s.RunID}
}
