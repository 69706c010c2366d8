package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/step"
)

// scenario is the run of one scenario. One goroutine owns it.
type scenario struct {
	*Runner
	plan      *plan.Scenario
	cluster   *Cluster
	namespace string
	created   bool // the namespace may exist
	// namespaceUID is empty when the answer to its creation was lost.
	namespaceUID types.UID
	world        *step.World
	notUndone    []error // nodes that are not what they were
}

// run runs the scenario and starts its cleanup, which goes on beside the next
// scenario. It answers Passed only when nothing went wrong.
func (s *scenario) run(ctx, cleanup context.Context) event.Outcome {
	end, outcome := s.steps(ctx)
	s.Sink.Emit(end)
	cleanup = cluster.Within(cleanup, s.plan.Key, "cleanup")
	s.undo(cleanup)
	s.cleanups.Go(func() {
		defer s.Clusters.Release(s.plan)
		s.cleanUp(cleanup, outcome)
	})
	if len(s.notUndone) > 0 && outcome == event.Passed {
		return event.Errored // the next scenario would meet the nodes as they are
	}
	return outcome
}

// steps does everything up to the last step.
func (s *scenario) steps(ctx context.Context) (event.ScenarioEnded, event.Outcome) {
	end := event.ScenarioEnded{Scenario: s.plan.Key}
	if err := s.prepare(ctx); err != nil {
		var unmet *unmetError
		var notAllowed *notAllowedError
		var refused *refusedError
		var missing *missingError
		end.Outcome, end.Reason, end.Message = event.Errored, event.ReasonCluster, err.Error()
		switch {
		case ctx.Err() != nil:
			end.Reason = event.ReasonInterrupted
		case errors.As(err, &refused):
			end.Reason = event.ReasonInvalid
		case errors.As(err, &unmet), errors.As(err, &notAllowed), errors.As(err, &missing):
			end.Outcome, end.Reason = event.Skipped, event.ReasonRequirement
		}
		return end, end.Outcome
	}
	s.Sink.Emit(event.ScenarioStarted{Scenario: s.plan.Key, Namespace: s.namespace})
	timed, cancel := context.WithTimeoutCause(ctx, s.plan.Timeout,
		fmt.Errorf("%w (%s)", step.ErrScenarioTimeout, s.plan.Timeout))
	defer cancel()
	if err := s.begin(timed); err != nil {
		if s.world != nil {
			s.world.End()
		}
		end.Outcome, end.Reason, end.Message = event.Errored, event.ReasonCluster, err.Error()
		if ctx.Err() != nil {
			end.Reason = event.ReasonInterrupted
		}
		return end, event.Errored
	}
	defer s.world.End()
	return end, s.stepsInOrder(ctx, timed)
}

// unmetError are requirements that the cluster does not meet.
type unmetError struct{ unmet []plan.Unmet }

func (e *unmetError) Error() string {
	var lines []string
	for _, u := range e.unmet {
		lines = append(lines, u.String())
	}
	return strings.Join(lines, "; ")
}

// prepare finds the cluster and checks it, without writing anything to it.
func (s *scenario) prepare(ctx context.Context) error {
	err := s.notAllowed()
	if err != nil {
		return err
	}
	if s.cluster, err = s.Clusters.For(ctx, s.plan); err != nil {
		return err
	}
	s.Sink.Emit(event.ClusterReady{Scenario: s.plan.Key, Cluster: s.cluster.About})
	if err := s.guard(); err != nil {
		return err
	}
	s.namespace = s.plan.Name + "-" + s.RunID
	if s.plan.Repetition > 0 {
		s.namespace += fmt.Sprintf("-%d", s.plan.Repetition)
	}
	if err := s.permitted(ctx); err != nil {
		return err
	}
	unmet, err := s.plan.Unmet(s.cluster.Facts)
	if err != nil {
		return err
	}
	if len(unmet) > 0 {
		return &unmetError{unmet}
	}
	return nil
}

// begin makes the namespace and starts watching it.
func (s *scenario) begin(ctx context.Context) error {
	s.created = true // also when the answer is lost, there is something to remove
	made, err := s.cluster.Client.CreateNamespace(ctx, s.namespace, map[string]string{
		cluster.LabelRun: s.RunID, cluster.LabelScenario: s.plan.Name,
	})
	if err != nil {
		return fmt.Errorf("the namespace of the scenario could not be made: %w", err)
	}
	s.namespaceUID = made.GetUID()
	// The watches outlive the scenario's time, for steps marked `always`.
	s.world = &step.World{
		Setting: step.Setting{
			Client: s.cluster.Client, Facts: s.cluster.Facts, RunID: s.RunID, Notice: s.notice,
			Environment: s.cluster.About.Environment, NoBaselines: s.NoBaselines, AgentImage: s.cluster.AgentImage,
			Images: s.Images, Nodes: s.cluster.Nodes, Getenv: s.Getenv,
		},
		Watches: s.cluster.Client.NewWatches(context.WithoutCancel(ctx)), Plan: s.plan, Namespace: s.namespace,
	}
	return s.world.Begin(ctx)
}

// stepsInOrder runs the steps. After one that did not pass only those go on
// that are marked `always`, and they get their time also when the scenario's is
// over. What was recorded until then is kept: measures that only read it are
// still taken and judged, also when the run was interrupted.
func (s *scenario) stepsInOrder(ctx, timed context.Context) event.Outcome {
	outcome, halted := event.Passed, false
	var late context.Context
	for _, st := range s.plan.Steps {
		if ctx.Err() != nil {
			outcome = event.Errored
		}
		if ctx.Err() != nil || halted && !st.Always {
			if late == nil {
				var cancel context.CancelFunc
				late, cancel = context.WithTimeout(context.WithoutCancel(ctx), salvageTime)
				defer cancel()
			}
			s.salvage(late, st)
			continue
		}
		in := timed
		if st.Always {
			in = ctx
		}
		got := s.step(in, st)
		if got != event.Passed && got != event.Skipped {
			outcome = got
			halted = halted || !st.ContinueOnFailure
		}
	}
	return outcome
}

// salvageTime is how long taking the measures of a run that has failed may take,
// those of all its steps together: cleaning up comes after it.
const salvageTime = 5 * time.Second

// salvage takes the measures of a step that will not run from what was recorded.
// Where nothing was, the step stays skipped.
func (s *scenario) salvage(ctx context.Context, st *plan.Step) {
	start := time.Now()
	result, ok := s.world.Salvage(ctx, st)
	if !ok {
		return
	}
	result.Number, result.Seconds = 1, time.Since(start).Seconds()
	s.Sink.Emit(event.StepStarted{Scenario: s.plan.Key, Step: st.ID})
	s.Sink.Emit(event.StepEnded{
		Scenario: s.plan.Key, Step: st.ID, Attempt: result.Attempt, Measures: result.Measures,
	})
}

// step runs one step with its retries.
func (s *scenario) step(ctx context.Context, st *plan.Step) event.Outcome {
	s.Sink.Emit(event.StepStarted{Scenario: s.plan.Key, Step: st.ID})
	s.world.Progress = func(text string) {
		s.Sink.Emit(event.StepProgress{Scenario: s.plan.Key, Step: st.ID, Text: text})
	}
	if st.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, st.Timeout, fmt.Errorf("%w (%s)", step.ErrStepTimeout, st.Timeout))
		defer cancel()
	}
	var result step.Result
	for number := 1; ; number++ {
		result = s.attempt(ctx, st, number)
		good := result.Outcome == event.Passed || result.Outcome == event.Skipped
		if good || number > st.Retries {
			break
		}
		if !rest(ctx, pauseAfter(number)) {
			if cause := context.Cause(ctx); errors.Is(cause, step.ErrInterrupted) {
				result.Interrupted(cause) // another attempt might have passed
			}
			break
		}
		s.Sink.Emit(event.AttemptEnded{Scenario: s.plan.Key, Step: st.ID, Attempt: result.Attempt})
	}
	s.Sink.Emit(event.StepEnded{
		Scenario: s.plan.Key, Step: st.ID, Attempt: result.Attempt, Measures: result.Measures,
	})
	return result.Outcome
}

// rest waits until the next attempt. It is false when the step's time is over
// before: an attempt without time would stand for the one that had some.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// pauseAfter is the time between an attempt and the next one: 100 ms, doubled
// each time, at most 5 s.
func pauseAfter(attempt int) time.Duration {
	return min(100*time.Millisecond<<(attempt-1), 5*time.Second)
}

// attempt is one try of a step. A fault of realspec itself ends the step, not
// the run: what the scenario made must still be cleaned up.
func (s *scenario) attempt(ctx context.Context, st *plan.Step, number int) (result step.Result) {
	start := time.Now()
	defer func() {
		if broken := recover(); broken != nil {
			result = step.Result{Attempt: event.Attempt{
				Outcome: event.Errored, Reason: event.ReasonCrashed,
				Message: fmt.Sprintf("realspec itself failed in this step (%v); please report it", broken),
			}}
		}
		result.Number, result.Seconds = number, time.Since(start).Seconds()
	}()
	return s.world.RunStep(ctx, st)
}
